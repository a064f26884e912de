"""A velocity grid with its travel times."""

from __future__ import annotations

from dataclasses import dataclass

from quakeline.earth.velocity.fields import GridTimes
from quakeline.earth.velocity.grid import VelocityGrid
from quakeline.earth.velocity.kinds import Network


@dataclass(frozen=True, eq=False)
class GridModel(VelocityGrid):
    """A velocity grid that gives the travel times of a network."""

    def times(self, network: Network, threads: int = 1) -> GridTimes:
        """Travel times between a network and its sources; see `fields`."""
        self.require_near(network.stations)
        return GridTimes(self, network, threads)
