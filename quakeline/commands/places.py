"""Finished catalogs on the command line: the name of a run, or a folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.earth.sections import Grid, Layers
    from quakeline.earth.velocity import Model
    from quakeline.io.exports import Tables


def require_files(options: Mapping[str, Iterable[Path | None]]) -> None:
    """Raise ConfigError for the first path of an option that is no file; None is not looked at."""
    for option, paths in options.items():
        for path in paths:
            if path is not None and not path.is_file():
                what = "is no file" if path.exists() else "does not exist"
                raise ConfigError(f"{option}: file {str(path)!r} {what}")


def folder_of(run: str) -> Path:
    """The folder of a catalog: as given, else results/RUN of the place where runs are made.

    Of both the one with a catalog, if only one has it: data may lie in a folder with the name of
    the run. Raises ConfigError where neither exists.
    """
    from quakeline.io.exports import event_folders
    from quakeline.workflow import launch

    given, found = Path(run), launch.results_place(Path.cwd()) / "results" / run
    if given.is_dir() and (event_folders(given) or not event_folders(found)):
        return given
    if not found.is_dir():
        why = (
            "it is a file"
            if given.is_file()
            else f"neither a folder nor a run: {found} does not exist"
        )
        raise ConfigError(f"{run!r} given; {why}; allowed: the folder of a catalog, or a run")
    return found


def require_stations(data: str, stations: Path | None) -> None:
    """Raise ConfigError for a table of picks, where a run may stand too, without stations."""
    if stations is None and Path(data).is_file():
        raise ConfigError(f"{data} is a table of picks; name the stations after it")


def run_folder_of(run: str) -> Path:
    """The folder of a run, also where its `catalog` is named; else as `folder_of`."""
    from quakeline.io.products.runs import absolute

    folder = folder_of(run)
    if folder.name == "catalog":
        return folder.parent
    whole = absolute(folder)  # of "."
    return whole.parent if whole.name == "catalog" else folder


def catalog_of(run: str, stations: Path | None = None) -> Tables:
    """The tables of a run or folder. Raises ConfigError, DataError."""
    from quakeline.io import exports
    from quakeline.io.formats import inventory

    folder = folder_of(run)
    if stations is None or stations.suffix == ".parquet":
        return exports.read_tables(folder, stations)
    tables = exports.read_tables(folder)
    return replace(tables, stations=inventory.read_any(stations))


def files_of(run: str) -> list[Path]:
    """The files that `catalog_of` may read."""
    from quakeline.io.exports import session_of

    folder, given = run_folder_of(run), folder_of(run)
    of_days = session_of(given)
    return sorted(
        {*folder.glob("*.parquet"), *folder.glob("catalog/*.parquet"), *given.glob("*.parquet")}
        | ({*of_days.glob("*.parquet"), *of_days.glob("*-*-*/*.parquet")} if of_days else set())
    )


def picks_of(folder: Path) -> Path | pd.DataFrame:
    """The picks of a run, a catalog or a live session: a file, or PICKS of all of its days.

    Raises ConfigError where there are none.
    """
    from quakeline.core.schemas import PICKS
    from quakeline.io.exports import pick_files
    from quakeline.io.products import tables

    found = pick_files(folder)
    if not found:
        raise _not_finished(folder / "picks.parquet")
    return found[0] if len(found) == 1 else tables.read_many(found, PICKS)


def stations_of(folder: Path) -> Path:
    """The table of stations of a run, a catalog or a live session.

    Raises ConfigError where there is none.
    """
    from quakeline.io.exports import session_of

    path = (session_of(folder) or folder) / "stations.parquet"
    if not path.is_file():
        raise _not_finished(path)
    return path


def _not_finished(path: Path) -> ConfigError:
    return ConfigError(
        f"{path} does not exist; allowed: a finished run, a catalog or a live session with"
        " stations, or PICKS STATIONS"
    )


def catalog_inputs(run: str) -> dict[str, str]:
    """Digests of a catalog's tables of events, for the record of what was made of it."""
    from quakeline.io.products import provenance

    found = sorted(folder_of(run).rglob("events.parquet"))
    return {str(path): provenance.digest_file(path) for path in found}


def settings_of(folder: Path) -> dict[str, Any]:
    """The configuration that a run, a command or a live session left; empty: none is there.

    Raises ConfigError where it cannot be read.
    """
    from quakeline.workflow.config import read_yaml

    path = _described(folder)
    return read_yaml(path) if path.is_file() else {}


def _described(folder: Path) -> Path:
    """Where the configuration of a folder is, or of a run would be."""
    from quakeline.io.exports import session_of

    own = (session_of(folder) or folder) / "config.yaml"
    inner = folder / "catalog" / "config.yaml"
    is_run = inner.is_file() or (folder / "logs").is_dir()
    return inner if is_run and not own.is_file() else own


def velocity_of(
    folder: Path, given: Path | None, vp_vs: float = 0.0, interpolation: str = "auto"
) -> tuple[Model, Layers | Grid]:
    """The velocity model that is given, else that of the run in a folder.

    Returns
    -------
    The model, and the section `velocity` that says the same.

    Raises
    ------
    ConfigError
        There is none.
    DataError
        It cannot be used.
    """
    from quakeline.earth.sections import Layers, section_of
    from quakeline.events.chain.material import described
    from quakeline.io.exports import session_of
    from quakeline.io.products.runs import home_of

    if given is not None:
        return described(given, vp_vs, interpolation)
    said = settings_of(folder).get("velocity")
    if not said:
        raise ConfigError(
            f"--velocity: none given, and {_described(folder)}, which would say, is not there"
            if not _described(folder).is_file()
            else f"--velocity: none given, and {_described(folder)} names none"
        )
    changed: dict[str, Any] = {"vp_vs": vp_vs} if vp_vs else {}
    if interpolation != "auto":
        changed["interpolation"] = interpolation
    section = section_of({**said, **changed})
    home = home_of(session_of(folder) or folder)
    at = [section.at(place) for place in (home, Path.cwd())]
    found = next((one for one in at if not one.missing()), None)
    if found is None:
        name = section.table if isinstance(section, Layers) else section.file
        raise ConfigError(
            f"--velocity: none given, and {name!r} of {_described(folder)} is not there"
        )
    return found.model(), found


def velocity_digest_of(folder: Path) -> str | None:
    """SHA-256 of the file of velocities by which the catalog of a folder was located."""
    from quakeline.io.exports import event_folders
    from quakeline.io.products import provenance

    places = [folder / "locations", folder, *event_folders(folder)]
    for path in (place / "arrivals.parquet" for place in places):
        if path.is_file():
            found: str | None = provenance.read(path).get("inputs", {}).get("velocity")
            return found
    return None


def channels_of(folder: Path) -> pd.DataFrame:
    """FIBRE_CHANNELS of the fibres of a run."""
    from quakeline.core.schemas import FIBRE_CHANNELS
    from quakeline.io.products import tables

    return tables.read_many(sorted(folder.glob("fibres/*/channels/*.parquet")), FIBRE_CHANNELS)
