"""Station metadata: StationXML and station tables (CSV) to the STATIONS table."""

from __future__ import annotations

from collections.abc import Iterable
from copy import copy
from glob import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from obspy import Inventory, UTCDateTime, read_inventory
from obspy.core.inventory import Channel, Network, Station

from quakeline.errors import DataError
from quakeline.io import tables
from quakeline.io.atomic import replacing
from quakeline.io.cells import read_cells
from quakeline.io.codes import clash, normal
from quakeline.io.responses import is_seed
from quakeline.schemas import STATIONS

_NEVER_NS, _ALWAYS_NS = -(1 << 62), 1 << 62
_REQUIRED = ("network", "station", "latitude", "longitude", "elevation_m")
_TEXT = ("network", "station", "location", "channel")
_NUMBERS = ("latitude", "longitude", "elevation_m", "depth_m")
_OPTIONAL = ("location", "channel", "depth_m", "start", "end")
_LIMITS = {
    "latitude": (-90.0, 90.0),
    "longitude": (-180.0, 360.0),
    "elevation_m": (-12_000.0, 9_000.0),
    "depth_m": (-100.0, 12_000.0),
}


def read(paths: list[Path]) -> Inventory:
    """Read StationXML and dataless SEED files, codes as `with_normal_codes` has them.

    Raises DataError with the file's name.
    """
    inventory = Inventory()
    for path in paths:
        kind = "StationXML"
        try:
            kind = "dataless SEED" if is_seed(path) else kind
            form = "SEED" if kind == "dataless SEED" else "STATIONXML"
            inventory += read_inventory(escape(str(path)), format=form)
        except Exception as error:  # obspy and lxml raise many kinds for a broken file
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"cannot read {path} as {kind}: {reason}") from error
    return with_normal_codes(inventory)


def with_normal_codes(inventory: Inventory) -> Inventory:
    """An inventory with all codes in their normal form; the one that is given stays as it is.

    Raises DataError for two stations at different places that only capital letters tell apart.
    """
    _refuse_clash(
        (f"{network.code}.{station.code}", station.latitude, station.longitude)
        for network in inventory
        for station in network
    )
    networks = []
    for network in inventory:
        stations = [copy(station) for station in network]
        for station in stations:
            station.code, station.channels = normal(station.code), list(map(copy, station))
            for channel in station:
                channel.code = normal(channel.code)
                channel.location_code = normal(channel.location_code)
        renamed = copy(network)
        renamed.code, renamed.stations = normal(network.code), stations
        networks.append(renamed)
    return Inventory(networks=networks, source=inventory.source)


def _refuse_clash(stations: Iterable[tuple[str, float, float]]) -> None:
    """Raise DataError for different places of which only capital letters tell the names apart."""
    places = {name: (latitude, longitude) for name, latitude, longitude in stations}
    found = clash(places)
    if found and places[found[0]] != places[found[1]]:
        raise DataError(
            f"stations {found[0]} and {found[1]} are at different places, but only capital letters"
            " tell them apart, and codes are read as capitals: give one of them another code"
        )


def joined(first: Inventory, second: Inventory) -> Inventory:
    """The stations of two inventories; where both describe one, the first counts."""
    known = {(network.code, station.code) for network in first for station in network}
    further = []
    for network in second:
        stations = [s for s in network if (network.code, s.code) not in known]
        if stations:
            part = copy(network)
            part.stations = stations
            further.append(part)
    return first + Inventory(networks=further)


def table_of(inventory: Inventory) -> pd.DataFrame:
    """One row per channel epoch of an inventory; one per station where it lists no channels."""
    rows = [
        _row(network, station, channel)
        for network in inventory
        for station in network
        for channel in (station.channels or [None])
    ]
    return pd.DataFrame(rows) if rows else tables.empty(STATIONS)


def _row(network: Network, station: Station, channel: Channel | None) -> dict[str, Any]:
    place = channel or station
    return {
        "network": network.code,
        "station": station.code,
        "location": channel.location_code if channel else "",
        "channel": channel.code if channel else None,
        "latitude": float(place.latitude),
        "longitude": float(place.longitude),
        "elevation_m": float(place.elevation),
        "depth_m": float(channel.depth or 0.0) if channel else 0.0,
        "start": _timestamp(place.start_date),
        "end": _timestamp(place.end_date),
        "sampling_rate_hz": _number(channel.sample_rate if channel else None),
        "azimuth_deg": _number(channel.azimuth if channel else None),
        "dip_deg": _number(channel.dip if channel else None),
        "response": _response_kind(channel),
    }


def _timestamp(time: UTCDateTime | None) -> pd.Timestamp | None:
    """A time of an epoch; the year 2599 and the like, which mean never, are None."""
    if time is None or not pd.Timestamp.min.value < time.ns < pd.Timestamp.max.value:
        return None
    return pd.Timestamp(time.ns, unit="ns", tz="UTC")


def epoch_ns(place: Channel | Station) -> tuple[int, int]:
    """Start and end (exclusive) of an epoch in ns since 1970; far away where they are open."""
    start, end = (
        open_ns if time is None else min(max(int(time.ns), _NEVER_NS), _ALWAYS_NS)
        for time, open_ns in ((place.start_date, _NEVER_NS), (place.end_date, _ALWAYS_NS))
    )
    return start, end


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _response_kind(channel: Channel | None) -> str:
    response = channel.response if channel else None
    if response is None:
        return "none"
    if response.response_stages or response.instrument_polynomial:
        return "stages"
    return "sensitivity" if response.instrument_sensitivity else "none"


def with_responses(frame: pd.DataFrame, inventory: Inventory) -> pd.DataFrame:
    """The rows of a STATIONS table with the kind of response that an inventory has for them.

    A row without a channel stands for all channels of its station.
    """
    known = table_of(inventory)
    known = known[known["response"] != "none"]
    keys = ["network", "station", "location", "channel"]
    channels = known.drop_duplicates(keys).set_index(keys)["response"].to_dict()
    stations = known.drop_duplicates(keys[:2]).set_index(keys[:2])["response"].to_dict()
    kinds = [
        stations.get(row[:2], row[4]) if pd.isna(row[3]) or not row[3] else
        channels.get(row[:4], row[4])
        for row in zip(*(frame[key] for key in [*keys, "response"]), strict=True)
    ]  # fmt: skip
    return frame.assign(response=kinds)


def read_table(path: Path) -> pd.DataFrame:
    """Read a station table (CSV, or the stations.parquet of a run).

    `elevation` is accepted for `elevation_m` and is read as metres. Raises DataError that names the
    line and the column.
    """
    if path.suffix == ".parquet":
        return tables.read(path, STATIONS)
    return of_frame(read_cells(path, "station table"), path)


def of_frame(frame: pd.DataFrame, path: Path | str) -> pd.DataFrame:
    """The cells of a station table, as text, as STATIONS; see `read_table`. `path` names it."""
    if "elevation_m" not in frame:
        frame = frame.rename(columns={"elevation": "elevation_m"})
    missing = [name for name in _REQUIRED if name not in frame.columns]
    unknown = sorted(set(frame.columns) - {*_REQUIRED, *_OPTIONAL})
    if missing or unknown:
        raise DataError(
            f"station table {path}: missing columns: {', '.join(missing) or 'none'}; unknown"
            f" columns: {', '.join(unknown) or 'none'}; required: {', '.join(_REQUIRED)};"
            f" optional: {', '.join(_OPTIONAL)}"
        )
    return _typed(frame, path)


def read_any(path: Path) -> pd.DataFrame:
    """Read STATIONS from a CSV table, StationXML or Parquet. Raises DataError as the readers do."""
    if path.suffix.lower() in (".csv", ".parquet"):
        frame = read_table(path)
    else:
        frame = table_of(read([path]))
    return checked(frame)


def _typed(frame: pd.DataFrame, path: Path | str) -> pd.DataFrame:
    result = pd.DataFrame(index=frame.index)
    for name in _TEXT:
        result[name] = frame[name].map(normal) if name in frame else ""
    for name in _NUMBERS:
        default = "0" if name == "depth_m" else ""
        text = frame[name] if name in frame else pd.Series("", index=frame.index)
        result[name] = _numbers(text.where(text != "", default), name, path)
    for name in ("start", "end"):
        text = frame[name] if name in frame else pd.Series("", index=frame.index)
        result[name] = _times(text, name, path)
    for name in ("network", "station"):
        if (result[name] == "").any():
            line = int(result.index[result[name] == ""][0])
            raise DataError(f"station table {path}, line {line}: {name} is empty")
    named = frame["network"] + "." + frame["station"]
    _refuse_clash(zip(named, result["latitude"], result["longitude"], strict=True))
    result["channel"] = result["channel"].where(result["channel"] != "", None)
    for name in ("sampling_rate_hz", "azimuth_deg", "dip_deg"):
        result[name] = np.nan
    result["response"] = "none"
    return result.reset_index(drop=True)


def _numbers(text: pd.Series, name: str, path: Path | str) -> pd.Series:
    values = pd.to_numeric(text, errors="coerce")
    low, high = _LIMITS[name]
    bad = ~((values >= low) & (values <= high))
    if bad.any():
        line = int(bad.index[bad][0])
        raise DataError(
            f"station table {path}, line {line}: {name} is {text[line]!r}; allowed: a number"
            f" from {low:g} to {high:g}"
        )
    return values.astype(float)


def _times(text: pd.Series, name: str, path: Path | str) -> pd.Series:
    values = pd.to_datetime(text.where(text != ""), errors="coerce", utc=True, format="ISO8601")
    bad = values.isna() & (text != "")
    if bad.any():
        line = int(bad.index[bad][0])
        raise DataError(
            f"station table {path}, line {line}: {name} is {text[line]!r}; allowed: an ISO 8601"
            " time or nothing"
        )
    return values.astype("datetime64[ns, UTC]")


def overlaid(base: pd.DataFrame, table: pd.DataFrame) -> pd.DataFrame:
    """Lay a station table over the rows of an inventory.

    Where both know a station, the table's coordinates replace the inventory's and the channels,
    rates, orientations and responses of the inventory stay.
    """
    if base.empty:
        return table
    codes = ["network", "station"]
    known = base.merge(table[codes].drop_duplicates(), on=codes, how="left", indicator=True)
    result = base.copy()
    places = result[codes].merge(table.drop_duplicates(codes), on=codes, how="left")
    both = (known["_merge"] == "both").to_numpy()
    for name in ("latitude", "longitude", "elevation_m"):
        result[name] = np.where(both, places[name], result[name])
    new = table.merge(base[codes].drop_duplicates(), on=codes, how="left", indicator=True)
    return pd.concat([result, table[(new["_merge"] == "left_only").to_numpy()]], ignore_index=True)


def checked(frame: pd.DataFrame) -> pd.DataFrame:
    """Sort the rows and refuse what cannot be a network of stations. Raises DataError."""
    if frame.empty:
        raise DataError(
            "no stations: neither table, StationXML nor web service of the config has any"
        )
    keys = ["network", "station", "location", "channel", "start"]
    twice = frame.duplicated(keys)
    if twice.any():
        row = frame[twice].fillna({"channel": ""}).iloc[0]
        raise DataError(
            f"station {row['network']}.{row['station']} location {row['location']!r} channel"
            f" {row['channel']!r} is listed twice for the same time"
        )
    frame = frame.sort_values(keys, na_position="first", ignore_index=True)
    east = frame["longitude"]
    return frame.assign(longitude=east.where(east <= 180.0, east - 360.0))


def write(received: Inventory, frame: pd.DataFrame, path: Path) -> None:
    """Write StationXML: what was received, and the stations that only the table knows.

    The file depends on its content alone: it does not say when it was written.
    """
    known = {(network.code, station.code) for network in received for station in network}
    codes = zip(frame["network"], frame["station"], strict=True)
    extra = frame[np.array([code not in known for code in codes], dtype=bool)]
    inventory = received + _inventory_of(extra)
    inventory.created = UTCDateTime(0)
    content = BytesIO()
    inventory.write(content, format="STATIONXML")
    with replacing(path) as temporary:
        temporary.write_bytes(content.getvalue())


def _inventory_of(frame: pd.DataFrame) -> Inventory:
    networks = []
    for code, rows in frame.groupby("network", sort=True):
        places = rows.drop_duplicates("station")
        stations = [
            Station(row.station, row.latitude, row.longitude, row.elevation_m)
            for row in places.itertuples()
        ]
        networks.append(Network(str(code), stations=stations))
    return Inventory(networks=networks, source="quakeline station table")
