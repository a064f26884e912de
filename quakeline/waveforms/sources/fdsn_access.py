"""Data centres with FDSN web services: their names, which of them has what, and credentials.

Names and the answers of routing services are obspy's. Credentials come from environment variables
alone: they are no part of the configuration, of logs, provenance or reports.
"""

from __future__ import annotations

import logging
import os
import re
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from pydantic import Field

from quakeline.core.errors import ConfigError, DataError
from quakeline.waveforms.sources.web import Patience, Refused, Web

if TYPE_CHECKING:
    from requests.auth import AuthBase

logger = logging.getLogger("quakeline")

USER, PASSWORD = "QUAKELINE_FDSN_USER", "QUAKELINE_FDSN_PASSWORD"
TOKEN = "QUAKELINE_EIDA_TOKEN"
_ROUTERS = ("eida-routing", "earthscope-federator", "iris-federator")
_URL = re.compile(r"https?://[^\s/]+(/\S*)?$", re.IGNORECASE)
_LOOPBACK = {"localhost", "127.0.0.1", "::1"}

Service = Literal["dataselect", "station"]


class Providers(Patience):
    """Data centres, in the order in which they are asked."""

    providers: list[str] = Field(
        min_length=1,
        description="data centres: short names of obspy (EARTHSCOPE, GEOFON, ORFEUS, SCEDC, ...),"
        " base URLs (https://service.example.org), or `eida-routing` or `iris-federator`, which"
        " know the centre of each station; the first that has data gives them",
    )
    routing_url: str | None = Field(
        None, description="address of the routing service; null: the public one"
    )

    def check(self) -> None:
        """Raise ConfigError for names and addresses that cannot be right."""
        if self.routing_url is not None:
            _require_url(self.routing_url)
        for provider in self.providers:
            if provider not in _ROUTERS:
                root_of(provider)

    def roots(
        self, web: Web, service: Service, lines: list[str]
    ) -> list[tuple[str, list[str] | None]]:
        """Addresses to ask (https://.../fdsnws), each with the lines that it can answer.

        None stands for all lines. A line is NET STA LOC CHA START END. Raises DataError where a
        routing service fails.
        """
        found: list[tuple[str, list[str] | None]] = []
        for provider in self.providers:
            if provider in _ROUTERS:
                found += _routed(web, provider, self.routing_url, service, lines)
            else:
                found.append((root_of(provider), None))
        return found


def root_of(provider: str) -> str:
    """Address of a provider's web services: https://service.example.org/fdsnws.

    Raises ConfigError for an unknown name or an address that is none.
    """
    from obspy.clients.fdsn.header import (
        URL_DEFAULT_SUBPATH,
        URL_MAPPING_SUBPATHS,
        URL_MAPPINGS,
    )

    name = provider.upper()
    if name in URL_MAPPINGS:
        return (
            f"{URL_MAPPINGS[name].rstrip('/')}{URL_MAPPING_SUBPATHS.get(name, URL_DEFAULT_SUBPATH)}"
        )
    if "/" not in provider:
        known = ", ".join([*_ROUTERS, *sorted(URL_MAPPINGS)])
        raise ConfigError(
            f"providers: {provider!r} given; allowed: a base URL (https://...), or one of {known}"
        )
    _require_url(provider)
    return f"{provider.rstrip('/').removesuffix(URL_DEFAULT_SUBPATH)}{URL_DEFAULT_SUBPATH}"


def _require_url(text: str) -> None:
    if not _URL.match(text):
        raise ConfigError(f"providers: {text!r} given; allowed: http(s)://HOST[:PORT][/PATH]")
    if "@" in urlsplit(text).netloc:
        raise ConfigError(
            "providers: an address with a password given; credentials come from the environment"
            f" variables {USER} and {PASSWORD}"
        )


def _routed(
    web: Web, router: str, url: str | None, service: Service, lines: list[str]
) -> list[tuple[str, list[str] | None]]:
    """Ask a routing service which data centre has what of some lines."""
    from obspy.clients.fdsn.routing.eidaws_routing_client import EIDAWSRoutingClient
    from obspy.clients.fdsn.routing.federator_routing_client import FederatorRoutingClient

    eida = router == "eida-routing"
    client = EIDAWSRoutingClient() if eida else FederatorRoutingClient()
    address = f"{(url or client._url).rstrip('/')}/query"
    head = [f"service={service}", "format=post"] if eida else ["format=request"]
    try:
        reply = web.ask(address, data="\n".join([*head, *lines, ""]).encode())
    except Refused as error:
        raise DataError(f"{router} cannot be asked: {error}") from None
    if reply.problem:
        raise DataError(f"{router} cannot be asked: {reply.problem}")
    text = reply.content.decode(errors="replace")
    if eida:
        split = client._split_routing_response(text)
    else:
        split = client._split_routing_response(text, service)
    return [(f"{root}/fdsnws", body.splitlines()) for root, body in split.items() if root]


def covers(lines: list[str] | None, network: str, station: str) -> bool:
    """Whether the lines of a data centre name a station."""
    if lines is None:
        return True
    words = [line.split() for line in lines]
    return any(fnmatchcase(network, w[0]) and fnmatchcase(station, w[1]) for w in words if w[1:])


@dataclass
class Credentials:
    """Passwords for data centres, fetched with an EIDA token where that is the way."""

    kind: Literal["none", "password", "eida-token"]
    _known: dict[str, tuple[str, str] | None] = field(default_factory=dict)
    _lock: Lock = field(default_factory=Lock)

    def check(self) -> None:
        """Raise ConfigError that names the environment variable that is missing or wrong."""
        if self.kind == "password":
            for name in (USER, PASSWORD):
                if not os.environ.get(name):
                    raise ConfigError(
                        f"fetch.source.auth: 'password' given, but the environment variable {name}"
                        " is not set"
                    )
        if self.kind == "eida-token":
            _token()

    def of(self, web: Web, root: str) -> AuthBase | None:
        """What proves who asks a data centre; None where it needs no proof or knows no tokens."""
        from requests.auth import HTTPDigestAuth

        with self._lock:
            if root not in self._known:
                self._known[root] = self._pair(web, root)
        pair = self._known[root]
        return HTTPDigestAuth(*pair) if pair else None

    def _pair(self, web: Web, root: str) -> tuple[str, str] | None:
        if self.kind == "none":
            return None
        self.check()
        if self.kind == "password":
            return os.environ[USER], os.environ[PASSWORD]
        address = urlsplit(f"{root}/dataselect/1/auth")
        if address.hostname not in _LOOPBACK:
            address = address._replace(scheme="https")
        try:
            reply = web.ask(address.geturl(), data=_token())
        except Refused as error:
            logger.warning("%s takes no EIDA token (%s): asked without", address.netloc, error)
            return None
        user, _, password = reply.content.decode(errors="replace").strip().partition(":")
        return user, password


def _token() -> bytes:
    """The EIDA token. Raises ConfigError where the variable does not name one."""
    path = os.environ.get(TOKEN)
    if not path:
        raise ConfigError(
            f"fetch.source.auth: 'eida-token' given, but the environment variable {TOKEN} (path of"
            " the token's file) is not set"
        )
    file = Path(path).expanduser()
    try:
        content, mode = file.read_bytes(), file.stat().st_mode
    except OSError as error:
        raise ConfigError(f"{TOKEN}: the file cannot be read: {error.strerror}") from None
    if mode & 0o077:
        raise ConfigError(f"{TOKEN}: others may read the file; allow only yourself: chmod 600")
    if b"BEGIN PGP MESSAGE" not in content:
        raise ConfigError(f"{TOKEN}: the file it names holds no EIDA token (a PGP message)")
    return content
