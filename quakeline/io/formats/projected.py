"""Eastings and northings, of UTM or any projection that pyproj knows, to degrees."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.io.formats.decimal_commas import HINT

#: Names of columns; those in the second row stand for anything, and count beside a projection.
_EAST = (
    *("easting", "easting_m", "easting(m)", "utm_easting", "utm_easting_m", "utm_e", "utm_east"),
    *("utm_x", "x_utm", "x_utm_m", "x", "x_m", "east", "east_m"),
)
_NORTH = (
    *("northing", "northing_m", "northing(m)", "utm_northing", "utm_northing_m", "utm_n"),
    *("utm_north", "utm_y", "y_utm", "y_utm_m", "y", "y_m", "north", "north_m"),
)
_VAGUE = frozenset(("x", "x_m", "east", "east_m", "y", "y_m", "north", "north_m"))
_CODES = ("epsg", "epsg_code", "crs", "srid")
_ZONES = ("utm_zone", "zone")
_HEMISPHERES = ("hemisphere", "utm_hemisphere")
#: Metres of UTM east of its origin, and north of the equator or of the origin in the south.
_EASTINGS, _NORTHINGS = (100_000.0, 900_000.0), (0.0, 10_000_000.0)
_ZONE = re.compile(r"(\d{1,2})\s*([A-Z]?)")
_UTM_NORTH, _UTM_SOUTH = 32_600, 32_700
_NEEDED = "give a column epsg, as 32611 for UTM zone 11 north and 32711 for 11 south"


def with_degrees(frame: pd.DataFrame, what: str) -> pd.DataFrame:
    """A table with latitude and longitude where it has an easting and a northing in their place.

    Parameters
    ----------
    frame
        Any table, its columns in lower case. Beside the easting and the northing it has the code of
        a projection (`epsg`, `crs`: 32611, EPSG:25832) or a UTM zone (`zone`: 33N; where letters
        mean bands of latitude, S among them, a column `hemisphere`). The datum is that of the
        projection, WGS84 of a zone.
    what
        What messages call it.

    Raises
    ------
    DataError
        Columns or cells do not say which projection it is, or numbers cannot be of it.
    """
    east, north = coordinates_of(frame)
    codes, zones, halves = (_first(frame, names) for names in (_CODES, _ZONES, _HEMISPHERES))
    if east is None or north is None:
        return frame
    if codes is None and zones is None:
        raise DataError(f"{what}: {east} and {north} given without their projection; {_NEEDED}")
    x, y = (pd.to_numeric(frame[name], errors="coerce") for name in (east, north))
    for name, values in ((east, x), (north, y)):
        if not np.isfinite(values).all():
            row = values.index[~np.isfinite(values)][0]
            cell = str(frame[name][row])
            hint = HINT if "," in cell else ""
            raise DataError(f"{what}, row {row}: {name} is {cell!r}, no number{hint}")
    if codes is not None:
        known = frame[codes].map(lambda cell: _code_of(cell, f"{what}: {codes}"))
    else:
        half = frame[halves] if halves else pd.Series("", index=frame.index)
        pairs = zip(frame[zones], half, strict=True)
        found = [_zone_of(zone, one, f"{what}: {zones}") for zone, one in pairs]
        known = pd.Series(found, index=frame.index)
    places = pd.DataFrame(index=frame.index, columns=["latitude", "longitude"], dtype=float)
    for code, rows in known.groupby(known, sort=False):
        own = rows.index
        places.loc[own] = _degrees(int(code), x[own], y[own], f"{what}: {east} and {north}")
    used = [name for name in (east, north, codes, zones, halves) if name]
    return frame.drop(columns=used).assign(**places)


def coordinates_of(frame: pd.DataFrame) -> tuple[str, str] | tuple[None, None]:
    """Names of the columns of eastings and northings that stand for degrees; None: none do."""
    has_degrees = any(name.startswith(("lat", "station_lat")) for name in map(str, frame.columns))
    east, north = (_first(frame, names) for names in (_EAST, _NORTH))
    is_told = _first(frame, (*_CODES, *_ZONES)) is not None
    if has_degrees or east is None or north is None or ({east, north} & _VAGUE and not is_told):
        return None, None
    return east, north


def _first(frame: pd.DataFrame, names: tuple[str, ...]) -> str | None:
    return next((name for name in names if name in frame.columns), None)


def cells_with_degrees(cells: pd.DataFrame, what: str) -> pd.DataFrame:
    """As `with_degrees`, for a table of text: degrees are text too, to a centimetre."""
    found = with_degrees(cells, what)
    if found is cells:
        return cells
    names = ("latitude", "longitude")
    return found.assign(**{name: found[name].map("{:.7f}".format) for name in names})


def _degrees(code: int, x: pd.Series, y: pd.Series, what: str) -> np.ndarray:
    """Latitudes and longitudes (n, 2) of one projection."""
    if _UTM_NORTH < code <= _UTM_NORTH + 60 or _UTM_SOUTH < code <= _UTM_SOUTH + 60:
        good = x.between(*_EASTINGS) & y.between(*_NORTHINGS)
        if not good.all():
            row = good.index[~good][0]
            swapped = y[row] < x[row] and _EASTINGS[0] <= y[row] <= _EASTINGS[1]
            hint = "; they may be exchanged" if swapped else ""
            raise DataError(
                f"{what}, row {row}: {x[row]:g} and {y[row]:g} given; UTM has metres,"
                f" {_EASTINGS[0]:.0f} to {_EASTINGS[1]:.0f} and 0 to {_NORTHINGS[1]:.0f}{hint}"
            )
    from pyproj import CRS, Transformer

    to_degrees = Transformer.from_crs(CRS(code), "EPSG:4326", always_xy=True)
    longitude, latitude = to_degrees.transform(x.to_numpy(), y.to_numpy())
    found = np.column_stack([latitude, longitude])
    if not np.isfinite(found).all():
        row = x.index[~np.isfinite(found).all(axis=1)][0]
        raise DataError(f"{what}, row {row}: {x[row]:g} and {y[row]:g} are no place of EPSG:{code}")
    return found


def _code_of(cell: object, what: str) -> int:
    """The EPSG code of a projection. Raises DataError for anything else."""
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    text = str(cell).strip().upper().removeprefix("EPSG:").removesuffix(".0")
    try:
        crs = CRS(int(text))
    except (ValueError, CRSError):
        raise DataError(f"{what} is {str(cell)!r}, no projection; {_NEEDED}") from None
    if not crs.is_projected:
        raise DataError(f"{what} is {str(cell)!r} ({crs.name}), which has degrees; {_NEEDED}")
    return int(text)


def _zone_of(cell: object, half: object, what: str) -> int:
    """The EPSG code of a UTM zone. Raises DataError where its half of the Earth is not known."""
    text = str(cell).strip().upper().removesuffix(".0")
    found = _ZONE.fullmatch(text)
    if not found or not 1 <= int(found[1]) <= 60 or found[2] in ("A", "B", "I", "O", "Y", "Z"):
        raise DataError(f"{what} is {str(cell)!r}, no UTM zone; {_NEEDED}")
    letter, side = found[2], str(half).strip().upper()[:1]
    if side not in ("N", "S"):
        if letter in ("", "S"):
            why = "may be the south or a band of the north" if letter else "tells no hemisphere"
            raise DataError(f"{what} is {str(cell)!r}, which {why}; {_NEEDED}")
        side = "N" if letter >= "N" else "S"
    return (_UTM_NORTH if side == "N" else _UTM_SOUTH) + int(found[1])
