"""Association in blocks of time, several at once.

Blocks begin at absolute multiples of their length since 1970, so that they are the same however a
run is cut or extended. Each sees the picks of a travel time through the network on both sides and
reports the events that begin in it or just beside it; of those that two blocks report the one with
more picks stays.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from hashlib import blake2b
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.events.association.grid import Grid
from quakeline.events.association.rules import Search

_LEAST_BLOCK_S = 1200.0
#: A block is this many times as long as the longest travel time, so that margins cost little.
_PER_TRAVEL = 10
#: Events this close to a block or part, in s, are reported by it as well.
BESIDE_S = 5.0

#: Blocks whose events are put into one table while others are searched.
_TOGETHER = 100

#: What is told of the picks of events, besides `event_idx` and `residual`.
_OF_PICKS = ["pick_id", "place", "phase", "probability"]

#: Start and end in ns, and the rows of the picks.
Block = tuple[int, int, slice]
Found = tuple[pd.DataFrame, pd.DataFrame]


def associate(
    picks: pd.DataFrame,
    grid: Grid,
    search: Search,
    threads: int,
    progress: Callable[[int, int], None] | None = None,
    known: Known | None = None,
) -> Found:
    """Associate picks (pick_id, site, place, phase, probability, time_ns), sorted by time.

    `pick_id` are numbers. `known` are blocks of earlier calls; new ones are added.

    Returns
    -------
    events, picks
        As `Grid.associate`; times of events are `time_ns`. Of the picks `pick_id`, `place`, `phase`
        and `probability` are told.
    """
    longest_s, least = grid.longest_s, max(search.min_picks, 1)
    margin_s = longest_s + 2 * BESIDE_S
    blocks = list(_blocks(picks["time_ns"].to_numpy(), longest_s, margin_s, least))
    done: list[Found] = []
    work = partial(_block if known is None else known.block, picks, grid, margin_s)
    for count, found in enumerate(_each(work, blocks, threads), start=1):
        done.append(found)
        if count % _TOGETHER == 0:
            # One table takes far less memory than many small ones.
            done[-_TOGETHER:] = [joined(done[-_TOGETHER:])]
        if progress:
            progress(count, len(blocks))
    return without_twins(*joined(done))


def _each(work: Callable[..., Found], blocks: list[Block], threads: int) -> Iterator[Found]:
    """What blocks give, in their order. A single thread is the one that asks."""
    if threads < 2:
        yield from (work(*block) for block in blocks)
        return
    with ThreadPoolExecutor(threads) as pool:
        yield from pool.map(lambda block: work(*block), blocks)


def length_ns(longest_s: float) -> int:
    """How long a block is, in ns, where travel times are up to `longest_s`."""
    minutes = math.ceil(_PER_TRAVEL * longest_s / 60)
    return round(max(_LEAST_BLOCK_S, 60 * minutes) * SECOND)


def _blocks(times_ns: np.ndarray, longest_s: float, margin_s: float, least: int) -> Iterator[Block]:
    """Starts and ends in ns of the blocks that hold enough picks, and their picks' rows."""
    length = length_ns(longest_s)
    margin = round(margin_s * SECOND)
    for number in np.unique(times_ns // length):
        # An event begins before its first pick, perhaps in the block before that one.
        for block in (number - 1, number):
            start = int(block) * length
            low, high = np.searchsorted(times_ns, [start - margin, start + length + margin])
            own = np.unique(times_ns[low:high] // length)
            if high - low >= least and (block == number or number - 1 not in own):
                yield start, start + length, slice(int(low), int(high))


def _block(
    picks: pd.DataFrame, grid: Grid, margin_s: float, start: int, end: int, rows: slice
) -> Found:
    table = picks.iloc[rows].copy()
    table["time"] = (table.pop("time_ns").to_numpy() - start) / SECOND
    length_s = (end - start) / SECOND
    found, assigned = grid.associate(table, -margin_s, length_s + margin_s)
    if found.empty:
        return found, assigned
    seconds = found["time"]
    inside = seconds.between(-BESIDE_S, length_s + BESIDE_S)
    time_ns = start + np.round(seconds[inside] * SECOND).astype("int64")
    found = found[inside].assign(time_ns=time_ns, associator=grid.name)
    # Of many blocks only what is asked of their picks later.
    return found, assigned.loc[
        assigned["event_idx"].isin(found["idx"]), [*_OF_PICKS, "event_idx", "residual"]
    ]


class Known:
    """What blocks of the same sites and picks gave, so that none is searched twice.

    A block depends on what its grid depends on, and on which picks there are and when. All blocks
    are held until `forget`.
    """

    def __init__(self) -> None:
        self._found: dict[tuple[Any, ...], Found] = {}

    def __len__(self) -> int:
        return len(self._found)

    def forget(self, needed: Collection[tuple[Any, ...]]) -> None:
        """Keep only the blocks of grids that depend on one of these (`Grid.depends_on`)."""
        self._found = {key: found for key, found in self._found.items() if key[0] in needed}

    def block(
        self, picks: pd.DataFrame, grid: Grid, margin_s: float, start: int, end: int, rows: slice
    ) -> Found:
        """As `_block`."""
        own = [picks[name].to_numpy()[rows].tobytes() for name in ("pick_id", "time_ns")]
        key = grid.depends_on, start, end, *(blake2b(some).digest() for some in own)
        if key not in self._found:
            self._found[key] = _block(picks, grid, margin_s, start, end, rows)
        return self._found[key]


def joined(parts: list[Found]) -> Found:
    """The events of all blocks, numbered anew."""
    events, picks, firsts, first = [], [], [], 0
    for found, assigned in parts:
        if found.empty:
            continue
        events.append(found)
        picks.append(assigned)
        firsts.append(first)
        first += int(found["idx"].max()) + 1
    if not events:
        return pd.DataFrame(), pd.DataFrame()
    whole, named = pd.concat(events, ignore_index=True), pd.concat(picks, ignore_index=True)
    whole["idx"] += np.repeat(firsts, [len(part) for part in events])
    named["event_idx"] += np.repeat(firsts, [len(part) for part in picks])
    return whole, named


def without_twins(found: pd.DataFrame, assigned: pd.DataFrame) -> Found:
    """Of events that share most of the picks of the smaller one keep the largest."""
    if found.empty:
        return found, assigned
    size = assigned.groupby("event_idx").size()
    misfit = assigned["residual"].abs().groupby(assigned["event_idx"]).mean()
    order = found.assign(
        size=found["idx"].map(size), misfit=found["idx"].map(misfit).round(6)
    ).sort_values(["size", "misfit", "time_ns"], ascending=[False, True, True], kind="stable")
    row = np.unique(assigned["pick_id"], return_inverse=True)[1]
    picks_of = assigned.groupby("event_idx").indices
    taken = np.zeros(len(row), dtype=bool)
    dropped = set()
    for idx in order["idx"]:
        mine = row[picks_of.get(idx, [])]
        if 2 * np.count_nonzero(taken[mine]) > len(mine):
            dropped.add(idx)
        else:
            taken[mine] = True
    kept = ~found["idx"].isin(dropped)
    return found[kept], assigned[~assigned["event_idx"].isin(dropped)]
