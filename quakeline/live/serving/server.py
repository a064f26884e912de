"""A small web server that shows a session; it takes nothing but GET and HEAD."""

from __future__ import annotations

import html
import queue
import socket
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from http import HTTPStatus
from ipaddress import ip_address
from pathlib import Path
from threading import BoundedSemaphore, Event, Thread
from typing import Any
from urllib.parse import urlsplit

from quakeline.core.errors import ConfigError
from quakeline.io.web import LOOPBACK, Handler, WebServer
from quakeline.live.serving.board import MOST_READERS, Board
from quakeline.live.serving.metrics import text_of

_FILES = Path(__file__).parent / "files"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
#: Nothing but the server's own files; styles within drawings are allowed.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; connect-src 'self';"
    " img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
#: A reader hears something at least this often, so that broken connections are noticed (s).
_SILENCE_S = 5.0
_REQUEST_S = 15.0


@dataclass(frozen=True)
class Page:
    """What the page is made of beside the session: title, drawing of the map (SVG), style."""

    title: str
    drawing: str
    style: str

    def html(self) -> bytes:
        """The page itself."""
        text = (_FILES / "page.html").read_text(encoding="utf-8")
        text = text.replace("{{title}}", html.escape(self.title))
        return text.replace("{{drawing}}", self.drawing).encode()

    def css(self) -> bytes:
        """The style of the report and that of the page."""
        return (self.style + (_FILES / "page.css").read_text(encoding="utf-8")).encode()


@dataclass(frozen=True)
class Shown:
    """A board, the page that shows it, and the host and port where."""

    board: Board
    page: Page
    address: tuple[str, int]

    def open(self) -> AbstractContextManager[str]:
        """See `serving`."""
        return serving(self.board, self.page, self.address)


def address_of(text: str) -> tuple[str, int]:
    """Host and port of `PORT` or `HOST:PORT`; the host is 127.0.0.1 unless it is given.

    Raises ConfigError for anything else.
    """
    host, _, port = text.rpartition(":")
    host = host.removeprefix("[").removesuffix("]") or LOOPBACK[0]
    if port.isdecimal() and int(port) < 65_536 and host.isprintable() and " " not in host:
        return host, int(port)
    raise ConfigError(f"--serve: {text!r} given; allowed: PORT, or HOST:PORT, e.g. 8080")


@contextmanager
def serving(board: Board, page: Page, address: tuple[str, int]) -> Iterator[str]:
    """Serve for the time of a block, in threads of its own; gives the address of the page.

    Raises ConfigError where the address cannot be used.
    """
    try:
        server = _Server(address, board, page)
    except (OSError, UnicodeError) as error:
        host, port = address
        why = getattr(error, "strerror", None) or error
        raise ConfigError(f"--serve: cannot listen on {host}:{port}: {why}") from error
    thread = Thread(target=server.serve_forever, name="serve", daemon=True)
    thread.start()
    try:
        yield server.url
    finally:
        server.ended.set()
        server.shutdown()
        server.server_close()


class _Server(WebServer):
    block_on_close = False
    allow_reuse_address = True

    def __init__(self, address: tuple[str, int], board: Board, page: Page) -> None:
        self.board, self.page, self.ended = board, page, Event()
        self._free = BoundedSemaphore(2 * MOST_READERS)
        if ":" in address[0]:
            self.address_family = socket.AF_INET6
        super().__init__(address, _Handler)
        self.only_loopback = ip_address(str(self.server_address[0])).is_loopback

    @property
    def url(self) -> str:
        """Address of the page."""
        host, port = self.server_address[:2]
        shown = f"[{host!s}]" if ":" in str(host) else host
        return f"http://{shown!s}:{port}/"

    def process_request(self, request: Any, client_address: Any) -> None:
        """Take a connection, unless there are too many already."""
        if self._free.acquire(blocking=False):
            super().process_request(request, client_address)
        else:
            self.shutdown_request(request)

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer a connection."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self._free.release()


class _Handler(Handler):
    server: _Server
    timeout = _REQUEST_S

    def do_GET(self) -> None:
        """Answer with a page, a file, metrics or a stream of messages."""
        if not self._is_for_us():
            self._send(HTTPStatus.FORBIDDEN, b"another host was asked for\n", "text/plain")
            return
        path = urlsplit(self.path).path
        if path == "/events":
            self._stream()
        elif path == "/metrics":
            kind = "text/plain; version=0.0.4; charset=utf-8"
            self._send(HTTPStatus.OK, text_of(self.server.board.figures).encode(), kind)
        elif path == "/":
            self._send(HTTPStatus.OK, self.server.page.html(), _TYPES[".html"])
        elif path == "/page.css":
            self._send(HTTPStatus.OK, self.server.page.css(), _TYPES[".css"])
        elif path == "/page.js":
            self._send(HTTPStatus.OK, (_FILES / "page.js").read_bytes(), _TYPES[".js"])
        else:
            self._send(HTTPStatus.NOT_FOUND, b"nothing here\n", "text/plain")

    do_HEAD = do_GET

    def _refuse(self) -> None:
        why = b"only GET and HEAD\n"
        self._send(HTTPStatus.METHOD_NOT_ALLOWED, why, "text/plain", {"Allow": "GET, HEAD"})
        self.close_connection = True

    do_POST = do_PUT = do_DELETE = do_PATCH = do_OPTIONS = _refuse

    def _is_for_us(self) -> bool:
        """Whether the name that was asked for is one of this machine, where only it may ask."""
        if not self.server.only_loopback:
            return True
        return self.asks_this_machine()

    def _send(
        self, status: HTTPStatus, content: bytes, kind: str, more: dict[str, str] | None = None
    ) -> None:
        self.send_all(status, kind, content, _POLICY, more)

    def _stream(self) -> None:
        """Hand on messages until the reader, or the session, is gone."""
        board, kind = self.server.board, "text/event-stream"
        if self.command == "HEAD":
            self.send_head(HTTPStatus.OK, kind, _POLICY, {})
            return
        reader = board.subscribe()
        if reader is None:
            self._send(HTTPStatus.SERVICE_UNAVAILABLE, b"too many readers\n", "text/plain")
            return
        self.send_head(HTTPStatus.OK, kind, _POLICY, {"Connection": "close"})
        try:
            with suppress(OSError):
                while not self.server.ended.is_set() and board.reads(reader):
                    try:
                        message = reader.get(timeout=_SILENCE_S / 5)
                    except queue.Empty:
                        message = b": nothing new\n\n"
                    self.wfile.write(message)
                    self.wfile.flush()
        finally:
            board.unsubscribe(reader)
