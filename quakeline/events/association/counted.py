"""Votes counted when they are asked for, by functions that numba compiles.

The bins of one node fit into a processor's nearest cache: its picks are counted there, and only the
largest sums of each block of nodes are kept. Votes that are withdrawn can only lower these, so that
a block is counted anew when what it had before would still be the best.
"""

from __future__ import annotations

from typing import ClassVar, Literal

import numpy as np

from quakeline.events.association import kernels
from quakeline.events.association.votes import BESIDE, WIDTH, Reach, Slice, Votes

#: Bins that are counted anew together.
_STRETCH = 32


class CountedVotes(Votes):
    """See `votes.Votes`."""

    order: ClassVar[Literal["C", "F"]] = "F"

    def __init__(self, reach: Reach, picks: Slice) -> None:
        super().__init__(reach, picks)
        within, near, blocks_of = (
            values.view(np.uint8) for values in (reach.within, reach.near, reach.of_blocks)
        )
        self._reach = reach.travel.T, within, near, reach.levels, blocks_of, reach.bin_s
        self._ends = float(reach.ends[0].min()), float(reach.ends[1].max())
        self._slots = picks.slots.astype(np.uint64)
        self._left = np.ones(len(picks.times), dtype=bool)
        self._silent = np.empty((0, 3), dtype=np.int64)
        blocks = -(-len(self._reach[0]) // WIDTH)
        # Of each block and bin the most votes of all sites and of the near ones, or no fewer.
        self._most = np.zeros((2, blocks, picks.bins), np.min_scalar_type(picks.most))
        self._stale = np.zeros((blocks, picks.bins), dtype=bool)
        self._bounds = np.full(picks.bins, -1.0)
        self._count(np.arange(blocks), picks.inside.start, picks.inside.stop)

    def best(self) -> tuple[int, int] | None:
        """Bin and node of the origin with the best score; None where no score is above 0."""
        inside = self.picks.inside
        while True:
            column = int(self._bounds.argmax())
            if self._bounds[column] < 0:
                return None
            score = self.score(self._most[0, :, column], self._most[1, :, column])
            first = np.flatnonzero(score >= self._bounds[column])
            stale = first[self._stale[first, column]]
            if not len(stale):
                return column, self._node(first, column)
            low = max(column // _STRETCH * _STRETCH, inside.start)
            self._count(stale, low, min(low - low % _STRETCH + _STRETCH, inside.stop))

    def withdraw(self, rows: np.ndarray) -> None:
        """Take the votes of some picks away."""
        self._left[rows] = False
        self._stale[:, slice(*self.touched(rows))] = True

    def silence(self, nodes: np.ndarray, low: int, high: int) -> None:
        """Count no votes of some nodes, sorted, in the bins from low to high any more."""
        more = np.column_stack([nodes, np.full((len(nodes), 2), (low, high))])
        silent = np.concatenate([self._silent, more])
        self._silent = silent[np.argsort(silent[:, 0], kind="stable")]
        self._stale[np.unique(nodes // WIDTH), slice(*self.clipped(low, high))] = True

    def _count(self, blocks: np.ndarray, low: int, high: int) -> None:
        """Count the votes of blocks in the bins from low to high."""
        room = np.empty((2, high - low + 2 * (BESIDE + 1)), dtype=self._most.dtype)
        most = np.zeros((2, len(blocks), high - low), dtype=self._most.dtype)
        largest = kernels.largest_of(self._most.dtype.name)
        picks = self._picks(low, high)
        largest(*self._reach, *picks, low, self._silent, blocks, WIDTH, *room, *most)
        self._most[:, blocks, low:high] = most
        self._stale[blocks, low:high] = False
        self._bounds[low:high] = self.score(*self._most[:, :, low:high].max(axis=1))

    def _node(self, blocks: np.ndarray, column: int) -> int:
        """The best node of some blocks in a bin."""
        votes = np.zeros((2, len(blocks) * WIDTH), dtype=np.int64)
        picks = self._picks(column, column + 1)
        kernels.votes_at()(*self._reach, *picks, column, self._silent, blocks, WIDTH, *votes)
        block, number = divmod(self.chosen(*votes), WIDTH)
        return int(blocks[block]) * WIDTH + number

    def _picks(self, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
        """Seconds and slots of the picks whose votes fall into some bins, or nearly."""
        least, longest = self._ends
        first = (low - BESIDE - 1) * self.reach.bin_s + least
        end = (high + BESIDE + 1) * self.reach.bin_s + longest
        rows = slice(*np.searchsorted(self.seconds, [first, end]).tolist())
        left = self._left[rows]
        return self.seconds[rows][left], self._slots[rows][left]
