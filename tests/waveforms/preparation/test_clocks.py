"""Times follow the starts of records, whatever the clock does and however the data were cut.

Recordings of known ground motion by a clock that drifts and changes its drift, with gaps, cut into
records, files and chunks at random. What is prepared is compared with the motion at the absolute
times of the grid, and between cuts.
"""

from __future__ import annotations

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import obspy
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from recordings import trace

from quakeline.core.timeline import SECOND, Span, sample_time
from quakeline.waveforms.preparation.components import Preparer
from quakeline.waveforms.preparation.recordings import Recordings, of_files, of_stream
from quakeline.waveforms.preparation.settings import Response

RATE = 20.0
BEGIN = 1_704_067_200 * SECOND
SECONDS = 900
#: Near the ends of data a filter does not see all that it would need.
EDGE = 40


def motion(seconds: np.ndarray) -> np.ndarray:
    waves = [(1.0, 0.17, 0.1), (0.6, 0.71, 1.0), (0.4, 1.9, 2.0)]
    return 1e4 * sum(a * np.sin(2 * np.pi * f * seconds + p) for a, f, p in waves)


def slope(seconds: np.ndarray) -> np.ndarray:
    return (motion(seconds + 1e-4) - motion(seconds - 1e-4)) / 2e-4


@dataclass(frozen=True)
class Recorder:
    """A clock whose true rate differs from the header's by `ppm`, another one in each part.

    `gaps` are pairs of the sample that follows one and its length in s.
    """

    late_s: float
    ppm: tuple[float, ...]
    gaps: tuple[tuple[int, float], ...]

    def times(self) -> np.ndarray:
        """Seconds of all samples since BEGIN."""
        n = round(SECONDS * RATE)
        part = np.arange(n) * len(self.ppm) // n
        steps = (1 - np.array(self.ppm)[part] * 1e-6) / RATE
        for first, length in self.gaps:
            steps[first] += length
        return self.late_s + np.cumsum(steps) - steps[0]

    def records(self, lengths: list[int]) -> list[obspy.Trace]:
        """Records of lengths that repeat; a gap begins another one."""
        times = self.times()
        cuts = np.cumsum(np.resize(lengths, len(times) // min(lengths) + 1))
        cuts = np.unique([0, *cuts[cuts < len(times)], *(first for first, _ in self.gaps)])
        parts = np.split(times, cuts[1:])
        return [
            trace("XX.AAA..HHZ", BEGIN + round(one[0] * 1e6) * 1000, motion(one), RATE)
            for one in parts
        ]


recorders = st.builds(
    Recorder,
    st.floats(0, 1),
    st.lists(st.floats(-1000, 1000), min_size=1, max_size=3).map(tuple),
    st.lists(st.tuples(st.integers(500, 17_000), st.floats(0.2, 60)), max_size=3).map(tuple),
)
lengths = st.lists(st.integers(20, 480), min_size=1, max_size=5)


def prepared(data: Recordings, chunk_s: float, rate: float) -> tuple[int, np.ndarray, np.ndarray]:
    """First sample on the grid, samples and mask of the whole, made chunk by chunk."""
    first = BEGIN // SECOND * SECOND
    count = -(-(SECONDS + 200) // chunk_s)
    made = []
    for k in range(int(count)):
        span = Span(*(first + round((k + one) * chunk_s * SECOND) for one in (0, 1)))
        preparer = Preparer(
            span, 0.0, rate, 0.0, Response(remove=False), obspy.Inventory(), data.source
        )
        (label,), _ = preparer.instruments(data.rows, [])
        part = preparer.prepared(label, data.rows)
        blank = np.zeros(part.n_samples, np.float32), np.zeros(part.n_samples, bool)
        made.append((preparer.grid.start_sample, *part.parts.get("Z", blank)))
    return made[0][0], *(np.concatenate([one[k] for one in made]) for k in (1, 2))


def lateness(first: int, data: np.ndarray, valid: np.ndarray, rate: float) -> float:
    """By how much of a sample the motion is late or early at most, away from edges of data."""
    inner = np.convolve(valid, np.ones(2 * EDGE + 1), "same") > 2 * EDGE
    seconds = (sample_time(first, rate) - BEGIN) / SECOND + np.arange(len(data)) / rate
    steep = slope(seconds)
    inner &= np.abs(steep) > 0.3 * np.abs(steep).max()
    if not inner.any():
        return 0.0
    off = (data[inner] - motion(seconds[inner])) / steep[inner]
    return float(np.abs(off).max()) * RATE


def in_files(folder: Path, records: list[obspy.Trace], counts: list[int]) -> Recordings:
    """The same records, so many in each file in turn, one after the other."""
    number, at = 0, 0
    while at < len(records):
        count = counts[number % len(counts)]
        content = BytesIO()
        for one in records[at : at + count]:
            buffer = BytesIO()
            one.write(buffer, format="MSEED", reclen=4096)
            content.write(buffer.getvalue())
        (folder / f"{(number * 7919) % 1000:03d}-{number}.mseed").write_bytes(content.getvalue())
        number, at = number + 1, at + count
    return of_files([folder])


def compared(recorder: Recorder, cuts: list[int], other: list[int], rate: float, chunk_s: int):
    """By how much of a sample times are wrong, once all cuts have given the same.

    A drift that changes by 2000 ppm within a record of 480 samples is met to a quarter of a sample.
    """
    records = recorder.records(cuts)
    first, whole, valid = prepared(of_stream(records), 2000, rate)
    assert np.count_nonzero(valid) > SECONDS * rate * 0.99 - 100
    late = lateness(first, whole, valid, rate)
    _, by_chunks, valid_by_chunks = prepared(of_stream(records[::-1]), chunk_s, rate)
    n = min(len(whole), len(by_chunks))
    assert np.array_equal(valid[:n], valid_by_chunks[:n])
    assert np.abs(whole[:n] - by_chunks[:n]).max() < 0.02  # samples are float32 of up to 2e4
    _, again, valid_again = prepared(of_stream(recorder.records(other)), 2000, rate)
    assert np.count_nonzero(valid != valid_again) <= 4 * (1 + len(recorder.gaps))
    return max(late, lateness(first, again, valid_again, rate))


cases = given(
    recorders, lengths, lengths, st.sampled_from([20.0, 25.0]), st.sampled_from([61, 300])
)


@settings(max_examples=3, deadline=None)
@cases
@example(Recorder(0.5, (0.0, 989.0), ()), [20], [20], 20.0, 300)  # one sample in the last chunk
def test_times_are_right_and_do_not_depend_on_cuts(recorder, cuts, other, rate, chunk_s):
    assert compared(recorder, cuts, other, rate, chunk_s) < 0.3


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@cases
def test_times_of_many_clocks(recorder, cuts, other, rate, chunk_s):
    assert compared(recorder, cuts, other, rate, chunk_s) < 0.3


@settings(max_examples=2, deadline=None)
@given(recorders, lengths, st.lists(st.integers(1, 40), min_size=1, max_size=3))
def test_files_change_nothing(recorder, cuts, counts):
    records = recorder.records(cuts)
    _, expected, valid = prepared(of_stream(records), 2000, RATE)
    with TemporaryDirectory() as folder:
        first, found, valid_found = prepared(in_files(Path(folder), records, counts), 333, RATE)
        assert lateness(first, found, valid_found, RATE) < 0.3
    n = min(len(expected), len(found))
    assert np.array_equal(valid[:n], valid_found[:n])
    assert np.abs(expected[:n] - found[:n]).max() < 0.02
