"""Velocity models, the files they are read from, and travel times in them."""

from quakeline.earth.velocity.checks import doubts
from quakeline.earth.velocity.corners import rounded
from quakeline.earth.velocity.formats import load
from quakeline.earth.velocity.grid_model import GridModel
from quakeline.earth.velocity.kinds import Model, Network, Times
from quakeline.earth.velocity.model import VelocityModel
from quakeline.earth.velocity.rays import Domain, first_arrivals
from quakeline.earth.velocity.tables import TravelTimes

__all__ = [
    "Domain", "GridModel", "Model", "Network", "Times", "TravelTimes", "VelocityModel", "doubts",
    "first_arrivals", "load", "rounded",
]  # fmt: skip
