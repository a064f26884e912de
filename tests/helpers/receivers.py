"""Receivers of what a live session publishes, on loopback: a web server and an import module."""

from __future__ import annotations

import json
import re
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any


@dataclass
class WebReceiver:
    """What was posted; the next answers have the statuses in `statuses`, then 204."""

    port: int = 0
    lines: list[bytes] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)
    statuses: list[int] = field(default_factory=list)
    delay_s: float = 0.0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/picks"

    @property
    def messages(self) -> list[Any]:
        return [json.loads(line) for line in self.lines]


@contextmanager
def web_receiver(port: int = 0) -> Iterator[WebReceiver]:
    """A web server that takes posts until the end of the block."""
    held = WebReceiver()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers["Content-Length"])
            content = self.rfile.read(length)
            if len(content) < length:  # the sender died
                self.close_connection = True
                return
            time.sleep(held.delay_s)
            status = held.statuses.pop(0) if held.statuses else 204
            if status < 300:
                held.lines.append(content)
                held.headers.append(dict(self.headers))
            self.send_response(status)
            if status // 100 == 3:
                self.send_header("Location", held.url)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *words: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

    with Server(("127.0.0.1", port), Handler) as server:
        held.port = server.server_address[1]
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        try:
            yield held
        finally:
            server.shutdown()


@dataclass
class ImportModule:
    """Frames (STX ... ETX) that came; `drop` ends the connections."""

    port: int = 0
    bytes: bytearray = field(default_factory=bytearray)
    open: list[socket.socket] = field(default_factory=list)

    @property
    def frames(self) -> list[bytes]:
        found = re.findall(rb"\x02((?:\x1b.|[^\x1b\x03])*)\x03", bytes(self.bytes), re.DOTALL)
        return [re.sub(rb"\x1b(.)", rb"\1", one, flags=re.DOTALL) for one in found]

    def drop(self) -> None:
        while self.open:
            one = self.open.pop()
            one.shutdown(socket.SHUT_RDWR)
            one.close()


@contextmanager
def import_module() -> Iterator[ImportModule]:
    """An import module of Earthworm that listens until the end of the block."""
    held = ImportModule()
    server = socket.create_server(("127.0.0.1", 0))
    held.port = server.getsockname()[1]

    def read(client: socket.socket) -> None:
        try:
            while got := client.recv(4096):
                held.bytes += got
        except OSError:
            pass

    def serve() -> None:
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            held.open.append(client)
            Thread(target=read, args=(client,), daemon=True).start()

    Thread(target=serve, daemon=True).start()
    try:
        yield held
    finally:
        server.shutdown(socket.SHUT_RDWR)
        server.close()
        held.drop()
