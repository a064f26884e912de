"""Recordings of one earthquake by plausible instruments: rates, clocks, seams, gaps, codes, units.

The ground motion is known at all times, so a recorder may sample it whenever it likes. Picks of the
same motion by a plain recorder are the truth: each case must have them within a sample.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import numpy as np
import obspy
import pandas as pd
from hypothesis import strategies as st
from obspy import Stream
from recordings import trace
from scipy.interpolate import make_interp_spline
from scipy.signal import resample

import quakeline
from quakeline.core.timeline import SECOND

BEGIN = 1_704_067_200 * SECOND
SECONDS, EVENT_S = 90.0, 40.0
#: A sample of the network's 100 Hz.
SAMPLE_S = 0.01
#: Last letters of the components Z, N, E.
LETTERS = ("ZNE", "zne", "Z12", "Z23")
FORMATS = {"mseed": "MSEED", "sac": "SAC", "gse2": "GSE2"}


@dataclass(frozen=True)
class Record:
    """How the motion is recorded."""

    rate_hz: float
    late_s: float
    ppm: float
    cuts_s: tuple[float, ...]
    gap_s: tuple[float, float]
    codes: str
    letters: str
    scale: float
    offset: float
    form: str


def records() -> st.SearchStrategy[Record]:
    """Recorders as there are; gaps are away from the event."""
    return st.builds(
        Record,
        st.sampled_from([80.0, 100.0, 125.0, 200.0, 250.0, 500.0]),
        st.floats(0, 1),
        st.floats(-300, 300),
        st.lists(st.floats(5, 85), max_size=4).map(lambda cuts: tuple(sorted(cuts))),
        st.tuples(st.floats(3, 20), st.floats(0.2, 8)),
        st.sampled_from(["XX.AAA..HH", "XX.AAA.--.HH", "XX.AAA.00.EH", "xx.aaa..HH"]),
        st.sampled_from(LETTERS),
        st.sampled_from([1.0, 30.0, 1000.0]),
        st.floats(-1e4, 1e4),
        st.sampled_from(list(FORMATS)),
    )


PLAIN = Record(100.0, 0.0, 0.0, (), (0.0, 0.0), "XX.AAA..HH", "ZNE", 30.0, 0.0, "mseed")


@cache
def _motion(component: str) -> object:
    """Counts as a spline of seconds; the example of ObsPy, band-limited, on noise."""
    rate, finer = 100, 10
    n = round(SECONDS * rate) + 400
    counts = np.random.default_rng(ord(component)).normal(0, 1, n)
    own = obspy.read().select(component=component)[0].detrend("demean").taper(0.1).data
    first = round(EVENT_S * rate)
    counts[first : first + len(own)] += own[: n - first]
    spectrum = np.fft.rfft(counts)
    spectrum[round(len(spectrum) * 0.6) :] = 0  # 30 Hz: all recorders have it
    smooth = np.fft.irfft(spectrum, n)
    return make_interp_spline(np.arange(n * finer) / (rate * finer), resample(smooth, n * finer))


def stream(one: Record) -> Stream:
    """The traces of a recorder, each with the true time of its first sample."""
    made = Stream()
    for component, letter in zip("ZNE", one.letters, strict=True):
        n = int(SECONDS * one.rate_hz)
        times = one.late_s + np.arange(n) / one.rate_hz * (1 - one.ppm * 1e-6)
        counts = one.offset + one.scale * _motion(component)(times)  # type: ignore[operator]
        gap = (times >= one.gap_s[0]) & (times < sum(one.gap_s))
        part = np.searchsorted(one.cuts_s, times) * 2 + (times >= sum(one.gap_s))
        # Records are short, so that none of them is far from its clock.
        part = part * 1000 + (times // 5).astype(int)
        for number in np.unique(part[~gap]):
            own = (part == number) & ~gap
            start = BEGIN + round(times[own][0] * 1e6) * 1000
            samples = counts[own].round().astype("i4")
            made += trace(f"{one.codes}{letter}", start, samples, one.rate_hz)
    return made


def files(one: Record, folder: Path) -> list[Path]:
    """The files of a recorder: one of miniSEED, or one for each trace.

    Where ObsPy cannot write GSE2 they are of SAC: it has four bytes for each sample, which in short
    or loud traces are too few for whole lines of 80.
    """
    try:
        return _written(one, folder)
    except ValueError as error:
        if one.form != "gse2" or "larger dtype" not in str(error):
            raise
        return _written(replace(one, form="sac"), folder)


def _written(one: Record, folder: Path) -> list[Path]:
    traces = stream(one)
    if one.form == "mseed":
        for each in traces:
            each.stats.location = each.stats.location.strip("-")
        traces.write(str(folder / "a.mseed"), format="MSEED", reclen=512)
        return [folder / "a.mseed"]
    paths = []
    for n, each in enumerate(traces):
        paths.append(folder / f"{n:03d}.{one.form}")
        each.write(str(paths[-1]), format=FORMATS[one.form])
    return paths


def picks(one: Record, folder: Path, weights: Path) -> pd.DataFrame:
    """The picks that `quakeline.pick` makes of a recorder's files."""
    return quakeline.pick(files(one, folder), weights=weights, threads=1)


def largest_error(found: pd.DataFrame, expected: pd.DataFrame) -> float:
    """How far the strongest P and S are from the expected ones, in s; infinite without one."""
    worst = 0.0
    for phase in "PS":
        own, true = (_strongest(table, phase) for table in (found, expected))
        worst = max(worst, abs((own - true) / SECOND) if own is not None else np.inf)
    return worst


def _strongest(table: pd.DataFrame, phase: str) -> int | None:
    rows = table[table["phase"] == phase].sort_values("probability")
    return int(rows["time"].iloc[-1].value) if len(rows) else None
