"""Case leap: a leap second within the file; P of the third event at 00:00:25.75."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from recordings import trace

import quakeline
from quakeline.preparation.recordings import of_stream
from quakeline.reasons import Code, Reason
from quakeline.signal.leaps import without_leap_seconds
from quakeline.signal.segments import Segment, join
from quakeline.timeline import SECOND, Span

AFTER = 1_483_228_800 * SECOND  # 2017-01-01


def test_what_follows_a_leap_second_is_utc(shared: Path, picker_weights: Path) -> None:
    picks = quakeline.pick(shared / "cases/leap/L_leap.mseed", weights=picker_weights, threads=1)
    times = picks[picks["phase"] == "P"]["time"]
    right = [pd.Timestamp("2016-12-31T23:57:29.48Z"), pd.Timestamp("2017-01-01T00:00:25.75Z")]
    for one in right:
        assert (times - one).abs().min() <= pd.Timedelta("20ms")
    assert any(str(Reason.of(Code.LEAP_SECOND)) in line for line in picks.attrs["remarks"])


def piece(start_s: float, first: int, n: int) -> Segment:
    """Samples that count seconds since a minute before the leap second, at 10 Hz."""
    return Segment(AFTER + round(start_s * SECOND), 10.0, np.arange(first, first + n) / 10)


@pytest.mark.parametrize(
    "pieces",
    [
        [piece(-60, 0, 1210)],  # a file of its own: UTC by definition
        [piece(-60, 0, 610), piece(0, 610, 600)],  # a record ends with the leap second
        [piece(-60, 0, 700), piece(9, 700, 510)],  # the next record knows of it
        [piece(-60, 0, 605), piece(0.5, 605, 95), piece(9, 700, 510)],  # one begins within it
    ],
    ids=["file", "at its end", "within", "begins within"],
)
def test_the_leap_second_alone_is_left_out(pieces: list[Segment]) -> None:
    mended, count = without_leap_seconds(pieces)
    ((segment,), conflict_s) = join(mended)
    assert (count, conflict_s) == (1, 0)
    second = (np.arange(len(segment.samples)) / 10) - 60
    assert segment.start_ns == AFTER - 60 * SECOND
    expected = np.where(second < -1e-9, second + 60, second + 61)
    assert np.allclose(segment.samples, expected)


def test_a_clock_that_did_not_leap_is_left_alone() -> None:
    pieces = [piece(-60, 0, 700), piece(10, 700, 100), piece(20, 800, 100)]
    mended, count = without_leap_seconds(pieces)
    assert count == 0
    assert len(join(mended)[0][0].samples) == 900


def test_a_trace_in_memory_as_well() -> None:
    count = np.arange(1210.0)
    one = trace("XX.AAA..HHZ", AFTER - 60 * SECOND, count, 10.0)
    source = of_stream([one]).source(Span(AFTER - 30 * SECOND, AFTER + 30 * SECOND))
    (segment,), notes = source.segments(of_stream([one]).rows)
    assert Reason.of(Code.LEAP_SECOND) in notes
    assert segment.samples[[0, 299, 300]].tolist() == [300, 599, 610]
    assert isinstance(one, obspy.Trace)
    assert len(one) == 1210
