"""The data of the map that can be moved: places in km around its middle, as plain values."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from quakeline.report.basemap.ground import Sources, ground
from quakeline.report.catalog import Catalog, nanoseconds
from quakeline.report.panels import short_names
from quakeline.report.region import KM_PER_DEGREE, Region, region

#: Events on the map at most; of more, those with the most arrivals are taken.
MOST_EVENTS = 20_000


def data(catalog: Catalog, below: Sources | None = None) -> dict[str, Any] | None:
    """What the map shows, above coastlines and the like; None where nothing has coordinates.

    Times are seconds since the begin of the run; an event is [x, y, depth, time, size, number] with
    x and y in km. An event of the reference is [x, y, time, number of the same event here or null],
    a station [x, y, name, 1 where it has picks]. `middle` is longitude and latitude of x = y = 0.
    """
    stations = catalog.stations.dropna(subset=["latitude", "longitude"])
    events = catalog.events.nlargest(MOST_EVENTS, "n_arrivals").sort_values("time_ns")
    if not len(stations) and not len(events):
        return None
    area = region(stations, catalog.events)
    begin = catalog.span.start_ns
    measured = bool(events["magnitude"].notna().any())
    size = events["magnitude"] if measured else events["n_arrivals"]
    rows = _rows(events, area, (size, events["number"]), begin, with_depth=True)
    theirs = _of_reference(catalog.matches, events)
    names = short_names(list(stations["site"]))
    picked = stations["site"].isin(set(catalog.picks["site"])).astype(int)
    return {
        "ground": ground(area, below).plain() if below else {},
        "half": round(area.half_km, 3),
        "middle": [round(area.longitude, 6), round(area.latitude, 6)],
        "kmPerDegree": [round(area.km_per_degree_east, 6), KM_PER_DEGREE],
        "start": begin // 1_000_000,
        "seconds": catalog.span.seconds,
        "measured": measured,
        "deepest": max(1.0, float(np.ceil(events["depth_km"].max()))) if len(events) else 1.0,
        "leftOut": len(catalog.events) - len(events),
        "events": rows,
        "theirs": _rows(theirs, area, (theirs["number"],), begin, with_depth=False),
        "stations": [
            [*place, name, int(some)]
            for place, name, some in zip(_places(stations, area), names, picked, strict=True)
        ],
    }


def _of_reference(matches: pd.DataFrame, events: pd.DataFrame) -> pd.DataFrame:
    """Events of the reference, with the number of our own; not of those that the map leaves out."""
    numbers = dict(zip(events["event_id"], events["number"], strict=True))
    known = matches[matches["reference_id"].notna()]
    known = known.assign(number=known["event_id"].map(numbers))
    known = known[(known["status"] == "missed") | known["number"].notna()]
    return pd.DataFrame(
        {
            "latitude": known["reference_latitude"],
            "longitude": known["reference_longitude"],
            "time_ns": nanoseconds(known["reference_time"]),
            "number": known["number"],
        }
    )


def _rows(
    frame: pd.DataFrame,
    area: Region,
    more: tuple[pd.Series, ...],
    begin: int,
    *,
    with_depth: bool,
) -> list[list[float | None]]:
    columns = [[round(float(depth), 2) for depth in frame["depth_km"]]] if with_depth else []
    seconds = [round((int(time) - begin) / 1e9, 1) for time in frame["time_ns"]]
    extra = [[_plain(value) for value in column] for column in more]
    parts = zip(_places(frame, area), *columns, seconds, *extra, strict=True)
    return [[*place, *rest] for place, *rest in parts]


def _plain(value: Any) -> float | None:
    return None if pd.isna(value) else round(float(value), 2)


def _places(frame: pd.DataFrame, area: Region) -> list[list[float]]:
    east = area.east(frame["longitude"].to_numpy(float)) - area.longitude
    north = frame["latitude"].to_numpy(float) - area.latitude
    km = np.column_stack([east * area.km_per_degree_east, north * KM_PER_DEGREE])
    return [[round(float(x), 3), round(float(y), 3)] for x, y in km]
