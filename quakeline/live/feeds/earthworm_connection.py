"""One wave server of Earthworm: what it has is looked up again and again, and what is new fetched.

Requests and messages (TraceBuf2) are those of obspy's client. Its function that fetches a span is
not used: it prints what a server refuses, and does not say where messages begin and end.
"""

from __future__ import annotations

import struct
import time
from collections.abc import Callable, Iterator

import numpy as np
from obspy.clients.earthworm.waveserver import (
    TraceBuf2,
    get_menu,
    get_sock_bytes,
    get_sock_char_line,
    send_sock_req,
)

from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND
from quakeline.live.feeds.protocol import Packet
from quakeline.live.feeds.servers import Connection, Lost

_DEFAULT_PORT = 16022
_HEADER_BYTES = 64
_MICROSECOND_NS = 1_000
#: The longest span of a request, in seconds: answers stay small.
_LONGEST_S = 300.0
#: The largest answer that is read, in bytes: 300 s of 1,000 Hz take 2.4 MB.
_LARGEST_BYTES = 64_000_000
#: What bytes that are no message, or no menu, lead to in obspy's functions.
_UNDECODABLE = (
    ValueError,
    IndexError,
    KeyError,
    TypeError,
    AttributeError,
    OverflowError,
    struct.error,
)
#: What the connection leads to.
_CUT = (OSError, EOFError, RuntimeError)


class EarthwormConnection(Connection):
    """A thread that asks a wave server. Positions: start (ns) of each channel's last message."""

    def abort(self) -> None:
        """Requests are short: nothing is left open between them."""

    def stream(self) -> None:
        """Look up what there is, fetch what is new, wait, and so on. Raises Lost."""
        host, _, port = self.server.rpartition(":") if ":" in self.server else (self.server, "", "")
        address = host.strip("[]"), int(port or _DEFAULT_PORT)
        began_s = time.monotonic()
        while not self.feed.closing.is_set():
            menu = self._menu(*address)
            self.up()
            for codes, first_s, last_s in menu:
                self._fetch(address, codes, first_s, last_s)
            self.settled.set()
            if self.silent_for(began_s) >= self.settings.silence_s:
                began_s = time.monotonic()
                self.note(Code.SERVER_SILENT, seconds=self.settings.silence_s)
            self.feed.closing.wait(getattr(self.settings, "poll_s", 1.0))

    def _menu(self, host: str, port: int) -> list[tuple[str, float, float]]:
        """Channels that are wanted, with the times (s) of their first and last samples."""
        try:
            rows = get_menu(host, port, timeout=self.settings.answer_s)
            channels = [(_codes(*row[1:5]), float(row[5]), float(row[6])) for row in rows]
        except (*_CUT, *_UNDECODABLE) as error:
            raise Lost(f"{type(error).__name__}: {error}") from error
        if not channels:
            raise Lost("it lists no channels: no wave server, or an empty one")
        wanted = [one for one in channels if self.feed.wants(one[0])]
        for pattern in self.settings.patterns:
            if not any(pattern.matches(codes) for codes, _, _ in wanted):
                self.note(Code.SERVER_NO_STREAM, pattern=pattern.text)
        return wanted

    def _fetch(self, address: tuple[str, int], codes: str, first_s: float, last_s: float) -> None:
        known_ns = self.positions.get(codes)
        if known_ns is None:
            from_s = max(first_s, last_s - self.settings.back_s)
            known_ns = round(from_s * SECOND) - _MICROSECOND_NS
            self.begin({codes: known_ns})
        from_s = max(first_s, (known_ns + _MICROSECOND_NS) / SECOND)
        while from_s < last_s and not self.feed.closing.is_set():
            until_s = min(from_s + _LONGEST_S, last_s)
            damaged: list[str] = []
            for packet in self._messages(address, codes, from_s, until_s, damaged.append):
                if packet.start_ns > (until_s + 1) * SECOND:
                    damaged.append("its time is none of those that were asked for")
                elif packet.start_ns > known_ns:
                    self.hand(packet, {codes: packet.start_ns})
                    known_ns = packet.start_ns
            for why in damaged:
                reason = Reason.of(Code.FEED_RECORDS_DAMAGED, 1, why=why)
                self.feed.notes.add(reason.at(f"{self.server} {codes}"))
            if damaged:  # it would be damaged again
                known_ns = max(known_ns, round(until_s * SECOND))
                self.hand(None, {codes: known_ns})
            from_s = until_s

    def _messages(
        self,
        address: tuple[str, int],
        codes: str,
        from_s: float,
        until_s: float,
        tell: Callable[[str], None],
    ) -> Iterator[Packet]:
        """The messages of a channel that have samples of a span, in order.

        Why one cannot be decoded goes to `tell`. Raises Lost where the answer breaks off.
        """
        network, station, location, channel = codes.split(".")
        scnl = f"{station} {channel} {network} {location or '--'}"
        request = f"GETSCNLRAW: quakeline {scnl} {from_s:f} {until_s:f}\n".encode()
        try:
            content = _answer(address, request, self.settings.answer_s)
        except _CUT as error:
            raise Lost(f"{codes}: {type(error).__name__}: {error}") from error
        except _UNDECODABLE as error:
            tell(f"the answer is none: {error}")
            return
        yield from _packets(content, tell)


def _answer(address: tuple[str, int], request: bytes, timeout_s: float) -> bytes:
    """The messages that answer a request; empty where the server has none in that span.

    Raises OSError or EOFError where the answer breaks off, ValueError or IndexError where it is no
    answer to such a request.
    """
    sock = send_sock_req(*address, request, timeout=timeout_s)
    try:
        line = get_sock_char_line(sock, timeout=timeout_s)
        if not line or not line.endswith(b"\n"):
            raise EOFError("no answer")
        words = line.decode("ascii").split()
        if words[6] != "F":  # a gap, or times that it does not hold (any more)
            return b""
        size = int(words[-1])
        if not 0 <= size <= _LARGEST_BYTES:
            raise ValueError(f"an answer of {size} bytes")
        content = get_sock_bytes(sock, size, timeout=timeout_s) or b""
    finally:
        sock.close()
    if len(content) != size:
        raise EOFError(f"{len(content)} bytes instead of {size}")
    return bytes(content)


def _packets(content: bytes, tell: Callable[[str], None]) -> Iterator[Packet]:
    """The messages of an answer, up to one that does not say how long it is."""
    arrived_ns, at = time.time_ns(), 0
    while at + _HEADER_BYTES <= len(content):
        message = TraceBuf2()
        try:
            length = message.read_tb2(content[at:])
        except _UNDECODABLE as error:
            tell(f"{type(error).__name__}: {error}")
            return
        if length < _HEADER_BYTES:
            tell("its number of samples is wrong")
            return
        at += length
        try:
            packet = _packet(message, arrived_ns)
        except _UNDECODABLE as error:
            tell(f"{type(error).__name__}: {error}")
            continue
        yield packet


def _packet(message: TraceBuf2, arrived_ns: int) -> Packet:
    names = (message.sta, message.chan, message.net, message.loc)
    return Packet(
        codes=_codes(*(one.split(b"\0")[0].decode("ascii").strip() for one in names)),
        start_ns=round(message.start.ns / _MICROSECOND_NS) * _MICROSECOND_NS,
        rate_hz=float(message.rate),
        samples=np.array(message.data, message.data.dtype.newbyteorder("=")),
        arrived_ns=arrived_ns,
    )


def _codes(station: str, channel: str, network: str, location: str) -> str:
    return f"{network}.{station}.{location.strip('-')}.{channel}"
