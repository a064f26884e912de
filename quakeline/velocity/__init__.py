"""Velocity models, the files they are read from, and travel times in them."""

from quakeline.velocity.checks import doubts
from quakeline.velocity.formats import load
from quakeline.velocity.grid_model import GridModel
from quakeline.velocity.kinds import Model, Network, Times
from quakeline.velocity.model import VelocityModel
from quakeline.velocity.rays import Domain, first_arrivals
from quakeline.velocity.tables import TravelTimes

__all__ = [
    "Domain", "GridModel", "Model", "Network", "Times", "TravelTimes", "VelocityModel", "doubts",
    "first_arrivals", "load",
]  # fmt: skip
