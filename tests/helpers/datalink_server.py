"""A DataLink server on loopback with a ring of packets, as ringserver has it.

It answers ID, MATCH, POSITION, READ, WRITE, STREAM and INFO. As in ringserver the packet after a
position comes first. `faults` make it misbehave.
"""

from __future__ import annotations

import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from threading import Condition, Thread

from pymseed import MS3Record


@dataclass
class Entry:
    """A packet of the ring; times in microseconds."""

    stream: str
    number: int
    packet_us: int
    start_us: int
    end_us: int
    content: bytes


@dataclass
class Faults:
    """What goes wrong."""

    greeting: bytes | None = None  #: sent instead of any answer
    silent: bool = False  #: nothing is ever answered
    closes: bool = False  #: connections are closed at once
    refuses: bool = False  #: STREAM is answered with ERROR
    no_match: bool = False  #: MATCH is answered with ERROR
    cut_after: list[int] = field(default_factory=list)  #: packets until the next cuts
    garbage_after: list[int] = field(default_factory=list)  #: the same, with garbage before
    mute_after: list[int] = field(default_factory=list)  #: the same, but only silence


class DataLinkServer:
    """The server; use `running`. `size` packets are kept."""

    def __init__(self, size: int = 10_000) -> None:
        self.size = size
        self.ring: list[Entry] = []
        self.number = 0
        self.faults = Faults()
        self.connections = 0
        self.closing = False
        self.changed = Condition()
        self.open: set[socket.socket] = set()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add(self, content: bytes) -> None:
        """Take a record."""
        head = MS3Record.parse(content)
        kind = "MSEED3" if head.formatversion == 3 else "MSEED"
        times = int(head.starttime) // 1000, int(head.endtime) // 1000
        self.put(f"{head.sourceid}/{kind}", *times, content)

    def put(self, stream: str, start_us: int, end_us: int, content: bytes) -> int:
        """Take a packet of any content; gives its number."""
        with self.changed:
            self.number += 1
            now_us = time.time_ns() // 1000
            self.ring.append(Entry(stream, self.number, now_us, start_us, end_us, content))
            del self.ring[: -self.size]
            self.changed.notify_all()
            return self.number

    def forget(self) -> None:
        """Empty the ring and count packets anew, as after a restart."""
        with self.changed:
            self.ring.clear()
            self.number = 0

    def drop(self) -> None:
        """Cut all connections."""
        for one in list(self.open):
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def serve(self) -> None:
        while not self.closing:
            try:
                client, _ = self.socket.accept()
            except OSError:
                return
            self.connections += 1
            self.open.add(client)
            Thread(target=self._talk, args=(client,), daemon=True).start()

    def stop(self) -> None:
        with self.changed:
            self.closing = True
            self.changed.notify_all()
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self.socket.close()
        self.drop()

    def _talk(self, client: socket.socket) -> None:
        try:
            if not self.faults.closes:
                _Talk(self, client).run()
        except (OSError, EOFError):
            pass
        finally:
            self.open.discard(client)
            with suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
            client.close()


class _Talk:
    """One client."""

    def __init__(self, server: DataLinkServer, client: socket.socket) -> None:
        self.server, self.client = server, client
        self.after: int | None = None  # the number of the packet behind which it reads
        self.pattern = re.compile("")
        self.streaming = False
        self.sent = 0

    def run(self) -> None:
        while True:
            words = self._command()
            if self.server.faults.silent:
                continue
            if self.server.faults.greeting is not None:
                self.client.sendall(self.server.faults.greeting)
                return
            getattr(self, f"_{words[0].lower()}", self._unknown)(words)

    def _exactly(self, size: int) -> bytes:
        got = b""
        while len(got) < size:
            more = self.client.recv(size - len(got))
            if not more:
                raise EOFError
            got += more
        return got

    def _command(self) -> list[str]:
        head = self._exactly(3)
        assert head[:2] == b"DL", head
        return self._exactly(head[2]).decode().split()

    def _say(self, header: str, data: bytes = b"") -> None:
        coded = header.encode()
        self.client.sendall(b"DL" + bytes([len(coded)]) + coded + data)

    def _reply(self, status: str, value: int, text: str) -> None:
        self._say(f"{status} {value} {len(text)}", text.encode())

    def _unknown(self, words: list[str]) -> None:
        self._reply("ERROR", 0, "Unrecognized command")

    def _id(self, words: list[str]) -> None:
        self._say("ID DataLink 2026 :: DLPROTO:1.1 PACKETSIZE:512 WRITE")

    def _match(self, words: list[str]) -> None:
        text = self._exactly(int(words[1])).decode()
        if self.server.faults.no_match:
            self._reply("ERROR", 0, "match expression too large, must be <= 1024")
            return
        self.pattern = re.compile(text)
        with self.server.changed:
            streams = {one.stream for one in self.server.ring if self.pattern.search(one.stream)}
        self._reply("OK", len(streams), f"{len(streams)} streams selected after match")

    def _position(self, words: list[str]) -> None:
        with self.server.changed:
            ring = list(self.server.ring)
        found = self._found(words, ring)
        if found is None and words[2] not in ("EARLIEST", "LATEST"):
            self._reply("ERROR", 0, "Packet not found")
            return
        if found is not None:
            self.after = found.number
        self._reply("OK", found.number if found else 0, "Positioned")

    def _found(self, words: list[str], ring: list[Entry]) -> Entry | None:
        if words[1] == "AFTER":
            fit = (e for e in ring if e.end_us > int(words[2]) and self.pattern.search(e.stream))
            return next(fit, ring[-1] if ring else None)
        if words[2] in ("EARLIEST", "LATEST"):
            return ring[0 if words[2] == "EARLIEST" else -1] if ring else None
        one = next((e for e in ring if e.number == int(words[2])), None)
        if one and len(words) > 3 and one.packet_us // 10**6 != int(words[3]) // 10**6:
            return None
        return one

    def _read(self, words: list[str]) -> None:
        with self.server.changed:
            one = next((e for e in self.server.ring if e.number == int(words[1])), None)
        if one is None:
            self._reply("ERROR", 0, "Packet not found")
            return
        self.after = one.number
        self._send(one)

    def _write(self, words: list[str]) -> None:
        content = self._exactly(int(words[5]))
        number = self.server.put(words[1], int(words[2]), int(words[3]), content)
        if "A" in words[4]:
            self._reply("OK", number, "")

    def _info(self, words: list[str]) -> None:
        text = "<DataLink Version='1'><Status/></DataLink>"
        self._say(f"INFO {words[1]} {len(text)}", text.encode())

    def _stream(self, words: list[str]) -> None:
        if self.server.faults.refuses:
            self._reply("ERROR", 0, "Authentication required for streaming")
            raise EOFError
        self.streaming = True
        with self.server.changed:
            if self.after is None:
                self.after = self.server.ring[-1].number if self.server.ring else 0
        Thread(target=self._send_all, daemon=True).start()

    def _endstream(self, words: list[str]) -> None:
        self.streaming = False
        self._say("ENDSTREAM")

    def _send(self, one: Entry) -> None:
        times = f"{one.packet_us} {one.start_us} {one.end_us}"
        self._say(f"PACKET {one.stream} {one.number} {times} {len(one.content)}", one.content)

    def _next(self) -> Entry | None:
        with self.server.changed:
            fit = (one for one in self.server.ring if one.number > (self.after or 0))
            found = next(fit, None)
            if found is None:
                self.server.changed.wait(0.2)
            return found

    def _send_all(self) -> None:
        faults = self.server.faults
        limits = {
            name: (getattr(faults, name).pop(0) if getattr(faults, name) else None)
            for name in ("cut_after", "garbage_after", "mute_after")
        }
        with suppress(OSError):
            while self.streaming and not self.server.closing:
                one = self._next()
                if one is None:
                    continue
                if self.pattern.search(one.stream):
                    if self.sent in limits.values() and self._misbehaves(limits):
                        return
                    self._send(one)
                    self.sent += 1
                self.after = one.number

    def _misbehaves(self, limits: dict[str, int | None]) -> bool:
        if self.sent == limits["mute_after"]:
            return True
        if self.sent == limits["garbage_after"]:
            self.client.sendall(b"\x00\xffgarbage" * 40)
        self.client.shutdown(socket.SHUT_RDWR)
        return True


@contextmanager
def running(size: int = 10_000) -> Iterator[DataLinkServer]:
    """A server that runs until the end of the block."""
    server = DataLinkServer(size)
    Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.stop()
