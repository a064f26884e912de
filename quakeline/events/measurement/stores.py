"""Picks and waveforms of a chunk to rows of MEASUREMENTS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pandas as pd
from numpy.lib.stride_tricks import sliding_window_view

from quakeline.core.schemas import MEASUREMENTS
from quakeline.core.timeline import first_sample
from quakeline.events.measurement.amplitude_bins import Sketcher
from quakeline.events.measurement.settings import Settings
from quakeline.io.products import stores, tables

#: How far apart onsets may be that are measured, and read, together, in lengths of their windows.
_MEASURED, _READ = 40, 160
_CODES = ["network", "station", "location", "instrument"]


def measured(picks: pd.DataFrame, motion: Any, rules: Settings) -> pd.DataFrame:
    """Sketches of all picks (PICKS) of the instruments in a store of waveforms (WAVEFORMS).

    Bins that reach beyond the store, or depend on gaps or clipped samples, are NaN. A component
    that has no samples around a pick has no row.
    """
    grid = stores.grid_of(motion)
    labels = {label: row for row, label in enumerate(stores.labels_of(motion, "instruments"))}
    components = stores.labels_of(motion, "components")
    units = dict(motion.attrs["units"])
    frames: list[pd.DataFrame] = []
    for codes, rows in picks.groupby(_CODES, sort=True):
        label = ".".join(map(str, codes))
        if label not in labels:
            continue
        sketcher = Sketcher(rules, grid.rate_hz, str(units.get(label, "counts")))
        ordered = rows.sort_values(["time", "pick_id"])
        onsets = _indices(ordered, grid)
        for groups in _near(list(_groups(onsets, sketcher)), onsets, sketcher):
            read = slice(groups[0].start, groups[-1].stop)
            block = _block(motion, labels[label], onsets[read], sketcher)
            for some in groups:
                frames += _frames(ordered.iloc[some], onsets[some], components, block, sketcher)
    return pd.concat(frames, ignore_index=True) if frames else tables.empty(MEASUREMENTS)


def sketched(
    picks: pd.DataFrame,
    motion: tuple[int, np.ndarray, np.ndarray],
    components: list[str],
    sketcher: Sketcher,
) -> pd.DataFrame:
    """Sketches of picks (PICKS) of one instrument whose motion is in memory, as `measured`.

    `motion` is the sample since 1970 that comes first, the samples, and a mask that is false in
    gaps and on clipped samples, both (components, n); what lies outside is a gap.
    """
    first, data, valid = motion
    ordered = picks.sort_values(["time", "pick_id"])
    onsets = _samples(ordered, sketcher.rate_hz) - first
    frames: list[pd.DataFrame] = []
    for some in _groups(onsets, sketcher):
        begin = int(onsets[some][0]) + sketcher.reach[0]
        end = int(onsets[some][-1]) + sketcher.reach[1]
        both = (stores.samples(one[None], 0, begin, end) for one in (data, valid))
        block = _Block(begin, *both)
        frames += _frames(ordered.iloc[some], onsets[some], components, block, sketcher)
    return pd.concat(frames, ignore_index=True) if frames else tables.empty(MEASUREMENTS)


class _Block:
    """Samples [start, start + n) of a store: motion and mask, (components, n)."""

    def __init__(self, start: int, motion: np.ndarray, valid: np.ndarray) -> None:
        self.start, self.motion, self.valid = start, motion, valid

    def windows(self, onsets: np.ndarray, sketcher: Sketcher) -> tuple[np.ndarray, np.ndarray]:
        """Windows around onsets, (components, onsets, samples)."""
        start, stop = sketcher.reach
        first = onsets - self.start + start
        motion, valid = (
            sliding_window_view(samples, stop - start, axis=1)[:, first]
            for samples in (self.motion, self.valid)
        )
        return motion, valid


def _indices(picks: pd.DataFrame, grid: stores.Grid) -> np.ndarray:
    """Indices in the store of the samples at which picks lie."""
    return _samples(picks, grid.rate_hz) - grid.start_sample


def _samples(picks: pd.DataFrame, rate_hz: float) -> np.ndarray:
    """Samples since 1970 at which picks lie."""
    half = round(5e8 / rate_hz)
    times = picks["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    return np.array([first_sample(int(time) - half, rate_hz) for time in times], dtype=np.int64)


def _groups(onsets: np.ndarray, sketcher: Sketcher) -> Iterator[slice]:
    """Neighbouring onsets that are measured together: not too many, not too far apart."""
    start, stop = sketcher.reach
    longest, most = _MEASURED * (stop - start), sketcher.at_once
    first = 0
    for last in range(1, len(onsets) + 1):
        full = last - first >= most
        if last == len(onsets) or full or onsets[last] - onsets[first] > longest:
            yield slice(first, last)
            first = last


def _near(groups: list[slice], onsets: np.ndarray, sketcher: Sketcher) -> Iterator[list[slice]]:
    """Groups of onsets whose samples are read in one go: chunks of a store are unpacked whole."""
    start, stop = sketcher.reach
    near: list[slice] = []
    for group in groups:
        if near and onsets[group.stop - 1] - onsets[near[0].start] > _READ * (stop - start):
            yield near
            near = []
        near.append(group)
    if near:
        yield near


def _block(motion: Any, row: int, onsets: np.ndarray, sketcher: Sketcher) -> _Block:
    start, stop = sketcher.reach
    begin, end = int(onsets[0]) + start, int(onsets[-1]) + stop
    return _Block(begin, *stores.window(motion, row, begin, end))


def _frames(
    picks: pd.DataFrame,
    onsets: np.ndarray,
    components: list[str],
    block: _Block,
    sketcher: Sketcher,
) -> Iterator[pd.DataFrame]:
    """One table for each component that has samples around some of the picks."""
    motion, valid = block.windows(onsets, sketcher)
    for at, component in enumerate(components):
        there = np.flatnonzero(valid[at].any(axis=1))
        if len(there):
            some = slice(None) if len(there) == len(picks) else there
            yield pd.DataFrame(
                {
                    "pick_id": picks["pick_id"].to_numpy()[some],
                    "component": component,
                    "units": sketcher.units,
                    "first_bin_s": sketcher.first / sketcher.rate_hz,
                    "bin_s": sketcher.samples(sketcher.rules.bin_s) / sketcher.rate_hz,
                    **sketcher.measure(motion[at][some], valid[at][some]),
                }
            )
