"""Data sets: read, written, inspected, and cut out of a run."""

from __future__ import annotations

import subprocess
from pathlib import Path

import h5py
import numpy as np
import pandas as pd
import pytest
from labelled_records import labelled, small, wavelets
from obspy.io.sac import SACTrace
from typer.testing import CliRunner
from workfolder import WorkFolder

from quakeline.cli import app
from quakeline.commands.dataset import rules_of
from quakeline.core.errors import ConfigError, DataError
from quakeline.io import exports
from quakeline.models.cards import CARDS, PHASENET
from quakeline.models.sections.seisbench import write_model
from quakeline.training.datasets import from_run, picture
from quakeline.training.datasets.inspecting import facts_of, lines_of
from quakeline.training.datasets.opening import assigned, digest, in_parts, linked, open_dataset
from quakeline.training.datasets.writing import Writer
from quakeline.training.settings import Settings
from quakeline.training.windows import Example, Windows
from quakeline.workflow.stages import dataset


def test_written_records_are_read_as_they_were(tmp_path: Path) -> None:
    random = np.random.default_rng(1)
    written = [random.standard_normal((3, n)).astype(np.float32) for n in [400] * 300 + [500] * 5]
    with Writer(tmp_path, "ZNE", 50.0) as writer:
        for number, samples in enumerate(written):
            writer.add(samples, labelled(f"e{number}", 100, None, "dev"))
    found = open_dataset(tmp_path)
    assert len(found) == 305
    assert set(found.table["npts"]) == {400, 500}
    assert set(found.table["rate_hz"]) == {50.0}
    assert found.onsets(301) == {"P": (100.0,), "S": ()}
    for row in (0, 255, 256, 299, 304):
        np.testing.assert_array_equal(found.samples(row), written[row])
    turned = found.read(3, "ENZ")
    np.testing.assert_array_equal(turned, written[3][[2, 1, 0]])


def test_the_same_records_give_the_same_files(tmp_path: Path) -> None:
    for name in "ab":
        small(tmp_path / name, labelled("1", 100, 200), labelled("2", 90, None))
    for file in ("metadata.csv", "waveforms.hdf5"):
        assert (tmp_path / "a" / file).read_bytes() == (tmp_path / "b" / file).read_bytes()
    assert digest(open_dataset(tmp_path / "a")) == digest(open_dataset(tmp_path / "b"))


@pytest.mark.parametrize(("name", "records"), [("dummydataset", 100), ("chunkeddummydataset", 200)])
def test_sets_of_seisbench(shared: Path, name: str, records: int) -> None:
    folder = shared / "data/seisbench_dummy" / name
    found = open_dataset(folder)
    assert len(found) == records
    assert found.samples(records - 1).shape == (3, 1200)
    facts = facts_of(found)
    assert facts["rates_hz"] == {"20": records}
    assert any("no labels at all" in line for line in lines_of(facts))


def test_a_numpy_archive(shared: Path) -> None:
    found = open_dataset(shared / "data/ncedc_mini24.npz")
    assert len(found) == 24
    assert found.onsets(0) == {"P": (888.0,), "S": (987.0,)}
    assert set(in_parts(found).table["split"]) == {"train", "dev", "test"}


def test_windows_of_seismo_performer(tmp_path: Path) -> None:
    samples = np.random.default_rng(0).standard_normal((3, 400, 3)).astype(np.float32)
    with h5py.File(tmp_path / "x.h5", "w") as file:
        file["X"], file["Y"] = samples, np.array([[0], [1], [2]])
    found = open_dataset(tmp_path / "x.h5")
    assert [found.onsets(row) for row in range(3)] == [
        {"P": (200.0,), "S": ()},
        {"P": (), "S": (200.0,)},
        {"P": (), "S": ()},
    ]
    np.testing.assert_array_equal(found.read(1, "ZNE"), samples[1].T[[2, 0, 1]])
    card = CARDS["seismo-performer-v2"]
    learnt, _, _ = Windows(found, [0], card, Settings(), training=False).made(
        Example(0, "P", 200), 1
    )
    largest = np.abs(samples[0]).max()  # divided, but not filtered again
    np.testing.assert_allclose(learnt, samples[0].T / largest, rtol=1e-5)
    with h5py.File(tmp_path / "y.h5", "w") as file:
        file["X"], file["Y"] = samples, np.array([0, 7, 1])
    with pytest.raises(DataError, match="class 7 in Y; allowed: 0"):
        open_dataset(tmp_path / "y.h5")


def stead(path: Path) -> np.ndarray:
    """A file as STEAD's: two records of an event, and noise."""
    samples = np.random.default_rng(0).standard_normal((3, 6000, 3)).astype(np.float32)
    with h5py.File(path, "w") as file:
        for number, name in enumerate(("a_EV", "b_EV", "c_NO")):
            array = file.create_dataset(f"data/{name}", data=samples[number])
            array.attrs["network_code"], array.attrs["receiver_code"] = "TA", "109C"
            array.attrs["trace_category"] = "noise" if number == 2 else "earthquake_local"
            array.attrs["trace_start_time"] = "2006-07-23 11:58:52.21"
            array.attrs["source_id"] = "" if number == 2 else "8900"
            for phase in "ps":
                at = "" if number == 2 else 700.0 if phase == "p" else 1500.5
                array.attrs[f"{phase}_arrival_sample"] = at
    return samples


@pytest.mark.parametrize("with_table", [False, True])
def test_files_of_stead(tmp_path: Path, with_table: bool) -> None:
    path = tmp_path / "chunk2.hdf5"
    samples = stead(path)
    if with_table:
        facts = open_dataset(path).table
        pd.DataFrame({
            "trace_name": facts["name"], "network_code": "TA", "receiver_code": "109C",
            "trace_category": ["earthquake_local", "earthquake_local", "noise"],
            "trace_start_time": facts["start"], "source_id": ["8900", "8900", "None"],
            "p_arrival_sample": [700.0, 700.0, None], "s_arrival_sample": [1500.5, 1500.5, None],
        }).to_csv(path.with_suffix(".csv"), index=False)  # fmt: skip
    found = open_dataset(path)
    assert found.form == "STEAD"
    assert found.onsets(1) == {"P": (700.0,), "S": (1500.5,)}
    assert found.table["kind"].tolist() == ["event", "event", "noise"]
    assert found.table["event"].tolist() == ["8900", "8900", "c_NO"]
    assert found.table["station"][0] == "TA.109C."
    np.testing.assert_array_equal(found.read(0, "ZNE"), samples[0].T[[2, 1, 0]])
    assert len(found.files) == 1 + with_table


def test_a_table_that_does_not_fit_its_file(tmp_path: Path) -> None:
    path = tmp_path / "merge.hdf5"
    stead(path)
    path.with_suffix(".csv").write_text("trace_name\nx\n")
    with pytest.raises(DataError, match="has no column network_code"):
        open_dataset(path)


def sac_record(folder: Path, station: str, **header: object) -> None:
    """Three files of a record at 100 Hz that begin 2 s before their reference time."""
    folder.mkdir(exist_ok=True)
    for number, letter in enumerate("XYZ"):
        data = np.full(3000, number + 1, np.float32)
        trace = SACTrace(
            data=data, delta=0.01, b=-2.0, kstnm=station, knetwk="TW", kcmpnm=f"HL{letter}",
            nzyear=2020, nzjday=3, nzhour=1, nzmin=2, nzsec=3, nzmsec=0, **header,
        )  # fmt: skip
        trace.write(str(folder / f"{station}.HL{letter}.sac"))


def test_folders_of_sac_files(tmp_path: Path) -> None:
    place = {"evla": 24.0, "evlo": 121.5, "evdp": 10.0, "stla": 24.2, "stlo": 121.6, "o": -3.0}
    sac_record(tmp_path / "e1", "A", a=1.5, t0=4.0, kt0="S", kevnm="one")
    sac_record(tmp_path / "e1", "B", t1=2.0, kt1="Pg", kevnm="one")
    sac_record(tmp_path / "e2", "A", **place)
    sac_record(tmp_path / "e3", "A")
    found = open_dataset(tmp_path)
    assert found.form == "SAC"
    assert found.table["station"].tolist() == ["TW.A.", "TW.B.", "TW.A.", "TW.A."]
    assert found.onsets(0) == {"P": (350.0,), "S": (600.0,)}
    assert found.onsets(1) == {"P": (400.0,), "S": ()}
    assert found.table["kind"].tolist() == ["event", "event", "event", "noise"]
    assert found.table["event"].tolist()[:2] == ["one", "one"]
    # 24.4 km away and 10 km deep: 26.3 km at 5.8 and 3.46 km/s, from 1 s before the first sample
    (p,), (s,) = (found.onsets(2)[phase] for phase in "PS")
    assert p == pytest.approx(100 * (26.3 / 5.8 - 1), abs=8)
    assert s == pytest.approx(100 * (26.3 / 3.46 - 1), abs=12)
    np.testing.assert_array_equal(found.read(0, "ZNE")[:, 0], [3, 2, 1])
    (tmp_path / "e3" / "x.sac").write_bytes(b"no sac")
    with pytest.raises(DataError, match=r"cannot read .*x.sac as SAC"):
        open_dataset(tmp_path)


def test_columns_that_people_have(tmp_path: Path) -> None:
    rows = [
        {
            "trace_Pg_arrival_sample": 100,
            "trace_Pn_arrival_sample": 90,
            "trace_s_arrival_sample": 2e2,
        },
        {"trace_Pg_arrival_sample": None, "trace_Pn_arrival_sample": None, "split": "val"},
    ]
    found = open_dataset(small(tmp_path, *rows))
    assert found.onsets(0) == {"P": (90.0, 100.0), "S": (200.0,)}
    assert found.table["split"].tolist() == ["", "dev"]
    assert found.table["kind"].tolist() == ["event", "noise"]


def test_what_is_wrong_is_said(tmp_path: Path) -> None:
    rows = [
        labelled("1", 600, None),
        labelled("1", 300, 200, "dev"),
        {"station_code": "A", "trace_start_time": "2020", "trace_P_arrival_sample": 10},
        {"station_code": "A", "trace_start_time": "2020", "trace_S_arrival_sample": 30},
    ]
    folder = small(tmp_path, *rows)
    with h5py.File(folder / "waveforms.hdf5", "a") as file:
        file["data/bucket0"][2, 0, 5] = np.nan
        file["data/bucket0"][3] = 4.0
    text = "\n".join(lines_of(facts_of(open_dataset(folder), PHASENET)))
    for words in (
        "1 of 4: a label outside the samples",
        "1 records begin with an S before their P: that of another event, or labels exchanged",
        "1 of 4: NaN or infinite samples",
        "1 of 4: all samples equal",
        "4 of 4: shorter than a window of phasenet",
        "1 events are in more than one part, the first is 1",
        "2 records of the same samples have a label of one phase alone",
        "no records in the part test",
    ):
        assert words in text
    with pytest.raises(DataError, match="1 events are in more than one part, the first is 1"):
        in_parts(open_dataset(folder))
    with pytest.raises(DataError, match="holds NaN or infinite samples"):
        open_dataset(folder).read(2, "ZNE")


def test_events_that_share_records_share_their_part() -> None:
    groups = linked([("a", "b"), ("b", "c"), ("d",), ("e",), ("f",)])
    assert groups["a"] == groups["b"] == groups["c"]
    parts = assigned(groups)
    assert parts["a"] == parts["b"] == parts["c"] == "train"
    assert sorted(parts[event] for event in "def") == ["dev", "test", "train"]
    assert assigned({"a": "a"}) == {"a": "train"}
    assert sorted(assigned({"a": "a", "b": "b"}).values()) == ["dev", "train"]


def test_what_is_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "text.csv").write_text("a,b\n")
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match="nothing does not exist"):
        open_dataset(tmp_path / "nothing")
    with pytest.raises(DataError, match=r"text.csv is no NumPy archive"):
        open_dataset(tmp_path / "text.csv")
    with pytest.raises(DataError, match=r"folder is no data set; allowed: a folder of metadata"):
        open_dataset(tmp_path / "folder")


def run(place: WorkFolder, *words: str) -> subprocess.CompletedProcess[str]:
    done = place.quakeline(*words)
    assert done.returncode == 0, done.stderr
    return done


def test_a_run_becomes_a_data_set(demo_run: WorkFolder, tmp_path: Path) -> None:
    run(demo_run, "dataset", "from-run", "unterhaching", "--output", f"{tmp_path}/ds")
    found = in_parts(open_dataset(tmp_path / "ds"))
    events = found.table[found.table["kind"] == "event"]
    assert events.groupby("event")["split"].unique().map(len).tolist() == [1, 1]
    assert len(events) == 8
    assert (found.table["kind"] == "noise").sum() >= 4
    picks = pd.read_parquet(demo_run.folder / "results/unterhaching/catalog/picks.parquet")
    known = set((picks["time"].astype("int64") // 10_000_000).tolist())
    for row in events.index:
        start = pd.Timestamp(found.table["start"][row]).value // 10_000_000
        for at in [*found.table["P"][row], *found.table["S"][row]]:
            assert start + int(at) in known


def test_records_that_are_no_arrays_are_named(tmp_path: Path) -> None:
    """A group in place of an array, or one component where three are stated."""
    folder = small(tmp_path / "ds", labelled("a", 100, 200), labelled("b", 100, 200))
    name = open_dataset(folder).table["name"].iloc[0].partition("$")[0]
    with h5py.File(folder / "waveforms.hdf5", "r+") as file:
        del file["data"][name]
        file["data"].create_group(name)
    with pytest.raises(DataError, match="has no samples of the record"):
        open_dataset(folder)
    path = tmp_path / "stead.hdf5"
    with h5py.File(path, "w") as file:
        file.create_dataset("data/a", data=np.zeros((500, 3), np.float32))
        file["data"].create_group("b")
    with pytest.raises(DataError, match="has no array of the record b"):
        open_dataset(path)


def test_fewer_components_than_stated_are_refused(tmp_path: Path) -> None:
    folder = small(tmp_path / "ds", labelled("a", 100, 200))
    name = open_dataset(folder).table["name"].iloc[0].partition("$")[0]
    with h5py.File(folder / "waveforms.hdf5", "r+") as file:
        shape = file["data"][name].shape
        del file["data"][name]
        file["data"][name] = np.zeros((*shape[:-2], 1, shape[-1]), np.float32)
    with pytest.raises(DataError, match=r"has the shape \(1, 500\); needed are the components"):
        open_dataset(folder).read(0, "ZNE")


def cut(place: WorkFolder, folder: Path, **rules: object) -> pd.DataFrame:
    """Records of the demo's run by some rules, in order of time."""
    results = place.folder / "results/unterhaching"
    folder.mkdir()
    from_run.write(
        results,
        exports.read_tables(results),
        dataset.again(results),
        rules_of(length_s=30, before_s=10, **rules),
        folder,
        lambda done, total: None,
    )
    return in_parts(open_dataset(folder)).table.sort_values("start", ignore_index=True)


def test_parts_may_follow_one_another_in_time(demo_run: WorkFolder, tmp_path: Path) -> None:
    found = cut(demo_run, tmp_path / "all", split="time")
    order = [part for part in ("train", "dev") for _ in range((found["split"] == part).sum())]
    assert found["split"].tolist() == order
    assert set(order) == {"train", "dev"}
    starts, length = pd.to_datetime(found["start"]), pd.Timedelta("30s")
    end = starts[found["split"] == "train"].max() + length
    fewer = cut(demo_run, tmp_path / "few", end=end.isoformat())
    assert 0 < len(fewer) < len(found)
    assert (pd.to_datetime(fewer["start"]) + length <= end).all()


def test_rules_that_cannot_be() -> None:
    with pytest.raises(ConfigError, match=r"^--end: 'soon' given; "):
        rules_of(end="soon")
    with pytest.raises(ConfigError, match=r"^before_s \(25\) must be less than length_s \(20\)"):
        rules_of(length_s=20)


def test_codes_stay_as_they_are_written(tmp_path: Path) -> None:
    codes = {"station_network_code": "NA", "station_code": "0012", "station_location_code": "00"}
    rows = [labelled("007", 100, 200) | codes, labelled("8", 90, None) | codes]
    found = open_dataset(small(tmp_path, *rows))
    assert set(found.table["station"]) == {"NA.0012.00"}
    assert found.table["event"].tolist() == ["007", "8"]


@pytest.mark.parametrize("kind", ["png", "svg"])
def test_a_picture_of_a_data_set(tmp_path: Path, kind: str) -> None:
    rows = [labelled("1", 100, 200), labelled("2", 90, None, "dev"), {"split": "test"}]
    data = open_dataset(small(tmp_path / "a$b", *rows))
    path, again = tmp_path / f"a.{kind}", tmp_path / f"b.{kind}"
    picture.draw(data, path)
    picture.draw(data, again)
    assert path.read_bytes() == again.read_bytes()
    if kind == "png":
        assert path.read_bytes().startswith(b"\x89PNG")
    else:
        text = path.read_text()
        for words in ("3 records", "2 with P, 1 with S", "1 noise", "Lengths 5 s", "event dev"):
            assert words in text, words
    with pytest.raises(ConfigError, match=r"--picture: 'a.pdf' given; allowed: \*.png, \*.svg"):
        picture.require_kind("--picture", Path("a.pdf"))


def test_records_are_looked_at_for_an_architecture_without_weights(tmp_path: Path) -> None:
    wavelets(tmp_path / "ds", 4)
    done = CliRunner().invoke(
        app, ["dataset", "inspect", str(tmp_path / "ds"), "--model", "earthquake-cnn"]
    )
    assert done.exit_code == 0
    assert "4 of 4: not at 40 Hz, the rate of earthquake-cnn, unless they are resampled" in (
        done.output
    )
    done = CliRunner().invoke(app, ["dataset", "inspect", str(tmp_path / "ds"), "--model", "x"])
    assert "model: 'x' given; allowed: " in str(done.exception)
    assert ", earthquake-cnn, " in str(done.exception)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("seisbench:phasenet/stead", "a window of seisbench-phasenet-stead, 3001 samples"),
        ("Earthquake-CNN", "not at 40 Hz"),
        ("own", "not at 50 Hz"),
    ],
)
def test_records_are_looked_at_for_models_by_any_of_their_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, words: str
) -> None:
    if name == "own":
        seisbench = pytest.importorskip("seisbench.models")
        monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "kept"))
        file = write_model(seisbench.PhaseNetLight(sampling_rate=50), tmp_path / "a.safetensors")
        name = f"seisbench:PhaseNetLight/{file}"
    wavelets(tmp_path / "ds", 4)
    done = CliRunner().invoke(app, ["dataset", "inspect", str(tmp_path / "ds"), "--model", name])
    assert done.exit_code == 0, done.exception
    assert words in done.output


def test_a_misspelt_model_gets_a_proposal(tmp_path: Path) -> None:
    wavelets(tmp_path / "ds", 1)
    for name, words in (("phasnet", "did you mean phasenet?"), ("seisbench:PhaseNt/x", "PhaseNet")):
        done = CliRunner().invoke(
            app, ["dataset", "inspect", str(tmp_path / "ds"), "--model", name]
        )
        assert isinstance(done.exception, ConfigError)
        assert words in str(done.exception)
