"""Files of SKHASH: polarities, stations and reversals as CSV tables with named columns.

Source: Skoumal, R. J., Hardebeck, J. L. & Shearer, P. M., 2024, SKHASH: A Python package for
computing earthquake focal mechanisms, Seismol. Res. Lett. 95, 2519-2526.
"""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError, why_unread
from quakeline.events.mechanisms.hash_files import Reversals
from quakeline.events.mechanisms.polarities import PolarityEvent

logger = logging.getLogger("quakeline")

#: SKHASH's errors of hypocentres whose file states none, in km.
_SIGMA_KM = 1.0
#: Columns that a table may leave out, and what is taken where one of its cells is empty.
_OTHERS = {
    **dict.fromkeys(("azimuth_uncertainty", "takeoff_uncertainty", "sr_dist_km"), 0.0),
    **dict.fromkeys(("horz_uncert_km", "vert_uncert_km"), _SIGMA_KM),
}
#: Rows of one station farther apart are different places, in degrees.
_SAME_PLACE = 0.001
_PLACE = ["origin_latitude", "origin_longitude", "origin_depth_km"]


def is_one(path: Path, column: str) -> bool:
    """Whether a file is a CSV table whose first line names a column."""
    try:
        with path.open(encoding="utf-8", errors="replace") as file:
            return column in [word.strip() for word in file.readline().split(",")]
    except OSError:
        return False


def phases(path: Path) -> list[list[PolarityEvent]]:
    """The polarities of each event; of several ones where a composite has `event_id2`.

    A polarity's sign is its direction, its size the weight; those of 0 are left out, which the log
    says, and how many state no error or distance that others state. Raises DataError.
    """
    table = _table(path, ["event_id", "station", "p_polarity", *_PLACE])
    for name in ["p_polarity", *_PLACE]:
        table[name] = pd.to_numeric(table[name], errors="coerce")
    bad = table[["p_polarity", *_PLACE]].isna().any(axis=1)
    if bad.any():
        line = int(bad.to_numpy().argmax()) + 2
        raise DataError(f"{path} line {line}: no number among p_polarity, {', '.join(_PLACE)}")
    undecided = table["p_polarity"] == 0
    if undecided.any():
        logger.warning(
            "%s: %d of %d polarities are 0, undecided, and were left out",
            path,
            int(undecided.sum()),
            len(table),
        )
    table = table[~undecided]
    _require_whole_rays(path, table)
    _require_numbers(path, table)
    if "event_id2" not in table:
        table = table.assign(event_id2=table["event_id"])
    return [
        [_event(str(key), str(own), one) for own, one in group.groupby("event_id2", sort=False)]
        for key, group in table.groupby("event_id", sort=False)
    ]


def _require_whole_rays(path: Path, table: pd.DataFrame) -> None:
    """Refuse a table in which only some polarities state a ray."""
    if not {"takeoff", "azimuth"} <= set(table.columns):
        return
    numbers = table[["takeoff", "azimuth"]].apply(pd.to_numeric, errors="coerce")
    bad = numbers.isna().any(axis=1) | ~numbers["takeoff"].between(0, 180)
    if bad.any():
        line = int(bad.index[bad][0]) + 2
        raise DataError(
            f"{path} line {line}: no azimuth or no takeoff of 0 to 180; a table states both of all"
            " polarities, or has no such columns"
        )


def _require_numbers(path: Path, table: pd.DataFrame) -> None:
    """Refuse errors and distances that are no numbers above or at 0; say how many are absent."""
    for name, instead in _OTHERS.items():
        if name not in table:
            continue
        absent = table[name].isna() | (table[name].astype(str).str.strip() == "")
        bad = ~absent & ~(pd.to_numeric(table[name], errors="coerce") >= 0)
        if bad.any():
            line = int(bad.index[bad][0]) + 2
            given = table[name][bad].iloc[0]
            raise DataError(f"{path} line {line}: {name} {given!r}; a number from 0 on is needed")
        if absent.any():
            logger.warning(
                "%s: %d of %d polarities state no %s; %g is taken",
                path,
                int(absent.sum()),
                len(table),
                name,
                instead,
            )


def _event(event_id: str, own_id: str, rows: pd.DataFrame) -> PolarityEvent:
    first = rows.iloc[0]
    polarities = pd.DataFrame(
        {
            "network": rows.get("network", ""),
            "station": rows["station"],
            "polarity": np.sign(rows["p_polarity"]).astype(int),
            "weight": rows["p_polarity"].abs(),
        }
    )
    if {"takeoff", "azimuth"} <= set(rows.columns):
        polarities = polarities.assign(**_rays(rows))
    # Of several channels of a station the surest polarity counts.
    surest = polarities.sort_values("weight", ascending=False, kind="stable")
    latitude, longitude, depth = (float(first[name]) for name in _PLACE)
    wide, deep = (_number(first.get(name)) for name in ("horz_uncert_km", "vert_uncert_km"))
    kept = surest.reset_index(drop=True)
    place = (latitude, longitude, depth, wide, deep)
    return PolarityEvent(event_id, None, *place, kept, own_id=own_id)


def _rays(rows: pd.DataFrame) -> dict[str, pd.Series]:
    """Rays that a table states, as `Stated` takes them; SKHASH counts take-off angles from up."""
    names = ["azimuth", "takeoff", "azimuth_uncertainty", "takeoff_uncertainty", "sr_dist_km"]
    numbers = {
        name: pd.to_numeric(rows.get(name, pd.Series(0.0, rows.index)), errors="coerce").fillna(0.0)
        for name in names
    }
    return {
        "azimuth": numbers["azimuth"],
        "takeoff": 180 - numbers["takeoff"],
        "azimuth_sigma": numbers["azimuth_uncertainty"],
        "takeoff_sigma": numbers["takeoff_uncertainty"],
        "distance_km": numbers["sr_dist_km"],
    }


def _number(given: object) -> float:
    value = pd.to_numeric(pd.Series([given]), errors="coerce").iloc[0]
    return float(value) if pd.notna(value) else _SIGMA_KM


def stations(path: Path) -> pd.DataFrame:
    """Columns network, station, latitude, longitude, depth_km below sea level. Raises DataError."""
    table = _table(path, ["station", "latitude", "longitude", "elevation"])
    numbers = {
        name: pd.to_numeric(table[name], errors="coerce")
        for name in ("latitude", "longitude", "elevation")
    }
    made = pd.DataFrame(
        {
            "network": table.get("network", ""),
            "station": table["station"],
            "latitude": numbers["latitude"],
            "longitude": numbers["longitude"],
            "depth_km": -numbers["elevation"] / 1000,
        }
    )
    if made.isna().to_numpy().any():
        line = int(made.isna().any(axis=1).to_numpy().argmax()) + 2
        raise DataError(f"{path} line {line}: no latitude, longitude or elevation")
    first = made.groupby(["network", "station"])[["latitude", "longitude"]].transform("first")
    moved = (made[["latitude", "longitude"]] - first).abs().max(axis=1) > _SAME_PLACE
    if moved.any():
        logger.warning(
            "%s: %d rows have another place than the first one of their station, which counts",
            path,
            int(moved.sum()),
        )
    return made.drop_duplicates(["network", "station"], ignore_index=True)


def reversals(path: Path) -> Reversals:
    """Stations of reversed polarity with their days. Raises DataError."""
    table = _table(path, ["station", "start_time", "end_time"])
    spans: dict[str, list[tuple[int, int]]] = {}
    for number, row in enumerate(table.itertuples(), start=2):
        days = []
        for given in (str(row.start_time), str(row.end_time)):
            time = pd.to_datetime(given, errors="coerce")
            if given != "0" and pd.isna(time):
                raise DataError(f"{path} line {number}: {given!r} is no day")
            days.append(0 if given == "0" else int(f"{time:%Y%m%d}"))
        spans.setdefault(str(row.station), []).append((days[0], days[1]))
    return Reversals(spans)


def _table(path: Path, needed: list[str]) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, skipinitialspace=True, comment="#")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no table of SKHASH: {why_unread(error, path)}") from None
    absent = [name for name in needed if name not in table]
    if absent:
        raise DataError(f"{path}: no column {', '.join(absent)}, which SKHASH has there")
    return table
