"""Finished catalogs on the command line: the name of a run, or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.io.exports import Tables


def folder_of(run: str) -> Path:
    """The folder of a catalog: as given, else results/RUN of the place where runs are made.

    Raises ConfigError where neither exists.
    """
    from quakeline import launch

    if Path(run).is_dir():
        return Path(run)
    found = launch.find_place(Path.cwd()).folder / "results" / run
    if not found.is_dir():
        raise ConfigError(f"{run!r} given; neither a folder nor a run: {found} does not exist")
    return found


def catalog_of(run: str, stations: Path | None = None) -> Tables:
    """The tables of a run or folder. Raises ConfigError, DataError."""
    from quakeline.io import exports, inventory

    folder = folder_of(run)
    if stations is None or stations.suffix == ".parquet":
        return exports.read_tables(folder, stations)
    tables = exports.read_tables(folder)
    return exports.Tables(
        tables.events, tables.arrivals, tables.picks, inventory.read_any(stations)
    )
