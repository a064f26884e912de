"""Votes held in arrays, in NumPy."""

from __future__ import annotations

import threading
from typing import Any, ClassVar, Literal

import numpy as np

from quakeline.events.association.votes import BESIDE, Reach, Slice, Votes

#: Nodes are voted for in blocks whose votes of one kind fit into a processor's cache.
_BLOCK_BYTES, _LEAST_BLOCK = 2**19, 64

# Votes of a slice take much memory, which is cheaper to clear than to ask for again.
_held = threading.local()


class StoredVotes(Votes):
    """See `votes.Votes`; node n is number n % width of block n // width."""

    order: ClassVar[Literal["C", "F"]] = "C"

    def __init__(self, reach: Reach, picks: Slice) -> None:
        super().__init__(reach, picks)
        self._nodes = reach.travel.shape[1]
        self._silent: list[tuple[Any, ...]] = []
        width = max(_BLOCK_BYTES // picks.bins, _LEAST_BLOCK)
        shape = 2, -(-self._nodes // width), picks.bins, width
        self._all, self._near = _cleared(shape, np.min_scalar_type(picks.most))
        self._vote(np.arange(len(picks.times)), np.add)
        self._excess = np.full(picks.bins, -1.0)
        self._look(picks.inside.start, picks.inside.stop)

    def best(self) -> tuple[int, int] | None:
        """Bin and node of the origin with the best score; None where no score is above 0."""
        column = int(self._excess.argmax())
        if self._excess[column] < 0:
            return None
        beside = slice(column - BESIDE, column + BESIDE + 1)
        every, near = (
            counts[:, beside].sum(axis=1, dtype=counts.dtype).reshape(-1)[: self._nodes]
            for counts in (self._all, self._near)
        )
        return column, self.chosen(every, near)

    def withdraw(self, rows: np.ndarray) -> None:
        """Take the votes of some picks away."""
        self._vote(rows, np.subtract)
        for silent in self._silent:
            self._all[silent] = self._near[silent] = 0
        self._look(*self.touched(rows))

    def silence(self, nodes: np.ndarray, low: int, high: int) -> None:
        """Count no votes of some nodes, sorted, in the bins from low to high any more."""
        block, number = np.divmod(nodes, self._all.shape[2])
        silent = block, slice(low, high), number
        self._all[silent] = self._near[silent] = 0
        self._silent.append(silent)
        self._look(*self.clipped(low, high))

    def _look(self, low: int, high: int) -> None:
        """Find the best score of each bin from low to high."""
        if low < high:
            every, near = (
                np.max([_around(block, low, high).max(axis=1) for block in counts], axis=0)
                for counts in (self._all, self._near)
            )
            self._excess[low:high] = self.score(every, near)

    def _vote(self, rows: np.ndarray, how: np.ufunc) -> None:
        """Add or subtract the votes of picks."""
        slots, seconds = self.picks.slots[rows], self.seconds[rows][:, None]
        reach, width = self.reach, self._all.shape[2]
        for block in range(len(self._all)):
            nodes = slice(block * width, (block + 1) * width)
            number = np.arange(self._nodes)[nodes]
            travel = reach.travel[slots, nodes]
            index = ((seconds - travel) / reach.bin_s).astype(np.int64)
            index *= width
            index += np.arange(travel.shape[1])
            for counts, some in ((self._all, reach.within), (self._near, reach.near)):
                own = some[number // reach.levels, slots[:, None] // 2]
                flat = index.reshape(-1) if own.all() else index[own]
                how.at(counts[block].reshape(-1), flat, counts.dtype.type(1))


def _cleared(shape: tuple[int, ...], dtype: np.dtype[Any]) -> np.ndarray:
    """Zeros in the memory that this thread used last, where it fits."""
    held: np.ndarray | None = getattr(_held, "counts", None)
    if held is None or held.shape != shape or held.dtype != dtype:
        held = _held.counts = np.zeros(shape, dtype)
    else:
        held.fill(0)
    return held


def _around(counts: np.ndarray, low: int, high: int) -> np.ndarray:
    """Votes in some bins and beside them, shape (high - low, width), of a block."""
    votes = counts[low - BESIDE : high - BESIDE].copy()
    for shift in range(1, 2 * BESIDE + 1):
        votes += counts[low - BESIDE + shift : high - BESIDE + shift]
    return np.asarray(votes)
