"""The formats by name, what they write, and the tables that they are made of."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import pandas as pd

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.names import proposal, same
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS, STATIONS
from quakeline.io.exports import fdsn, hypodd, nonlinloc, nordic
from quakeline.io.formats import quakeml as events
from quakeline.io.formats.quakeml import Labels
from quakeline.io.products import tables
from quakeline.io.products.atomic import write_text


@dataclass(frozen=True)
class Tables:
    """EVENTS, ARRIVALS and PICKS of a catalog, and STATIONS where they are known."""

    events: pd.DataFrame
    arrivals: pd.DataFrame
    picks: pd.DataFrame
    stations: pd.DataFrame | None = None

    @property
    def pairs(self) -> pd.DataFrame:
        """Arrivals with the columns of their picks, in order of arrivals.

        Raises
        ------
        DataError
            An arrival belongs to a pick that is not in the table.
        """
        columns = [name for name in self.picks.columns if name not in ("phase", "event_id")]
        joined = self.arrivals.merge(
            self.picks[columns], on="pick_id", how="left", validate="many_to_one"
        )
        lost = joined["time"].isna()
        if lost.any():
            row = joined[lost].iloc[0]
            raise DataError(
                f"event {row['event_id']}: pick {row['pick_id']} is not in the table of picks"
            )
        return joined


@dataclass(frozen=True)
class Format:
    """A format: what it is, and what it is called; a folder has `files`."""

    about: str
    name: str
    needs_stations: bool
    write: Callable[[Tables, Path, Labels], None]
    files: tuple[str, ...] = ()


def _quakeml(catalog: Tables, path: Path, labels: Labels) -> None:
    events.write_quakeml(
        catalog.events, catalog.arrivals, catalog.picks, path, catalog.stations, labels
    )


def _csv(catalog: Tables, path: Path, labels: Labels) -> None:
    events.write_csv(catalog.events, path)


def _parquet(catalog: Tables, path: Path, labels: Labels) -> None:
    tables.write(catalog.events, EVENTS, path, points=True)


def _fdsn(catalog: Tables, path: Path, labels: Labels) -> None:
    write_text(path, fdsn.text(catalog.events, labels))


def _nonlinloc(catalog: Tables, path: Path, labels: Labels) -> None:
    files = nonlinloc.files(catalog.events, catalog.pairs, catalog.stations)
    _write_files(files, path)


def _hypodd(catalog: Tables, path: Path, labels: Labels) -> None:
    _write_files(hypodd.files(catalog.events, catalog.pairs, catalog.stations), path)


def write_differences(catalog: Tables, differentials: pd.DataFrame, folder: Path) -> None:
    """Write DIFFERENTIALS as hypoDD's dt.cc into a folder of the format `hypodd`."""
    known = catalog.events, catalog.pairs, catalog.stations
    _write_files(hypodd.differences(*known, differentials), folder)


def _nordic(catalog: Tables, path: Path, labels: Labels) -> None:
    made = events.each(catalog.events, catalog.arrivals, catalog.picks, catalog.stations, labels)
    write_text(path, nordic.text(made))


def _write_files(files: dict[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        write_text(folder / name, text)


#: Formats by the name that the configuration and `quakeline export` use.
FORMATS: dict[str, Format] = {
    "geoparquet": Format("events, GeoParquet 1.1", "events.parquet", False, _parquet),
    "quakeml": Format("QuakeML 1.2", "catalog.qml", False, _quakeml),
    "csv": Format("events, CSV", "catalog.csv", False, _csv),
    "fdsn-text": Format("events, text of FDSN web services", "catalog.txt", False, _fdsn),
    "nonlinloc": Format(
        "NonLinLoc phases and stations", "nonlinloc", True, _nonlinloc, nonlinloc.FILES
    ),
    "hypodd": Format("hypoDD phase.dat and station.dat", "hypodd", True, _hypodd, hypodd.FILES),
    "nordic": Format("Nordic (SEISAN)", "catalog.nordic", False, _nordic),
}


def files_of(names: Iterable[str]) -> list[str]:
    """Names of all files of some formats, in order, as `targets` takes them."""
    return [
        file
        for name in names
        for file in (
            [f"{FORMATS[name].name}/{own}" for own in FORMATS[name].files] or [FORMATS[name].name]
        )
    ]


def targets(names: Iterable[str], files: Iterable[Path]) -> Iterator[tuple[str, Path]]:
    """Formats with the file, or the folder, of each, from all files of all of them in order."""
    left = iter(files)
    for name in names:
        own = list(islice(left, max(len(FORMATS[name].files), 1)))
        yield name, own[0].parent if FORMATS[name].files else own[0]


def format_of(name: str) -> Format:
    """The format of a name. Raises ConfigError where there is no such format."""
    known = same(name, FORMATS)
    if known not in FORMATS:
        raise ConfigError(
            f"format {name!r} given; {proposal(name, FORMATS)}allowed: {', '.join(FORMATS)}"
        )
    return FORMATS[known]


def write(name: str, catalog: Tables, path: Path, labels: Labels | None = None) -> None:
    """Write a catalog in one of `FORMATS`.

    Raises
    ------
    ConfigError
        There is no such format.
    DataError
        The tables contradict each other, or the format needs stations and there are none.
    """
    wanted = format_of(name)
    if wanted.needs_stations and (catalog.stations is None or catalog.stations.empty):
        raise DataError(f"{name} needs the positions of stations, and none are given")
    wanted.write(catalog, path, labels or Labels())


def read_tables(folder: Path, stations: Path | None = None) -> Tables:
    """Read a catalog that `quakeline run` or `quakeline catalog` wrote.

    `folder` holds the three tables, or a run's `catalog/` that does; a run's stations are found.

    Raises
    ------
    DataError
        A table is missing or of another kind.
    """
    inner = folder / "catalog"
    place = inner if (inner / "events.parquet").is_file() else folder
    if not (place / "events.parquet").is_file():
        raise DataError(f"{folder} holds no events.parquet, nor does {inner}")
    beside = [place.parent / "stations.parquet", place / "stations.parquet"]
    found = stations or next((path for path in beside if path.is_file()), None)
    return Tables(
        tables.read(place / "events.parquet", EVENTS),
        tables.read(place / "arrivals.parquet", ARRIVALS),
        tables.read(place / "picks.parquet", PICKS),
        tables.read(found, STATIONS) if found else None,
    )
