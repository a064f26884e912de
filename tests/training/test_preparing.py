"""SeismicTorch's functions against its own code, and its chain from SAC files to a data set."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import scipy.signal
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.core.errors import ConfigError, DataError
from quakeline.training.datasets import preparing
from quakeline.training.datasets.opening import open_dataset


@pytest.fixture(scope="module")
def theirs(shared: Path) -> dict[str, Any]:
    """The functions of SeismicTorch's page, as they stand there."""
    for path in sorted((shared / "seeds").glob("*.txt")):
        text = path.read_text(encoding="utf-8")
        if text.startswith("# SeismicTorch"):
            code = re.search(r"preparation functions\s+```python\n(.*?)```", text, re.DOTALL)
            assert code is not None
            names: dict[str, Any] = {}
            exec(code[1], names)
            # SciPy moved the window that its code asks for
            names["signal"] = SimpleNamespace(tukey=scipy.signal.windows.tukey)
            return names
    pytest.fail(f"no text of SeismicTorch is in {shared / 'seeds'}")


def windows() -> np.ndarray:
    """Twelve windows of accelerations, of sizes from 1e-10 to 100 m/s2."""
    random = np.random.default_rng(4)
    sizes = 10.0 ** np.linspace(-10, 2, 12)[:, None, None]
    return sizes * random.standard_normal((12, 3, 80))


def test_functions_are_those_of_seismictorch(theirs: dict[str, Any]) -> None:
    given, labels = windows(), np.arange(12)
    np.testing.assert_array_equal(preparing.quantize(given), theirs["quantize"](given.copy()))
    for name in ("remove_small_amplitude", "remove_large_amplitude"):
        for one, other in zip(getattr(preparing, name)(given, labels),
                              theirs[name](given.copy(), labels.copy()), strict=True):  # fmt: skip
            np.testing.assert_array_equal(one, other)
            assert 0 < len(one) < 12
    for n in range(12):
        tolerance = 1e-9 * np.abs(given[n]).max()
        np.testing.assert_allclose(preparing.detrend(given[n]), theirs["detrend"](given[n].copy()),
                                   atol=tolerance)  # fmt: skip
    np.testing.assert_array_equal(preparing.taper(given, 0.1), theirs["taper"](given.copy(), 0.1))
    np.testing.assert_array_equal(
        preparing.normalize(given, "signed"), theirs["normalize"](given.copy())
    )
    one = given[5].copy()
    one[1] = 0
    np.testing.assert_array_equal(
        preparing.adjust_amplitude_for_multichannels(one),
        theirs["adjust_amplitude_for_multichannels"](one.copy()),
    )


@pytest.mark.parametrize("seed", range(8))
def test_random_functions_draw_as_seismictorch(theirs: dict[str, Any], seed: int) -> None:
    record = np.random.default_rng(seed).standard_normal((3, 400))
    np.random.seed(seed)
    moved = theirs["shift_event"](record, 80, 0.995, 200, 40)
    scaled = theirs["scale_amplitude"](record.copy(), 0.3)
    random = np.random.RandomState(seed)
    np.testing.assert_array_equal(preparing.shift_event(record, 80, 0.995, 200, 40, random), moved)
    np.testing.assert_array_equal(preparing.scale_amplitude(record, 0.3, random), scaled)


def test_the_sound_rule_and_silent_windows() -> None:
    given = np.array([[[-4.0, 1.0]], [[0.0, 0.0]], [[-3.0, -1.0]]])
    np.testing.assert_allclose(preparing.normalize(given)[:, 0], [[-1, 0.25], [0, 0], [-1, -1 / 3]])
    # a signed maximum blows up what is small, and turns what is negative
    np.testing.assert_allclose(
        preparing.normalize(given, "signed")[:, 0], [[-4, 1], [0, 0], [3, 1]]
    )
    assert preparing.quantize(given)[0, 0].tolist() == [-32767, 8191]
    assert not preparing.quantize(given)[1].any()
    record = np.arange(10.0)[None]
    draws = np.random.default_rng(0)
    assert preparing.shift_event(record, 0, 0.0, 1, 3, draws).tolist() == [[0, 1, 2, 3, 4, 5]]
    with pytest.raises(ValueError, match="a record of 10 samples has no window of 12"):
        preparing.shift_event(record, 0, 0.0, 5, 6, draws)


def sac_files(
    folder: Path, events: int, counts: float = 300.0, onsets: tuple[str, ...] = ("P", "S")
) -> None:
    """Records of 401 s with P at 100 and S at 112 s, as MEMS networks write them; X is east."""
    from obspy import Trace, UTCDateTime
    from obspy.core.util.attribdict import AttribDict

    random = np.random.default_rng(1)
    folder.mkdir()
    for number in range(events):
        at = np.arange(40_100) / 100
        for letter, size in (("X", 2.0), ("Y", 1.5), ("Z", 1.0)):
            samples = 0.01 * counts * random.standard_normal(40_100)
            for onset, share in ((100.0, 0.3), (112.0, 1.0)):
                later = np.maximum(at - onset, 0)
                samples += share * size * counts * later * np.exp(-later) * np.sin(30 * later)
            start = UTCDateTime(2020, 1, 1 + number)
            header = {"network": "MS", "station": f"E{number}", "channel": f"HL{letter}",
                      "sampling_rate": 100.0, "starttime": start}  # fmt: skip
            trace = Trace(samples.astype(np.float32), header)
            stated = {"P": {"a": 100.0}, "S": {"t0": 112.0, "kt0": "S"}}
            header = {key: value for name in onsets for key, value in stated[name].items()}
            trace.stats.sac = AttribDict(kevnm=f"ev{number}", **header)
            trace.write(str(folder / f"E{number}.HL{letter}.SAC"), format="SAC")


def test_sac_files_to_windows_that_train(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sac_files(tmp_path / "sac", 8)
    done = CliRunner().invoke(app, ["dataset", "prepare", "sac", "-o", "ds"])
    assert done.exit_code == 0, done.output
    assert "windows  8 of P" in done.output
    data = open_dataset(tmp_path / "ds")
    assert set(data.table["npts"]) == {80}
    assert set(data.table["rate_hz"]) == {40.0}
    assert data.table["kind"].value_counts().to_dict() == {"event": 16, "noise": 8}
    assert data.table["event"].nunique() == 8
    assert [at for own in data.table["P"] for at in own] == [40.0] * 8
    for row in range(len(data)):
        samples = data.read(row, "ZNE")
        assert np.abs(samples).max() == pytest.approx(1.0)
        if data.table["S"].iloc[row]:
            assert np.abs(samples[2]).max() == pytest.approx(1.0), "X is east, the strongest"
    again = CliRunner().invoke(app, ["dataset", "prepare", "sac", "-o", "again"])
    assert again.exit_code == 0
    for name in ("metadata.csv",):
        assert (tmp_path / "ds" / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    for row in range(len(data)):
        np.testing.assert_array_equal(
            data.read(row, "ZNE"), open_dataset(tmp_path / "again").read(row, "ZNE")
        )
    (tmp_path / "x.yaml").write_text(
        "network: earthquake-cnn\ndataset: ds\noutput: x.safetensors\n"
        "settings: {epochs: 2, batch: 8, learning_rate: 0.001, norms: train}\n"
    )
    done = CliRunner().invoke(app, ["train", "x.yaml", "--threads", "1"])
    assert done.exit_code == 0, done.output


def test_noise_comes_only_from_before_a_known_p(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Strong motion without onsets is left out; of a record with S alone the P is unknown."""
    monkeypatch.chdir(tmp_path)
    sac_files(tmp_path / "none", 2, onsets=())
    done = CliRunner().invoke(app, ["dataset", "prepare", "none", "-o", "ds"])
    assert isinstance(done.exception, DataError)
    assert "2 records without an onset" in str(done.exception)
    assert set(open_dataset(tmp_path / "none").table["kind"]) == {"event"}
    sac_files(tmp_path / "s", 2, onsets=("S",))
    done = CliRunner().invoke(app, ["dataset", "prepare", "s", "-o", "ds"])
    assert done.exit_code == 0, done.output
    assert "left out: 2 windows of noise: the record has no P" in done.output
    assert open_dataset(tmp_path / "ds").table["S"].map(len).tolist() == [1, 1]


def test_what_is_left_out_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    sac_files(tmp_path / "sac", 2, counts=0.5)
    for words, told in (
        ([], "2 records that are too weak"),
        (["--set", "min_samples=50000"], "2 records that are too short"),
        (["--set", "min_pga_gal=0", "--set", "max_amplitude=1e-9"], "windows too small or too lar"),
    ):
        done = CliRunner().invoke(app, ["dataset", "prepare", "sac", "-o", "ds", *words])
        assert isinstance(done.exception, DataError)
        assert told in str(done.exception)
        assert not (tmp_path / "ds").exists()
    for word in ("min_pga=1", "min_samples=x", "seed"):
        done = CliRunner().invoke(app, ["dataset", "prepare", "sac", "-o", "ds", "--set", word])
        assert isinstance(done.exception, ConfigError)
        assert word.partition("=")[0] in str(done.exception)
