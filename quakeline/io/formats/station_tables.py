"""Station tables of anybody: CSV, FDSN text, the station files of common programs, to STATIONS."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError, why_unread
from quakeline.core.schemas import STATIONS
from quakeline.io.formats.codes import clash, normal
from quakeline.io.formats.csv_cells import cells_of, text_of
from quakeline.io.formats.decimal_commas import HINT, with_points
from quakeline.io.formats.parquet_cells import as_text, is_parquet, own_name, read_frame
from quakeline.io.formats.projected import cells_with_degrees, coordinates_of
from quakeline.io.formats.swapped import off_the_globe
from quakeline.io.products import tables

logger = logging.getLogger("quakeline")

#: Names under which programs write a column, the first one found counts: ours, FDSN text, PyOcto,
#: GaMMA, QuakeFlow, SeisBench.
_NAMES = {
    "network": ("network", "net", "network_code", "station_network_code"),
    "station": ("station", "sta", "station_code", "id", "station_id", "trace_id", "code"),
    "location": ("location", "loc", "location_code", "station_location_code"),
    "channel": ("channel", "cha", "chan", "channel_code"),
    "latitude": ("latitude", "lat", "latitude_deg", "station_latitude_deg"),
    "longitude": ("longitude", "lon", "long", "longitude_deg", "station_longitude_deg"),
    "elevation_m": (
        *("elevation_m", "elevation(m)", "elevation (m)", "station_elevation_m"),
        *("elevation", "elev_m", "elev(m)", "elev"),
    ),
    "depth_m": ("depth_m", "depth(m)", "depth", "local_depth_m"),
    "start": ("start", "starttime", "start_time", "start_date"),
    "end": ("end", "endtime", "end_time", "end_date"),
    "sampling_rate_hz": ("sampling_rate_hz", "samplerate", "sample_rate"),
    "azimuth_deg": ("azimuth_deg", "azimuth"),
    "dip_deg": ("dip_deg", "dip"),
}
_REQUIRED = ("network", "station", "latitude", "longitude", "elevation_m")
_OPTIONAL = ("location", "channel", "depth_m", "start", "end")
_TEXT = ("network", "station", "location", "channel")
_NUMBERS = ("latitude", "longitude", "elevation_m", "depth_m")
_FACTS = ("sampling_rate_hz", "azimuth_deg", "dip_deg")
_LIMITS = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 360.0),
    "elevation_m": (-12_000.0, 9_000.0),
    "depth_m": (-100.0, 12_000.0),
}
#: Columns of elevations in other units, by their first letter.
_ELEVATION = re.compile(r"(?:elev(?:ation)?|height|z)[_ (\[]*(km|ft|feet)[)\]]?")
_PER_METRE = {"k": 1000.0, "f": 0.3048}
#: Columns of REAL's and LOC-FLOW's station.dat, which has no header.
_REAL = ("longitude", "latitude", "network", "station", "channel", "elevation_km")
_THOUSANDS = re.compile(r"[+-]?\d{1,3},\d{3}")
#: No seismic station is higher than this, in km.
_HIGHEST_KM = 6.5


def is_table(path: Path) -> bool:
    """Whether a file of stations is a table, and neither XML nor SEED, from how it begins.

    Raises DataError where it cannot be read.
    """
    if path.suffix.lower() == ".csv" or is_parquet(path):
        return True
    try:
        with path.open("rb") as file:
            head = file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n")
    except OSError as error:
        raise DataError(
            f"cannot read stations {path}: {why_unread(error, path, 'stations')}"
        ) from error
    seed = head[:6].isdigit() and head[6:7] in (b"V", b"A", b"S", b"T")
    return not head.startswith(b"<") and not seed and b"\0" not in head


def read_table(path: Path) -> pd.DataFrame:
    """Read a station table as STATIONS: text, or Parquet of a run or of anybody.

    Columns are parted by commas, semicolons, tabs, or bars as in the text of FDSN services; the
    names of `_NAMES` are known, and further columns are left out and named in the log. A station
    may be NET.STA, with a location and a channel behind it. `elevation` is read as metres. REAL's
    and LOC-FLOW's station.dat has no header and kilometres, the JSON of EQTransformer and QuakeFlow
    names stations as keys. An easting and a northing with their projection stand for degrees.

    Raises DataError that names the line and the column.
    """
    if own_name(path, "station table") is not None:
        return tables.read(path, STATIONS)
    if is_parquet(path):
        return of_frame(as_text(read_frame(path, "station table")), path)
    text = text_of(path, "station table")
    first = next((line for line in text.splitlines() if line.strip()), "")
    if first.lstrip().startswith("{"):
        return of_frame(_of_json(text, path), path)
    if first.startswith("#") and "|" in first:
        text = text.replace("#", " ", 1)
    words = first.split()
    if len(words) == len(_REAL) and "," not in first and _is_number(words[0]):
        return of_frame(_of_real(text, path), path)
    separator = _separator(text)
    cells = cells_of(text, "station table", path, separator)
    return of_frame(cells if separator == "," else _with_points(cells), path)


def _with_points(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells whose numbers have decimal points, also where a spreadsheet wrote commas."""
    numeric, degrees = (
        [word for name in names for word in _NAMES[name] if word in cells]
        for names in ((*_NUMBERS, *_FACTS), ("latitude", "longitude"))
    )
    # After a short number and before three digits a comma in metres may part thousands.
    metres = [
        name
        for name in coordinates_of(cells)
        if name and not cells[name].str.fullmatch(_THOUSANDS).any()
    ]
    return with_points(cells, [*numeric, *metres], [*degrees, *metres])


def of_frame(frame: pd.DataFrame, path: Path | str) -> pd.DataFrame:
    """The cells of a station table, as text, as STATIONS; see `read_table`. `path` names it."""
    frame = cells_with_degrees(frame, f"station table {path}")
    found = {
        name: next((word for word in words if word in frame.columns), None)
        for name, words in _NAMES.items()
    }
    if found["elevation_m"] is None:
        _refuse_other_units(path, frame)
    known = {column: name for name, column in found.items() if column is not None}
    extra = [str(name) for name in frame.columns if name not in known]
    frame = _with_parted_codes(frame[list(known)].rename(columns=known))
    missing = [name for name in _REQUIRED if name not in frame.columns]
    if missing:
        unknown = ", ".join(sorted(extra)) or "none"
        raise DataError(
            f"station table {path}: missing columns: {', '.join(missing)}; unknown"
            f" columns: {unknown}; required: {', '.join(_REQUIRED)};"
            f" optional: {', '.join(_OPTIONAL)}"
        )
    if frame.empty:
        raise DataError(f"station table {path}: no stations: only names of columns")
    if extra:
        logger.warning("station table %s: columns not used: %s", path, ", ".join(extra))
    return _typed(frame, path)


def _separator(text: str) -> str:
    """What parts the columns: the first of bar, tab, semicolon and comma in the header."""
    lines = (line for line in text.splitlines() if line.partition("#")[0].strip())
    header = next(lines, "")
    return next((mark for mark in "|\t;" if mark in header), ",")


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _of_real(text: str, path: Path) -> pd.DataFrame:
    """The cells of a station.dat, elevations in metres; its components stand for no channel."""
    lines = {n: line.split() for n, line in enumerate(text.splitlines(), 1) if line.strip()}
    for number, words in lines.items():
        if len(words) != len(_REAL):
            raise DataError(
                f"station table {path}, line {number}: {len(words)} cells; a station.dat of REAL"
                f" has {len(_REAL)}: longitude, latitude, network, station, component, elevation"
                " in km"
            )
    frame = pd.DataFrame(list(lines.values()), index=list(lines), columns=list(_REAL))
    kilometres = pd.to_numeric(frame.pop("elevation_km"), errors="coerce")
    if (kilometres.abs() > _HIGHEST_KM).any():
        raise DataError(
            f"station table {path}: an elevation is {kilometres.abs().max():g}; a station.dat of"
            " REAL has kilometres"
        )
    logger.warning("station table %s: a station.dat of REAL, elevations read as km", path)
    frame["elevation_m"] = (kilometres * 1000).map("{:g}".format)
    return frame.assign(channel="")


def _of_json(text: str, path: Path) -> pd.DataFrame:
    """The cells of a JSON of stations: EQTransformer's (coords) or QuakeFlow's (by name)."""
    try:
        rows = [_of_key(name, one) for name, one in json.loads(text).items()]
    except (ValueError, AttributeError, TypeError, KeyError):
        raise DataError(
            f"station table {path}: no JSON of stations: allowed are an object of station names,"
            " each with network and coords (latitude, longitude, elevation in m), or with"
            " latitude, longitude and elevation_m"
        ) from None
    return pd.DataFrame(rows, index=range(1, len(rows) + 1)).fillna("")


def _of_key(name: str, one: dict[str, object]) -> dict[str, str]:
    """The cells of one station of a JSON."""
    place = {key.lower(): value for key, value in one.items()}
    coords = place.get("coords")
    if isinstance(coords, list):
        place |= dict(zip(("latitude", "longitude", "elevation_m"), coords, strict=True))
    simple = {key: str(value) for key, value in place.items() if not isinstance(value, list | dict)}
    return {"station": name, **simple}


def _with_parted_codes(frame: pd.DataFrame) -> pd.DataFrame:
    """Cells whose stations are bare codes: NET.STA.LOC.CHA is parted into columns."""
    if "station" not in frame:
        return frame
    words = [(name.split(".") + [""] * 4)[:4] for name in frame["station"].astype(str)]
    dotted = frame["station"].astype(str).str.contains(".", regex=False).to_numpy()
    if not dotted.any():
        return frame
    parts = pd.DataFrame(words, index=frame.index, columns=["network", "station", *_TEXT[2:]])
    # The two letters of an instrument, as QuakeFlow has them, are no channel.
    parts["channel"] = parts["channel"].where(parts["channel"].str.len() == 3, "")
    result = frame.copy()
    for name in _TEXT:
        own = frame[name] if name in frame else pd.Series("", index=frame.index)
        result[name] = np.where(dotted, parts[name], own)
    return result


def _refuse_other_units(path: Path | str, frame: pd.DataFrame) -> None:
    """Refuse elevations whose column says that they are not in metres, naming the factor."""
    for name in frame.columns:
        unit = _ELEVATION.fullmatch(str(name))
        if unit:
            factor = _PER_METRE[unit[1][0]]
            raise DataError(
                f"station table {path}: column {name} given; needed is elevation_m, in metres:"
                f" multiply it by {factor:g} and rename it"
            )


def _typed(frame: pd.DataFrame, path: Path | str) -> pd.DataFrame:
    result = pd.DataFrame(index=frame.index)
    for name in _TEXT:
        result[name] = frame[name].map(normal) if name in frame else ""
    for name in _NUMBERS:
        default = "0" if name == "depth_m" else ""
        text = frame[name] if name in frame else pd.Series("", index=frame.index)
        hint = off_the_globe(text, frame["longitude"]) if name == "latitude" else ""
        result[name] = _numbers(text.where(text != "", default), name, path, hint)
    for name in ("start", "end"):
        text = frame[name] if name in frame else pd.Series("", index=frame.index)
        result[name] = _times(text, name, path)
    for name in ("network", "station"):
        if (result[name] == "").any():
            line = int(result.index[result[name] == ""][0])
            raise DataError(f"station table {path}, line {line}: {name} is empty")
    named = frame["network"] + "." + frame["station"]
    refuse_clash(zip(named, result["latitude"], result["longitude"], strict=True))
    result["channel"] = result["channel"].where(result["channel"] != "", None)
    for name in _FACTS:
        text = frame[name] if name in frame else pd.Series("", index=frame.index)
        result[name] = pd.to_numeric(text, errors="coerce").astype(float)
    result["response"] = "none"
    return result.reset_index(drop=True)


def refuse_clash(stations: Iterable[tuple[str, float, float]]) -> None:
    """Raise DataError for different places of which only capital letters tell the names apart."""
    places = {name: (latitude, longitude) for name, latitude, longitude in stations}
    found = clash(places)
    if found and places[found[0]] != places[found[1]]:
        raise DataError(
            f"stations {found[0]} and {found[1]} are at different places, but only capital letters"
            " tell them apart, and codes are read as capitals: give one of them another code"
        )


def _numbers(text: pd.Series, name: str, path: Path | str, hint: str = "") -> pd.Series:
    values = pd.to_numeric(text, errors="coerce")
    low, high = _LIMITS[name]
    bad = ~((values >= low) & (values <= high))
    if bad.any():
        line = int(bad.index[bad][0])
        hint += HINT if "," in text[line] else ""
        raise DataError(
            f"station table {path}, line {line}: {name} is {text[line]!r}; allowed: a number"
            f" from {low:g} to {high:g}{hint}"
        )
    return values.astype(float)


def _times(text: pd.Series, name: str, path: Path | str) -> pd.Series:
    # Years that int64 nanoseconds do not hold, 2599 and the like, mean never.
    text = text.where(~text.str.match(r"(2[3-9]|[3-9]\d)\d\d-"), "")
    values = pd.to_datetime(text.where(text != ""), errors="coerce", utc=True, format="ISO8601")
    bad = values.isna() & (text != "")
    if bad.any():
        line = int(bad.index[bad][0])
        raise DataError(
            f"station table {path}, line {line}: {name} is {text[line]!r}; allowed: an ISO 8601"
            " time or nothing"
        )
    return values.astype("datetime64[ns, UTC]")
