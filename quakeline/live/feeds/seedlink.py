"""SeedLink servers (SeisComP, ringserver, digitizers), protocol 3 or 4."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from quakeline.core.extras import require
from quakeline.live.feeds.protocol import Feed
from quakeline.live.feeds.sections import ServerFeed


class SeedLink(ServerFeed):
    """SeedLink servers; after a cut they go on from the last packet of each station."""

    EXTRA: ClassVar[str] = "live"

    kind: Literal["seedlink"] = Field("seedlink", description="SeedLink servers, protocol 3 or 4")

    def open(self, state: dict[str, Any] | None = None) -> Feed:
        """Start, after the packets of an earlier feed where its `state` is given."""
        require(self.EXTRA, "live.feed of kind seedlink")
        from quakeline.live.feeds.seedlink_connection import SeedLinkConnection
        from quakeline.live.feeds.servers import ServersFeed

        return ServersFeed(self, SeedLinkConnection, state)
