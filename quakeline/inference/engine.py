"""The engine: blocks of waveforms -> windows -> batches -> network -> stitched curves.

Everything streams: memory is that of one block per instrument in work and of a few batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quakeline.core.errors import ConfigError
from quakeline.inference.backends import Backend
from quakeline.inference.stitch import Interpolated, Stacked, Stitcher
from quakeline.inference.waveforms import Waveforms
from quakeline.inference.windows import edge_windows, normalise, shares, window_starts
from quakeline.models.cards import EDGE_HOLE_S, Card

Item = TypeVar("Item")

#: About so many samples are read and cut into windows at once; more do not fit into the cache.
BLOCK_SAMPLES = 120_000


@dataclass(frozen=True)
class Piece:
    """Final probabilities of an instrument from sample `start`: shape (phases, n), float32."""

    instrument: int
    start: int
    curves: np.ndarray


@dataclass
class _Block:
    """Samples from `origin`, and the windows in them that are computed, in the order of time.

    `weights` are those of the windows when they are joined, `full` says which have no gap.
    """

    instrument: int
    end: int
    origin: int
    data: np.ndarray
    valid: np.ndarray
    starts: np.ndarray
    weights: np.ndarray
    full: np.ndarray


#: Some of the windows of a block: those of a slice of its `starts`.
_Windows = tuple[_Block, slice]


@dataclass(frozen=True)
class Engine:
    """A network with the rules by which it is applied to continuous data.

    The results of a window do not depend on what else is computed: see
    `quakeline.inference.backends`.
    """

    card: Card
    backend: Backend

    @property
    def hop(self) -> int:
        """Step between windows in samples."""
        return self.card.hop_samples

    def __post_init__(self) -> None:
        largest = self.card.window_samples - 2 * self.card.blind_samples
        if self.card.output != "window" and self.hop > largest:
            raise ConfigError(
                f"annotate.hop_samples: {self.hop} given; at most {largest} for {self.card.name}"
                f" with blind_samples {self.card.blind_samples}, so that every sample lies in a"
                " window"
            )

    def annotate(self, source: Waveforms, lo: int, hi: int) -> Iterator[Piece]:
        """Probabilities of the card's phases on samples [lo, hi) of every instrument.

        Pieces come instrument by instrument in the order of time and leave nothing out; where no
        window has a valid sample they are zero.
        """
        phases = _rows([self.card.classes.index(phase) for phase in self.card.phases])
        order: deque[_Block] = deque()
        stitchers: dict[int, Stitcher] = {}
        for groups, outputs in self.backend.run(self._batches(source, lo, hi, order)):
            done = 0
            for block, some in groups:
                while order[0] is not block:
                    yield self._finish(order.popleft(), stitchers, lo, hi)
                starts = block.starts[some]
                here = slice(done, done + len(starts))
                self._stitcher(block, stitchers, lo, hi).add(
                    block.origin + starts, outputs[here, phases], block.weights[some]
                )
                done = here.stop
        while order:
            yield self._finish(order.popleft(), stitchers, lo, hi)

    def _stitcher(self, block: _Block, known: dict[int, Stitcher], lo: int, hi: int) -> Stitcher:
        if block.instrument not in known:
            n = len(self.card.phases)
            if self.card.output == "window":
                centre = self.card.window_samples // 2
                known[block.instrument] = Interpolated(lo, hi, n, centre, self.hop)
            else:
                known[block.instrument] = Stacked(
                    lo, hi, n, self.card.blind_samples, self.card.stacking
                )
        return known[block.instrument]

    def _finish(self, block: _Block, known: dict[int, Stitcher], lo: int, hi: int) -> Piece:
        curves = self._stitcher(block, known, lo, hi).take(block.end)
        if block.end >= hi:
            del known[block.instrument]
        return Piece(block.instrument, min(block.end, hi) - curves.shape[1], curves)

    def _blocks(self, source: Waveforms, lo: int, hi: int) -> Iterator[_Block]:
        """All windows of all instruments, block by block; an instrument has one block at least."""
        window = self.card.window_samples
        starts = window_starts(lo, hi, window, self.hop)
        per = max(BLOCK_SAMPLES // self.hop, 1)
        for instrument in range(source.n_instruments):
            first = lo - window + 1
            for k in range(0, len(starts), per):
                end = starts[k + per] if k + per < len(starts) else hi
                yield self._block(source, instrument, (first, end), starts[k : k + per])
                first = end

    def _block(
        self, source: Waveforms, instrument: int, span: tuple[int, int], grid: range
    ) -> _Block:
        """The block of the windows that begin in a span; `grid` are those of the absolute grid."""
        window, around = self.card.window_samples, 0
        origin, stop = grid[0], grid[-1] + window
        if self.card.edge_windows:
            around = round(EDGE_HOLE_S * self.card.sampling_rate_hz)
            origin, stop = span[0] - around, span[1] + window + around
        data, valid = source.read(instrument, origin, stop)
        at = np.array(grid) - origin
        if valid.all():
            n = len(at)
            ones = np.ones(n, np.float32)
            return _Block(instrument, span[1], origin, data, valid, at, ones, np.ones(n, bool))
        some = np.asarray(valid.any(axis=0))
        if self.card.edge_windows:
            edges = edge_windows(some, around, window)
            at = np.union1d(at, edges[edges < span[1] - origin])
        share = shares(some, at, window)
        at, share = at[share > 0], share[share > 0]
        weights = share**2 if self.card.edge_windows else np.ones_like(share)
        every = np.asarray(valid.all(axis=0))
        full = (share if np.array_equal(every, some) else shares(every, at, window)) == 1
        return _Block(instrument, span[1], origin, data, valid, at, weights, full)

    def _batches(
        self, source: Waveforms, lo: int, hi: int, order: deque[_Block]
    ) -> Iterator[tuple[list[_Windows], np.ndarray]]:
        """Batches of normalised windows; every block that was begun is put into `order`."""
        shape = (self.backend.batch, len(self.card.components), self.card.window_samples)
        ring = deque(np.zeros(shape, np.float32) for _ in range(self.backend.in_flight + 1))
        groups: list[_Windows] = []
        used = 0
        for block in prefetched(self._blocks(source, lo, hi)):
            order.append(block)
            done = 0
            while done < len(block.starts):
                some = slice(done, min(done + shape[0] - used, len(block.starts)))
                n = some.stop - done
                self._fill(ring[0][used : used + n], block, some)
                groups.append((block, some))
                done, used = some.stop, used + n
                if used == shape[0]:
                    yield groups, ring[0]
                    ring.rotate(-1)
                    groups, used = [], 0
        if groups:
            ring[0][used:] = 0
            yield groups, ring[0]

    def _fill(self, target: np.ndarray, block: _Block, some: slice) -> None:
        """Put normalised windows of a block into an array of as many rows."""
        size = self.card.window_samples
        starts, full = block.starts[some], block.full[some]
        for row, start in zip(target, starts.tolist(), strict=True):
            row[:] = block.data[:, start : start + size]
        if full.all():
            normalise(target, None, self.card.normalisation)
            return
        edges = [0, *(np.flatnonzero(np.diff(full)) + 1).tolist(), len(starts)]
        for first, last in pairwise(edges):
            valid = None if full[first] else _cut(block.valid, starts[first:last], size)
            normalise(target[first:last], valid, self.card.normalisation)


def _rows(indices: list[int]) -> slice | list[int]:
    """The same rows as a slice where they follow each other: a view instead of a copy."""
    first = indices[0]
    follow = indices == list(range(first, first + len(indices)))
    return slice(first, first + len(indices)) if follow else indices


def _cut(samples: np.ndarray, at: np.ndarray, window: int) -> np.ndarray:
    """Windows that begin at positions of (components, n) samples: (windows, components, window)."""
    return sliding_window_view(samples, window, axis=1)[:, at].transpose(1, 0, 2)


def prefetched(items: Iterator[Item]) -> Iterator[Item]:
    """Make the next item in a thread while the current one is used; errors are passed on."""
    end = object()
    with ThreadPoolExecutor(1) as pool:
        ahead = pool.submit(next, items, end)
        while (item := ahead.result()) is not end:
            ahead = pool.submit(next, items, end)
            yield cast(Item, item)
