"""A wave server of Earthworm (protocol of wave_serverV) on loopback: MENU and GETSCNLRAW."""

from __future__ import annotations

import struct
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from socketserver import StreamRequestHandler, ThreadingTCPServer
from threading import Lock, Thread
from typing import Any

import numpy as np
import obspy


@dataclass
class Message:
    """A TraceBuf2 message; times in seconds since 1970."""

    scnl: tuple[str, str, str, str]
    start_s: float
    end_s: float
    content: bytes


@dataclass
class Faults:
    """What goes wrong."""

    closes: bool = False
    silent: bool = False
    garbage: bool = False
    cut_answers: int = 0  #: so many answers with data break off


@dataclass
class WaveServer:
    """What the server holds; use `running`."""

    port: int = 0
    messages: list[Message] = field(default_factory=list)
    faults: Faults = field(default_factory=Faults)
    requests: list[str] = field(default_factory=list)
    lock: Any = field(default_factory=Lock)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    def add(self, piece: obspy.Trace) -> None:
        """Take a piece of a trace as one message."""
        stats, data = piece.stats, piece.data
        kind = data.dtype.newbyteorder("<").str.replace("<", "")
        times = stats.starttime.timestamp, stats.endtime.timestamp
        scnl = (stats.station, stats.channel, stats.network, stats.location or "--")
        head = struct.pack(
            "<2i3d7s9s4s3s2s3s2s2s",
            *(1, len(data), *times, stats.sampling_rate),
            *(scnl[0].encode(), scnl[2].encode(), scnl[1].encode(), scnl[3].encode()),
            *(b"20", kind.encode(), b"", b""),
        )
        content = head + data.astype(data.dtype.newbyteorder("<")).tobytes()
        with self.lock:
            self.messages.append(Message(scnl, *times, content))

    def menu(self, name: str) -> bytes:
        rows = []
        with self.lock:
            for number, scnl in enumerate(dict.fromkeys(one.scnl for one in self.messages)):
                of = [one for one in self.messages if one.scnl == scnl]
                times = f"{of[0].start_s:f} {of[-1].end_s:f}"
                rows.append(f"{number} {' '.join(scnl)} {times} i4 ")
        return f"{name} {' '.join(rows)}\n".encode()

    def raw(self, name: str, scnl: tuple[str, ...], start_s: float, end_s: float) -> bytes:
        with self.lock:
            of = [one for one in self.messages if one.scnl == scnl]
        fit = [one for one in of if one.end_s >= start_s and one.start_s <= end_s]
        head = f"{name} 0 {' '.join(scnl)}"
        if not fit:
            later = of and start_s > of[-1].end_s
            return f"{head} {'FR' if later else 'FG'} i4\n".encode()
        content = b"".join(one.content for one in fit)
        times = f"{fit[0].start_s:f} {fit[-1].end_s:f}"
        return f"{head} F i4 {times} {len(content)}\n".encode() + content


def _handler(server: WaveServer) -> type[StreamRequestHandler]:
    class Handler(StreamRequestHandler):
        def handle(self) -> None:
            if server.faults.closes:
                return
            line = self.rfile.readline().decode().strip()
            server.requests.append(line)
            if server.faults.silent:
                time.sleep(5)
            elif server.faults.garbage:
                self.wfile.write(b"\x00\xff nothing of this is a menu\n")
            else:
                self.wfile.write(self.answer(line))

        def answer(self, line: str) -> bytes:
            command, name, *words = line.split()
            if command == "MENU:":
                return server.menu(name)
            answer = server.raw(name, tuple(words[:4]), float(words[4]), float(words[5]))
            if b" F " in answer[:80] and server.faults.cut_answers:
                server.faults.cut_answers -= 1
                return answer[:-100]
            return answer

    return Handler


class _Server(ThreadingTCPServer):
    daemon_threads = True
    allow_reuse_address = True


@contextmanager
def running() -> Iterator[WaveServer]:
    """A server that runs until the end of the block."""
    held = WaveServer()
    with _Server(("127.0.0.1", 0), _handler(held)) as server:
        held.port = server.server_address[1]
        Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        try:
            yield held
        finally:
            server.shutdown()


def pieces(trace: obspy.Trace, samples: int) -> list[obspy.Trace]:
    """A trace cut into pieces of so many samples."""
    step = samples / trace.stats.sampling_rate
    cut = []
    for number in range(-(-len(trace) // samples)):
        piece = trace.copy()
        piece.data = np.array(trace.data[number * samples : (number + 1) * samples])
        piece.stats.starttime = trace.stats.starttime + number * step
        cut.append(piece)
    return cut
