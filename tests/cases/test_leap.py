"""Case leap: a leap second within the file; P of the third event at 00:00:25.75."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import obspy
import pandas as pd
import pytest
from das_files import RATE, START, write
from recordings import record, trace

import quakeline
from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND, Span
from quakeline.fibres.recordings.description import AutoFormat
from quakeline.fibres.recordings.recording import Recording, runs, survey
from quakeline.signal.leaps import without_leap_seconds
from quakeline.signal.segments import Segment, join
from quakeline.waveforms.preparation.raw import RawFiles
from quakeline.waveforms.preparation.recordings import of_stream

AFTER = 1_483_228_800 * SECOND  # 2017-01-01


def test_what_follows_a_leap_second_is_utc(shared: Path, picker_weights: Path) -> None:
    picks = quakeline.pick(shared / "cases/leap/L_leap.mseed", weights=picker_weights, threads=1)
    times = picks[picks["phase"] == "P"]["time"]
    right = [pd.Timestamp("2016-12-31T23:57:29.48Z"), pd.Timestamp("2017-01-01T00:00:25.75Z")]
    for one in right:
        assert (times - one).abs().min() <= pd.Timedelta("20ms")
    assert any(str(Reason.of(Code.LEAP_SECOND)) in line for line in picks.attrs["remarks"])


def doubted(day: str, against: str) -> Reason:
    """The remark that a header is not believed, or is believed against the table."""
    return Reason.of(Code.LEAP_DOUBTED, time=f"{day}T00:00:00Z", against=against)


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
    mended, told = without_leap_seconds(pieces)
    ((segment,), conflict_s) = join(mended)
    assert (told, conflict_s) == ([Reason.of(Code.LEAP_SECOND)], 0)
    second = (np.arange(len(segment.samples)) / 10) - 60
    assert segment.start_ns == AFTER - 60 * SECOND
    expected = np.where(second < -1e-9, second + 60, second + 61)
    assert np.allclose(segment.samples, expected)


def test_a_clock_that_did_not_leap_is_left_alone() -> None:
    pieces = [piece(-60, 0, 700), piece(10, 700, 100), piece(20, 800, 100)]
    mended, told = without_leap_seconds(pieces)
    assert told == []
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


@pytest.mark.parametrize("version", [2, 3])
@pytest.mark.parametrize(
    ("day", "leapt", "said"),
    [
        ("2017-01-01", True, [Reason.of(Code.LEAP_SECOND)]),
        ("2017-01-01", False, [doubted("2017-01-01", "which their starts do not show")]),
        ("2020-01-01", False, [doubted("2020-01-01", "which their starts do not show")]),
        (
            "2020-01-01",
            True,
            [Reason.of(Code.LEAP_SECOND), doubted("2020-01-01", "which no table has")],
        ),
    ],
    ids=["true", "no leap", "wrong flag", "a new one"],
)
def test_starts_decide_where_headers_announce_a_leap_second(
    tmp_path: Path, version: int, day: str, leapt: bool, said: list[Reason]
) -> None:
    """Records of 20 s at 10 Hz, the middle one over midnight; its header has the flag."""
    midnight = int(obspy.UTCDateTime(day).ns)
    path = tmp_path / "flagged.mseed"
    with path.open("wb") as file:
        for number, late_s in enumerate([0, 0, -1 if leapt else 0]):
            start_ns = midnight + (20 * number - 30 + late_s) * SECOND
            file.write(record(start_ns, 200 * number, version, flagged=number == 1))
    span = Span(midnight - 60 * SECOND, midnight + 60 * SECOND)
    row = {"path": str(path), "header_codes": None, "reason": None, "reason_codes": None}
    row |= {"network": "XX", "station": "AAA", "location": "", "channel": "HHZ"}
    (segment,), notes = RawFiles(span).segments(pd.DataFrame([row]))
    assert notes == said
    assert segment.start_ns == midnight - 30 * SECOND
    whole = np.arange(600)
    assert segment.samples.tolist() == [*whole[:300], *whole[310 if leapt else 300 :]]


def test_files_of_a_fibre_across_a_leap_second(tmp_path: Path) -> None:
    """The second file begins where UTC says, a second before the end of the first one."""
    counted = np.repeat(np.arange(2000, dtype=np.float32)[:, None], 3, axis=1) + 1
    first = (AFTER - 4 * SECOND - START) * RATE // SECOND
    write(tmp_path, "a", counted[:1000], first)
    write(tmp_path, "b", counted[1000:], first + 900)
    span = Span(AFTER - 60 * SECOND, AFTER + 60 * SECOND)
    found = survey(sorted(tmp_path.glob("*.nc")), AutoFormat(), span)
    assert [one.status for one in found] == ["data", "data"]
    assert [one.reasons for one in found] == [(Reason.of(Code.LEAP_SECOND),), ()]
    (run,) = joined = runs([one.stretch for one in found if one.stretch])
    assert run.n_samples == 1900
    since = (AFTER - 4 * SECOND) * RATE // SECOND
    read = Recording(joined, np.arange(3), RATE).read(since, since + 1900)[:, 0]
    assert read.tolist() == [*range(1, 401), *range(501, 2001)]


def test_files_of_a_fibre_whose_clock_did_not_leap(tmp_path: Path) -> None:
    first = (AFTER - 4 * SECOND - START) * RATE // SECOND
    for number, name in enumerate("abc"):
        write(tmp_path, name, np.ones((1000, 3), np.float32), first + 1000 * number)
    span = Span(AFTER - 60 * SECOND, AFTER + 60 * SECOND)
    found = survey(sorted(tmp_path.glob("*.nc")), AutoFormat(), span)
    assert [one.reasons for one in found] == [(), (), ()]
    (run,) = runs([one.stretch for one in found if one.stretch])
    assert run.n_samples == 3000
