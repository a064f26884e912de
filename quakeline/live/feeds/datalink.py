"""DataLink servers (ringserver, which also exports the rings of Earthworm by ew2ringserver)."""

from __future__ import annotations

from typing import Any, ClassVar, Literal

from pydantic import Field

from quakeline.core.extras import require
from quakeline.live.feeds.protocol import Feed
from quakeline.live.feeds.sections import ServerFeed


class DataLink(ServerFeed):
    """DataLink servers; after a cut they go on from the last packet."""

    EXTRA: ClassVar[str] = "live"

    kind: Literal["datalink"] = Field("datalink", description="DataLink servers (ringserver)")

    def open(self, state: dict[str, Any] | None = None) -> Feed:
        """Start, after the packets of an earlier feed where its `state` is given."""
        require(self.EXTRA, "live.feed of kind datalink")
        from quakeline.live.feeds.datalink_connection import DataLinkConnection
        from quakeline.live.feeds.servers import ServersFeed

        return ServersFeed(self, DataLinkConnection, state)
