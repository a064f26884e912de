"""Reference catalogs: files of several formats, and FDSN event services."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd

from quakeline.core.errors import DataError, why_unread
from quakeline.core.schemas import EVENTS
from quakeline.core.timeline import Span, to_datetime
from quakeline.io.exports import event_folders
from quakeline.io.formats.csv_cells import read_cells
from quakeline.io.products import tables

if TYPE_CHECKING:
    from obspy import Catalog

COLUMNS = ("event_id", "time", "latitude", "longitude", "depth_km", "magnitude", "magnitude_type")
#: Other names of the columns in CSV files, as agencies and programs write them.
_NAMES = {
    "time": ("origin_time", "origintime", "datetime", "utc", "event_time", "otime"),
    "latitude": ("lat", "evla", "origin_latitude"),
    "longitude": ("lon", "lng", "long", "evlo", "origin_longitude"),
    "depth_km": ("depth", "depth/km", "dep", "evdp", "z"),
    "magnitude": ("mag", "ml", "mw"),
    "magnitude_type": ("magtype", "mag_type", "magnitudetype"),
    "event_id": ("id", "eventid", "evid", "publicid"),
}


def read(path: Path) -> pd.DataFrame:
    """Read a reference catalog: EVENTS as Parquet, CSV with a header, or what obspy reads.

    A folder is that of a catalog, of a run or of a live session. What obspy reads is QuakeML, FDSN
    text and further formats. CSV needs time, latitude and longitude; depths are in km. Events
    without time or epicentre are left out.

    Returns
    -------
    COLUMNS in order of time; depths and magnitudes may be NaN.

    Raises
    ------
    DataError
        The file cannot be read or has no such columns.
    """
    folders = event_folders(path) if path.is_dir() else []
    if folders:
        parts = [one / "events.parquet" for one in folders]
        return _ordered(tables.read_many(parts, EVENTS))
    if path.suffix == ".parquet":
        return _ordered(tables.read(path, EVENTS))
    try:
        with path.open("rb") as file:
            head = file.read(512)
    except OSError as error:
        raise DataError(
            f"cannot read reference catalog {path}: {why_unread(error, path)}"
        ) from None
    first = head.partition(b"\n")[0]
    if head.lstrip()[:1] == b"<" or b"|" in first:
        return of_obspy(parsed(path, "EVENTTXT" if b"|" in first else None))
    if path.suffix.lower() in (".csv", ".txt") and b"," in first:
        return _of_cells(read_cells(path, "reference catalog"), path)
    return of_obspy(parsed(path, None))


def parsed(path: Path, form: str | None) -> Catalog:
    """What obspy reads of a file; `form` is its name for the format. Raises DataError."""
    from obspy import read_events

    try:
        return read_events(str(path), format=form)
    except Exception as error:  # obspy's readers raise anything
        raise DataError(
            f"cannot read reference catalog {path}: {' '.join(str(error).split()) or error!r};"
            " allowed: QuakeML, FDSN text, CSV, Parquet, and what obspy reads"
        ) from None


def of_obspy(catalog: Catalog) -> pd.DataFrame:
    """The preferred origins and magnitudes of an obspy catalog."""
    found = []
    for number, event in enumerate(catalog):
        origin = event.preferred_origin() or next(iter(event.origins), None)
        size = event.preferred_magnitude() or next(iter(event.magnitudes), None)
        if origin is None or origin.time is None or origin.latitude is None:
            continue
        found.append(
            {
                "event_id": str(event.resource_id) if event.resource_id else f"{number}",
                "time": pd.Timestamp(origin.time.ns, unit="ns", tz="UTC"),
                "latitude": float(origin.latitude),
                "longitude": float(origin.longitude),
                "depth_km": None if origin.depth is None else origin.depth / 1000,
                "magnitude": None if size is None else float(size.mag),
                "magnitude_type": None if size is None else size.magnitude_type,
            }
        )
    return _ordered(pd.DataFrame(found, columns=list(COLUMNS)))


def _of_cells(cells: pd.DataFrame, path: Path) -> pd.DataFrame:
    known = {}
    for name, others in _NAMES.items():
        column = next((one for one in (name, *others) if one in cells.columns), None)
        if column is not None:
            known[name] = cells[column]
    lacking = [name for name in ("time", "latitude", "longitude") if name not in known]
    if lacking:
        names = "; ".join(f"{name} (or {', '.join(_NAMES[name])})" for name in lacking)
        raise DataError(f"reference catalog {path}: columns are missing: {names}")
    frame = pd.DataFrame(known)
    frame["time"] = pd.to_datetime(frame["time"], utc=True, errors="coerce", format="ISO8601")
    for name in ("latitude", "longitude", "depth_km", "magnitude"):
        if name in frame:
            frame[name] = pd.to_numeric(frame[name], errors="coerce")
    needed = frame[["time", "latitude", "longitude"]]
    wrong = needed.isna().any(axis=1) | ~frame["latitude"].between(-90, 90)
    if wrong.any():
        line = wrong[wrong].index[0]
        row = ", ".join(
            f"{name} {known[name][line]!r}" for name in ("time", "latitude", "longitude")
        )
        raise DataError(f"reference catalog {path}, line {line}: {row}; allowed: ISO 8601, degrees")
    if "event_id" not in frame:
        frame["event_id"] = [str(line) for line in frame.index]
    return _ordered(frame)


def _ordered(frame: pd.DataFrame) -> pd.DataFrame:
    """The columns with their types, in order of time."""
    frame = frame.reindex(columns=list(COLUMNS))
    for name in ("latitude", "longitude", "depth_km", "magnitude"):
        frame[name] = pd.to_numeric(frame[name]).astype("float64")
    frame["time"] = pd.to_datetime(frame["time"], utc=True).dt.as_unit("ns")
    frame["event_id"] = frame["event_id"].astype("str")
    frame["magnitude_type"] = frame["magnitude_type"].astype("object")
    return frame.sort_values(["time", "event_id"], ignore_index=True)


def fetch(service: str, span: Span, box: tuple[float, float, float, float]) -> pd.DataFrame:
    """Ask an FDSN event service for the events of a span inside a box.

    Parameters
    ----------
    service
        A data centre as obspy knows it (USGS, EMSC, INGV ...) or the address of one.
    span
        Origin times.
    box
        West, east, south, north in degrees; a west above east crosses the date line.

    Raises
    ------
    DataError
        The service cannot be reached or refuses.
    """
    from obspy import UTCDateTime, read_events
    from obspy.clients.fdsn import Client
    from obspy.clients.fdsn.header import FDSNException, FDSNNoDataException

    west, east, south, north = box
    if west > east:
        parts = ((west, 180.0, south, north), (-180.0, east, south, north))
        both = pd.concat([fetch(service, span, part) for part in parts])
        return _ordered(both.drop_duplicates("event_id"))
    try:
        client = Client(service)
        answer = BytesIO()
        client.get_events(
            starttime=UTCDateTime(to_datetime(span.start_ns)),
            endtime=UTCDateTime(to_datetime(span.end_ns)),
            minlongitude=west,
            maxlongitude=east,
            minlatitude=south,
            maxlatitude=north,
            filename=answer,
        )
    except FDSNNoDataException:
        return _ordered(pd.DataFrame(columns=list(COLUMNS)))
    except (FDSNException, ValueError, OSError) as error:
        raise DataError(
            f"no reference from {service}: {' '.join(str(error).split())}; allowed: the name or"
            " address of an FDSN event service"
        ) from None
    answer.seek(0)
    return of_obspy(read_events(answer, format="QUAKEML"))
