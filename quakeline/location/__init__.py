"""Absolute location in a 1D model: global search, most likely point, full covariance."""

from quakeline.location.locator import Locator

__all__ = ["Locator"]
