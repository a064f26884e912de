"""One SeedLink server: what it is asked for, and from which packets on.

The protocol is that of FDSN SeedLink 4 and of SeisComP's SeedLink 3; framing and commands are those
of EarthScope's `seedlink_client`. Reconnecting is our own: the library's waits always as long and
tells nobody. obspy's clients know SeedLink 3 alone.
"""

from __future__ import annotations

import logging
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any

from seedlink_client import Protocol, SeedLink, SeedLinkError, SeedLinkTimeout
from seedlink_client.protocol import (
    FORMAT_MSEED2,
    HEADSIZE_V3,
    SeedLinkResponse,
    _RawFrame,
    decode_frame_v3,
    parse_header_v3,
)

from quakeline.core.reasons import Code
from quakeline.live.feeds.records import Damaged, Incomplete, decoded
from quakeline.live.feeds.selection import Pattern
from quakeline.live.feeds.servers import Connection, Lost, ServersFeed

#: A station NET_STA with the numbers of its first and last packet.
Station = tuple[str, tuple[int, int]]

_FORMATS = ("2", "3")
#: What a ringserver says of itself, in small letters, and the position of all its stations.
_RINGSERVER, _ALL = "ringserver", "*"
#: Numbers of packets of SeedLink 3 have 24 bits; after the last comes 0.
_LAST_OF_V3 = 0xFFFFFF
#: Length of records of SeedLink 3, where a damaged one does not say its own.
_RECORD_V3 = 512
_KEEPALIVE_S = 30.0


class Client(SeedLink):
    """The library's client, which goes on where a server refuses a station or a record is damaged.

    Of the library two methods are extended, `_send_command` and `_recv_frame_v3`, hence its version
    is bounded. The first would end the handshake of SeedLink 4 at the first station that is
    refused; the second the connection at a record that is none, with the same record first in line
    after it.
    """

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self.refused: list[tuple[str, str, str]] = []
        self.notify: Callable[[], None] = lambda: None  # is called after each answer to a command

    def cut(self) -> None:
        """End the connection from another thread: reading from it then fails at once."""
        socket_ = self._sock
        if socket_ is not None:
            with suppress(OSError):
                socket_.shutdown(socket.SHUT_RDWR)

    def _send_command(self, cmd: Any) -> Any:
        try:
            answer = super()._send_command(cmd)
        except SeedLinkError as error:
            of_station = cmd.role in ("station", "select", "data")
            if not of_station or not self.is_connected or isinstance(error, SeedLinkTimeout):
                raise
            answer = SeedLinkResponse("ERROR", error.code, str(error))
        if cmd.stream_id and answer is not None and not answer:
            why = answer.message or answer.code or "ERROR"
            self.refused.append((cmd.stream_id, cmd.text, why))
        self.notify()
        return answer

    def _recv_frame_v3(self) -> _RawFrame:
        header = parse_header_v3(self._take(HEADSIZE_V3))
        try:
            payload = self._read_mseed_payload()
        except SeedLinkError:
            if header.is_info or not self.is_connected:
                raise
            payload = self._take(_RECORD_V3)
        try:
            return decode_frame_v3(header, payload)
        except (SeedLinkError, ValueError):
            if header.is_info:
                raise
            return _RawFrame("", header.seqnum, FORMAT_MSEED2, "D", payload, False)


class SeedLinkConnection(Connection):
    """A thread that follows a SeedLink server.

    Positions: the last number of each station, NET_STA. A ringserver numbers the packets of all
    stations together, and goes on for all after the newest of the packets that are named: of such a
    server the position `*` is the last number at all.
    """

    def __init__(self, feed: ServersFeed, server: str, positions: dict[str, Any]) -> None:
        super().__init__(feed, server, positions)
        self._client: Client | None = None
        self._asks_stations = True
        self._is_first = True
        self._is_ring = False
        self._forgotten = False
        log = logging.getLogger("seedlink_client")
        if not log.handlers:  # what it logs is told as remarks
            log.addHandler(logging.NullHandler())

    def abort(self) -> None:
        """Close the connection, from another thread."""
        if self._client is not None:
            self._client.cut()

    def stream(self) -> None:
        """Connect, select, and hand out packets. Raises Lost."""
        began_s = time.monotonic()
        client = self._client = Client.from_server_string(
            self.server,
            timeout=self.settings.answer_s,
            keepalive=min(_KEEPALIVE_S, self.settings.silence_s / 2),
            idle_timeout=self.settings.silence_s,
            clientname="quakeline",
        )
        client.notify = self.answered
        try:
            self._follow(client)
        except SeedLinkTimeout as error:
            silent_s = self.silent_for(began_s)
            if not client.is_streaming or silent_s >= self.settings.silence_s:
                raise Lost(str(error)) from error
            # Otherwise this program was slow, not the server: it is asked again at once.
        except (SeedLinkError, OSError, ValueError) as error:
            raise Lost(str(error) or type(error).__name__) from error
        finally:
            client.close()

    def _follow(self, client: Client) -> None:
        client.connect()
        if "seedlink" not in (client.server_id or "").lower():
            raise Lost(f"it does not speak SeedLink, but answers {client.server_id!r:.60}")
        self._is_ring = _RINGSERVER in (client.server_id or "").lower()
        known = self._select(client, self._stations(client))
        client.negotiate()
        if self._forgotten:
            self._forgotten = False
            self.note(Code.SERVER_FORGOT, what="from its oldest packet on")
        for station, command, why in client.refused:
            self.note(Code.SERVER_REFUSES, what=f"{station} ({command})", why=why)
        self._is_first = self.is_new = False
        self.up()
        self.begin(known)
        for packet in client.collect(reconnect=False):
            self._take(packet)
        raise Lost("the server has ended the stream")

    def _take(self, packet: Any) -> None:
        station = _ALL if self._is_ring else packet.station_id
        position = {station: packet.seqnum} if station else {}
        if packet.payload_format not in _FORMATS:
            return
        try:
            taken, _, doubt = decoded(packet.payload, time.time_ns())
        except (Damaged, Incomplete) as error:
            self.note(Code.FEED_RECORDS_DAMAGED, 1, why=f"{packet.station_id}: {error}")
            self.hand(None, position)
            return
        if doubt:
            self.note(Code.READER_WARNS, why=doubt)
        self.hand(taken, position)

    def _stations(self, client: Client) -> dict[str, tuple[int, int]]:
        """First and last number of each station that the server lists; empty: it lists none."""
        if not self._asks_stations:
            return {}
        try:
            listed = client.info_dict("STATIONS")
        except SeedLinkError as error:
            self._asks_stations = False
            if not client.is_connected or isinstance(error, SeedLinkTimeout):
                client.reconnect()
            return {}
        return dict(_numbered(listed, client.protocol))

    def _select(self, client: Client, stations: dict[str, tuple[int, int]]) -> dict[str, int]:
        """Select the stations of all patterns, each from its own number on; gives these numbers.

        A pattern is asked for as the stations that the server lists, as numbers of packets belong
        to stations; a server of SeedLink 4 is also asked for the pattern itself, which it takes for
        the stations that are not named, those to come among them. Times are never sent beside
        numbers: a server leaves out records before such a time, those of channels that lag among
        them.
        """
        back_s = self.settings.back_s
        whole = back_s > 0 and self.is_new
        if whole:
            client.set_timewindow(datetime.now(UTC) - timedelta(seconds=back_s))
        asked: dict[str, list[str]] = {}
        for pattern in self.settings.patterns:
            for station in self._asked_of(pattern, stations, client.protocol is Protocol.V4):
                selectors = asked.setdefault(station, [])
                one = pattern.selector(any_location=client.protocol is Protocol.V3)
                selectors += [one] if one not in selectors else []
        if not asked:
            raise Lost("it has no station that was asked for")
        known: dict[str, int] = {}
        for station, selectors in asked.items():
            number = None if whole else self._number(station, stations)
            if number == _LAST_OF_V3 and client.protocol is Protocol.V3:
                number = -1  # the library asks for the number after it
            client.add_stream(station, selectors, seqnum=number)
            if number is not None:
                known[_ALL if self._is_ring else station] = number
        return known

    def _asked_of(
        self, pattern: Pattern, stations: dict[str, tuple[int, int]], is_v4: bool
    ) -> list[str]:
        if pattern.is_one_station or self._is_ring:
            return [pattern.station_id]
        listed = [one for one in stations if _matches(pattern, one)]
        if stations and not listed:
            self.note(Code.SERVER_NO_STREAM, pattern=pattern.station_id)
        return [*listed, pattern.station_id] if is_v4 or not stations else listed

    def _number(self, station: str, stations: dict[str, tuple[int, int]]) -> int | None:
        """Number of the packet after which a station is asked for; None: what comes from now on.

        A station that is met first is asked for from its last packet on, so that its next one is
        not lost if it comes during a cut; one that appeared during a cut from its first packet on.
        """
        if self._is_ring:
            return self._number_in_ring(stations)
        if station in self.positions:
            return int(self.positions[station])
        if station not in stations:
            return None
        first, last = stations[station]
        return max((last if self._is_first else first) - 1, -1)

    def _number_in_ring(self, stations: dict[str, tuple[int, int]]) -> int | None:
        """Number of the last packet that came, or of the oldest one if the ring has lost that.

        At the first start the newest one. A ringserver that is asked for what it does not hold goes
        on with what comes next.
        """
        known = self.positions.get(_ALL)
        if not stations:
            return known
        oldest = min(first for first, _ in stations.values())
        newest = max(last for _, last in stations.values())
        if known is None:
            return newest
        if oldest <= known <= newest or newest < oldest:  # numbers have gone round
            return int(known)
        self._forgotten = True
        return oldest


def _numbered(listed: dict[str, Any], protocol: Protocol | None) -> Iterator[Station]:
    """Stations of INFO STATIONS with their first and last number, as far as they are given."""
    rows = listed.get("seedlink", listed)
    for row in rows.get("station", []) if isinstance(rows, dict) else []:
        is_v4 = protocol is Protocol.V4
        name = row.get("id") if is_v4 else f"{row.get('network', '')}_{row.get('name', '')}"
        numbers = row.get("begin_seq", row.get("start_seq")), row.get("end_seq")
        with suppress(TypeError, ValueError):
            first, last = (int(one) if is_v4 else int(one, 16) for one in numbers)
            yield str(name), (first, last)


def _matches(pattern: Pattern, station: str) -> bool:
    return fnmatchcase(station, pattern.station_id)
