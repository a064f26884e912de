"""Pairs of events of one catalog that are likely one event twice."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd

from quakeline.core.geometry import distance_azimuth

logger = logging.getLogger("quakeline")

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
    codes = (picks["network"] + "." + picks["station"]).set_axis(picks["pick_id"])
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


def without_twins(
    events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame, within_s: float
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """EVENTS and ARRIVALS of which no two are `twins`: of a pair the one with more arrivals stays.

    Picks of events that go belong to no event.
    """
    size = arrivals["event_id"].value_counts().to_dict()
    gone: set[str] = set()
    for one, other in twins(events, arrivals, picks, within_s):
        if not gone & {one, other}:
            gone.add(one if size[one] < size[other] else other)
    if not gone:
        return events, arrivals
    logger.info("%d events, now too close to larger ones to be others, left out", len(gone))
    kept = events[~events["event_id"].isin(gone)], arrivals[~arrivals["event_id"].isin(gone)]
    return kept[0].reset_index(drop=True), kept[1].reset_index(drop=True)
