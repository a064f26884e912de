"""Recall, precision, differences and completeness of a catalog against a reference."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.errors import ConfigError
from quakeline.core.geometry import distance_azimuth
from quakeline.core.schemas import MATCHES
from quakeline.core.timeline import Span
from quakeline.events.comparison.frequency import recurrence
from quakeline.events.comparison.matching import distances_km, match
from quakeline.events.comparison.reference import fetch, read
from quakeline.events.comparison.settings import SERVICE, Settings
from quakeline.io.products import tables

_SHARED = ("time", "latitude", "longitude", "depth_km", "magnitude")
#: Makes the median absolute deviation of normal errors their standard deviation.
_NORMAL = 1.4826
#: Classes of the summary: of magnitude, and of the distance of the nearest station (km).
_MAGNITUDE_STEP = 0.5
_DISTANCE_EDGES_KM = (0.0, 10.0, 25.0, 50.0, 100.0, 250.0)
#: So many events at swapped coordinates are no chance.
_ENOUGH = 2


@dataclass(frozen=True)
class Evaluation:
    """The table MATCHES and the summary, as JSON-like builtins."""

    matches: pd.DataFrame
    summary: dict[str, Any]


def box_around(stations: pd.DataFrame, distance_km: float) -> tuple[float, float, float, float]:
    """West, east, south and north of what lies within a distance of the stations, degrees."""
    from quakeline.core.geometry import LocalFrame

    latitude = stations["latitude"].to_numpy(float)
    longitude = stations["longitude"].to_numpy(float)
    middle = LocalFrame.around(latitude, longitude).longitude
    along = (longitude - middle + 180) % 360 - 180
    reach = distance_km / 110.5
    south, north = max(-90.0, latitude.min() - reach), min(90.0, latitude.max() + reach)
    shrink = np.cos(np.radians(max(abs(south), abs(north))))
    wide = reach / shrink if shrink > 1e-3 else 360.0
    west, east = middle + along.min() - wide, middle + along.max() + wide
    if east - west >= 360:
        return -180.0, 180.0, float(south), float(north)
    wrapped = [float((value + 180) % 360 - 180) for value in (west, east)]
    return wrapped[0], wrapped[1], float(south), float(north)


def reference_of(
    settings: Settings, stations: pd.DataFrame, span: Span, file: Path | None = None
) -> pd.DataFrame:
    """The reference that the settings name: read from its file, or asked of its web service.

    `file` is where the file lies. Raises DataError where the reference cannot be read or had.
    """
    if settings.remote and settings.reference:
        box = box_around(stations, settings.max_distance_km)
        return fetch(settings.reference.removeprefix(SERVICE), span, box)
    if file is None:
        raise ConfigError("evaluate.reference: none given; allowed: a file, or fdsn:SERVICE")
    return read(file)


def evaluate(
    events: pd.DataFrame,
    reference: pd.DataFrame,
    stations: pd.DataFrame,
    span: Span,
    rules: Settings,
) -> Evaluation:
    """Compare EVENTS with a reference (columns of `reference.COLUMNS`) inside a span.

    Events outside the span or beyond the rules' distance are left out. Pairs and missed events
    whose reference is below `min_magnitude` are left out after matching: they make no new ones.
    """
    own = _counted(events, stations, span, rules)
    theirs = _counted(reference, stations, span, rules)
    here, there = match(own, theirs, rules.tolerance_s, rules.tolerance_km)
    doubts = [] if len(here) else _apart(events, reference, span, rules)
    matches = _large(_table(own, theirs, here, there), rules.min_magnitude)
    in_matches = matches[["event_id", "reference_id"]].notna().sum()
    summary = {
        "span": span.id,
        "rules": {
            "tolerance_s": rules.tolerance_s,
            "tolerance_km": rules.tolerance_km,
            "max_distance_km": rules.max_distance_km,
            "min_magnitude": rules.min_magnitude,
        },
        **_score(matches),
        "left_out": {
            "events": len(events) - int(in_matches["event_id"]),
            "reference": len(reference) - int(in_matches["reference_id"]),
        },
        "by_magnitude": _by_magnitude(matches, _MAGNITUDE_STEP),
        "by_distance": _by_distance(matches, _DISTANCE_EDGES_KM),
        "differences": _differences(matches),
        "doubts": doubts,
        "completeness": {
            "catalog": recurrence(own["magnitude"].to_numpy(float)).as_json(),
            "reference": recurrence(theirs["magnitude"].to_numpy(float)).as_json(),
        },
    }
    return Evaluation(matches, summary)


def _counted(
    frame: pd.DataFrame, stations: pd.DataFrame, span: Span, rules: Settings
) -> pd.DataFrame:
    """The events that count, with `station_distance_km`."""
    inside = _inside(frame, span)
    nearest = _nearest(inside, stations)
    counted = inside.assign(station_distance_km=nearest)[nearest <= rules.max_distance_km]
    return pd.DataFrame(counted.reset_index(drop=True))


def _inside(frame: pd.DataFrame, span: Span) -> pd.DataFrame:
    inside: pd.DataFrame = frame[tables.inside(frame, span)]
    return inside


def _apart(events: pd.DataFrame, reference: pd.DataFrame, span: Span, rules: Settings) -> list[str]:
    """Sentences on why nothing matches."""
    inside = _inside(reference, span)
    if len(inside) or reference.empty:
        return _swapped(events, inside, rules)
    first, last = (
        f"{time:%Y-%m-%d}" for time in (reference["time"].min(), reference["time"].max())
    )
    return [f"no event of the reference, {first} to {last}, is in the span of the catalog"]


def _swapped(events: pd.DataFrame, reference: pd.DataFrame, rules: Settings) -> list[str]:
    """A sentence where events match once their latitudes and longitudes change places."""
    exchanged = events.rename(columns={"latitude": "longitude", "longitude": "latitude"})
    exchanged = exchanged[exchanged["latitude"].abs() <= 90]
    here, _ = match(exchanged, reference, rules.tolerance_s, rules.tolerance_km)
    if len(here) < _ENOUGH:
        return []
    said = f"no event matches, but {len(here)} do with latitude and longitude in each other's place"
    return [f"{said}: are they swapped in the table of stations, or in the reference?"]


def _nearest(frame: pd.DataFrame, stations: pd.DataFrame) -> np.ndarray:
    places = stations.drop_duplicates(["latitude", "longitude"])
    sites = [places[name].to_numpy(float) for name in ("latitude", "longitude")]
    pairs = zip(frame["latitude"], frame["longitude"], strict=True)
    return np.array([distance_azimuth(lat, lon, *sites)[0].min() for lat, lon in pairs], float)


def _table(
    own: pd.DataFrame, theirs: pd.DataFrame, here: np.ndarray, there: np.ndarray
) -> pd.DataFrame:
    """MATCHES: pairs, then missed, then new ones, in order of time."""
    ours = own.rename(columns={"station_distance_km": "own_km"})
    ours = ours[["event_id", *_SHARED, "own_km"]]
    renamed = theirs.rename(columns={name: f"reference_{name}" for name in _SHARED})
    renamed = renamed.rename(columns={"event_id": "reference_id"})
    columns = ["reference_id", *(f"reference_{name}" for name in _SHARED), "station_distance_km"]
    renamed = renamed[columns]
    pairs = pd.concat(
        [ours.iloc[here].reset_index(drop=True), renamed.iloc[there].reset_index(drop=True)],
        axis=1,
    ).assign(status="matched")
    pairs = pairs.assign(
        time_difference_s=(pairs["time"] - pairs["reference_time"]).dt.total_seconds(),
        epicentre_km=distances_km(own.iloc[here], theirs.iloc[there]),
        depth_difference_km=pairs["depth_km"] - pairs["reference_depth_km"],
    )
    missed = _others(renamed, there).assign(status="missed")
    new = _others(ours, here).assign(status="new")
    new = new.assign(station_distance_km=new["own_km"])
    parts = [part for part in (pairs, missed, new) if len(part)]
    if not parts:
        return tables.empty(MATCHES)
    whole = pd.concat(parts, ignore_index=True).reindex(columns=MATCHES.names)
    for name in ("time", "reference_time"):
        whole[name] = pd.to_datetime(whole[name], utc=True)
    order = whole["time"].fillna(whole["reference_time"])
    whole = whole.assign(_order=order).sort_values(["_order", "status"], ignore_index=True)
    conformed: pd.DataFrame = tables.conform(whole[MATCHES.names], MATCHES).to_pandas()
    return conformed


def _others(frame: pd.DataFrame, positions: np.ndarray) -> pd.DataFrame:
    return frame[~np.isin(np.arange(len(frame)), positions)]


def _large(matches: pd.DataFrame, least: float | None) -> pd.DataFrame:
    """Leave out what the reference, or for new events the catalog, says to be smaller."""
    if least is None:
        return matches
    size = matches["reference_magnitude"].where(matches["status"] != "new", matches["magnitude"])
    return pd.DataFrame(matches[~(size < least)].reset_index(drop=True))


def _score(matches: pd.DataFrame) -> dict[str, Any]:
    counts = {name: int((matches["status"] == name).sum()) for name in ("matched", "missed", "new")}
    return {
        **counts,
        "recall": _share(counts["matched"], counts["matched"] + counts["missed"]),
        "precision": _share(counts["matched"], counts["matched"] + counts["new"]),
    }


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None


def _by_magnitude(matches: pd.DataFrame, step: float) -> list[dict[str, Any]]:
    """Recall by the reference's magnitude; precision by it, or for new events by the catalog's.

    Precision is None where most new events have no magnitude, and so are in no class.
    """
    sizeless = matches.loc[matches["status"] == "new", "magnitude"].isna()
    unsaid = {"precision": None} if sizeless.mean() > 0.5 else {}
    size = matches["reference_magnitude"].fillna(matches["magnitude"])
    classes = np.floor(size / step + 1e-6)
    rows = [
        {
            "from": float(key * step),
            "to": float((key + 1) * step),
            **_score(matches[classes == key]),
            **unsaid,
        }
        for key in sorted(classes.dropna().unique())
    ]
    unknown = matches[classes.isna()]
    if len(unknown):
        rows.append({"from": None, "to": None, **_score(unknown), **unsaid})
    return rows


def _by_distance(matches: pd.DataFrame, edges: tuple[float, ...]) -> list[dict[str, Any]]:
    km = matches["station_distance_km"]
    rows = []
    for low, high in zip(edges, [*edges[1:], np.inf], strict=True):
        part = matches[(km >= low) & (km < high)]
        if len(part):
            end = None if np.isinf(high) else high
            rows.append({"from_km": low, "to_km": end, **_score(part)})
    return rows


def _differences(matches: pd.DataFrame) -> dict[str, Any]:
    """Catalog minus reference of matched events: number, median, MAD as a standard deviation."""
    pairs = matches[matches["status"] == "matched"]
    values = {
        "time_s": pairs["time_difference_s"],
        "epicentre_km": pairs["epicentre_km"],
        "depth_km": pairs["depth_difference_km"],
        "magnitude": pairs["magnitude"] - pairs["reference_magnitude"],
    }
    return {name: _spread(column.dropna().to_numpy(float)) for name, column in values.items()}


def _spread(values: np.ndarray) -> dict[str, Any]:
    if not len(values):
        return {"n": 0, "median": None, "mad": None}
    median = float(np.median(values))
    return {
        "n": len(values),
        "median": median,
        "mad": _NORMAL * float(np.median(np.abs(values - median))),
    }
