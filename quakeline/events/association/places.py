"""Candidates at the places where events were found: most events are where others are.

A search takes the picks of one origin after the other, so that a wrong origin with picks of two
events hides both. Here every origin that has enough picks at a place is a candidate, whether its
picks are those of other candidates or not; which of them are events is not decided here.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.events.association.blocks import Found
from quakeline.events.association.network import Network

#: Places at most: those of the most events.
_PLACES = 300
#: Of the picks of a candidate so many at least are not those of the event that has the most of
#: them, and this share of all: an event with a few further picks gets these where it is.
_FURTHER = 1
_FURTHER_SHARE = 0.3
#: Candidates that are kept of those with the same picks.
_OF_A_PICK = 3


@dataclass(frozen=True)
class Places:
    """Where events are, and what waves take from there to the stations.

    `xyz` in km, (n, 3); `groups` as the picks have them, (g,); `travel_s` to these, (n, g);
    `near`: whether the search counts the station there.
    """

    xyz: np.ndarray
    groups: np.ndarray
    travel_s: np.ndarray
    near: np.ndarray

    @classmethod
    def of(cls, found: pd.DataFrame, network: Network, cell_km: tuple[float, float]) -> Places:
        """Places of events (x, y, z): those in one cell of this width and height have one place."""
        xyz = _means(found, cell_km)
        local = network.sites.local[["x", "y"]].to_numpy()
        groups = np.arange(2 * len(local))
        times = network.finder.times
        tables = times.rows_of(np.array(["P", "S"])[groups % 2], groups // 2)
        east, north = (xyz[:, None, :2] - local[groups // 2]).transpose(2, 0, 1)
        travel = [
            times.travel(tables, x, y, np.full(len(groups), z))
            for x, y, z in zip(east, north, xyz[:, 2], strict=True)
        ]
        reach = network.search.reach_km(local, xyz[:, :2])
        return cls(xyz, groups, np.array(travel), np.hypot(east, north) <= reach[:, None])


def candidates(
    assigned: pd.DataFrame,
    table: pd.DataFrame,
    network: Network,
    places: Places,
    width_s: float,
    between_ns: tuple[int, int] | None = None,
) -> Found:
    """Origins at places of events that explain picks in another way than the events do.

    Each has enough picks that are not those of one event alone. Of those with the same picks the
    few with the most are kept, so that their number grows with that of the picks.

    Parameters
    ----------
    assigned
        Events and their picks (event_idx, pick_id).
    table
        All picks, as in `refined`.
    network
        Sites, rules, what locates, and the delays of stations.
    places
        Where candidates are looked for.
    width_s
        The origin times that the picks of a candidate give at its place lie in so many seconds.
    between_ns
        Origin times from the first to before the last of two; None: all.

    Returns
    -------
    Candidates (idx, time_ns, x, y, z, associator, located) and their picks (event_idx, pick_id), of
    which several may have the same ones.
    """
    picks = network.undelayed(table)
    owner = pd.Series(assigned["event_idx"].to_numpy(), index=assigned["pick_id"])
    owned = owner.reindex(picks["pick_id"]).fillna(-1).to_numpy(dtype=np.int64)
    owned = np.unique(np.r_[-1, owned], return_inverse=True)[1][1:]
    slot, pick_id = picks["slot"].to_numpy(), picks["pick_id"].to_numpy()
    least = network.search.min_picks
    seen: set[bytes] = set()
    origins, rows = [], []
    for number, place in enumerate(places.xyz):
        zero, order = _origins(picks, places, number, between_ns)
        owners = owned[order].tolist()
        for first, last in _heaps(zero, least, width_s):
            further = last - first - _most_of_one(owners[first:last])
            if further < max(_FURTHER, _FURTHER_SHARE * (last - first)):
                continue
            own = np.sort(order[first:last])
            key = own.tobytes()
            if key not in seen and len(set(slot[own].tolist())) >= least:
                seen.add(key)
                origins.append((zero[(first + last) // 2], *place))
                rows.append(own)
    kept = _few(rows, len(picks))
    made = pd.DataFrame(
        [origins[number] for number in kept], columns=["time_ns", "x", "y", "z"]
    ).astype({"time_ns": "int64"})
    numbers = np.arange(len(made))
    owners = np.repeat(numbers, [len(rows[number]) for number in kept])
    own = pick_id[np.concatenate([rows[number] for number in kept])] if kept else pick_id[:0]
    return (
        made.assign(idx=numbers, associator="stack", located=True),
        pd.DataFrame({"event_idx": owners, "pick_id": own}),
    )


def _most_of_one(owners: list[int]) -> int:
    """Most picks that one event has; 0 is the owner of those of none."""
    counts = Counter(owners)
    del counts[0]
    return max(counts.values(), default=0)


def _few(rows: list[np.ndarray], picks: int) -> list[int]:
    """Candidates of which more than half of the picks are in few larger ones, in their order."""
    times = np.zeros(picks, dtype=np.int64)
    kept = []
    for number in sorted(range(len(rows)), key=lambda number: -len(rows[number])):
        own = rows[number]
        if 2 * np.count_nonzero(times[own] < _OF_A_PICK) > len(own):
            times[own] += 1
            kept.append(number)
    return sorted(kept)


def _means(found: pd.DataFrame, cell_km: tuple[float, float]) -> np.ndarray:
    """Mean places of the events of each cell, (n, 3), those of the most events first."""
    places = found[["x", "y", "z"]].to_numpy(dtype=float)
    width, height = cell_km
    cells = np.floor(places / (width, width, height)).astype(np.int64)
    _, cell, count = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    sums = [np.bincount(cell.reshape(-1), values) for values in places.T]
    return np.asarray((sums / count).T[np.argsort(-count, kind="stable")[:_PLACES]])


def _origins(
    picks: pd.DataFrame, places: Places, number: int, between_ns: tuple[int, int] | None
) -> tuple[np.ndarray, np.ndarray]:
    """Origin times in ns that picks give at a place, sorted, and the rows of the picks."""
    group = picks["group"].to_numpy()
    shift = np.round(places.travel_s[number] * SECOND).astype(np.int64)
    zero = picks["time_ns"].to_numpy() - shift[group]
    counts = places.near[number][group]
    if between_ns is not None:
        counts &= (zero >= between_ns[0]) & (zero < between_ns[1])
    rows = np.flatnonzero(counts)
    order = rows[np.argsort(zero[rows], kind="stable")]
    return zero[order], order


def _heaps(zero: np.ndarray, least: int, width_s: float) -> Iterator[tuple[int, int]]:
    """First and last of sorted times in ns that are many in some seconds: the most of all near."""
    width = round(width_s * SECOND)
    low = np.searchsorted(zero, zero - width).tolist()
    last = np.searchsorted(zero, zero + width, side="right")
    count = last - np.arange(len(zero))
    some = np.flatnonzero(count >= least)
    some = some[np.lexsort((some, -count[some]))]
    blocked = bytearray(len(zero))
    for first, end in zip(some.tolist(), last[some].tolist(), strict=True):
        if not blocked[first]:
            before = low[first]
            blocked[before:end] = b"\1" * (end - before)
            yield first, end
