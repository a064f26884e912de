"""Filtered waveforms around the arrivals of one instrument, from the stores that a run kept."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quakeline.errors import DataError
from quakeline.io import stores
from quakeline.schemas import WAVEFORMS
from quakeline.signal.filters import butterworth, filtered
from quakeline.timeline import SECOND, Span, first_sample, sample_time

#: What names an instrument.
CODES = ["network", "station", "location", "instrument"]
#: Arrivals are read together while they lie within so many seconds.
_TOGETHER_S = 1800.0
#: A filter needs so many of its longest periods before a window to forget the begin.
_PERIODS = 2.0
_ORDER = 4


@dataclass(frozen=True)
class Snippet:
    """Motion around an arrival, filtered; shape (components, n).

    `start` is the first sample and `onset` the one next to the pick, counted since 1970; `room_s`
    is how long the window after the arrival may be.
    """

    components: list[str]
    data: np.ndarray
    good: np.ndarray
    start: int
    onset: int
    rate_hz: float
    pick_id: str
    pick_ns: int
    room_s: float

    @property
    def time_ns(self) -> int:
        """Time of the sample next to the pick."""
        return sample_time(self.onset, self.rate_hz)

    @cached_property
    def usable(self) -> list[str]:
        """Components without a gap or clipped samples."""
        return [name for name, good in zip(self.components, self.good, strict=True) if good]

    def trace(self, component: str) -> tuple[Any, Any]:
        """Time of the sample next to the pick, and a component, as obspy has them."""
        from obspy import Trace, UTCDateTime

        begin = UTCDateTime(ns=sample_time(self.start, self.rate_hz))
        header = {"sampling_rate": self.rate_hz, "starttime": begin}
        row = self.data[self.components.index(component)].astype(float)
        return UTCDateTime(ns=self.time_ns), Trace(row, header)


class Waveforms:
    """The stores of waveforms that a run kept, one for each chunk.

    Raises
    ------
    DataError
        There are none in the folder.
    """

    def __init__(self, folder: Path) -> None:
        found = stores.of_chunks(folder)
        if not found:
            raise DataError(f"{folder} holds no waveforms; a run keeps them with keep: [waveforms]")
        self._spans = sorted(found)
        self._starts = [span.start_ns for span in self._spans]
        self._paths = found
        self._open: dict[Span, Any] = {}

    def at(self, time_ns: int) -> Any | None:
        """The open store of the chunk in which a time lies; None where none was kept."""
        place = bisect_right(self._starts, time_ns) - 1
        if place < 0 or not self._spans[place].contains(time_ns):
            return None
        span = self._spans[place]
        if span not in self._open:
            self._open[span] = stores.open_store(self._paths[span], WAVEFORMS)
        return self._open[span]


def snippets(
    arrivals: pd.DataFrame,
    waveforms: Waveforms,
    reach_s: tuple[float, float],
    band_hz: tuple[float, float],
    unused: Counter[str],
) -> dict[tuple[int, str], Snippet]:
    """Waveforms of the arrivals of one instrument, by `event` and phase.

    `arrivals` has event, phase, time, room_s and the codes of a pick. `reach_s` is what must be
    there before and after each; arrivals without are counted in `unused`, by reason.
    """
    found: dict[tuple[int, str], Snippet] = {}
    for store, some in _together(arrivals.sort_values("time"), waveforms):
        label = ".".join(some[CODES].iloc[0].astype(str))
        if store is None or label not in stores.labels_of(store, "instruments"):
            unused["arrivals: no waveforms were kept"] += len(some)
            continue
        events, phases = some["event"].tolist(), some["phase"].tolist()
        cut = _cut(store, label, some, reach_s, band_hz)
        for event, phase, snippet in zip(events, phases, cut, strict=True):
            if snippet.usable:
                found[event, phase] = snippet
            else:
                unused["arrivals: a gap, clipped samples or the end of the data"] += 1
    return found


def _together(
    arrivals: pd.DataFrame, waveforms: Waveforms
) -> Iterator[tuple[Any | None, pd.DataFrame]]:
    """Arrivals of one store that lie close to each other."""
    times = arrivals["time"].astype("int64").to_numpy()
    opened = [waveforms.at(int(time)) for time in times]
    first = 0
    for last in range(1, len(times) + 1):
        if (
            last == len(times)
            or opened[last] is not opened[first]
            or times[last] - times[first] > _TOGETHER_S * SECOND
        ):
            yield opened[first], arrivals.iloc[first:last]
            first = last


def _cut(
    store: Any,
    label: str,
    arrivals: pd.DataFrame,
    reach_s: tuple[float, float],
    band_hz: tuple[float, float],
) -> Iterator[Snippet]:
    grid = stores.grid_of(store)
    rate = grid.rate_hz
    pad = round(_PERIODS / band_hz[0] * rate)
    before, after = (round(seconds * rate) + 2 for seconds in reach_s)
    times = arrivals["time"].astype("int64").to_numpy()
    onsets = np.array([first_sample(int(t) - round(5e8 / rate), rate) for t in times])
    begin = int(onsets[0]) - before - pad - grid.start_sample
    end = int(onsets[-1]) + after + pad - grid.start_sample
    names = stores.labels_of(store, "components")
    data, valid = stores.window(
        store, stores.labels_of(store, "instruments").index(label), begin, end
    )
    motion = filtered(data, valid, butterworth(*band_hz, _ORDER, rate), zero_phase=True)
    begin += grid.start_sample
    columns = onsets.tolist(), arrivals["pick_id"], times.tolist(), arrivals["room_s"].tolist()
    for onset, name, pick, room in zip(*columns, strict=True):
        here = slice(onset - before - begin, onset + after - begin)
        good = np.asarray(valid[:, here].all(axis=1))
        yield Snippet(names, motion[:, here], good, onset - before, onset, rate, name, pick, room)
