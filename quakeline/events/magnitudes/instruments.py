"""The instruments that saw an event: their picks, their distances, what was measured there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from operator import attrgetter
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.reasons import Code
from quakeline.core.timeline import SECOND
from quakeline.earth.sites import Sites

#: Tells S of other events from their P, where only that was picked.
_VP_VS = 1.73
_CODES = ["network", "station", "location", "instrument"]


@dataclass(frozen=True)
class Seen:
    """An event at one instrument.

    Attributes
    ----------
    place
        Columns that tables of stations begin with: event_id, codes, epicentral_km, distance_km.
    latitude, longitude, depth_km
        Of the event, in degrees and km.
    picked
        Its picks by phase, with `pick_id`, `travel_s` (seconds after the origin) and `next_s` (to
        the next arrival of another event at the station, after its own first).
    rows
        Rows of MEASUREMENTS by pick_id and component.
    unusable
        Why no amplitude of it can count: it has no coordinates, or is a channel of a fibre.
    """

    place: dict[str, Any]
    latitude: float
    longitude: float
    depth_km: float
    picked: dict[str, Any]
    rows: dict[str, dict[str, Any]]
    unusable: Code | None

    @property
    def leading(self) -> Any:
        """The pick of S, else of P, else any."""
        return self.picked.get("S") or self.picked.get("P") or next(iter(self.picked.values()))

    def around(self, phase: str) -> dict[str, Any]:
        """Measurements around the pick of a phase by component; empty where there is none."""
        pick = self.picked.get(phase)
        return {} if pick is None else self.rows.get(str(pick.pick_id), {})

    def onsets(self, vp_vs: float) -> tuple[float, float]:
        """P and S in s after the origin, from picks or, where one is missing, from the other."""
        p_s = float(self.picked["P"].travel_s) if "P" in self.picked else None
        s_s = float(self.picked["S"].travel_s) if "S" in self.picked else None
        if p_s is None:
            p_s = (s_s or 0.0) / vp_vs
        return p_s, p_s * vp_vs if s_s is None else s_s


def seen(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    picks: pd.DataFrame,
    measurements: pd.DataFrame,
    sites: Sites,
) -> Iterator[Seen]:
    """Each event at each instrument with a pick, from EVENTS, ARRIVALS, PICKS, MEASUREMENTS."""
    joined = arrivals.merge(picks[["pick_id", *_CODES, "time", "source"]], on="pick_id")
    joined["site"] = sites.find(joined)
    source = ["latitude", "longitude", "depth_km"]
    joined = joined.merge(events[["event_id", "time", *source]], on="event_id", suffixes=("", "_0"))
    since = _nanoseconds(joined["time"]) - _nanoseconds(joined["time_0"])
    joined["travel_s"] = since / SECOND
    joined["next_s"] = _next_events(joined)
    known = _known(measurements, set(joined["pick_id"]))
    keys = ["event_id", *_CODES]
    depths = sites.table["depth_km"].to_numpy()
    ordered = joined.sort_values(keys, kind="stable").itertuples()
    for _, rows in groupby(ordered, attrgetter(*keys)):
        group: list[Any] = list(rows)
        yield Seen(
            _place(group, depths),
            float(group[0].latitude),
            float(group[0].longitude),
            float(group[0].depth_km),
            {str(row.phase): row for row in group},
            {str(row.pick_id): known.get(str(row.pick_id), {}) for row in group},
            _unusable(group),
        )


def _unusable(group: list[Any]) -> Code | None:
    if any(row.source == "das" for row in group):
        return Code.ON_FIBRE
    return None if all(row.site >= 0 for row in group) else Code.NO_SITE


def _next_events(joined: pd.DataFrame) -> pd.Series:
    """Seconds from the origin to the next P or S of another event at the same station.

    Of an event that began earlier this may be S, also where only its P was picked.
    """
    origin = _nanoseconds(joined["time_0"]).to_numpy()
    travel = joined["travel_s"].to_numpy()
    ns = origin + np.round(travel * SECOND).astype(np.int64)
    s_ns = origin + (travel * _VP_VS * SECOND).astype(np.int64)
    event = pd.factorize(joined["event_id"], sort=True)[0]
    is_s = (joined["phase"] == "S").to_numpy()
    result = np.full(len(joined), np.inf)
    for rows in joined.groupby(["network", "station"]).indices.values():
        own = event[rows]
        lone = rows[~np.isin(own, own[is_s[rows]])]
        later = _later(own, ns[rows], np.r_[own, event[lone]], np.r_[ns[rows], s_ns[lone]])
        result[rows] = later / SECOND - origin[rows] / SECOND
    return pd.Series(result, index=joined.index)


def _later(own: np.ndarray, ns: np.ndarray, event: np.ndarray, came_ns: np.ndarray) -> np.ndarray:
    """When the next wave of another event comes after the first of each pick's own, in ns.

    `own` and `ns` are events and times of picks at one station, `event` and `came_ns` those of all
    waves there; infinite where none comes.
    """
    names, number = np.unique(own, return_inverse=True)
    first = np.full(len(names), np.iinfo(np.int64).max)
    np.minimum.at(first, number, ns)
    order = np.lexsort((event, came_ns))
    event, came_ns = np.r_[event[order], -1], np.r_[came_ns[order].astype(float), np.inf]
    # Where waves of one event follow each other, the next one of another stands at the end.
    ends = np.flatnonzero(event[1:] != event[:-1]) + 1
    place = np.searchsorted(came_ns[:-1], first, "right")
    after = ends[np.minimum(np.searchsorted(ends, place, "right"), len(ends) - 1)]
    place = np.where(event[place] == names, after, place)
    return np.asarray(came_ns[place][number])


def _nanoseconds(times: pd.Series) -> pd.Series:
    return times.astype("datetime64[ns, UTC]").astype("int64")


def _known(measurements: pd.DataFrame, wanted: set[str]) -> dict[str, dict[str, Any]]:
    """Rows of the measurements by pick and component."""
    known: dict[str, dict[str, Any]] = {}
    for row in measurements[measurements["pick_id"].isin(wanted)].itertuples():
        known.setdefault(str(row.pick_id), {})[str(row.component)] = row
    return known


def _place(group: list[Any], depths: np.ndarray) -> dict[str, Any]:
    """Columns of a table of stations from picks of one event and instrument, and sites' depths."""
    first = group[0]
    epicentral = float(np.median([row.distance_km for row in group]))
    down = float(first.depth_km - depths[first.site]) if first.site >= 0 else np.nan
    return {
        **{name: getattr(first, name) for name in ("event_id", *_CODES)},
        "epicentral_km": epicentral,
        "distance_km": float(np.hypot(epicentral, down)),
    }
