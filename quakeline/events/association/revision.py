"""Events beside other origins at their places: which of all explain the picks best.

A run is revised in portions of time, each with the picks around it alone, so that time grows with
the picks and memory does not grow with the candidates of the whole run.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.events.association.blocks import Found, joined
from quakeline.events.association.contest import contested
from quakeline.events.association.network import Network
from quakeline.events.association.places import Places, candidates

#: Picks of a portion: from these to twice as many, so that it can end where picks are far apart.
_PORTION = 10_000
#: Picks before and after a portion, in s, besides those that waves of its events bring: those that
#: tell how often picks come by chance, and those of stations that are late.
_AROUND_S = 65.0


def revised(
    found: pd.DataFrame,
    assigned: pd.DataFrame,
    table: pd.DataFrame,
    network: Network,
    cell_km: tuple[float, float],
    width_s: float,
    longest_s: float,
) -> Found:
    """Events, and others that explain their picks better where events are; no pick in two.

    Parameters
    ----------
    found, assigned
        Events (idx, time_ns, x, y, z, ...) and their picks (event_idx, pick_id).
    table
        All picks, as in `refined`.
    network
        Sites, rules, what locates, and what is known of picks.
    cell_km, width_s
        As in `Places.of` and `candidates`.
    longest_s
        The longest travel time of the search.

    Returns
    -------
    Events and picks as `refined` gives them.
    """
    places = Places.of(found, network, cell_km)
    times_ns = table["time_ns"].to_numpy()
    pick_id: np.ndarray = table["pick_id"].to_numpy()
    event = pd.Series(assigned["event_idx"].to_numpy(), index=assigned["pick_id"])
    owner = event.reindex(pick_id).fillna(-1).to_numpy(dtype=np.int64)
    margin = round((longest_s + _AROUND_S) * SECOND)
    chosen: list[Found] = []
    taken = np.zeros(len(pick_id), dtype=bool)
    for start, end in _portions(times_ns):
        low, high = np.searchsorted(times_ns, [start - margin, end + margin])
        near = table.iloc[low:high].reset_index(drop=True)
        owned = pd.DataFrame({"event_idx": owner[low:high], "pick_id": pick_id[low:high]})
        owned = owned[owned["event_idx"] >= 0]
        others = candidates(owned, near, network, places, width_s, (start, end))
        own = found[(found["time_ns"] >= start) & (found["time_ns"] < end)]
        known = own, owned[owned["event_idx"].isin(own["idx"])]
        there, gone = pick_id[low:high], taken[low:high]
        made = contested(*joined([known, others]), near, network, there[gone])
        if len(made[0]):
            chosen.append(made)
            gone |= np.isin(there, made[1]["pick_id"])
    return joined(chosen)


def _portions(times_ns: np.ndarray) -> list[tuple[int, int]]:
    """Starts and ends in ns of portions of sorted times; the first and last are open."""
    cuts = [0]
    while len(times_ns) - cuts[-1] > 2 * _PORTION:
        first = cuts[-1] + _PORTION
        gaps = np.diff(times_ns[first - 1 : first + _PORTION])
        cuts.append(first + int(gaps.argmax()))
    # An event is a little earlier than its first pick.
    middles = [int(times_ns[cut - 1] + times_ns[cut]) // 2 for cut in cuts[1:]]
    day = 86_400 * SECOND
    edges = [int(times_ns[0]) - day, *middles, int(times_ns[-1]) + day]
    return list(pairwise(edges))
