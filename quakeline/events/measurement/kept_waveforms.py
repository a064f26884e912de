"""Filtered waveforms around the arrivals of one instrument, from the stores that a run kept."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.schemas import WAVEFORMS
from quakeline.core.timeline import SECOND, Span, first_sample, sample_time
from quakeline.io.products import stores
from quakeline.signal.filters import butterworth, filtered

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
        self.folder = folder
        self._spans = sorted(found)
        self._starts = [span.start_ns for span in self._spans]
        self._paths = found
        self._open: dict[Span, Any] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        """Sent to another process, which opens the stores itself, once for all that it gets."""
        return _of_folder, (self.folder,)

    def chunk_at(self, time_ns: int) -> Span | None:
        """The chunk in which a time lies; None where none was kept."""
        place = bisect_right(self._starts, time_ns) - 1
        found = place >= 0 and self._spans[place].contains(time_ns)
        return self._spans[place] if found else None

    def at(self, time_ns: int) -> Any | None:
        """The open store of the chunk in which a time lies; None where none was kept."""
        span = self.chunk_at(time_ns)
        if span is not None and span not in self._open:
            self._open[span] = stores.open_store(self._paths[span], WAVEFORMS)
        return None if span is None else self._open[span]


@lru_cache(maxsize=1)
def _of_folder(folder: Path) -> Waveforms:
    return Waveforms(folder)


def together(arrivals: pd.DataFrame, waveforms: Waveforms) -> pd.DataFrame:
    """Arrivals of one instrument in order of time, and with which others each is read.

    Those that lie close to each other in a store are filtered as one piece, from `from_ns` to
    `to_ns`, the times of the first and the last of them.
    """
    ordered = arrivals.sort_values("time")
    times = ordered["time"].astype("int64").to_numpy()
    chunks = [waveforms.chunk_at(int(time)) for time in times]
    starts = [0] if len(times) else []
    for at in range(1, len(times)):
        first = starts[-1]
        if chunks[at] != chunks[first] or times[at] - times[first] > _TOGETHER_S * SECOND:
            starts.append(at)
    sizes = np.diff([*starts, len(times)])
    ends = np.cumsum(sizes) - 1
    return ordered.assign(
        from_ns=times[np.repeat(starts, sizes)], to_ns=times[np.repeat(ends, sizes)]
    )


def snippets(
    arrivals: pd.DataFrame,
    waveforms: Waveforms,
    reach_s: tuple[float, float],
    band_hz: tuple[float, float],
    unused: Counter[str],
) -> dict[tuple[int, str], Snippet]:
    """Waveforms of arrivals of one instrument, by `event` and phase.

    `arrivals` are some or all rows that `together` gave; they have event, phase, time, room_s and
    the codes of a pick. What a row gives does not depend on the others. `reach_s` is what must be
    there before and after each; arrivals without are counted in `unused`, by reason, where their
    row is `counted`.
    """
    found: dict[tuple[int, str], Snippet] = {}
    for _, some in arrivals.groupby("from_ns", sort=False):
        store = waveforms.at(int(some["from_ns"].iloc[0]))
        label = ".".join(some[CODES].iloc[0].astype(str))
        counted = some["counted"].tolist()
        if store is None or label not in stores.labels_of(store, "instruments"):
            unused["arrivals: no waveforms were kept"] += sum(counted)
            continue
        events, phases = some["event"].tolist(), some["phase"].tolist()
        cut = _cut(store, label, some, reach_s, band_hz)
        for event, phase, counts, snippet in zip(events, phases, counted, cut, strict=True):
            if snippet.usable:
                found[event, phase] = snippet
            else:
                unused["arrivals: a gap, clipped samples or the end of the data"] += counts
    return found


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
    first, last = (int(arrivals[name].iloc[0]) for name in ("from_ns", "to_ns"))
    begin = _nearest(first, rate) - before - pad - grid.start_sample
    end = _nearest(last, rate) + after + pad - grid.start_sample
    names = stores.labels_of(store, "components")
    data, valid = stores.window(
        store, stores.labels_of(store, "instruments").index(label), begin, end
    )
    motion = filtered(data, valid, butterworth(*band_hz, _ORDER, rate), zero_phase=True)
    begin += grid.start_sample
    onsets = [_nearest(time, rate) for time in times.tolist()]
    columns = onsets, arrivals["pick_id"], times.tolist(), arrivals["room_s"].tolist()
    for onset, name, pick, room in zip(*columns, strict=True):
        here = slice(onset - before - begin, onset + after - begin)
        good = np.asarray(valid[:, here].all(axis=1))
        yield Snippet(names, motion[:, here], good, onset - before, onset, rate, name, pick, room)


def _nearest(time_ns: int, rate_hz: float) -> int:
    """The sample next to a time, counted since 1970."""
    return first_sample(time_ns - round(5e8 / rate_hz), rate_hz)
