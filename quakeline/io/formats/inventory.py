"""Station metadata: StationXML and dataless SEED to the STATIONS table, and back."""

from __future__ import annotations

import logging
from copy import copy
from glob import escape
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from obspy import Inventory, UTCDateTime, read_inventory
from obspy.core.inventory import Channel, Network, Station

from quakeline.core.errors import DataError
from quakeline.core.schemas import STATIONS
from quakeline.io.formats.codes import normal
from quakeline.io.formats.epochs import Epoch, limits_ns
from quakeline.io.formats.responses import is_seed
from quakeline.io.formats.station_list import checked
from quakeline.io.formats.station_tables import is_table, read_table, refuse_clash
from quakeline.io.products import tables
from quakeline.io.products.atomic import replacing

logger = logging.getLogger("quakeline")


def read(paths: list[Path]) -> Inventory:
    """Read StationXML and dataless SEED files, codes as `with_normal_codes` has them.

    Raises DataError with the file's name.
    """
    inventory = Inventory()
    for path in paths:
        kind = "StationXML"
        if path.is_file() and path.stat().st_size and is_table(path):
            raise DataError(
                f"cannot read {path} as StationXML: it is text; a table of stations, also the text"
                " of an FDSN service, is given as stations.table or --stations"
            )
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
    refuse_clash(
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
    if not rows:
        return tables.empty(STATIONS)
    frame = pd.DataFrame(rows)
    keys = ["network", "station", "location", "channel", "start", "end"]
    twice = frame.duplicated(keys, keep="last")
    if twice.any():
        labels = frame.loc[twice, keys[:4]].fillna("").agg(".".join, axis=1)
        logger.warning(
            "stations: channels listed twice for the same time, the last counts: %s",
            ", ".join(sorted(set(labels))),
        )
    return frame[~twice].reset_index(drop=True)


def _row(network: Network, station: Station, channel: Channel | None) -> dict[str, Any]:
    place = channel or station
    if channel is not None and _is_nowhere(channel, station):
        logger.warning(
            "stations: %s.%s %s: the channel is at 0 N 0 E, its station at %g N %g E: that counts",
            network.code,
            station.code,
            channel.code,
            station.latitude,
            station.longitude,
        )
        place = station
    return {
        "network": network.code,
        "station": station.code,
        "location": channel.location_code if channel else "",
        "channel": channel.code if channel else None,
        "latitude": float(place.latitude),
        "longitude": float(place.longitude),
        "elevation_m": float(place.elevation),
        "depth_m": float(channel.depth or 0.0) if channel else 0.0,
        "start": _timestamp((channel or station).start_date),
        "end": _timestamp((channel or station).end_date),
        "sampling_rate_hz": _number(channel.sample_rate if channel else None),
        "azimuth_deg": _number(channel.azimuth if channel else None),
        "dip_deg": _number(channel.dip if channel else None),
        "response": _response_kind(channel),
    }


def _is_nowhere(channel: Channel, station: Station) -> bool:
    """Whether a channel has no coordinates but zeros, and its station others."""
    zero = float(channel.latitude) == 0.0 == float(channel.longitude)
    return zero and max(abs(float(station.latitude)), abs(float(station.longitude))) > 0.1


def _timestamp(time: UTCDateTime | None) -> pd.Timestamp | None:
    """A time of an epoch; the year 2599 and the like, which mean never, are None."""
    if time is None or not pd.Timestamp.min.value < time.ns < pd.Timestamp.max.value:
        return None
    return pd.Timestamp(time.ns, unit="ns", tz="UTC")


def epoch_ns(place: Channel | Station) -> Epoch:
    """Start and end (exclusive) of an epoch in ns since 1970; far away where they are open."""
    return limits_ns(place.start_date, place.end_date)


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


def read_any(path: Path) -> pd.DataFrame:
    """Read STATIONS from a table, StationXML or Parquet. Raises DataError as the readers do."""
    return checked(read_table(path) if is_table(path) else table_of(read([path])))


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
