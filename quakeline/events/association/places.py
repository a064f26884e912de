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
#: Rows of picks while candidates are gathered.
_ROW = np.int32
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
    groups, number = np.unique(picks["group"], return_inverse=True)
    # Rows of each candidate's picks as bytes, each once: as arrays they take thrice the memory.
    rows: dict[bytes, None] = {}
    time_ns, at = [], []
    places = _places(found, cell_km)
    for n, place in enumerate(places):
        zero, order = _origins(picks["time_ns"].to_numpy(), groups, number, network, place)
        for first, last in _heaps(zero, network.search.min_picks, width_s):
            own = np.sort(order[first:last]).astype(_ROW)
            key = own.tobytes()
            known = np.bincount(owned[own] + 1, minlength=2)[1:].max()
            enough = len(np.unique(slot[own])) >= network.search.min_picks
            if enough and key not in rows and len(own) - known >= _FURTHER:
                rows[key] = None
                time_ns.append(int(zero[(first + last) // 2]))
                at.append(n)
    made = pd.DataFrame(places[at], columns=["x", "y", "z"])
    made.insert(0, "time_ns", np.array(time_ns, dtype=np.int64))
    numbers = np.arange(len(made), dtype=np.int32)
    owners = np.repeat(numbers, [len(own) // _ROW().itemsize for own in rows])
    own = pick_id[np.frombuffer(b"".join(rows), dtype=_ROW)]
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
    time_ns: np.ndarray,
    groups: np.ndarray,
    number: np.ndarray,
    network: Network,
    place: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Origin times in ns that picks give at a place, sorted, and the rows of the picks.

    `groups` are the pairs of a site and a phase, 2 * site + is S, `number` which one each pick has.
    """
    local = network.sites.local[["x", "y"]].to_numpy()
    xy, times = local[groups // 2], network.finder.times
    tables = times.rows_of(np.array(["P", "S"])[groups % 2], groups // 2)
    east, north = (place[:2] - xy).T
    travel = times.travel(tables, east, north, np.full(len(groups), place[2]))
    near = np.hypot(east, north) <= network.search.reach_km(local, place[None, :2])
    zero = time_ns - np.round(travel * SECOND).astype(np.int64)[number]
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
