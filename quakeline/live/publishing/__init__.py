"""Picks to other programs as soon as they are made: HTTP push, Earthworm messages.

A way of publishing is a section of the configuration, whose `open` gives what takes messages
(`quakeline.live.publishing.protocol`).
"""

from typing import TYPE_CHECKING

from quakeline.core.registry import one_of
from quakeline.live.publishing.earthworm import EarthwormPicks
from quakeline.live.publishing.protocol import BasePublisher
from quakeline.live.publishing.webhook import Webhook

KINDS = (Webhook, EarthwormPicks)
if TYPE_CHECKING:
    AnyPublisher = BasePublisher
else:
    AnyPublisher = one_of(KINDS)
