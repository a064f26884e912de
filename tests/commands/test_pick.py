"""`quakeline pick` and `quakeline evaluate`, through the real program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from gpus import without_gpu
from recordings import UNTERHACHING, picker_weights
from workfolder import WorkFolder

import quakeline
from quakeline.commands.options import thresholds
from quakeline.core.errors import ConfigError
from quakeline.core.schemas import PICKS
from quakeline.inference.annotator import Annotator
from quakeline.io.products import provenance, tables
from quakeline.models.sections import Builtin
from quakeline.workflow.stages import annotate
from quakeline.workflow.stages import weights as weights_stage

__all__ = ["picker_weights"]

FILES = [str(path) for path in UNTERHACHING]


def refused(done: subprocess.CompletedProcess[str], words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert words in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_files_to_picks(tmp_path: Path, picker_weights: Path) -> None:
    place = WorkFolder(tmp_path)
    options = ["--weights", str(picker_weights), "--threshold", "P=0.5,S=0.4"]
    for name in ("picks.parquet", "new/picks.csv"):
        done = place.quakeline("pick", *FILES, *options, "--output", name, "--threads", "1")
        assert done.returncode == 0, done.stderr
        for words in ("4 stations", " P, ", "reading and preparing", "real time", name):
            assert words in done.stdout
        assert "no component N, E: zeros for the network" in done.stderr
    expected = quakeline.pick(FILES, weights=picker_weights, thresholds={"P": 0.5, "S": 0.4})
    expected.attrs = {}
    found = tables.read(tmp_path / "picks.parquet", PICKS)
    pd.testing.assert_frame_equal(found, expected, check_exact=True)
    record = provenance.read(tmp_path / "picks.parquet")
    assert record["config"]["thresholds"] == {"P": 0.5, "S": 0.4}
    assert len(record["inputs"]) == len(FILES)
    csv = pd.read_csv(tmp_path / "new/picks.csv", keep_default_na=False)
    assert csv["pick_id"].tolist() == found["pick_id"].tolist()
    assert (pd.to_datetime(csv["time"]) == found["time"]).all()


def test_windows_filter_and_decimals_are_options(tmp_path: Path) -> None:
    """What each changes: the step all probabilities, the filter too, the batch none of them."""
    place, record = WorkFolder(tmp_path), tmp_path / "local.mseed"
    obspy.read().write(str(record), format="MSEED")
    weights = tmp_path / "network.safetensors"
    weights_stage.run(Builtin(model="eqtransformer-original"), weights=weights)
    common = ["pick", str(record), "--weights", str(weights), "--threads", "1"]
    said = {
        "plain": [],
        "batch": ["--batch", "2"],
        "hop": ["--hop-samples", "700"],
        "raw": ["--no-filter"],
        "short": ["--digits", "2"],
    }
    found_ = {}
    for name, options in said.items():
        done = place.quakeline(*common, *options, "-o", f"{name}.csv")
        assert done.returncode == 0, done.stderr
        found_[name] = pd.read_csv(tmp_path / f"{name}.csv", dtype={"probability": str})
    plain = found_["plain"]["probability"]
    assert found_["batch"]["probability"].tolist() == plain.tolist()
    for name in ("hop", "raw"):
        assert found_[name]["probability"].tolist() != plain.tolist()
    assert found_["short"]["probability"].tolist() == [f"{float(one):.2f}" for one in plain]
    by_api = quakeline.pick(record, weights=weights, hop_samples=700, filtered=False)
    both = [*common, "--hop-samples", "700", "--no-filter", "-o", "both.parquet"]
    assert place.quakeline(*both).returncode == 0
    found = tables.read(tmp_path / "both.parquet", PICKS)
    assert found["probability"].tolist() == by_api["probability"].tolist()
    config = provenance.read(tmp_path / "both.parquet")["config"]
    assert (config["hop_samples"], config["filtered"]) == (700, False)


def test_options_of_windows_that_cannot_be(tmp_path: Path, picker_weights: Path) -> None:
    place, record = WorkFolder(tmp_path), tmp_path / "local.mseed"
    obspy.read().write(str(record), format="MSEED")
    common = ["pick", str(record), "--weights", str(picker_weights)]
    refused(place.quakeline(*common, "-o", "p.csv", "--hop-samples", "9999"), "9999 given")
    refused(place.quakeline(*common, "-o", "p.csv", "--hop-samples", "0"), "0")
    refused(place.quakeline(*common, "-o", "p.parquet", "--digits", "3"), "--digits")
    assert not (tmp_path / "p.csv").exists()
    with pytest.raises(ConfigError, match="hop_samples: 0 given"):
        quakeline.pick(record, weights=picker_weights, hop_samples=0)


def test_picking_loads_no_library_that_it_does_not_need(
    tmp_path: Path, picker_weights: Path
) -> None:
    """Each of them would take from a quarter of a second to a second, also of a short record."""
    record = tmp_path / "local.mseed"
    obspy.read().write(str(record), format="MSEED")
    words = ["quakeline", "pick", record, "--weights", picker_weights, "-o", tmp_path / "picks.csv"]
    program = f"""
import sys
from quakeline import cli
sys.argv = {list(map(str, words))}
try:
    cli.main()
finally:
    print(*sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert len(pd.read_csv(tmp_path / "picks.csv")) == 2, done.stderr
    loaded = set(done.stdout.splitlines()[-1].split())
    assert {"openvino", "pandas"} <= loaded
    idle = {"torch", "scipy.signal", "scipy.stats", "zarr", "matplotlib", "xarray", "dask", "numba"}
    assert not idle & loaded
    assert not {"openvino.tools.ovc", "openvino_telemetry", "rich.progress"} & loaded
    assert not [name for name in loaded if name.startswith("quakeline.workflow.")]


@pytest.mark.slow
@pytest.mark.parametrize("model", ["eqtransformer-conservative", "seismo-performer-v2"])
def test_a_run_with_nothing_but_a_model_gives_the_same_picks(
    workdir: WorkFolder, shared: Path, model: str
) -> None:
    """No setting of a run comes from the network of the demo."""
    folder = str(shared / "weights/seismo_performer")
    weights = {"model": model} | ({"path": folder} if "performer" in model else {})
    overlay = workdir.demo_overlay(json.dumps({"run": "other", "weights": weights}))
    done = workdir.snakemake("--configfile", overlay, "--until", "pick")
    assert done.returncode == 0, done.stderr
    (path,) = (workdir.folder / "results/other/picks").glob("*.parquet")
    words = ["--model", model, *(["--weights", folder] if "path" in weights else [])]
    done = workdir.quakeline("pick", *FILES, *words, "--output", "direct.parquet")
    assert done.returncode == 0, done.stderr
    columns = ["pick_id", "phase", "time", "probability"]
    of_run, direct = (
        tables.read(table, PICKS).sort_values("pick_id")[columns].reset_index(drop=True)
        for table in (path, workdir.folder / "direct.parquet")
    )
    assert len(of_run) > 10
    pd.testing.assert_frame_equal(of_run, direct, check_exact=False, atol=1e-5, rtol=0)


def test_mistakes_are_one_line_and_leave_nothing(tmp_path: Path, picker_weights: Path) -> None:
    place = WorkFolder(tmp_path)
    (tmp_path / "x.txt").write_text("no waveforms")
    base = ["pick", FILES[0], "-o", "out.csv", "--weights", str(picker_weights)]
    for words, said in (
        (["--model", "foo"], "model: 'foo' given"),
        (["--threshold", "Q=0.3"], "phasenet has the phases P, S"),
        (["--threshold", "P:0.3"], "allowed: PHASE=PROBABILITY"),
        (["--device", "tpu"], "allowed: auto, cpu, cuda"),
    ):
        refused(place.quakeline(*base, *words), said)
    refused(place.quakeline("pick", FILES[0], "-o", "out.txt"), "*.parquet or *.csv")
    refused(place.quakeline("pick", "x.txt", "-o", "out.csv"), "x.txt: not a format")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["x.txt"]


@without_gpu
def test_a_gpu_that_is_not_there_is_refused_in_one_line(
    tmp_path: Path, picker_weights: Path
) -> None:
    place = WorkFolder(tmp_path)
    base = ["pick", FILES[0], "-o", "out.csv", "--weights", str(picker_weights)]
    refused(place.quakeline(*base, "--device", "cuda"), "this machine has no usable GPU")
    assert list(tmp_path.iterdir()) == []
    stage = annotate.Config(device="cuda")
    with pytest.raises(ConfigError, match=r"^device: 'cuda' given; this machine has no usable GPU"):
        Annotator.load(picker_weights, stage.device, threads=1)


def test_thresholds() -> None:
    assert thresholds(["P=0.3,S=.2"]) == {"P": 0.3, "S": 0.2}
    assert thresholds([" P = 1 ", "S=1e-3"]) == {"P": 1.0, "S": 0.001}
    assert thresholds([]) == {}
    for word in ("P", "P=", "=1", "P=0", "P=1.1", "P=nan", "P=x", "P=1=1", "", "P=0.1,P=0.2"):
        with pytest.raises(ConfigError, match="--threshold"):
            thresholds([word])


def test_evaluate_picks(tmp_path: Path, picker_weights: Path) -> None:
    place = WorkFolder(tmp_path)
    event = np.stack([t.data for t in obspy.read()])
    np.savez(
        tmp_path / "records.npz",
        waveforms_i2=np.stack([event, event]).clip(-32_000, 32_000).astype("i2"),
        scale=np.array([1.0, 2.0]),
        p_index=np.array([469, 469]),
        s_index=np.array([-1, -1]),
        component_order=np.array("ZNE"),
        sampling_rate=np.array(100.0),
    )
    base = ["evaluate", "picks", "records.npz", "--model", str(picker_weights)]
    done = place.quakeline(*base, "--json", "out.json")
    assert done.returncode == 0, done.stderr
    title, row = done.stdout.splitlines()
    assert title.split()[:3] == ["model", "phase", "threshold"]
    assert row.split()[:5] == ["phasenet", "P", "0.3", "2", "1.000"]
    found = json.loads((tmp_path / "out.json").read_text())
    assert found["scores"][0]["recall"] == 1.0
    done = place.quakeline(*base, "--markdown", "--tolerance", "0")
    assert done.stdout.splitlines()[2].startswith("| phasenet | P | 0.3 | 2 | 0.000 | - |")
    refused(place.quakeline("evaluate", "picks", "none.npz"), "none.npz does not exist")
    refused(place.quakeline(*base[:3], "--model", "foo"), "'foo' given; allowed: phasenet")
