"""Recordings through the network: chunk by chunk, of each chunk instrument by instrument.

In memory are only the instruments that the network is working on; the next one is read and
prepared meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code
from quakeline.core.schemas import COVERAGE
from quakeline.core.timeline import Span
from quakeline.inference.annotator import Annotator
from quakeline.inference.backends import Backend, Tag
from quakeline.inference.engine import Piece, prefetched
from quakeline.inference.waveforms import Arrays
from quakeline.io.products.remarks import Remark, gather
from quakeline.waveforms.preparation.components import Preparer
from quakeline.waveforms.preparation.orientation import COMPONENTS
from quakeline.waveforms.preparation.recordings import Recordings
from quakeline.waveforms.preparation.settings import READ_AHEAD_S, Settings

#: Hears how many seconds of data are done, and of how many.
Progress = Callable[[float, float], None]
#: Columns of COVERAGE that name an instrument.
INSTRUMENT = ["network", "station", "location", "instrument"]

#: What `Preparer.instruments` gives: rows of each instrument by label, COVERAGE rows of the others.
Instruments = tuple[dict[str, pd.DataFrame], list[dict[str, Any]]]

_CHUNK_S = 6 * 3600


@dataclass
class Stopwatch:
    """Seconds spent reading and preparing, which runs beside the rest, and for the network."""

    reading_s: float = 0.0
    network_s: float = 0.0


@dataclass(frozen=True)
class _Timed:
    """A backend that counts the seconds spent on it, not on making its batches."""

    backend: Backend
    clock: Stopwatch

    @property
    def batch(self) -> int:
        return self.backend.batch

    @property
    def in_flight(self) -> int:
        return self.backend.in_flight

    def run(self, batches: Iterator[tuple[Tag, np.ndarray]]) -> Iterator[tuple[Tag, np.ndarray]]:
        """See `Backend.run`."""
        outputs = self.backend.run(self._given(batches))
        while True:
            self.clock.network_s -= time.perf_counter()
            output = next(outputs, None)
            self.clock.network_s += time.perf_counter()
            if output is None:
                return
            yield output

    def _given(self, batches: Iterator[tuple[Tag, np.ndarray]]) -> Iterator[tuple[Tag, np.ndarray]]:
        while True:
            self.clock.network_s += time.perf_counter()
            batch = next(batches, None)
            self.clock.network_s -= time.perf_counter()
            if batch is None:
                return
            yield batch


class Work:
    """What is done to recordings with a network, whatever is made of its probabilities.

    `progress` is called with the seconds of data that are done and that there are. What was found
    in the data is known when the last chunk is done.
    """

    def __init__(
        self, recordings: Recordings, annotator: Annotator, progress: Progress | None = None
    ) -> None:
        self.recordings, self.clock = recordings, Stopwatch()
        engines = [replace(e, backend=_Timed(e.backend, self.clock)) for e in annotator.engines]
        self.annotator = replace(annotator, engines=tuple(engines))
        self._progress = progress or (lambda done, total: None)
        self._margin_s = annotator.card.margin_s
        self._lock = Lock()
        self._coverage: list[pd.DataFrame] = []

    def chunks(self) -> Iterator[Chunk]:
        """The chunks in order of time; the first instrument of the next one is prepared ahead."""
        around_s = self._margin_s + READ_AHEAD_S
        parts = self.recordings.chunks(_CHUNK_S, around_s)
        total = sum(span.seconds * _count_instruments(rows) for span, rows in parts)
        done = 0.0
        for chunk in prefetched(self._begun(parts)):
            chunk.notify = self._notifier(done, total)
            yield chunk
            done += chunk.span.seconds * len(chunk.labels)
            self._coverage.append(chunk.coverage())
            chunk.close()
        self._progress(total, total)

    def _notifier(self, before: float, total: float) -> Callable[[float], None]:
        return lambda done: self._progress(before + done, total)

    def _begun(self, parts: list[tuple[Span, pd.DataFrame]]) -> Iterator[Chunk]:
        config, source = Settings(), self.recordings.source
        first = Preparer(
            span=parts[0][0],
            margin_s=self._margin_s,
            rate_hz=self.annotator.card.sampling_rate_hz,
            bridge_gap_s=config.bridge_gap_s,
            response=config.response,
            mend_spikes=config.mend_spikes,
            inventory=self.recordings.inventory,
            source=source,
        )
        known: dict[tuple[int, ...], Instruments] = {}
        for span, rows in parts:
            which = tuple(rows.index)  # chunks of one long record have the same rows
            if which not in known:
                known = {which: first.instruments(rows, [])}
            chunk = Chunk(self, first.at(span, source), known[which], self._lock)
            if chunk.labels:
                chunk.get(0)
            yield chunk

    @property
    def coverage(self) -> pd.DataFrame:
        """COVERAGE of all chunks, with a column `chunk`."""
        filled = [table for table in self._coverage if len(table)]
        if not filled:
            return pd.DataFrame(columns=[*COVERAGE.names, "chunk", "seconds"])
        return pd.concat(filled, ignore_index=True)

    def remarks(self) -> list[Remark]:
        """What to know about the data. Raises DataError where no channel could be used."""
        coverage = self.coverage
        found = gather(self.recordings.manifest.assign(chunk="all"), coverage)
        if not (coverage["status"] == "used").any():
            said = "; ".join(dict.fromkeys(remark.text for remark in found[:3]))
            raise DataError(f"no usable data: {said}")
        if len(self.recordings.inventory) == 0:  # nothing was given, nothing has to be said
            found = [remark for remark in found if not remark.is_of(Code.NO_RESPONSE)]
        return found


def _count_instruments(rows: pd.DataFrame) -> int:
    codes = rows.assign(instrument=rows["channel"].str[:-1])
    return len(codes[INSTRUMENT].drop_duplicates())


class Chunk:
    """A span of the recordings: its instruments, and their probabilities piece by piece."""

    def __init__(
        self, work: Work, preparer: Preparer, instruments: Instruments, lock: Lock
    ) -> None:
        self._work, self._preparer, self._lock = work, preparer, lock
        self._groups, report = instruments
        self._report = list(report)
        self._held: dict[int, tuple[np.ndarray, np.ndarray]] = {}
        self.span = preparer.span
        self.labels = list(self._groups)
        self.units: dict[str, str] = {}
        self.clipped: dict[str, np.ndarray] = {}
        self.notify: Callable[[float], None] = lambda share_s: None
        grid, reach = preparer.grid, work.annotator.reach
        self._start = grid.start_sample
        #: First sample and end of the probabilities, counted since 1970.
        self.lo, self.hi = grid.start_sample + reach, grid.start_sample + grid.n_samples - reach

    def pieces(self) -> Iterator[tuple[Piece, bool]]:
        """Probabilities, and whether they are the last of their instrument; then `release` it."""
        annotator = self._work.annotator
        source = _Read(self, annotator.card.components)
        for piece in annotator.annotate(source, self.lo, self.hi):
            end = piece.start + piece.curves.shape[1]
            yield piece, end >= self.hi
            share = (end - self.lo) / (self.hi - self.lo)
            self.notify((piece.instrument + share) * self.span.seconds)

    @property
    def motion(self) -> _Read:
        """Waveforms in the order of COMPONENTS, of the instruments in work."""
        return _Read(self, "".join(COMPONENTS))

    def get(self, index: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples and mask (component, time) of an instrument, prepared unless they are held."""
        made = self._held.get(index)  # without waiting for one that is being prepared
        if made is not None:
            return made
        with self._lock:
            if index not in self._held:
                self._held[index] = self._prepared(self.labels[index])
            return self._held[index]

    def _prepared(self, label: str) -> tuple[np.ndarray, np.ndarray]:
        begin = time.perf_counter()
        made = self._preparer.prepared(label, self._groups[label])
        self._report += made.coverage
        self.units[label] = made.units
        self.clipped[label] = made.clipped
        stacked = made.stacked()
        self._work.clock.reading_s += time.perf_counter() - begin
        return stacked

    def release(self, index: int) -> None:
        """Forget the waveforms of an instrument."""
        del self._held[index]

    def close(self) -> None:
        """Forget all waveforms and files: the engine may keep hold of the chunk for a while."""
        self._held.clear()
        del self._preparer

    def arrays(self, index: int, wanted: str) -> Arrays:
        """Waveforms of one instrument, the components in an order."""
        data, valid = self.get(index)
        return Arrays(data[None], valid[None], self._start, COMPONENTS, wanted)

    def coverage(self) -> pd.DataFrame:
        """COVERAGE of the instruments so far, with the chunk's name and seconds of data."""
        table = pd.DataFrame(self._report, columns=COVERAGE.names)
        return table.assign(chunk=self.span.id, seconds=table["coverage"] * self.span.seconds)


@dataclass(frozen=True)
class _Read:
    """The instruments of a chunk for the engine, the components in an order."""

    chunk: Chunk
    components: str

    @property
    def n_instruments(self) -> int:
        return len(self.chunk.labels)

    @property
    def in_memory(self) -> bool:
        return True

    def read(self, instrument: int, start: int, stop: int) -> tuple[Any, Any]:
        """See `Waveforms.read`."""
        return self.chunk.arrays(instrument, self.components).read(0, start, stop)
