"""Votes of picks for origins: every pick votes at each node for the time that its way there gives.

The votes of a slice of time are held in arrays and withdrawn one by one, in NumPy, where numba
cannot be used (`stored`); else they are counted anew for the bins that are asked for, node by node,
which takes neither memory nor time to clear it (`counted`). Both give the same numbers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

#: Bins on both sides of a pick's own that count it.
BESIDE = 1


@dataclass(frozen=True)
class Reach:
    """What of a grid votes follow from, for each site, phase and node.

    `travel` are times in s, shape (slots, nodes), where slot 2 n is P at site n and 2 n + 1 is S;
    `within` and `near`, shape (sites, nodes), say which votes count at a node among those of all
    sites and of the nearest ones; `ends` are the shortest and the longest time of each slot that
    counts, shape (2, slots); `bin_s` is how long a bin lasts.
    """

    travel: np.ndarray
    within: np.ndarray
    near: np.ndarray
    ends: np.ndarray
    bin_s: float


class Votes(Protocol):
    """Votes of the picks of a slice, whose first bin begins at `first_s`.

    `times` are in s, sorted, `slots` the numbers of their sites and phases. Votes of a bin include
    those of the bins beside it; there are two kinds, of all sites and of the nearest ones.
    """

    #: How the arrays of `Reach` stand in memory: by slots and sites, or by nodes.
    order: Literal["C", "F"]
    times: np.ndarray
    slots: np.ndarray
    first_s: float

    def __init__(
        self,
        reach: Reach,
        times: np.ndarray,
        slots: np.ndarray,
        first_s: float,
        bins: int,
        most: int,
    ) -> None:
        """Count picks; a bin of `bins` and those beside it can have `most` votes."""

    def largest(self, low: int, high: int) -> tuple[np.ndarray, np.ndarray]:
        """Of each bin from low to high the most votes of a node, of both kinds."""

    def at(self, column: int) -> tuple[np.ndarray, np.ndarray]:
        """Votes of all nodes in a bin, of both kinds."""

    def withdraw(self, rows: np.ndarray) -> None:
        """Take the votes of some picks away."""

    def silence(self, nodes: np.ndarray, low: int, high: int) -> None:
        """Count no votes of some nodes in the bins from low to high any more."""


def form() -> type[Votes]:
    """What counts here: compiled functions where they can be used."""
    from quakeline.events.association.counted import CountedVotes
    from quakeline.events.association.stored import StoredVotes
    from quakeline.io.products.compiled import usable

    return CountedVotes if usable() else StoredVotes
