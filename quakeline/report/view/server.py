"""A server for one run and one browser on this machine.

It listens on the loopback address alone. Every request must name this machine as its host, which
keeps pages of other names that resolve to it away, and have the token that stands in the address
of the page and nowhere else, which keeps other users of the machine away; what changes picks must
also come from the page itself (origin). It writes one file: the table of picks.
"""

from __future__ import annotations

import hmac
import json
import logging
import secrets
from collections.abc import Callable
from threading import Lock
from typing import Any
from urllib.parse import parse_qs, urlsplit

from quakeline.core.errors import QuakelineError
from quakeline.io.web import LOOPBACK, Handler, WebServer
from quakeline.report.view.content import Content
from quakeline.report.view.page import render

HOST = LOOPBACK[0]
TOKEN = "X-Quakeline-Token"
#: Bytes of a request's body at most.
_MOST_BYTES = 10_000

logger = logging.getLogger("quakeline")


class Server(WebServer):
    """The server; `address` is what the browser opens."""

    def __init__(self, content: Content, name: str, port: int = 0) -> None:
        super().__init__((HOST, port), _Handler)
        self.content, self.token, self.reading = content, secrets.token_urlsafe(24), Lock()
        self._once = ""
        self.page, self.policy = render(content, name)

    @property
    def address(self) -> str:
        """The address of the page, http://127.0.0.1:PORT/?token=TOKEN ."""
        return f"http://{HOST}:{self.server_address[1]}/?token={self.token}"

    def link(self) -> str:
        """An address that leads to the page once: what starts a browser is seen by all users."""
        self._once = secrets.token_urlsafe(24)
        return f"http://{HOST}:{self.server_address[1]}/?once={self._once}"

    def takes(self, once: str) -> bool:
        """Whether this is the link that was not used yet; it is used by that."""
        with self.reading:
            good = bool(self._once) and hmac.compare_digest(once.encode(), self._once.encode())
            self._once = "" if good else self._once
        return good


class _Refused(Exception):
    """A request that is answered with this status and text."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status, self.text = status, text


class _Handler(Handler):
    server: Server

    def do_GET(self) -> None:
        once = self._given().get("once", "") if self.command == "GET" else ""
        if once and self.asks_this_machine() and self.server.takes(once):
            page = {"Location": f"/?token={self.server.token}"}
            self.send_all(303, "text/plain", b"", self.server.policy, page)
        else:
            self._answer(self._read)

    do_HEAD = do_GET

    def do_POST(self) -> None:
        self._answer(self._change)

    def _answer(self, work: Callable[[], tuple[str, bytes]]) -> None:
        try:
            self._require_own()
            kind, body = work()
            status = 200
        except _Refused as refused:
            status, kind, body = refused.status, "text/plain", refused.text.encode()
        except QuakelineError as error:
            status, kind, body = 400, "text/plain", str(error).encode()
        except Exception as error:
            said = " ".join(f"{type(error).__name__}: {error}".split())
            logger.error("%s: %s", urlsplit(self.path).path, said)
            status, kind = 500, "text/plain"
            body = f"this could not be read, are the files of the run whole? {said}".encode()
        self.send_all(status, f"{kind}; charset=utf-8", body, self.server.policy)

    def _require_own(self) -> None:
        if not self.asks_this_machine():
            raise _Refused(403, "this server answers to names of its own machine only")
        token = self.headers.get(TOKEN) or self._given().get("token", "")
        if not hmac.compare_digest(token.encode(), self.server.token.encode()):
            raise _Refused(403, "the token is needed: open the address that quakeline view shows")

    def _given(self) -> dict[str, str]:
        """What the address of the request says after its question mark."""
        return {key: values[-1] for key, values in parse_qs(urlsplit(self.path).query).items()}

    def _read(self) -> tuple[str, bytes]:
        address, given = urlsplit(self.path), self._given()
        if address.path == "/":
            return "text/html", self.server.page.encode()
        content = self.server.content
        with self.server.reading:  # stores are read one at a time
            if address.path == "/event":
                return _json(content.event(_whole(given, "number"), given.get("stations", "")))
            if address.path == "/span":
                start, end = (_whole(given, name) * 1_000_000 for name in ("start", "end"))
                return _json(content.span(start, end, given.get("stations", "")))
        raise _Refused(404, "there is no such page")

    def _change(self) -> tuple[str, bytes]:
        if self.headers.get("Origin") != f"http://{self.headers.get('Host')}":
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
        elif act == "undo":
            picks.undo()
        else:
            raise _Refused(400, "add, move, delete or undo are allowed")
        return _json({"picks": len(picks), "edited": picks.edited, "undo": picks.undoable})

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
