"""Votes of picks for origins: every pick votes at each node for the time that its way there gives.

Where numba can be used votes are counted when they are asked for, node by node, which takes neither
memory nor time to clear it (`counted`); else they are held in arrays, in NumPy (`stored`). Both
give the same origins in the same order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, Literal

import numpy as np

#: Nodes of a block, of which only the most votes are kept.
WIDTH = 128
#: Bins on both sides of a pick's own that count it.
BESIDE = 1


@dataclass(frozen=True)
class Reach:
    """What of a grid votes follow from, for each site, phase and node.

    `travel` are times in s, shape (slots, nodes), where slot 2 n is P at site n and 2 n + 1 is S;
    `within` and `near`, shape (places, sites), say which votes count at a place among those of all
    sites and of the nearest ones, where node n is at place n // `levels`; `ends` are the shortest
    and the longest time of each slot that counts, shape (2, slots); `bin_s` is how long a bin
    lasts.
    """

    travel: np.ndarray
    within: np.ndarray
    near: np.ndarray
    levels: int
    ends: np.ndarray
    bin_s: float

    @cached_property
    def of_blocks(self) -> np.ndarray:
        """Whether votes of a site count at any node of a block of `WIDTH`, (blocks, sites)."""
        first = np.arange(0, self.travel.shape[1], WIDTH)
        last = np.minimum(first + WIDTH, self.travel.shape[1]) - 1
        places = zip(first // self.levels, last // self.levels, strict=True)
        return np.array([self.within[low : high + 1].any(axis=0) for low, high in places])


@dataclass(frozen=True)
class Slice:
    """Picks of a slice of time, its bins, and what votes are worth.

    `times` are in s, sorted, `slots` the numbers of their sites and phases; of `bins` bins, the
    first of which begins at `first_s`, origins are looked for in those `inside`. `scores` are those
    of each number of votes, of all sites and of the near ones; a bin and those beside it have
    `most` votes at most.
    """

    times: np.ndarray
    slots: np.ndarray
    first_s: float
    bins: int
    inside: slice
    scores: tuple[np.ndarray, np.ndarray]
    most: int


class Votes(ABC):
    """Votes of the picks of a slice, of all sites and of the nearest ones.

    Votes of a bin include those of the bins beside it.
    """

    #: How the travel times of `Reach` stand in memory: by slots or by nodes.
    order: ClassVar[Literal["C", "F"]]

    def __init__(self, reach: Reach, picks: Slice) -> None:
        self.reach, self.picks = reach, picks
        self.seconds = picks.times - picks.first_s

    @abstractmethod
    def best(self) -> tuple[int, int] | None:
        """Bin and node of the origin with the best score; None where no score is above 0.

        Of equals the first bin, then the node that more sites see, then the last node.
        """

    @abstractmethod
    def withdraw(self, rows: np.ndarray) -> None:
        """Take the votes of some picks away."""

    @abstractmethod
    def silence(self, nodes: np.ndarray, low: int, high: int) -> None:
        """Count no votes of some nodes, sorted, in the bins from low to high any more."""

    def touched(self, rows: np.ndarray) -> tuple[int, int]:
        """The bins, from the first to the one after the last, that picks may have votes in."""
        ends = self.seconds[rows] - self.reach.ends[:, self.picks.slots[rows]]
        bins = (ends / self.reach.bin_s).astype(np.int64)
        return self.clipped(int(bins[1].min()), int(bins[0].max()) + 1)

    def clipped(self, low: int, high: int) -> tuple[int, int]:
        """The bins inside which count votes in the bins from low to high."""
        inside = self.picks.inside
        low, high = max(low - BESIDE, inside.start), min(high + BESIDE, inside.stop)
        return low, max(low, high)

    def score(self, every: np.ndarray, near: np.ndarray) -> np.ndarray:
        """How much less likely than allowed so many votes are by chance (logarithm)."""
        return np.asarray(np.maximum(self.picks.scores[0][every], self.picks.scores[1][near]))

    def chosen(self, every: np.ndarray, near: np.ndarray) -> int:
        """The number of the best of some nodes by their votes."""
        score = self.score(every, near)
        best = np.flatnonzero(score == score.max())
        return int(best[every[best] == every[best].max()][-1])
