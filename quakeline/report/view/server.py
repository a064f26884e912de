"""A server for one run and one browser on this machine.

It listens on the loopback address alone. Every request must name that address as its host, which
keeps pages of other names that resolve to it away; what changes picks must also come from the page
itself (origin, and a token that only the page has). It writes one file: the table of picks.
"""

from __future__ import annotations

import hmac
import json
import secrets
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from quakeline.core.errors import QuakelineError
from quakeline.report.view.content import Content
from quakeline.report.view.page import render

HOST = "127.0.0.1"
TOKEN = "X-Quakeline-Token"
#: Bytes of a request's body at most.
_MOST_BYTES = 10_000


class Server(ThreadingHTTPServer):
    """The server; `address` is what the browser opens."""

    daemon_threads = True

    def __init__(self, content: Content, name: str, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.content, self.token, self.reading = content, secrets.token_urlsafe(24), Lock()
        self.page, self.policy = render(content, name, self.token)

    @property
    def address(self) -> str:
        """The address of the page, http://127.0.0.1:PORT/ ."""
        return f"http://{HOST}:{self.server_address[1]}/"


class _Refused(Exception):
    """A request that is answered with this status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class _Handler(BaseHTTPRequestHandler):
    server: Server
    server_version, sys_version = "quakeline", ""
    timeout = 60

    def do_GET(self) -> None:
        self._answer(self._read)

    def do_POST(self) -> None:
        self._answer(self._change)

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not shown."""

    def _answer(self, work: Callable[[], tuple[str, bytes]]) -> None:
        try:
            self._require_host()
            kind, body = work()
            status = 200
        except _Refused as refused:
            status, kind, body = refused.status, "text/plain", refused.text.encode()
        except QuakelineError as error:
            status, kind, body = 400, "text/plain", str(error).encode()
        self.send_response(status)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("X-Frame-Options", "DENY")
        self.send_header("Cross-Origin-Resource-Policy", "same-origin")
        self.send_header("Content-Security-Policy", self.server.policy)
        self.end_headers()
        self.wfile.write(body)

    def _require_host(self) -> None:
        port = self.server.server_address[1]
        if self.headers.get("Host") not in (f"{HOST}:{port}", f"localhost:{port}"):
            raise _Refused(403, "this server answers to its own address only")

    def _read(self) -> tuple[str, bytes]:
        address = urlsplit(self.path)
        given = {key: values[-1] for key, values in parse_qs(address.query).items()}
        if address.path == "/":
            return "text/html", self.server.page.encode()
        content = self.server.content
        with self.server.reading:  # stores are read one at a time
            if address.path == "/event":
                return _json(content.event(_whole(given, "number")))
            if address.path == "/span":
                start, end = (_whole(given, name) * 1_000_000 for name in ("start", "end"))
                return _json(content.span(start, end))
        raise _Refused(404, "there is no such page")

    def _change(self) -> tuple[str, bytes]:
        own = {f"http://{self.headers.get('Host')}"}
        token = self.headers.get(TOKEN, "")
        if self.headers.get("Origin") not in own or not hmac.compare_digest(
            token.encode(), self.server.token.encode()
        ):
            raise _Refused(403, "picks are changed from the page of this server only")
        if self.path != "/picks":
            raise _Refused(404, "there is no such page")
        asked = self._body()
        picks = self.server.content.picks
        act, pick_id = asked.get("act"), str(asked.get("id", ""))
        if act == "delete":
            picks.delete(pick_id)
        elif act == "move":
            picks.move(pick_id, _nanoseconds(asked))
        elif act == "add":
            picks.add(str(asked.get("label")), str(asked.get("phase")), _nanoseconds(asked))
        else:
            raise _Refused(400, "add, move or delete are allowed")
        return _json({"picks": len(picks), "edited": picks.edited})

    def _body(self) -> dict[str, Any]:
        try:
            length = int(self.headers.get("Content-Length", ""))
            if not 0 < length <= _MOST_BYTES:
                raise ValueError
            asked = json.loads(self.rfile.read(length))
        except ValueError:
            raise _Refused(400, "a small JSON object is allowed") from None
        if not isinstance(asked, dict):
            raise _Refused(400, "a JSON object is allowed")
        return asked


def _json(value: dict[str, Any]) -> tuple[str, bytes]:
    return "application/json", json.dumps(value, allow_nan=False).encode()


def _whole(given: dict[str, str], name: str) -> int:
    try:
        value = int(given[name])
    except (KeyError, ValueError):
        raise _Refused(400, f"{name}: a whole number is needed") from None
    if abs(value) >= 2**53:
        raise _Refused(400, f"{name}: the number is too large")
    return value


def _nanoseconds(asked: dict[str, Any]) -> int:
    """The time of a pick, from ms since 1970 to the microsecond."""
    value = asked.get("time")
    if not isinstance(value, int | float) or not 0 <= value < 9e12:
        raise _Refused(400, "time: ms since 1970 are needed")
    return round(value * 1000) * 1000
