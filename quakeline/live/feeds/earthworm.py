"""Wave servers of Earthworm (wave_serverV, Winston), asked again and again."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from quakeline.live.feeds.protocol import Feed
from quakeline.live.feeds.sections import ServerFeed


class Earthworm(ServerFeed):
    """Wave servers, which are asked for what is new; a wave server does not send by itself."""

    CONNECTION: ClassVar[frozenset[str]] = ServerFeed.CONNECTION | {"poll_s"}

    kind: Literal["earthworm"] = Field("earthworm", description="wave servers of Earthworm")
    poll_s: float = Field(
        2.0, gt=0, le=600, description="time between two questions for what is new, in seconds"
    )

    def open(self, state: dict[str, Any] | None = None) -> Feed:
        """Start, after the packets of an earlier feed where its `state` is given."""
        from quakeline.live.feeds.earthworm_connection import EarthwormConnection
        from quakeline.live.feeds.servers import ServersFeed

        return ServersFeed(self, EarthwormConnection, state)
