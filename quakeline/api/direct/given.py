"""Recordings and inventories as they are given to functions, whatever their form."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, TypeAlias

import obspy

from quakeline.core.errors import ConfigError
from quakeline.io.formats import inventory as inventories
from quakeline.waveforms.preparation.recordings import Recordings, of_files, of_stream

Paths: TypeAlias = str | Path | Sequence[str | Path]


def inventory_of(stationxml: Paths, inventory: obspy.Inventory | None) -> obspy.Inventory:
    """The inventory that is given, or that of files. Raises ConfigError where both are."""
    paths = paths_of(stationxml)
    if paths and inventory is not None:
        raise ConfigError("stationxml and inventory given; allowed: one of them")
    if inventory is None:
        return inventories.read(paths)
    return inventories.with_normal_codes(inventory)


def paths_of(given: Paths) -> list[Path]:
    """One path or several as a list."""
    return [Path(given)] if isinstance(given, str | Path) else [Path(path) for path in given]


def recordings_of(data: Any, inventory: obspy.Inventory) -> Recordings:
    """Recordings of an obspy Stream or Trace, or of paths of files and folders."""
    if isinstance(data, obspy.Trace):
        return of_stream([data], inventory)
    if isinstance(data, obspy.Stream):
        return of_stream(data, inventory)
    return of_files(paths_of(data), inventory)
