"""Votes counted when they are asked for, by functions that numba compiles.

The bins of one node fit into a processor's nearest cache: its picks are counted there, their sums
looked at, and nothing is kept.
"""

from __future__ import annotations

from typing import Literal

import numpy as np

from quakeline.events.association import kernels
from quakeline.events.association.votes import BESIDE, Reach


class CountedVotes:
    """See `votes.Votes`."""

    order: Literal["C", "F"] = "F"

    def __init__(
        self,
        reach: Reach,
        times: np.ndarray,
        slots: np.ndarray,
        first_s: float,
        bins: int,
        most: int,
    ) -> None:
        self.times, self.slots, self.first_s = times, slots, first_s
        within, near = (values.T.view(np.uint8) for values in (reach.within, reach.near))
        self._reach = reach.travel.T, within, near, reach.bin_s
        self._ends = float(reach.ends[0].min()), float(reach.ends[1].max())
        self._seconds, self._numbers = times - first_s, slots.astype(np.uint64)
        self._left = np.ones(len(times), dtype=bool)
        self._silent = np.empty((0, 3), dtype=np.int64)
        self._dtype = np.min_scalar_type(most)

    def largest(self, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
        """Of each bin from low to high the most votes of a node, of both kinds."""
        counts = np.empty((2, high - low + 2 * (BESIDE + 1)), dtype=self._dtype)
        most = np.zeros((2, high - low), dtype=self._dtype)
        largest = kernels.largest_of(self._dtype.name)
        largest(*self._reach, *self._picks(low, high), low, self._silent, *counts, *most)
        return most[0], most[1]

    def at(self, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Votes of all nodes in a bin, of both kinds."""
        votes = np.empty((2, len(self._reach[0])), dtype=np.int64)
        kernels.votes_at()(
            *self._reach, *self._picks(column, column + 1), column, self._silent, *votes
        )
        return votes[0], votes[1]

    def withdraw(self, rows: np.ndarray) -> None:
        """Take the votes of some picks away."""
        self._left[rows] = False

    def silence(self, nodes: np.ndarray, low: int, high: int) -> None:
        """Count no votes of some nodes in the bins from low to high any more."""
        more = np.column_stack([nodes, np.full((len(nodes), 2), (low, high))])
        silent = np.concatenate([self._silent, more])
        self._silent = silent[np.argsort(silent[:, 0], kind="stable")]

    def _picks(self, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
        """Seconds and slots of the picks whose votes fall into some bins, or nearly."""
        least, longest = self._ends
        first = (low - BESIDE - 1) * self._reach[3] + least
        end = (high + BESIDE + 1) * self._reach[3] + longest
        rows = slice(*np.searchsorted(self._seconds, [first, end]).tolist())
        left = self._left[rows]
        return self._seconds[rows][left], self._numbers[rows][left]
