"""Case das_drift: files of a fibre that each begin a part of a sample late; a pulse at 58 s."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import xdas
from das_files import START
from hypothesis import given, settings
from hypothesis import strategies as st
from xdas.coordinates import Coordinate

from quakeline.core.reasons import Code, reasons_in
from quakeline.core.timeline import SECOND
from quakeline.fibres.das.segments import sections_of
from quakeline.fibres.recordings.chunk import coverage_row
from quakeline.fibres.recordings.description import AutoFormat
from quakeline.fibres.recordings.files import open_file
from quakeline.fibres.recordings.prepared import Prepared
from quakeline.fibres.recordings.recording import Recording, runs

FIRST = START // SECOND * 100
EPOCH = np.datetime64(START, "ns")


def motion(seconds: np.ndarray) -> np.ndarray:
    waves = np.sin(2 * np.pi * 0.7 * seconds) + 0.5 * np.sin(2 * np.pi * 3.1 * seconds + 1)
    return waves + 5 * np.exp(-(((seconds - 58.0) / 0.05) ** 2))


def array(times: np.ndarray) -> xdas.DataArray:
    """Samples of the motion; the file states its start and 100 Hz."""
    start = EPOCH + np.timedelta64(round(times[0] * 1e9), "ns")
    step = np.timedelta64(10_000_000, "ns")
    samples = np.repeat(motion(times)[:, None], 4, axis=1).astype("f4")
    time = Coordinate["interpolated"].from_block(start, len(times), step, dim="time")
    distance = Coordinate["interpolated"].from_block(0.0, 4, 5.0, dim="distance")
    return xdas.DataArray(samples, {"time": time, "distance": distance})


def written(folder: Path, lengths: list[int], step: float) -> list[Path]:
    """Files one after the other, by a clock whose samples are `step` samples apart."""
    paths, at = [], 0
    for number, length in enumerate(lengths):
        path = folder / f"{number:03d}.nc"
        array((at + np.arange(length)) * step / 100).to_netcdf(str(path))
        paths.append(path)
        at += length
    return paths


def recording(paths: list[Path]) -> Recording:
    parts = [part for path in paths for part in open_file(path, AutoFormat())]
    return Recording(runs(parts), np.arange(4), 100.0)


@pytest.mark.parametrize("late", [0.0, 0.2, 0.3, -0.45])
def test_samples_lie_where_the_starts_of_files_say(tmp_path: Path, late: float) -> None:
    """Each file begins so many samples later than the one before leads to."""
    made = recording(written(tmp_path, [500] * 12, 1 + late / 500))
    read = made.read(FIRST, FIRST + 5980)
    assert len(made.runs) == 1
    assert not np.isnan(read).any()
    assert np.argmax(read[:, 0]) == 5800
    assert np.abs(read[50:, 0] - motion(np.arange(50, 5980) / 100)).max() < 0.02
    told = [reason.code for reason in made.found]
    assert told == ([Code.CLOCK_DRIFTS] if late else [])
    row = coverage_row("F", Prepared(made, [], 5.0), 59.0, "1", (START, START + 59 * SECOND), ())
    assert (row["n_gaps"], row["status"]) == (0, "used")
    assert row["coverage"] == pytest.approx(1.0)
    codes = [reason.code for reason in reasons_in(row["notes"], row["notes_codes"])]
    assert (Code.CLOCK_DRIFTS in codes) == bool(late)


def test_the_read_page_makes_no_difference(tmp_path: Path) -> None:
    made = recording(written(tmp_path, [200] * 6, 1.0015))
    whole = made.read(FIRST, FIRST + 1100)
    pieces = [made.read(FIRST + k, FIRST + k + 110) for k in range(0, 1100, 110)]
    assert np.allclose(np.concatenate(pieces), whole, atol=1e-6)


@settings(max_examples=2, deadline=None)
@given(
    st.floats(-1000, 1000),
    st.lists(st.integers(150, 450), min_size=1, max_size=4),
    st.lists(st.integers(150, 450), min_size=1, max_size=4),
)
def test_any_drift_and_cut_into_files(
    tmp_path_factory: pytest.TempPathFactory, ppm: float, lengths: list[int], other: list[int]
) -> None:
    found = []
    for cuts in (lengths, other):
        folder = tmp_path_factory.mktemp("files")
        made = recording(written(folder, list(np.resize(cuts, 1500 // min(cuts))), 1 - ppm * 1e-6))
        assert len(made.runs) == 1
        n = min(int((made.runs[0].end_ns - START) / 1e7), 1500)
        read = made.read(FIRST, FIRST + n)[:, 0]
        assert np.abs(read[50:-50] - motion(np.arange(50, n - 50) / 100)).max() < 0.02
        found.append(read)
    n = min(map(len, found)) - 50
    assert np.abs(found[0][50:n] - found[1][50:n]).max() < 0.02


def test_an_array_joined_by_xdas_has_no_gaps_either(tmp_path: Path) -> None:
    """What `DASModel.annotate` reads: steps of 0.3 samples are no gaps, and times stay right."""
    written(tmp_path, [500] * 12, 1.0006)
    joined = xdas.open_mfdataarray(str(tmp_path / "*.nc"))
    (section,), problems = sections_of(joined["time"])
    assert problems == []
    for sample in (0, 2900, 5800):
        off = (section.time(sample) - EPOCH) / np.timedelta64(1, "ns") / 1e9
        assert off == pytest.approx(sample * 1.0006 / 100, abs=0.005)
