"""Where packets of waveforms come from: one plug-in per protocol or kind of data.

A feed is a section of the configuration (`live.feed`), whose `open` gives the running feed
(`quakeline.live.feeds.protocol`).
"""

from typing import TYPE_CHECKING

from quakeline.core.registry import one_of
from quakeline.live.feeds.datalink import DataLink
from quakeline.live.feeds.earthworm import Earthworm
from quakeline.live.feeds.miniseed import MiniSeed
from quakeline.live.feeds.protocol import BaseFeed
from quakeline.live.feeds.replay import Replay
from quakeline.live.feeds.seedlink import SeedLink

KINDS = (SeedLink, DataLink, Earthworm, MiniSeed, Replay)
if TYPE_CHECKING:
    AnyFeed = BaseFeed
else:
    AnyFeed = one_of(KINDS)
