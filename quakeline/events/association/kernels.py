"""Votes of picks, node by node: plain loops that numba compiles (see `counted`).

Of each node `travel` has the times to all slots, shape (nodes, slots); `within` and `near` have 0
or 1 for each site, shape (places, sites), where node n is at place n // `levels`; `blocks_of`,
shape (blocks, sites), has 1 where `within` has it for any node of a block. `seconds` and `slots`
are those of k picks; bin n of a pick is the whole number below its seconds less its travel time,
over `bin_s`. Rows of `silent` are node, first bin, and the bin after the last one, sorted by node,
whose votes do not count. `blocks` are numbers of blocks of `width` nodes, in ascending order.

Indices are unsigned and sums are cast back to the type of the counts: otherwise numba looks for
indices from the end and works on 64 bits, which takes three times as long.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np

_REACH = "float32[:, ::1], uint8[:, ::1], uint8[:, ::1], int64, uint8[:, ::1], float64"
_PICKS = "float64[::1], uint64[::1]"
_WHERE = "int64, int64[:, ::1], int64[::1], int64"


@cache
def largest_of(dtype: str) -> Callable[..., Any]:
    """`largest`, compiled for counts of some type."""
    from quakeline.io.products.compiled import compiled

    counts = f"{dtype}[::1], {dtype}[::1], {dtype}[:, ::1], {dtype}[:, ::1]"
    return compiled(largest, f"void({_REACH}, {_PICKS}, {_WHERE}, {counts})")


@cache
def votes_at() -> Callable[..., Any]:
    """`at`, compiled."""
    from quakeline.io.products.compiled import compiled

    return compiled(at, f"void({_REACH}, {_PICKS}, {_WHERE}, int64[::1], int64[::1])")


def largest(  # noqa: C901 (compiled as a whole)
    travel: np.ndarray,
    within: np.ndarray,
    near: np.ndarray,
    levels: int,
    blocks_of: np.ndarray,
    bin_s: float,
    seconds: np.ndarray,
    slots: np.ndarray,
    low: int,
    silent: np.ndarray,
    blocks: np.ndarray,
    width: int,
    every: np.ndarray,
    few: np.ndarray,
    most_every: np.ndarray,
    most_few: np.ndarray,
) -> None:
    """Write into `most_every` and `most_few` the most votes of each block, for the bins from `low`.

    A bin's votes are its own and those of both bins beside it. `every` and `few` are room for the
    votes of all sites and of the near ones: two more cells on each side than there are bins.
    """
    dtype = most_every.dtype.type
    nothing, last = np.int32(0), np.int32(len(every) - 1)
    before = np.int32(low - 2)
    own_s, own = np.empty(len(seconds)), np.empty(len(seconds), np.uint64)
    away, cell = np.empty(len(seconds), np.float32), np.empty(len(seconds), np.uint32)
    muted = 0
    for block in range(len(blocks)):
        begin = blocks[block] * width
        count = 0
        for pick in range(len(seconds)):
            if blocks_of[blocks[block], slots[pick] >> np.uint64(1)]:
                own_s[count], own[count] = seconds[pick], slots[pick]
                count += 1
        for node in range(begin, min(begin + width, len(travel))):
            place = node // levels
            for pick in range(count):
                away[pick] = travel[node, own[pick]]
            for pick in range(count):
                number = np.int32(np.int32((own_s[pick] - away[pick]) / bin_s) - before)
                cell[pick] = np.uint32(min(max(number, nothing), last))
            every[:] = 0
            few[:] = 0
            for pick in range(count):
                site = own[pick] >> np.uint64(1)
                every[cell[pick]] += within[place, site]
                few[cell[pick]] += near[place, site]
            while muted < len(silent) and silent[muted, 0] < node:
                muted += 1
            while muted < len(silent) and silent[muted, 0] == node:
                first = min(max(silent[muted, 1] - before, 0), len(every))
                end = min(max(silent[muted, 2] - before, 0), len(every))
                every[first:end] = 0
                few[first:end] = 0
                muted += 1
            for bin_ in range(most_every.shape[1]):
                votes = dtype(every[bin_ + 1] + every[bin_ + 2] + every[bin_ + 3])
                if votes > most_every[block, bin_]:
                    most_every[block, bin_] = votes
            for bin_ in range(most_few.shape[1]):
                votes = dtype(few[bin_ + 1] + few[bin_ + 2] + few[bin_ + 3])
                if votes > most_few[block, bin_]:
                    most_few[block, bin_] = votes


def at(  # noqa: C901 (compiled as a whole)
    travel: np.ndarray,
    within: np.ndarray,
    near: np.ndarray,
    levels: int,
    blocks_of: np.ndarray,
    bin_s: float,
    seconds: np.ndarray,
    slots: np.ndarray,
    column: int,
    silent: np.ndarray,
    blocks: np.ndarray,
    width: int,
    every: np.ndarray,
    few: np.ndarray,
) -> None:
    """Write into `every` and `few` the votes of the nodes of blocks in and beside a bin."""
    first = np.int32(column - 1)
    own_s, own = np.empty(len(seconds)), np.empty(len(seconds), np.uint64)
    away, cell = np.empty(len(seconds), np.float32), np.empty(len(seconds), np.int32)
    counts = np.empty((3, 2), np.int64)
    muted = 0
    for block in range(len(blocks)):
        begin = blocks[block] * width
        count = 0
        for pick in range(len(seconds)):
            if blocks_of[blocks[block], slots[pick] >> np.uint64(1)]:
                own_s[count], own[count] = seconds[pick], slots[pick]
                count += 1
        for node in range(begin, min(begin + width, len(travel))):
            place = node // levels
            for pick in range(count):
                away[pick] = travel[node, own[pick]]
            for pick in range(count):
                cell[pick] = np.int32(np.int32((own_s[pick] - away[pick]) / bin_s) - first)
            counts[:] = 0
            for pick in range(count):
                if 0 <= cell[pick] <= 2:
                    site = own[pick] >> np.uint64(1)
                    counts[cell[pick], 0] += within[place, site]
                    counts[cell[pick], 1] += near[place, site]
            while muted < len(silent) and silent[muted, 0] < node:
                muted += 1
            while muted < len(silent) and silent[muted, 0] == node:
                for beside in range(3):
                    if silent[muted, 1] <= first + beside < silent[muted, 2]:
                        counts[beside] = 0
                muted += 1
            number = block * width + node - begin
            every[number] = counts[0, 0] + counts[1, 0] + counts[2, 0]
            few[number] = counts[0, 1] + counts[1, 1] + counts[2, 1]
