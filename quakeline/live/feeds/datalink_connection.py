"""One DataLink server: which streams it is asked for, and from which packet on.

Framing and commands are those of EarthScope's `datalink_client`; `simpledali`, the other client of
the protocol, is for asyncio and prints to standard output.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, TypeVar

from datalink_client import DataLink, DataLinkError, DataLinkTimeout

from quakeline.core.reasons import Code
from quakeline.core.timeline import iso
from quakeline.live.feeds.records import Damaged, Incomplete, decoded
from quakeline.live.feeds.servers import Connection, Lost, ServersFeed

T = TypeVar("T")
_MICROSECOND_NS = 1_000
#: Where the last packet is gone from the ring, what was recorded since so long before it is asked
#: for: channels lag behind each other. In microseconds.
_OVERLAP_US = 600_000_000
#: A position before the first packet of a ring.
_EARLIEST = -1


class Client(DataLink):
    """The library's client, whose connection another thread can end."""

    def cut(self) -> None:
        """End the connection from another thread: reading from it then fails at once."""
        socket_ = self._sock
        if socket_ is not None:
            with suppress(OSError):
                socket_.shutdown(socket.SHUT_RDWR)


class DataLinkConnection(Connection):
    """A thread that follows a DataLink server.

    Positions: `id` of the last packet, its time in the ring (`packet_us`) and the end of its data
    (`data_us`), in microseconds since 1970.
    """

    def __init__(self, feed: ServersFeed, server: str, positions: dict[str, Any]) -> None:
        super().__init__(feed, server, positions)
        self._client: Client | None = None

    def abort(self) -> None:
        """Close the connection, from another thread."""
        if self._client is not None:
            self._client.cut()

    def stream(self) -> None:
        """Connect, select, and hand out packets. Raises Lost."""
        client = self._client = Client.from_server_string(
            self.server, timeout=min(self.settings.answer_s, self.settings.silence_s)
        )
        try:
            client.connect()
            client.identify("quakeline")
            self._select(client)
            self._position(client)
            self.begin({})
            client.stream()
            self._follow(client)
        except (DataLinkError, OSError, ValueError, IndexError) as error:
            raise Lost(str(error) or type(error).__name__) from error
        finally:
            client.close()

    def _follow(self, client: Client) -> None:
        """Hand out packets. STREAM is not answered, unless it is refused."""
        began_s = time.monotonic()
        while client.is_connected and client.is_streaming:
            try:
                for packet in client.collect():
                    self.up()
                    self._take(packet)
            except DataLinkTimeout as error:
                self.up()
                if self.silent_for(began_s) >= self.settings.silence_s:
                    what = f"no data for over {self.settings.silence_s:g} s"
                    raise Lost(what) from error
        raise Lost("the server has ended the stream")

    def _take(self, packet: Any) -> None:
        position = {
            "id": packet.pktid,
            "packet_us": packet.pkttime,
            "data_us": max(packet.dataend, self.positions.get("data_us", packet.dataend)),
        }
        if not packet.streamid.endswith(("/MSEED", "/MSEED3")):
            self.hand(None, position)
            return
        try:
            taken, _, doubt = decoded(packet.data, time.time_ns())
        except (Damaged, Incomplete) as error:
            self.note(Code.FEED_RECORDS_DAMAGED, 1, why=f"{packet.streamid}: {error}")
            taken, doubt = None, ""
        if doubt:
            self.note(Code.READER_WARNS, why=doubt)
        self.hand(taken, position)

    def _select(self, client: Client) -> None:
        """Ask for the streams alone; a server that refuses their pattern sends all it has."""
        pattern = "|".join(f"({one.expression()})" for one in self.settings.patterns)
        answer = _asked(client, lambda: client.match(pattern))
        if answer is None:
            self.note(Code.SERVER_REFUSES, what="the pattern of all streams", why="all are read")
        elif not answer.value:
            self.note(Code.SERVER_NO_STREAM, pattern=", ".join(self.settings.streams)[:100])

    def _position(self, client: Client) -> None:
        """Choose the packet after which the server goes on.

        A server goes on with the packet after a position, also where the position is the first one
        of a ring or that with the first data after a time: this packet is asked for by itself.
        """
        known = self.positions
        if "id" not in known:
            self._begin(client)
        elif known["id"] == _EARLIEST:
            self._hand_at(client, _set(client, "EARLIEST"))
        elif _set(client, int(known["id"]), known.get("packet_us")) is None:
            after_us = int(known.get("data_us", _now_us())) - _OVERLAP_US
            what = f"from data of {iso(after_us * _MICROSECOND_NS, 0)} on"
            self.note(Code.SERVER_FORGOT, what=what)
            self._hand_at(client, _after(client, after_us))

    def _begin(self, client: Client) -> None:
        """Begin with what comes from now on, or with data of the last `back_s`."""
        if self.settings.back_s > 0:
            back_us = round(self.settings.back_s * 1_000_000)
            self._hand_at(client, _after(client, _now_us() - back_us))
            return
        latest = _set(client, "LATEST")
        self.begin({"id": latest or _EARLIEST})

    def _hand_at(self, client: Client, number: int | None) -> None:
        """Hand out the packet of a number, where there is one, and go on after it."""
        packet = _asked(client, lambda: client.read(number)) if number else None
        if packet is not None:
            self._take(packet)


def _asked(client: Client, ask: Callable[[], T]) -> T | None:
    """What a command gives; None where the server answers ERROR. A lost connection is raised."""
    try:
        return ask()
    except DataLinkTimeout:
        raise
    except DataLinkError:
        if not client.is_connected:
            raise
        return None


def _set(client: Client, packet: str | int, packet_us: int | None = None) -> int | None:
    """Go to a packet; gives its number, 0 in an empty ring; None: the ring does not hold it."""
    times = () if packet_us is None else (packet_us,)
    answer = _asked(client, lambda: client.position_set(packet, *times))
    return None if answer is None else int(answer.value)


def _after(client: Client, data_us: int) -> int | None:
    """Go to the first packet with data after a time; gives its number; None: there is none."""
    answer = _asked(client, lambda: client.position_after(data_us))
    return None if answer is None else int(answer.value)


def _now_us() -> int:
    return time.time_ns() // _MICROSECOND_NS
