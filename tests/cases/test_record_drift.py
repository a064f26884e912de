"""Case record_drift: header 100 Hz, true rate 99.95 Hz, every record's start is right."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from recordings import HEADER, Pipeline
from typer.testing import CliRunner

import quakeline
from quakeline.cli import app
from quakeline.core.timeline import SECOND, Span
from quakeline.io.formats.waveform_files import read_stream
from quakeline.waveforms.preparation.recordings import of_files

ONSETS = ("2024-01-01T00:10:29.48Z", "2024-01-01T00:13:26.75Z")
REMARK = "the clock drifts: 99.95 Hz under a header of 100 Hz (-500.0 ppm), "


@pytest.fixture
def path(shared: Path) -> Path:
    return shared / "cases/record_drift/clock500ppm.mseed"


def off_s(picks: pd.DataFrame) -> list[float]:
    """How far the nearest P is from each onset."""
    times = picks[picks["phase"] == "P"]["time"]
    return [float((times - pd.Timestamp(one)).abs().min().total_seconds()) for one in ONSETS]


def test_picks_follow_the_starts_of_records(path: Path, picker_weights: Path) -> None:
    picks = quakeline.pick(path, weights=picker_weights, threads=1)
    assert max(off_s(picks)) <= 0.02
    assert any(REMARK in line for line in picks.attrs["remarks"])


def parted(path: Path, each: int) -> obspy.Stream:
    """A trace for so many records, which knows nothing but its start."""
    (whole,), _ = read_stream(path)
    known = whole.stats.mseed["starts"][::each]
    stream = obspy.Stream()
    for (first, start_ns), end in zip(known, [*known[1:, 0], len(whole)], strict=True):
        names = ("network", "station", "location", "channel", "sampling_rate")
        header = {name: whole.stats[name] for name in names}
        header["starttime"] = obspy.UTCDateTime(ns=int(start_ns))
        stream += obspy.Trace(whole.data[first:end].astype("i4"), header)
    return stream


@pytest.mark.parametrize("form", ["SAC", "GSE2"])
def test_so_do_picks_of_files_of_other_formats(
    path: Path, picker_weights: Path, tmp_path: Path, form: str
) -> None:
    for number, one in enumerate(parted(path, 2)):
        one.data = one.data.astype("f4" if form == "SAC" else "i4")
        one.write(str(tmp_path / f"{number:03d}"), format=form)
    picks = quakeline.pick(tmp_path, weights=picker_weights, threads=1)
    assert max(off_s(picks)) <= 0.02
    assert any(REMARK in line for line in picks.attrs["remarks"])


def test_so_do_picks_of_a_stream_with_a_trace_for_each_record(
    path: Path, picker_weights: Path
) -> None:
    stream = parted(path, 1)
    picks = quakeline.pick(stream, weights=picker_weights, threads=1)
    assert max(off_s(picks)) <= 0.02
    expected = quakeline.pick(path, weights=picker_weights, threads=1)
    assert picks["time"].tolist() == expected["time"].tolist()


def test_the_cut_into_chunks_changes_no_pick(
    path: Path, picker_weights: Path, tmp_path: Path
) -> None:
    (row,) = of_files([path]).rows.to_dict("records")
    span = Span(*(int(row[end].value) // SECOND * SECOND for end in ("start", "end")))
    table = f"{HEADER}\nBW,UH3,48.1,11.6,500\n"
    whole, cut = (
        Pipeline(tmp_path / str(chunk_s), [str(path)], table).run(span, chunk_s, picker_weights)
        for chunk_s in (3600, 300)
    )
    assert max(off_s(whole)) <= 0.02
    assert whole["pick_id"].tolist() == cut["pick_id"].tolist()
    assert np.allclose(whole["probability"], cut["probability"], atol=1e-4)


def test_inspect_says_the_true_rate(path: Path) -> None:
    done = CliRunner().invoke(app, ["inspect", str(path)])
    assert done.exit_code == 0
    assert f"remark: {REMARK}" in done.output
