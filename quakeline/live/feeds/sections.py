"""Settings that feeds from servers share."""

from __future__ import annotations

import re
from functools import cached_property
from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field

from quakeline.live.feeds.protocol import BaseFeed
from quakeline.live.feeds.selection import CodesPattern, Pattern, any_matches

_ADDRESS = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[\w.-]+)(:\d{1,5})?")
_HIGHEST_PORT = 65535


def require_address(text: str) -> str:
    """Return the address of a server. Raises ValueError unless it is HOST or HOST:PORT."""
    found = _ADDRESS.fullmatch(text)
    port = int(found.group(2)[1:]) if found and found.group(2) else 1
    if not found or not 1 <= port <= _HIGHEST_PORT:
        raise ValueError(
            f"{text!r} is no address of a server; allowed: HOST or HOST:PORT, such as"
            " rtserve.earthscope.org:18000, with an IPv6 address in brackets"
        )
    return text


Address = Annotated[str, AfterValidator(require_address)]


class ServerFeed(BaseFeed):
    """A feed from servers on the network; derived classes add `kind`."""

    CONNECTION: ClassVar[frozenset[str]] = frozenset(
        {"servers", "back_s", "answer_s", "silence_s", "retry_s"}
    )

    servers: list[Address] = Field(
        description="addresses HOST:PORT; each is asked for all streams, and what two of them send"
        " is used once",
        min_length=1,
    )
    streams: list[CodesPattern] = Field(
        description="channels that are asked for, as patterns NET.STA.LOC.CHA with * and ? and an"
        ' empty LOC where there is none, such as ["GE.*.*.HH?", "BW.UH1..EHZ"]',
        min_length=1,
    )
    back_s: float = Field(
        0.0,
        ge=0,
        le=7 * 86_400,
        description="data of so many seconds before the first start are asked for as well",
    )
    answer_s: float = Field(
        10.0, gt=0, le=600, description="longest wait for the answer of a server, in seconds"
    )
    silence_s: float = Field(
        120.0,
        gt=0,
        le=86_400,
        description="a server that sends nothing for so long is connected anew, in seconds",
    )
    retry_s: float = Field(
        1.0,
        gt=0,
        le=60,
        description="wait before a lost server is asked again, in seconds; it doubles with each"
        " attempt in vain, up to a minute",
    )

    @cached_property
    def patterns(self) -> list[Pattern]:
        """The streams that are asked for."""
        return [Pattern.of(one) for one in self.streams]

    def wants(self, codes: str) -> bool:
        """Whether a channel NET.STA.LOC.CHA is one of the streams."""
        return any_matches(self.patterns, codes)
