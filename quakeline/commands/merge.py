"""`quakeline merge`: several catalogs as one, each event once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quakeline.commands.places import (
    catalog_inputs,
    catalog_of,
    files_of,
    run_folder_of,
    settings_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.io.exports import Tables

Runs = Annotated[
    list[str],
    typer.Argument(help="Two or more: names of runs, or folders with their tables."),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the catalog.")]
SameOnset = Annotated[
    float | None,
    typer.Option(
        "--same-onset",
        min=0,
        help="Picks of one phase at one station this close together, in seconds, are one;"
        " default: as in the catalog that is named first.",
    ),
]

_TABLE = "duplicates.csv"


def merge(runs: Runs, output: Output, same_onset: SameOnset = None) -> None:
    """Join catalogs: the better one of two events that are the same stays.

    Two are the same where they share half of the picks of the smaller one, or where their origins
    agree within their joint uncertainty; duplicates.csv names those that went. Ids and settings are
    those of the catalog that is named first.
    """
    from dataclasses import replace

    from quakeline.association.union import Catalog, union
    from quakeline.chain.merge import assembled
    from quakeline.chain.merge import files_of as files_of_catalog
    from quakeline.commands.settings import sections
    from quakeline.errors import ConfigError
    from quakeline.io import provenance, targets
    from quakeline.io.atomic import write_text

    if len(set(runs)) < 2:
        raise ConfigError(f"{runs[0]!r} given; merge needs two different catalogs or more")
    settings = settings_of(run_folder_of(runs[0]))
    chosen = sections([], base=settings)
    names = (*files_of_catalog(chosen.merge.exports), _TABLE)
    read = [path for run in runs for path in files_of(run)]
    targets.require_folder("--output", output, "merge", names, read)
    given = [catalog_of(run) for run in runs]
    if same_onset is None:
        same_onset = chosen.associate.same_onset_s
    named = [Catalog(r, c.events, c.arrivals, c.picks) for r, c in zip(runs, given, strict=True)]
    joined = union(named, same_onset)
    inputs = {path: digest for run in runs for path, digest in catalog_inputs(run).items()}
    record = provenance.Record("merge", 1, {"same_onset_s": same_onset}, inputs)
    merged = assembled(chosen.merge, joined.events, joined.arrivals, joined.picks, _stations(given))
    with targets.filling(output, "merge") as place:
        replace(merged, record=record, settings=settings).fill(place)
        write_text(place / _TABLE, joined.duplicates.to_csv(index=False))
    for catalog in named:
        gone = int((joined.duplicates["catalog"] == catalog.name).sum())
        typer.echo(f"{catalog.name}: {len(catalog.events)} events, {gone} of them again elsewhere")
    typer.echo(f"written  {output}: {len(joined.events)} events; duplicates.csv says what went")


def _stations(given: list[Tables]) -> pd.DataFrame:
    """STATIONS of all catalogs; none where they have none."""
    import pandas as pd

    from quakeline.io import tables
    from quakeline.schemas import STATIONS

    known = [catalog.stations for catalog in given if catalog.stations is not None]
    if not known:
        return tables.empty(STATIONS)
    return pd.concat(known, ignore_index=True).drop_duplicates(ignore_index=True)
