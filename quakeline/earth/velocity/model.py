"""A velocity model of layers, with its travel times."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from quakeline.earth.velocity.checks import doubts
from quakeline.earth.velocity.kinds import Network
from quakeline.earth.velocity.layers import Layers
from quakeline.earth.velocity.tables import TravelTimes


@dataclass(frozen=True)
class VelocityModel(Layers):
    """Layers, what looks odd in them for a network, and travel times between them."""

    _kept: dict[bytes, TravelTimes] = field(
        default_factory=dict, init=False, compare=False, repr=False
    )

    def doubts_for(self, stations: pd.DataFrame) -> list[str]:
        """Its doubts, and what looks odd in how stations (depth_km) lie in it."""
        return doubts(self, stations["depth_km"].to_numpy())

    def times(self, network: Network, threads: int = 1) -> TravelTimes:
        """Travel times between the stations of a network and its sources.

        Those of the last network are kept: association and location ask for the same.
        """
        stations = network.stations[["x", "y", "depth_km"]].to_numpy(float)
        key = stations.tobytes() + np.asarray(network.box, dtype=float).tobytes()
        if key not in self._kept:
            self._kept.clear()
            self._kept[key] = TravelTimes.of(self, network)
        return self._kept[key]
