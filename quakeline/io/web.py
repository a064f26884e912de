"""What the small web servers of the program share: answers that stay with their page."""

from __future__ import annotations

import logging
import sys
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar
from urllib.parse import urlsplit

#: Names of this machine for itself.
LOOPBACK = ("127.0.0.1", "localhost", "::1")

logger = logging.getLogger("quakeline")


class WebServer(ThreadingHTTPServer):
    """Answers each request in a thread of its own."""

    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Tell of a request that failed; connections that break are of no concern."""
        error = sys.exception()
        if not isinstance(error, OSError):
            said = " ".join(f"{type(error).__name__}: {error}".split())
            logger.error("a request could not be answered: %s", said)


class Handler(BaseHTTPRequestHandler):
    """Answers requests with text of known length, or the head alone where HEAD asks for it."""

    server_version, sys_version = "quakeline", ""
    timeout: ClassVar[float] = 60

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are not shown."""

    def asks_this_machine(self) -> bool:
        """Whether the host that was asked for is this machine under a name of its own.

        Pages of other names that resolve to this machine are told apart by it. Ports do not count:
        a tunnel may have another.
        """
        try:
            name = urlsplit(f"//{self.headers.get('Host', '')}").hostname
        except ValueError:
            return False
        return name in LOOPBACK or name == str(self.connection.getsockname()[0])

    def send_head(self, status: int, kind: str, policy: str, more: Mapping[str, str]) -> None:
        """Begin an answer of a type of content; `policy` says what its page may load."""
        self.send_response(status)
        headers = {
            "Content-Type": kind,
            "Cache-Control": "no-store",
            "Content-Security-Policy": policy,
            "Cross-Origin-Resource-Policy": "same-origin",
            "Referrer-Policy": "no-referrer",
            "X-Content-Type-Options": "nosniff",
            "X-Frame-Options": "DENY",
            **more,
        }
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def send_all(
        self,
        status: int,
        kind: str,
        content: bytes,
        policy: str,
        more: Mapping[str, str] | None = None,
    ) -> None:
        """A whole answer."""
        self.send_head(status, kind, policy, {"Content-Length": str(len(content)), **(more or {})})
        if self.command != "HEAD":
            self.wfile.write(content)
