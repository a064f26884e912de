"""The engine: blocks of waveforms -> windows -> batches -> network -> stitched curves.

Everything streams: memory is that of one block per instrument in work and of a few batches.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar, cast

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from quakeline.errors import ConfigError
from quakeline.inference.backends import Backend
from quakeline.inference.stitch import Interpolated, Stacked, Stitcher
from quakeline.inference.waveforms import Waveforms
from quakeline.inference.windows import normalise, window_starts
from quakeline.models.cards import Card

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
    instrument: int
    windows: range
    end: int
    data: np.ndarray
    valid: np.ndarray | None


_Window = tuple[_Block, int]


@dataclass(frozen=True)
class Engine:
    """A network with the rules by which it is applied to continuous data.

    `hop` is the step between windows in samples, `stacking` how overlapping windows are joined
    ("average", "maximum", "weighted"). The results of a window do not depend on what
    else is computed: see `quakeline.inference.backends`.
    """

    card: Card
    backend: Backend
    hop: int
    stacking: str = "average"

    def __post_init__(self) -> None:
        largest = self.card.window_samples - 2 * self.card.blind_samples
        if self.card.output != "window" and self.hop > largest:
            raise ConfigError(
                f"annotate.hop_samples: {self.hop} given; at most {largest} for {self.card.name},"
                " so that every sample lies in a window"
            )

    def annotate(self, source: Waveforms, lo: int, hi: int) -> Iterator[Piece]:
        """Probabilities of the card's phases on samples [lo, hi) of every instrument.

        Pieces come instrument by instrument in the order of time and leave nothing out; where no
        window has a valid sample they are zero.
        """
        phases = _rows([self.card.classes.index(phase) for phase in self.card.phases])
        order: deque[_Block] = deque()
        stitchers: dict[int, Stitcher] = {}
        for windows, outputs in self.backend.run(self._batches(source, lo, hi, order)):
            for (block, start), output in zip(windows, outputs, strict=False):
                while order[0] is not block:
                    yield self._finish(order.popleft(), stitchers, lo, hi)
                self._stitcher(block, stitchers, lo, hi).add(start, output[phases])
        while order:
            yield self._finish(order.popleft(), stitchers, lo, hi)

    def _stitcher(self, block: _Block, known: dict[int, Stitcher], lo: int, hi: int) -> Stitcher:
        if block.instrument not in known:
            n = len(self.card.phases)
            if self.card.output == "window":
                centre = self.card.window_samples // 2
                known[block.instrument] = Interpolated(lo, hi, n, centre, self.hop)
            else:
                known[block.instrument] = Stacked(lo, hi, n, self.card.blind_samples, self.stacking)
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
            for k in range(0, len(starts), per):
                some = starts[k : k + per]
                end = starts[k + per] if k + per < len(starts) else hi
                data, valid = source.read(instrument, some[0], some[-1] + window)
                yield _Block(instrument, some, end, data, None if valid.all() else valid)

    def _batches(
        self, source: Waveforms, lo: int, hi: int, order: deque[_Block]
    ) -> Iterator[tuple[list[_Window], np.ndarray]]:
        """Batches of normalised windows; every block that was begun is put into `order`."""
        shape = (self.backend.batch, len(self.card.components), self.card.window_samples)
        ring = deque(np.zeros(shape, np.float32) for _ in range(self.backend.in_flight + 1))
        windows: list[_Window] = []
        for block in prefetched(self._blocks(source, lo, hi)):
            order.append(block)
            starts = self._usable(block)
            while starts:
                part = starts[: shape[0] - len(windows)]
                starts = starts[len(part) :]
                self._fill(ring[0][len(windows) : len(windows) + len(part)], block, part)
                windows += [(block, start) for start in part]
                if len(windows) == shape[0]:
                    yield windows, ring[0]
                    ring.rotate(-1)
                    windows = []
        if windows:
            ring[0][len(windows) :] = 0
            yield windows, ring[0]

    def _usable(self, block: _Block) -> list[int]:
        """Windows with a valid sample."""
        if block.valid is None:
            return list(block.windows)
        seen = np.concatenate([[0], np.cumsum(block.valid.any(axis=0))])
        at = np.array(block.windows) - block.windows[0]
        some = seen[at + self.card.window_samples] > seen[at]
        return [start for start, usable in zip(block.windows, some, strict=True) if usable]

    def _fill(self, target: np.ndarray, block: _Block, starts: list[int]) -> None:
        at = np.array(starts) - block.windows[0]
        target[:] = _cut(block.data, at, self.card.window_samples)
        valid = None
        if block.valid is not None:
            valid = _cut(block.valid, at, self.card.window_samples)
        normalise(target, valid, self.card.normalisation)


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
