"""Earthquake catalogs from continuous seismometer and DAS data.

`quakeline.pick(stream)` and `quakeline.annotate(stream)` work on data at hand, without a workflow;
see `quakeline.direct.api`.
"""

from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Any

try:
    __version__ = version("quakeline")
except PackageNotFoundError:  # a source tree that is not installed
    __version__ = "0+unknown"


def __getattr__(name: str) -> Any:
    """Load what needs heavy libraries when it is first used."""
    if name in ("annotate", "pick"):
        return getattr(import_module("quakeline.direct.api"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
