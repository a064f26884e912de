"""Files of instrument responses, and their responses put onto the channels of an inventory."""

from __future__ import annotations

import copy
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from glob import escape
from itertools import pairwise
from pathlib import Path

import pandas as pd
from obspy import Inventory, UTCDateTime, read_inventory
from obspy.core.inventory import Channel, Network, Response, Station

from quakeline.core.errors import DataError, why_unread
from quakeline.io.formats import sacpz
from quakeline.io.formats.codes import normal
from quakeline.io.formats.epochs import limits_ns, overlap

_FIRST, _LAST = UTCDateTime(1, 1, 1), UTCDateTime(2999, 1, 1)

Span = tuple[UTCDateTime, UTCDateTime]


@dataclass(frozen=True)
class GivenResponse:
    """A response from a file: codes from network to channel, epoch, rate in Hz where known."""

    codes: tuple[str, str, str, str]
    start: UTCDateTime | None
    end: UTCDateTime | None
    rate_hz: float | None
    response: Response

    @property
    def label(self) -> str:
        """NET.STA.LOC.CHA."""
        return ".".join(self.codes)


def is_seed(path: Path) -> bool:
    """Whether a file begins with a control header of SEED, as dataless volumes do."""
    with path.open("rb") as file:
        head = file.read(8)
    return len(head) == 8 and head[:6].isdigit() and head[6:7] in b"VAST"


def read(path: Path, sac_unit: str = "m") -> list[GivenResponse]:
    """Responses of a file: StationXML, RESP, dataless SEED, SAC poles and zeros.

    `sac_unit` ("m" or "nm") is the input unit of SAC files that name none. Raises DataError with
    the file's name for one that cannot be read or holds no response.
    """
    try:
        text = (
            "" if is_seed(path) else path.read_text(encoding="utf-8-sig", errors="replace") or " "
        )
    except OSError as error:
        raise DataError(f"cannot read {path}: {why_unread(error, path)}") from error
    if sacpz.looks_like(text):
        found = [
            GivenResponse(one.codes, one.start, one.end, None, one.response)
            for one in sacpz.read(path, text, sac_unit)
        ]
    else:
        found = _of_inventory(_inventory(path, text))
    if not found:
        raise DataError(f"{path} holds no instrument response")
    return found


def _inventory(path: Path, text: str) -> Inventory:
    kind = "SEED" if not text else "STATIONXML" if text.lstrip().startswith("<") else "RESP"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return read_inventory(escape(str(path)), format=kind)
    except Exception as error:  # obspy and lxml raise many kinds for a broken file
        reason = " ".join(str(error).split()) or type(error).__name__
        raise DataError(f"cannot read {path} as {kind}: {reason}") from error


def _of_inventory(inventory: Inventory) -> list[GivenResponse]:
    return [
        GivenResponse(
            (
                normal(network.code),
                normal(station.code),
                normal(channel.location_code),
                normal(channel.code),
            ),
            channel.start_date,
            channel.end_date,
            channel.sample_rate or None,
            channel.response,
        )
        for network in inventory
        for station in network
        for channel in station
        if channel.response is not None
        and (
            channel.response.response_stages
            or channel.response.instrument_sensitivity
            or channel.response.instrument_polynomial
        )
    ]


def attached(
    inventory: Inventory, given: Iterable[GivenResponse], places: pd.DataFrame
) -> tuple[Inventory, list[str]]:
    """An inventory with responses from files, which replace its own in their epochs.

    Channels that it lists are split at the limits of the epochs; channels, and stations of
    `places` (columns of STATIONS), that it does not list are added. Where epochs of the files
    overlap the newest holds (see `quakeline.io.formats.epochs`), whatever the order of the files.

    Returns
    -------
    inventory, left
        A new inventory, and the labels of the channels whose station is not known.
    """
    networks = [_copied(network) for network in inventory]
    left = []
    for one in sorted(given, key=lambda one: one.start or _FIRST):
        station = _station(networks, one, places)
        if station is None:
            left.append(one.label)
            continue
        channels, free = _split(station.channels, one)
        for start, end in free:
            channel = Channel(
                one.codes[3], one.codes[2], station.latitude, station.longitude, station.elevation,
                0.0, sample_rate=one.rate_hz, start_date=_or_none(start), end_date=_or_none(end),
                response=one.response,
            )  # fmt: skip
            channels.append(channel)
        station.channels = channels
    return Inventory(networks=networks, source=inventory.source), left


def overlaps(given: Sequence[GivenResponse]) -> list[str]:
    """Labels of the channels of which the files hold epochs that overlap."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for one in given:
        spans.setdefault(one.label, []).append(limits_ns(one.start, one.end))
    return sorted(label for label, own in spans.items() if overlap(own))


def _copied(network: Network) -> Network:
    """A network whose lists of stations and channels may be changed."""
    result = copy.copy(network)
    result.stations = [copy.copy(station) for station in network]
    for station in result:
        station.channels = list(station.channels)
    return result


def _station(networks: list[Network], one: GivenResponse, places: pd.DataFrame) -> Station | None:
    """The station of a response, added where only `places` know it; None where nobody does."""
    network = next((n for n in networks if n.code == one.codes[0]), None)
    stations = [s for n in networks if n.code == one.codes[0] for s in n if s.code == one.codes[1]]
    for station in stations:
        if any((c.location_code, c.code) == one.codes[2:] for c in station):
            return station
    if stations:
        return stations[-1]
    rows = places[(places["network"] == one.codes[0]) & (places["station"] == one.codes[1])]
    if rows.empty:
        return None
    row = rows.iloc[0]
    station = Station(one.codes[1], row["latitude"], row["longitude"], row["elevation_m"])
    if network is None:
        network = Network(one.codes[0], stations=[])
        networks.append(network)
    network.stations.append(station)
    return station


def _split(channels: list[Channel], one: GivenResponse) -> tuple[list[Channel], list[Span]]:
    """Channels with the response in its epoch, and the parts of that epoch without a channel."""
    start, end = one.start or _FIRST, one.end or _LAST
    result, free = [], [(start, end)]
    for channel in channels:
        first, last = channel.start_date or _FIRST, channel.end_date or _LAST
        same = (channel.location_code, channel.code) == one.codes[2:]
        if not same or last <= start or first >= end:
            result.append(channel)
            continue
        limits = sorted([first, min(max(start, first), last), max(min(end, last), first), last])
        for begin, stop in pairwise(limits):
            if begin == stop:
                continue
            part = copy.copy(channel)
            part.start_date, part.end_date = _or_none(begin), _or_none(stop)
            if begin >= start and stop <= end:
                part.response = one.response
            result.append(part)
        free = [piece for span in free for piece in _without(span, (first, last))]
    return result, free


def _without(span: Span, taken: Span) -> list[Span]:
    """What is left of a span of time."""
    parts = [(span[0], min(span[1], taken[0])), (max(span[0], taken[1]), span[1])]
    return [(begin, end) for begin, end in parts if begin < end]


def _or_none(time: UTCDateTime) -> UTCDateTime | None:
    return None if time in (_FIRST, _LAST) else time
