"""Candidates at the places where events were found: most events are where others are.

A search takes the picks of one origin after the other, so that a wrong origin with picks of two
events hides both. Here every origin that has enough picks at a place is a candidate, whether its
picks are those of other candidates or not; which of them are events is not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.events.association.network import Network

Found = tuple[pd.DataFrame, pd.DataFrame]

#: Places at most: those of the most events.
_PLACES = 300
#: Picks that a candidate has more than the event of which it has the most.
_FURTHER = 1


def candidates(
    found: pd.DataFrame,
    assigned: pd.DataFrame,
    table: pd.DataFrame,
    network: Network,
    cell_km: tuple[float, float],
    width_s: float,
) -> Found:
    """Origins at places of events that explain picks in another way than the events do.

    Parameters
    ----------
    found, assigned
        Events (idx, x, y, z, ...) and their picks (event_idx, pick_id).
    table
        All picks, as in `refined`.
    network
        Sites, rules, what locates, and the delays of stations.
    cell_km
        Events in one cell of this width and height have one place, their mean.
    width_s
        The origin times that the picks of a candidate give at its place lie in so many seconds.

    Returns
    -------
    Candidates (idx, time_ns, x, y, z, associator, located) and their picks (event_idx, pick_id), of
    which several may have the same ones.
    """
    picks = network.undelayed(table)
    owner = pd.Series(assigned["event_idx"].to_numpy(), index=assigned["pick_id"])
    owned = owner.reindex(picks["pick_id"]).fillna(-1).to_numpy(dtype=np.int64)
    slot, pick_id = picks["slot"].to_numpy(), picks["pick_id"].to_numpy()
    seen: set[bytes] = set()
    origins, rows = [], []
    for place in _places(found, cell_km):
        zero, order = _origins(picks, network, place)
        for first, last in _heaps(zero, network.search.min_picks, width_s):
            own = np.sort(order[first:last])
            key = own.tobytes()
            known = np.bincount(owned[own] + 1, minlength=2)[1:].max()
            enough = len(np.unique(slot[own])) >= network.search.min_picks
            if enough and key not in seen and len(own) - known >= _FURTHER:
                seen.add(key)
                origins.append((zero[(first + last) // 2], *place))
                rows.append(own)
    made = pd.DataFrame(origins, columns=["time_ns", "x", "y", "z"]).astype({"time_ns": "int64"})
    numbers = np.arange(len(made))
    owners = np.repeat(numbers, [len(own) for own in rows])
    own = pick_id[np.concatenate(rows)] if rows else pick_id[:0]
    return (
        made.assign(idx=numbers, associator="stack", located=True),
        pd.DataFrame({"event_idx": owners, "pick_id": own}),
    )


def _places(found: pd.DataFrame, cell_km: tuple[float, float]) -> np.ndarray:
    """Mean places of the events of each cell, (n, 3), those of the most events first."""
    places = found[["x", "y", "z"]].to_numpy(dtype=float)
    width, height = cell_km
    cells = np.floor(places / (width, width, height)).astype(np.int64)
    _, cell, count = np.unique(cells, axis=0, return_inverse=True, return_counts=True)
    sums = [np.bincount(cell.reshape(-1), values) for values in places.T]
    return np.asarray((sums / count).T[np.argsort(-count, kind="stable")[:_PLACES]])


def _origins(
    picks: pd.DataFrame, network: Network, place: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Origin times in ns that picks give at a place, sorted, and the rows of the picks."""
    groups, number = np.unique(picks["group"], return_inverse=True)
    local = network.sites.local[["x", "y"]].to_numpy()
    xy, times = local[groups // 2], network.finder.times
    tables = times.rows_of(np.array(["P", "S"])[groups % 2], groups // 2)
    east, north = (place[:2] - xy).T
    travel = times.travel(tables, east, north, np.full(len(groups), place[2]))
    near = np.hypot(east, north) <= network.search.reach_km(local, place[None, :2])
    zero = picks["time_ns"].to_numpy() - np.round(travel[number] * SECOND).astype(np.int64)
    rows = np.flatnonzero(near[number])
    order = rows[np.argsort(zero[rows], kind="stable")]
    return zero[order], order


def _heaps(zero: np.ndarray, least: int, width_s: float) -> Iterator[tuple[int, int]]:
    """First and last of sorted times in ns that are many in some seconds: the most of all near."""
    width = round(width_s * SECOND)
    last = np.searchsorted(zero, zero + width, side="right")
    count = last - np.arange(len(zero))
    some = np.flatnonzero(count >= least)
    blocked = np.zeros(len(zero), dtype=bool)
    for first in some[np.lexsort((some, -count[some]))].tolist():
        if not blocked[first]:
            low = np.searchsorted(zero, zero[first] - width)
            blocked[low : last[first]] = True
            yield first, int(last[first])
