"""The stations of a run as one list: a table laid over an inventory, doubles, absurd places."""

from __future__ import annotations

import logging

import numpy as np
import pandas as pd
from pandas.api.typing import NaTType

from quakeline.core.errors import DataError
from quakeline.io.formats.epochs import ALWAYS_NS, NEVER_NS, newest, overlap
from quakeline.io.formats.swapped import refuse_swapped

logger = logging.getLogger("quakeline")

_CODES = ["network", "station"]
_KEYS = [*_CODES, "location", "channel"]
_PLACE = ["latitude", "longitude", "elevation_m"]
#: Nothing on land is higher than this, in km; no seismic station is higher than that, in m.
_HIGHEST_KM, _HIGHEST_STATION_M = 9.0, 6500.0
#: The shore of the Dead Sea lies at -430 m.
_LOWEST_LAND_M = -450.0
#: Stations farther than this from the middle of the network, and so many times farther than all
#: others, have no place that can be true. Networks are at least so wide.
_ABSURD_KM, _ABSURD_FACTOR, _LEAST_WIDTH_KM = 2000.0, 10.0, 50.0
#: Nor has 0 N 0 E, where all others are farther from it than this.
_FROM_ZERO_KM = 500.0
#: Stations, evenly over the list, that are tried as its middle.
_MIDDLES = 300


def overlaid(base: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Lay a station table over the rows of an inventory.

    Where both know a station, the table's coordinates replace the inventory's in the table's
    epochs, the newest of those that overlap (see `quakeline.io.formats.epochs`); the channels,
    rates, orientations and responses of the inventory stay. Raises DataError for a table that has a
    station at its swapped coordinates.
    """
    if base.empty:
        return table
    refuse_swapped(base, table)
    given = dict(list(table.groupby(_CODES, sort=False)))
    parts = [
        _placed(rows, given[key]) if key in given else rows
        for key, rows in base.groupby(_CODES, sort=False)
    ]
    new = table.merge(base[_CODES].drop_duplicates(), on=_CODES, how="left", indicator=True)
    only = table[(new["_merge"] == "left_only").to_numpy()]
    return pd.concat([*parts, *([only] if len(only) else [])], ignore_index=True)


def _placed(rows: pd.DataFrame, places: pd.DataFrame) -> pd.DataFrame:
    """Rows of a station, cut at the epochs of its places, each at its place."""
    if len(places[_PLACE].drop_duplicates()) == 1:
        return rows.assign(**{name: places[name].iloc[0] for name in _PLACE})
    spans = newest(_spans(places))
    # Before the first epoch and after the last one the nearest place counts.
    spans = [
        (
            NEVER_NS if n == 0 else start,
            ALWAYS_NS if n == len(spans) - 1 else spans[n + 1][0],
            number,
        )
        for n, (start, _, number) in enumerate(spans)
    ]
    result = []
    for row, (first, last) in zip(rows.to_dict("records"), _spans(rows), strict=True):
        for start, end, number in spans:
            begin, stop = max(start, first), min(end, last)
            if begin < stop:
                place = places.iloc[number][_PLACE].to_dict()
                result.append({**row, **place, "start": _time(begin), "end": _time(stop)})
    frame = pd.DataFrame(result, columns=rows.columns)
    return frame.astype({"start": "datetime64[ns, UTC]", "end": "datetime64[ns, UTC]"})


def checked(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort the rows, leave out doubles and absurd places, refuse what cannot be a network.

    What is left out, and what is odd, is said in the log. Raises DataError where there are no
    stations, or where one is at two places at once from the same time on.
    """
    if frame.empty:
        raise DataError(
            "no stations: neither table, StationXML nor web service of the config has any"
        )
    keys = [*_KEYS, "start"]
    east = frame["longitude"]
    frame = frame.assign(longitude=east.where(east <= 180.0, east - 360.0))
    kept = frame.drop_duplicates([*keys, *_PLACE, "depth_m"], keep="last")
    if len(kept) < len(frame):
        twice = frame[frame.duplicated([*keys, *_PLACE, "depth_m"])]
        logger.warning("stations: listed more than once, used once: %s", _some(twice))
    again = kept.duplicated(keys)
    if again.any():
        rows = kept.fillna({"channel": "", "start": pd.Timestamp(0, tz="UTC")})
        row = rows[again.to_numpy()].iloc[0]
        first, second = rows[(rows[keys] == row[keys]).all(axis=1)].to_dict("records")[:2]
        places = [
            f"{one['latitude']:g} {one['longitude']:g} {one['elevation_m']:g} m"
            for one in (first, second)
        ]
        raise DataError(
            f"station {row['network']}.{row['station']} location {row['location']!r} channel"
            f" {row['channel']!r} is listed twice for the same time, at {places[0]} and"
            f" {places[1]}; keep one, or say with start and end when it was where"
        )
    kept = kept.sort_values(keys, na_position="first", ignore_index=True)
    far = absurd(kept)
    for doubt in [*epoch_doubts(kept), *far.values()]:
        logger.warning("stations: %s", doubt)
    codes = kept["network"] + "." + kept["station"]
    return kept[~codes.isin(list(far))].reset_index(drop=True)


def absurd(frame: pd.DataFrame) -> dict[str, str]:
    """Stations (NET.STA) whose coordinates cannot be true beside all others, and why.

    A place at 0 N 0 E that is far from all others is none. Else, of three stations at least, those
    of a minority that lie ten times farther from the middle than all others, over 2000 km away.
    """
    places = frame.groupby(_CODES, sort=True)[["latitude", "longitude"]].last()
    names = [".".join(map(str, codes)) for codes in places.index]
    away = _from_the_middle(places.to_numpy())
    order = np.argsort(away, kind="stable")
    far: list[int] = []
    for n in range(len(order) // 2 + 1, len(order)):
        width = max(float(away[order[n - 1]]), _LEAST_WIDTH_KM)
        if away[order[n]] > max(_ABSURD_KM, _ABSURD_FACTOR * width):
            far = order[n:].tolist()
            break
    zero = (places.abs() < 1e-6).all(axis=1).to_numpy()
    if zero.any() and not zero.all():
        other = _distance_km(np.zeros(2), places.to_numpy()[~zero])
        far += np.flatnonzero(zero).tolist() if other.min() > _FROM_ZERO_KM else []
    north, east = places.to_numpy(dtype=float).T
    middle = places.to_numpy(dtype=float)[order[0]]
    near = max(_ABSURD_KM / 10, float(away[order[len(order) // 2]]))
    return {
        names[n]: f"{names[n]} is left out: its coordinates, {north[n]:g} N {east[n]:g} E, are"
        f" {away[n]:.0f} km from the middle of the others"
        + _swapped(middle, (float(north[n]), float(east[n])), near)
        for n in sorted(set(far))
    }


def _swapped(middle: np.ndarray, place: tuple[float, float], near_km: float) -> str:
    """Words on a place far away whose swapped coordinates lie near the others."""
    north, east = place
    other = np.array([[east, north]])
    if abs(east) <= 90.0 and _distance_km(middle, other)[0] <= near_km:
        return "; its latitude and longitude are swapped?"
    return ""


def _from_the_middle(places: np.ndarray) -> np.ndarray:
    """Distances in km from the place with the smallest sum of distances to the others, (n,)."""
    tried = places[:: max(1, len(places) // _MIDDLES)]
    sums = [_distance_km(one, places).sum() for one in tried]
    return _distance_km(tried[int(np.argmin(sums))], places)


def _distance_km(one: np.ndarray, others: np.ndarray) -> np.ndarray:
    """Distances on a sphere between a place and others, (n, 2), of latitude and longitude."""
    (north, east), (norths, easts) = np.radians(one), np.radians(others).T
    half = np.sin((norths - north) / 2) ** 2
    half = half + np.cos(north) * np.cos(norths) * np.sin((easts - east) / 2) ** 2
    return np.asarray(2 * 6371.0 * np.arcsin(np.sqrt(np.clip(half, 0, 1))))


def epoch_doubts(frame: pd.DataFrame) -> list[str]:
    """One sentence on the stations of STATIONS that have epochs which overlap, if there are any."""
    odd = {}
    named = frame.assign(_name=frame["network"] + "." + frame["station"])
    for _, rows in named.fillna({"channel": ""}).groupby(_KEYS, sort=True):
        found = overlap(_spans(rows)) if len(rows) > 1 else None
        if found:
            odd[str(rows["_name"].iloc[0])] = found[1]
    if not odd:
        return []
    told = ", ".join(f"{name} (from {_time(odd[name]):%Y-%m-%d} on)" for name in list(odd)[:4])
    more = f" and {len(odd) - 4} more" if len(odd) > 4 else ""
    return [f"epochs overlap, an older one is not closed: {told}{more}: the newest counts"]


def elevation_doubts(frame: pd.DataFrame) -> list[str]:
    """What looks wrong in the elevations of STATIONS: kilometres, feet, depths below the sea."""
    elevation = frame["elevation_m"].dropna().to_numpy(dtype=float)
    broken = (elevation != np.round(elevation)).sum()
    found = []
    if len(elevation) > 2 and np.abs(elevation).max() < _HIGHEST_KM and broken > len(elevation) / 2:
        found.append(
            f"elevations of the stations are {elevation.min():g} to {elevation.max():g} m and have"
            " decimals: are they kilometres? Metres are needed: then multiply them by 1000"
        )
    if len(elevation) and elevation.max() > _HIGHEST_STATION_M:
        found.append(
            f"elevations of the stations reach {elevation.max():g} m, higher than any station: are"
            " they feet? Metres are needed: then multiply them by 0.3048"
        )
    if len(elevation) > 2 and elevation.max() < 0 and elevation.min() < _LOWEST_LAND_M:
        found.append(
            f"all {len(elevation)} stations lie below sea level, down to {elevation.min():g} m: are"
            " they on the sea floor? Else their elevations have the wrong sign"
        )
    return found


def _spans(rows: pd.DataFrame) -> list[tuple[int, int]]:
    """Epochs of rows of STATIONS."""
    start, end = (rows[name].astype("datetime64[ns, UTC]") for name in ("start", "end"))
    return [
        (NEVER_NS if pd.isna(one) else one.value, ALWAYS_NS if pd.isna(other) else other.value)
        for one, other in zip(start, end, strict=True)
    ]


def _time(ns: int) -> pd.Timestamp | NaTType:
    return pd.NaT if ns in (NEVER_NS, ALWAYS_NS) else pd.Timestamp(ns, unit="ns", tz="UTC")


def _some(rows: pd.DataFrame) -> str:
    names = sorted(set(rows["network"] + "." + rows["station"]))
    return ", ".join(names[:4]) + (f" and {len(names) - 4} more" if len(names) > 4 else "")
