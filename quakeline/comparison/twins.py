"""Pairs of events of one catalog that are likely one event twice."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quakeline.geometry import distance_azimuth

#: Origins farther apart than this in km are not twins.
SAME_KM = 5.0


def twins(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    within_s: float,
    within_km: float = SAME_KM,
) -> list[tuple[str, str]]:
    """Ids of pairs of EVENTS closer than seconds and km that share a station.

    `arrivals` are their ARRIVALS, `picks` the PICKS of these.
    """
    codes = picks.set_index("pick_id")[["network", "station"]].agg(".".join, axis=1)
    used = arrivals["pick_id"].map(codes).groupby(arrivals["event_id"]).agg(set).to_dict()
    rows = events.sort_values("time", ignore_index=True)
    seconds = rows["time"].astype("int64").to_numpy() / 1e9
    last = np.searchsorted(seconds, seconds + within_s)
    found = []
    for first, end in enumerate(last.tolist()):
        for second in range(first + 1, end):
            one, other = rows.iloc[first], rows.iloc[second]
            km, _ = distance_azimuth(
                one["latitude"],
                one["longitude"],
                np.array([other["latitude"]]),
                np.array([other["longitude"]]),
            )
            ids = str(one["event_id"]), str(other["event_id"])
            if km[0] < within_km and used.get(ids[0], set()) & used.get(ids[1], set()):
                found.append(ids)
    return found
