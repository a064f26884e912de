"""Earthquake catalogs from continuous seismometer and DAS data."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("quakeline")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"
