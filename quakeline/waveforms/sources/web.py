"""Requests over HTTP to data centres: patient, polite, and with nothing silently lost.

`obspy.clients.fdsn` is not used for the requests themselves: it hands on neither the header
Retry-After nor the part of an answer that came before a connection broke, and its routing clients
leave out a data centre that fails. The names of data centres and the answers of routing services
are obspy's (see `fdsn_routes`).
"""

from __future__ import annotations

import logging
import random
import threading
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from pydantic import Field

from quakeline import __version__
from quakeline.core.section import Section
from quakeline.waveforms.sources.ledger import slot

if TYPE_CHECKING:
    from requests import PreparedRequest, Response, Session
    from requests.auth import AuthBase

logger = logging.getLogger("quakeline")

_LATER = {429, 500, 502, 503, 504}
#: Of an answer that breaks off so much is lost at most.
_PART_BYTES = 8192
_LONGEST_PAUSE_S = 60.0
#: A server that asks for a longer pause than this has the request counted as failed.
_LONGEST_WISH_S = 600.0
#: After so many requests in a row that got no answer at all, a host is left alone.
_GIVEN_UP_AFTER = 3
_MEANINGS = {
    400: "the server calls the request bad",
    401: "the server asks for credentials (fetch.source.auth)",
    403: "the server refuses access (restricted data, or wrong credentials)",
    404: "there is no such service (is the address right?)",
    429: "the server has been asked too often",
    500: "the server has an internal error",
    503: "the server is not available for the moment",
}


class Patience(Section):
    """How a server is asked."""

    connections: int = Field(
        4,
        ge=1,
        le=32,
        description="requests at a time to one host, of all jobs that share the archive",
    )
    attempts: int = Field(
        5, ge=1, le=20, description="how often a request is sent before it counts as failed"
    )
    pause_s: float = Field(
        2.0,
        gt=0,
        le=60,
        description="pause in seconds after a failed request, twice as long after each further one;"
        " a server that names a pause itself (Retry-After) is obeyed",
    )
    timeout_s: float = Field(
        120.0, gt=0, description="seconds without a sign of the server until an attempt has failed"
    )


class Refused(Exception):
    """A request failed for good; the text says why, in part of a line."""


class TooLarge(Refused):
    """The server does not answer so large a request (413)."""


@dataclass(frozen=True)
class Reply:
    """What came: the content, which may be empty, and what is wrong with it, or nothing."""

    content: bytes
    problem: str = ""
    #: The pause that the server wishes, in seconds.
    wish_s: float | None = None
    answered: bool = True


class Web:
    """Sends requests: few at a time to one host, again after a pause when they fail.

    `folder` is the archive: the places of a host are counted for all jobs that share it.
    """

    def __init__(self, folder: Path, patience: Patience) -> None:
        self._folder, self._patience = folder, patience
        self._silent: dict[str, int] = {}
        self._own = threading.local()

    @property
    def attempts(self) -> int:
        """How often a request is sent at most."""
        return self._patience.attempts

    def ask(self, url: str, auth: AuthBase | None = None, **options: Any) -> Reply:
        """Send a request, a POST where there is `data`, else a GET; 204 gives an empty reply.

        Where the connection breaks on the last attempt, what came is returned with the problem.
        Raises Refused with the reason, TooLarge where a smaller request may do.
        """
        host = urlsplit(url).netloc
        if self._silent.get(host, 0) >= _GIVEN_UP_AFTER:
            raise Refused(f"no answer from {host} to {_GIVEN_UP_AFTER} requests before this one")
        reply, attempt = Reply(b""), 0
        for attempt in range(self.attempts):
            if attempt:
                self.pause(attempt, reply.wish_s, f"{host}: {reply.problem}")
            with slot(self._folder, host, self._patience.connections):
                reply = self._once(url, auth, options)
            if not reply.problem or (reply.wish_s or 0) > _LONGEST_WISH_S:
                break
        self._silent[host] = 0 if reply.answered else self._silent.get(host, 0) + 1
        if not reply.problem or reply.content:
            return reply
        wish = f"; it wishes a pause of {reply.wish_s:.0f} s" if reply.wish_s else ""
        raise Refused(f"{host}: {reply.problem} (asked {attempt + 1} times{wish})")

    def pause(self, attempt: int, wish_s: float | None, why: str) -> None:
        """Wait as long as the server wishes, else twice as long as before, give or take."""
        longest = min(self._patience.pause_s * 2 ** (attempt - 1), _LONGEST_PAUSE_S)
        seconds = longest * random.uniform(0.5, 1.0) if wish_s is None else wish_s
        logger.info("%s; again in %.1f s", why, seconds)
        time.sleep(seconds)

    def _once(self, url: str, auth: AuthBase | None, options: dict[str, Any]) -> Reply:
        import requests

        method = "POST" if "data" in options else "GET"
        try:
            with self._session.request(
                method, url, auth=auth, timeout=self._patience.timeout_s, stream=True, **options
            ) as response:
                return _received(response)
        except requests.exceptions.Timeout:
            return Reply(b"", f"no answer within {self._patience.timeout_s:g} s", answered=False)
        except ValueError as error:  # several of requests' errors about addresses
            raise Refused(f"the address {url} is not valid: {_line(error)}") from None
        except requests.exceptions.RequestException as error:
            return Reply(b"", f"no answer ({_cause(error)})", answered=False)

    @property
    def _session(self) -> Session:
        """The connections that a thread keeps open."""
        import requests

        if not hasattr(self._own, "session"):
            session = requests.Session()
            session.headers["User-Agent"] = f"quakeline/{__version__}"
            session.auth = _nothing  # else requests looks for passwords in ~/.netrc
            self._own.session = session
        found: Session = self._own.session
        return found


def _received(response: Response) -> Reply:
    import requests

    code = response.status_code
    if code == 204:
        return Reply(b"")
    if code == 413:
        raise TooLarge("the server calls the request too large")
    if code != 200:
        problem = f"HTTP {code}: {_MEANINGS.get(code, response.reason or 'an error')}"
        if code not in _LATER:
            raise Refused(f"{urlsplit(response.url).netloc}: {problem}")
        return Reply(b"", problem, _wish_s(response.headers.get("Retry-After")))
    content = bytearray()
    try:
        for part in response.iter_content(_PART_BYTES):
            content += part
    except requests.exceptions.RequestException:
        return Reply(bytes(content), f"the connection broke after {len(content)} bytes")
    return Reply(bytes(content))


def _wish_s(text: str | None) -> float | None:
    """Seconds of the header Retry-After: a number, or a date of HTTP."""
    if not text:
        return None
    if text.strip().isdecimal():
        return float(text)
    try:
        until = parsedate_to_datetime(text)
    except ValueError:
        return None
    return max((until - datetime.now(UTC)).total_seconds(), 0.0)


def _nothing(request: PreparedRequest) -> PreparedRequest:
    return request


def _cause(error: BaseException) -> str:
    """The innermost reason of a failed connection, without the addresses around it."""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return _line(getattr(error, "strerror", None) or error)


def _line(error: object) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
