"""The instruments that saw an event: their picks, their distances, what was measured there."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.sites import Sites
from quakeline.timeline import SECOND

NO_RESPONSE = "no instrument response"
NOT_MEASURED = "no waveforms were measured around its picks"
NO_NOISE = "no noise before the onset to compare with"
CROWDED = "another event's first arrival in the S window"
NO_SITE = "no coordinates"
_CODES = ["network", "station", "location", "instrument"]


@dataclass(frozen=True)
class Seen:
    """An event at one instrument.

    Attributes
    ----------
    place
        Columns that tables of stations begin with: event_id, codes, epicentral_km, distance_km.
    depth_km
        Of the event.
    picked
        Its picks by phase, with `pick_id`, `travel_s` (seconds after the origin) and `next_s` (to
        the next event's first arrival at the station).
    rows
        Rows of MEASUREMENTS by pick_id and component.
    located
        Whether the station has coordinates.
    """

    place: dict[str, Any]
    depth_km: float
    picked: dict[str, Any]
    rows: dict[str, dict[str, Any]]
    located: bool

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
    joined = arrivals.merge(picks[["pick_id", *_CODES, "time"]], on="pick_id")
    joined["site"] = sites.find(joined)
    joined = joined.merge(
        events[["event_id", "time", "depth_km"]], on="event_id", suffixes=("", "_0")
    )
    origin = joined["time_0"].astype("int64")
    joined["travel_s"] = (joined["time"].astype("int64") - origin) / SECOND
    joined["next_s"] = _next_events(joined)
    known = _known(measurements, set(joined["pick_id"]))
    for _, group in joined.groupby(["event_id", *_CODES], sort=True):
        picked = {str(row.phase): row for row in group.itertuples()}
        ids = [str(pick_id) for pick_id in group["pick_id"]]
        yield Seen(
            _place(group, sites),
            float(group["depth_km"].iloc[0]),
            picked,
            {pick_id: known.get(pick_id, {}) for pick_id in ids},
            bool((group["site"] >= 0).all()),
        )


def _next_events(joined: pd.DataFrame) -> pd.Series:
    """Seconds from the origin to the next first arrival of another event at the same station."""
    result = pd.Series(np.inf, index=joined.index)
    for _, rows in joined.groupby(["network", "station"]):
        first = rows.groupby("event_id")["time"].min().sort_values()
        following = dict(zip(first.index[:-1], first.iloc[1:], strict=True))
        later = rows["event_id"].map(following)
        seconds = (pd.to_datetime(later, utc=True) - rows["time_0"]).dt.total_seconds()
        result[rows.index] = seconds.fillna(np.inf)
    return result


def _known(measurements: pd.DataFrame, wanted: set[str]) -> dict[str, dict[str, Any]]:
    """Rows of the measurements by pick and component."""
    known: dict[str, dict[str, Any]] = {}
    for row in measurements[measurements["pick_id"].isin(wanted)].itertuples():
        known.setdefault(str(row.pick_id), {})[str(row.component)] = row
    return known


def _place(group: pd.DataFrame, sites: Sites) -> dict[str, Any]:
    first = group.iloc[0]
    epicentral = float(group["distance_km"].median())
    depth = np.nan
    if first["site"] >= 0:
        depth = float(first["depth_km"] - sites.table["depth_km"].iloc[int(first["site"])])
    return {
        "event_id": first["event_id"],
        **{name: first[name] for name in _CODES},
        "epicentral_km": epicentral,
        "distance_km": float(np.hypot(epicentral, depth)),
    }
