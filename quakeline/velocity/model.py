"""A velocity model of layers, with its travel times."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from quakeline.velocity.checks import doubts
from quakeline.velocity.kinds import Network
from quakeline.velocity.layers import Layers
from quakeline.velocity.tables import TravelTimes


@dataclass(frozen=True)
class VelocityModel(Layers):
    """Layers, what looks odd in them for a network, and travel times between them."""

    def doubts_for(self, stations: pd.DataFrame) -> list[str]:
        """Its doubts, and what looks odd in how stations (depth_km) lie in it."""
        return doubts(self, stations["depth_km"].to_numpy())

    def times(self, network: Network, threads: int = 1) -> TravelTimes:
        """Travel times between the stations of a network and its sources."""
        return TravelTimes.of(self, network)
