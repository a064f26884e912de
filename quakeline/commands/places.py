"""Finished catalogs on the command line: the name of a run, or a folder."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.io.exports import Tables
    from quakeline.velocity import VelocityModel


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


def run_folder_of(run: str) -> Path:
    """The folder of a run, also where its `catalog` is named; else as `folder_of`."""
    folder = folder_of(run)
    return folder.parent if folder.name == "catalog" else folder


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


def files_of(run: str) -> list[Path]:
    """The files that `catalog_of` may read."""
    folder = run_folder_of(run)
    return sorted(
        {*folder.glob("*.parquet"), *folder.glob("catalog/*.parquet")}
        | set(folder_of(run).glob("*.parquet"))
    )


def catalog_inputs(run: str) -> dict[str, str]:
    """Digests of a catalog's tables of events, for the record of what was made of it."""
    from quakeline.io import provenance

    found = sorted(folder_of(run).rglob("events.parquet"))
    return {str(path): provenance.digest_file(path) for path in found}


def velocity_of(
    folder: Path, given: Path | None, vp_vs: float = 0.0, interpolation: str = "auto"
) -> tuple[VelocityModel, Path]:
    """The velocity model that is given, else that of the run in a folder, and its file.

    Raises ConfigError where there is none, DataError where it cannot be used.
    """
    import yaml

    from quakeline.velocity import load

    if given is not None:
        return load(given, vp_vs, interpolation), given
    described = folder / "catalog" / "config.yaml"
    if not described.is_file():
        raise ConfigError(f"--velocity: none given, and {described}, which would say, is not there")
    section = yaml.safe_load(described.read_text(encoding="utf-8"))["velocity"]
    named = [place / section["table"] for place in (folder.parent.parent, Path.cwd())]
    found = next((path for path in named if path.is_file()), None)
    if found is None:
        raise ConfigError(
            f"--velocity: none given, and {section['table']!r} of {described} is not there"
        )
    if interpolation == "auto":
        interpolation = section.get("interpolation", "auto")
    return load(found, vp_vs or section["vp_vs"] or 0.0, interpolation), found


def run_files(data: str, stations: Path | None) -> tuple[Path, Path]:
    """The picks and stations of a run or of files. Raises ConfigError where one is missing."""
    if stations is not None:
        return Path(data), stations
    from quakeline import launch

    if Path(data).is_file():
        raise ConfigError(f"{data} is a table of picks; name the stations after it")
    results = launch.find_place(Path.cwd()).folder / "results" / data
    paths = results / "catalog/picks.parquet", results / "stations.parquet"
    for path in paths:
        if not path.is_file():
            raise ConfigError(f"{path} does not exist; allowed: a finished run, or PICKS STATIONS")
    return paths
