"""Absolute location in a 1D model: global search, most likely point, full covariance."""

from quakeline.events.location.diagnosis import Diagnosis, diagnosed
from quakeline.events.location.locator import Locator

__all__ = ["Diagnosis", "Locator", "diagnosed"]
