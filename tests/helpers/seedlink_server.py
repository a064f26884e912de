"""A SeedLink server (3.1 and 4.0) on loopback, fed with records of miniSEED.

It holds all records that it was given, numbered for each station, and sends each client those that
it asked for, then new ones as they come. `faults` make it misbehave as servers in the field do.
"""

from __future__ import annotations

import json
import re
import socket
import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from random import Random
from threading import Condition, Thread
from typing import Any

from pymseed import MS3Record, sourceid2nslc

HELLO = {
    3: "SeedLink v3.1 (test server) :: SLPROTO:3.1",
    4: "SeedLink v4.0 (test server) :: SLPROTO:3.1 SLPROTO:4.0",
}


@dataclass
class Record:
    """A record with its station (NET_STA), its stream (LOC_B_S_SS) and its number."""

    station: str
    stream: str
    number: int
    content: bytes
    start_ns: int
    end_ns: int


@dataclass
class Faults:
    """What goes wrong: at the beginning, in the stream, once or always."""

    greeting: bytes | None = None  #: sent instead of the answer to HELLO
    silent: bool = False  #: nothing is ever answered
    closes: bool = False  #: connections are closed at once
    cut_after: list[int] = field(default_factory=list)  #: packets until the next cuts
    garbage_after: list[int] = field(default_factory=list)  #: the same, with garbage before
    mute_after: list[int] = field(default_factory=list)  #: the same, but only silence
    refuses: set[str] = field(default_factory=set)  #: stations that it does not know
    no_info: bool = False  #: INFO is answered with ERROR
    damage: Random | None = None  #: every second packet has wrong bytes


@dataclass
class Wanted:
    """What a client has asked for of the stations of a pattern."""

    pattern: str
    selectors: list[str] = field(default_factory=list)
    number: int | None = None
    start_ns: int | None = None


class SeedLinkServer:
    """The server; use `running`."""

    def __init__(self, version: int, first_number: int = 1, ring: bool = False) -> None:
        self.version = version
        self.ring = ring
        self.first_number = first_number
        self.records: list[Record] = []
        self.faults = Faults()
        self.commands: list[str] = []
        self.connections = 0
        self.closing = False
        self.changed = Condition()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port: int = self.socket.getsockname()[1]
        self.open: set[socket.socket] = set()

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add(self, content: bytes) -> None:
        """Take a record and send it to whom it concerns."""
        head = MS3Record.parse(content)
        net, sta, loc, cha = sourceid2nslc(head.sourceid)
        station = f"{net}_{sta}"
        with self.changed:
            before = sum(self.ring or one.station == station for one in self.records)
            number = self.first_number + before
            if self.version == 3:
                number %= 1 << 24
            stream = f"{loc}_{'_'.join(cha)}"
            times = int(head.starttime), int(head.endtime)
            self.records.append(Record(station, stream, number, content, *times))
            self.changed.notify_all()

    def add_damaged(self, station: str, content: bytes) -> None:
        """Take bytes that are no record, as one of a station."""
        with self.changed:
            number = self.first_number + sum(one.station == station for one in self.records)
            self.records.append(Record(station, "_S_H_Z", number, content, 0, 0))
            self.changed.notify_all()

    def forget(self, count: int) -> None:
        """Lose the oldest records, as a ring does that is full."""
        with self.changed:
            self.first_number += count
            del self.records[:count]

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
                client.shutdown(socket.SHUT_RDWR)  # another thread may read from it
            client.close()


class _Talk:
    """One client."""

    def __init__(self, server: SeedLinkServer, client: socket.socket) -> None:
        self.server, self.client = server, client
        self.speaks = 3
        self.wanted: list[Wanted] = []
        self.uni = Wanted("*")

    def run(self) -> None:
        for line in self._lines():
            self.server.commands.append(line)
            if self.server.faults.silent:
                continue
            if self._answer(line.split()):
                self._stream()
                return

    def _lines(self) -> Iterator[str]:
        kept = b""
        while True:
            *lines, kept = re.split(rb"\r\n|\r|\n", kept)
            yield from (line.decode("ascii").strip() for line in lines if line.strip())
            got = self.client.recv(4096)
            if not got:
                return
            kept += got

    def _say(self, text: str) -> None:
        self.client.sendall(text.encode() + b"\r\n")

    def _answer(self, words: list[str]) -> bool:
        """Answer a command; True: it starts the stream."""
        command = words[0].upper()
        if command == "BYE":
            raise EOFError
        if command in ("DATA", "TIME"):
            return self._data(command, words[1:])
        if command == "INFO":
            self._info(words[1].upper())
        elif command == "HELLO":
            self._hello()
        elif command == "STATION":
            self._station(words)
        elif command != "END":
            self._option(command, words[1:])
        return command == "END"

    def _hello(self) -> None:
        if self.server.faults.greeting is not None:
            self.client.sendall(self.server.faults.greeting)
            return
        name = HELLO[self.server.version]
        if self.server.ring:
            name = name.replace("test server", "RingServer/4.0")
        self._say(f"{name}\r\nquakeline tests")

    def _option(self, command: str, words: list[str]) -> None:
        known = {"USERAGENT", "CAPABILITIES", "SELECT"} | (
            {"SLPROTO"} if self.server.version == 4 else set()
        )
        if command not in known:
            self._say("ERROR UNSUPPORTED" if self.speaks == 4 else "ERROR")
            return
        if command == "SLPROTO":
            self.speaks = 4
        if command == "SELECT":
            (self.wanted[-1] if self.wanted else self.uni).selectors.append(words[0])
        self._say("OK")

    def _station(self, words: list[str]) -> None:
        pattern = words[1] if self.speaks == 4 else f"{words[2]}_{words[1]}"
        known = any(fnmatchcase(one.station, pattern) for one in self.server.records)
        is_pattern = bool(set(pattern) & set("*?"))
        bad = pattern in self.server.faults.refuses
        if self.speaks == 3 and not self.server.ring:
            bad = bad or is_pattern or not known
        if bad:
            self._say("ERROR ARGUMENTS no such station" if self.speaks == 4 else "ERROR")
            return
        self.wanted.append(Wanted(pattern))
        self._say("OK")

    def _data(self, command: str, words: list[str]) -> bool:
        wanted = self.wanted[-1] if self.wanted else self.uni
        if command == "TIME":
            wanted.number, wanted.start_ns = 0, _comma_time(words[0])
        elif words:
            if words[0] == "ALL":
                wanted.number = 0
            else:
                wanted.number = int(words[0]) if self.speaks == 4 else int(words[0], 16)
                if self.speaks == 4 and not self.server.ring and set(wanted.pattern) & set("*?"):
                    self._say("ERROR ARGUMENTS sequence number with wildcard")
                    return False
            if len(words) > 1:
                wanted.start_ns = _iso_time(words[1])
        if self.wanted:
            self._say("OK")
        return not self.wanted

    def _info(self, level: str) -> None:
        if self.server.faults.no_info:
            self._say("ERROR UNSUPPORTED" if self.speaks == 4 else "ERROR")
            return
        stations: dict[str, list[int]] = {}
        with self.server.changed:
            for one in self.server.records:
                stations.setdefault(one.station, []).append(one.number)
        if self.speaks == 4:
            rows: list[dict[str, Any]] = [
                {"id": one, "start_seq": numbers[0], "end_seq": numbers[-1]}
                for one, numbers in stations.items()
            ]
            told = json.dumps({"software": HELLO[4], "organization": "tests", "station": rows})
            self.client.sendall(_frame_v4("J", "I", 0, "", told.encode()))
            return
        if level == "CAPABILITIES":
            names = ("dialup", "multistation", "info:stations", "info:streams")
            inner = "".join(f'<capability name="{name}"/>' for name in names)
        else:
            inner = "".join(
                f'<station name="{one.split("_")[1]}" network="{one.split("_")[0]}"'
                f' begin_seq="{numbers[0]:06X}" end_seq="{numbers[-1]:06X}"/>'
                for one, numbers in stations.items()
            )
        text = f'<?xml version="1.0"?><seedlink software="tests">{inner}</seedlink>'
        pieces = [text[i : i + 400] for i in range(0, len(text), 400)]
        for piece in pieces:
            mark = b"SLINFO  " if piece is pieces[-1] else b"SLINFO *"
            self.client.sendall(mark + _text_record(piece))

    def _stream(self) -> None:
        faults, sent, looked = self.server.faults, 0, 0
        limits = {
            name: (getattr(faults, name).pop(0) if getattr(faults, name) else None)
            for name in ("cut_after", "garbage_after", "mute_after")
        }
        with self.server.changed:
            newest = len(self.server.records)
        Thread(target=self._commands_in_stream, daemon=True).start()
        wanted = self.wanted or [self.uni]
        if self.server.ring and not any(one.start_ns for one in wanted):
            looked = self._ring_position(wanted, newest)
        while True:
            with self.server.changed:
                while looked == len(self.server.records) and not self.server.closing:
                    self.server.changed.wait(0.2)
                if self.server.closing:
                    return
                record, is_new = self.server.records[looked], looked >= newest
            looked += 1
            one = next((w for w in wanted if fnmatchcase(record.station, w.pattern)), None)
            if one is None or not self._takes(one, record, is_new):
                continue
            if sent == limits["cut_after"]:
                return
            if sent == limits["garbage_after"]:
                self.client.sendall(b"\x00\xffgarbage" * 40)
                return
            if sent == limits["mute_after"]:
                time.sleep(30)
                return
            self.client.sendall(_damaged(self._frame(record), faults.damage))
            sent += 1

    def _ring_position(self, wanted: list[Wanted], newest: int) -> int:
        """Where a ringserver begins: behind the newest packet that is named, else with the next."""
        named = {one.number - 1 for one in wanted if one.number is not None}
        with self.server.changed:
            places = [i for i, one in enumerate(self.server.records) if one.number in named]
        for one in wanted:
            one.number = 0
        return places[-1] + 1 if places else newest

    def _takes(self, wanted: Wanted, record: Record, is_new: bool) -> bool:
        if wanted.start_ns is not None and record.end_ns < wanted.start_ns:
            return False
        if wanted.number is None and not is_new:
            return False
        if wanted.number is not None and self._before(record, wanted.number):
            return False
        if not wanted.selectors:
            return True
        return any(self._selects(one, record.stream) for one in wanted.selectors)

    def _before(self, record: Record, number: int) -> bool:
        if self.speaks == 4:
            return record.number < number
        return bool(((record.number - number) & 0xFFFFFF) >= 1 << 23)

    def _selects(self, selector: str, stream: str) -> bool:
        if self.speaks == 4:
            return fnmatchcase(stream, selector)
        location, *letters = stream.split("_")
        code = f"{location or '--'}{''.join(letters)}"
        return fnmatchcase(code if len(selector) == 5 else code[-3:], selector)

    def _frame(self, record: Record) -> bytes:
        if self.speaks == 4:
            kind = "3" if record.content[:2] == b"MS" else "2"
            return _frame_v4(kind, "D", record.number, record.station, record.content)
        return b"SL%06X" % record.number + record.content

    def _commands_in_stream(self) -> None:
        with suppress(OSError):
            for line in self._lines():
                self.server.commands.append(line)
                if line.upper().startswith("INFO"):
                    self._info(line.split()[1].upper())


def _damaged(frame: bytes, chance: Random | None) -> bytes:
    if chance is None or chance.random() < 0.5:
        return frame
    changed = bytearray(frame)
    for _ in range(chance.randint(1, 12)):
        changed[chance.randrange(len(changed))] = chance.randrange(256)
    return bytes(changed[: chance.choice([len(changed), len(changed), len(changed), 70])])


def _frame_v4(kind: str, sub: str, number: int, station: str, payload: bytes) -> bytes:
    head = struct.pack(
        "<2sccIQB", b"SE", kind.encode(), sub.encode(), len(payload), number, len(station)
    )
    return head + station.encode() + payload


def _text_record(text: str) -> bytes:
    """XML of an INFO answer as a record of 512 bytes, as SeedLink 3 sends it."""
    content = text.encode()
    head = struct.pack(
        ">6s2s5s2s3s2sHHBBBBHHhhBBBBiHH",
        *(b"000001", b"D ", b"INFO ", b"  ", b"INF", b"SL"),
        *(2026, 1, 0, 0, 0, 0, 0, len(content), 0, 0, 0, 0, 0, 1, 0, 64, 48),
    )
    blockette = struct.pack(">HHBBBB", 1000, 0, 0, 1, 9, 0)
    return (head + blockette + b"\0" * 8 + content).ljust(512, b"\0")


def _comma_time(text: str) -> int:
    parts = [int(one) for one in text.split(",")[:6]]
    return int(datetime(*parts, tzinfo=UTC).timestamp()) * 1_000_000_000


def _iso_time(text: str) -> int:
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() * 1e9)


@contextmanager
def running(version: int, first_number: int = 1, ring: bool = False) -> Iterator[SeedLinkServer]:
    """A server that runs until the end of the block.

    With `ring` it is like ringserver: packets of all stations are numbered together, and it goes
    on behind the newest of those that a client names.
    """
    server = SeedLinkServer(version, first_number, ring)
    Thread(target=server.serve, daemon=True).start()
    try:
        yield server
    finally:
        server.stop()
