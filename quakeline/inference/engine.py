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
from quakeline.inference.stitch import ROOM, Interpolated, Stacked, Stitcher
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
class Block:
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
_Windows = tuple[Block, slice]


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
        session = Session(self, lo, hi)
        return session.run(prefetched(self._blocks(source, lo, hi)))

    def _blocks(self, source: Waveforms, lo: int, hi: int) -> Iterator[Block]:
        """All windows of all instruments, block by block; an instrument has one block at least."""
        window = self.card.window_samples
        starts = window_starts(lo, hi, window, self.hop)
        per = max(BLOCK_SAMPLES // self.hop, 1)
        for instrument in range(source.n_instruments):
            first = lo - window + 1
            for k in range(0, len(starts), per):
                end = starts[k + per] if k + per < len(starts) else hi
                yield self.block(source, instrument, (first, end), starts[k : k + per])
                first = end

    @property
    def _around(self) -> int:
        """Samples around windows that say whether data begin or end there."""
        if not self.card.edge_windows:
            return 0
        return round(EDGE_HOLE_S * self.card.sampling_rate_hz)

    def ready(self, first: int, known: int) -> range:
        """Windows from that at `first` on, of the absolute grid, that can be computed.

        Samples before `known` will not change any more.
        """
        last = known - self.card.window_samples - self._around
        if self.card.edge_windows:  # up to the next window of the grid, edges may lie
            last -= self.hop
        return range(first, last + 1, self.hop)

    def block(
        self, source: Waveforms, instrument: int, span: tuple[int, int], grid: range
    ) -> Block:
        """The block of the windows that begin in a span; `grid` are those of the absolute grid."""
        window, around = self.card.window_samples, self._around
        origin, stop = grid[0], grid[-1] + window
        if self.card.edge_windows:
            origin, stop = span[0] - around, span[1] + window + around
        data, valid = source.read(instrument, origin, stop)
        at = np.array(grid) - origin
        if valid.all():
            n = len(at)
            ones = np.ones(n, np.float32)
            return Block(instrument, span[1], origin, data, valid, at, ones, np.ones(n, bool))
        some = np.asarray(valid.any(axis=0))
        if self.card.edge_windows:
            edges = edge_windows(some, around, window)
            at = np.union1d(at, edges[edges < span[1] - origin])
        share = shares(some, at, window)
        at, share = at[share > 0], share[share > 0]
        weights = share**2 if self.card.edge_windows else np.ones_like(share)
        every = np.asarray(valid.all(axis=0))
        full = (share if np.array_equal(every, some) else shares(every, at, window)) == 1
        return Block(instrument, span[1], origin, data, valid, at, weights, full)


class Session:
    """An engine at work on samples [lo, hi) of instruments, which may come in bit by bit.

    The blocks of an instrument come in the order of time, in one `run` or in many: its pieces hold
    the same probabilities. `room` are the samples that a curve has room for at least.

    With `early` pieces reach as far as no later window has a say, beyond the end of their block by
    the samples at the ends of windows that do not count.
    """

    def __init__(
        self, engine: Engine, lo: int, hi: int, room: int = ROOM, *, early: bool = False
    ) -> None:
        self._engine, self._lo, self._hi, self._room = engine, lo, hi, room
        self._early = engine.card.blind_samples if early else 0
        card = engine.card
        self._phases = _rows([card.classes.index(phase) for phase in card.phases])
        self._stitchers: dict[int, Stitcher] = {}
        backend = engine.backend
        shape = (backend.batch, len(card.components), card.window_samples)
        self._ring = deque(np.zeros(shape, np.float32) for _ in range(backend.in_flight + 1))

    def run(self, blocks: Iterator[Block]) -> Iterator[Piece]:
        """Compute blocks; gives a piece for each of them, in their order, which may be empty.

        It reaches to where later blocks of the instrument can change something.
        """
        order: deque[Block] = deque()
        for groups, outputs in self._engine.backend.run(self._batches(blocks, order)):
            done = 0
            for block, some in groups:
                while order[0] is not block:
                    yield self._finish(order.popleft())
                starts = block.starts[some]
                here = slice(done, done + len(starts))
                self._stitcher(block.instrument).add(
                    block.origin + starts, outputs[here, self._phases], block.weights[some]
                )
                done = here.stop
        while order:
            yield self._finish(order.popleft())

    def begin(self, instrument: int, lo: int) -> None:
        """Let the curves of an instrument begin at a sample of its own."""
        self._stitchers[instrument] = self._made(lo)

    def forget(self, instrument: int) -> None:
        """Drop what is held of an instrument: its next block begins anew."""
        self._stitchers.pop(instrument, None)

    def ahead(self, instrument: int) -> np.ndarray:
        """Probabilities beyond the last piece of an instrument, which later windows may change."""
        return self._stitcher(instrument).ahead()

    def _stitcher(self, instrument: int) -> Stitcher:
        if instrument not in self._stitchers:
            self._stitchers[instrument] = self._made(self._lo)
        return self._stitchers[instrument]

    def _made(self, lo: int) -> Stitcher:
        card, n = self._engine.card, len(self._engine.card.phases)
        if card.output == "window":
            return Interpolated(lo, self._hi, n, card.window_samples // 2, self._engine.hop)
        return Stacked(lo, self._hi, n, card.blind_samples, card.stacking, self._room)

    def _finish(self, block: Block) -> Piece:
        stop = min(block.end + self._early, self._hi)
        curves = self._stitcher(block.instrument).take(stop)
        if block.end >= self._hi:
            del self._stitchers[block.instrument]
        return Piece(block.instrument, stop - curves.shape[1], curves)

    def _batches(
        self, blocks: Iterator[Block], order: deque[Block]
    ) -> Iterator[tuple[list[_Windows], np.ndarray]]:
        """Batches of normalised windows; every block that was begun is put into `order`."""
        ring, size = self._ring, self._engine.backend.batch
        groups: list[_Windows] = []
        used = 0
        for block in blocks:
            order.append(block)
            done = 0
            while done < len(block.starts):
                some = slice(done, min(done + size - used, len(block.starts)))
                n = some.stop - done
                _fill(ring[0][used : used + n], block, some, self._engine.card)
                groups.append((block, some))
                done, used = some.stop, used + n
                if used == size:
                    yield groups, ring[0]
                    ring.rotate(-1)
                    groups, used = [], 0
        if groups:
            ring[0][used:] = 0
            yield groups, ring[0]
            ring.rotate(-1)


def _fill(target: np.ndarray, block: Block, some: slice, card: Card) -> None:
    """Put normalised windows of a block into an array of as many rows."""
    size, rule = card.window_samples, card.normalisation
    starts, full = block.starts[some], block.full[some]
    for row, start in zip(target, starts.tolist(), strict=True):
        row[:] = block.data[:, start : start + size]
    if full.all():
        normalise(target, None, rule)
        return
    edges = [0, *(np.flatnonzero(np.diff(full)) + 1).tolist(), len(starts)]
    for first, last in pairwise(edges):
        valid = None if full[first] else _cut(block.valid, starts[first:last], size)
        normalise(target[first:last], valid, rule)


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
