"""The formats by name, and how a catalog gets into one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.names import proposal, same
from quakeline.io.exports import fdsn, first_motions, hypodd, nonlinloc, nordic, own, pyrocko
from quakeline.io.exports.base import Format, Tables
from quakeline.io.formats.quakeml import Labels

#: Formats by the name that the configuration and `quakeline export` use.
FORMATS: dict[str, Format] = {
    "geoparquet": own.GEOPARQUET,
    "quakeml": own.QUAKEML,
    "csv": own.CSV,
    "fdsn-text": fdsn.FORMAT,
    "nonlinloc": nonlinloc.FORMAT,
    "hypodd": hypodd.FORMAT,
    "nordic": nordic.FORMAT,
    "pyrocko": pyrocko.FORMAT,
    "hash": first_motions.HASH,
    "skhash": first_motions.SKHASH,
}


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
