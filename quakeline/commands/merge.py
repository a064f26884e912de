"""`quakeline merge`: several catalogs as one, each event once."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quakeline.commands.places import (
    catalog_inputs,
    catalog_of,
    files_of,
    run_folder_of,
    settings_of,
    velocity_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.events.association.combine import Catalog
    from quakeline.events.chain.associate import Settings
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
#: Least time between events where no stations are known, in s.
_LEAST_S = 1.0


def merge(runs: Runs, output: Output, same_onset: SameOnset = None) -> None:
    """Join catalogs: the better one of two events that are the same stays.

    Two are the same where they share half of the picks of the smaller one, where their origins
    agree within their joint uncertainty, or where they share stations and are closer than
    associate.min_interevent_s and 5 km; duplicates.csv names those that went. Ids and settings are
    those of the catalog that is named first.
    """
    from dataclasses import replace

    import pandas as pd

    from quakeline.commands.settings import sections
    from quakeline.core.errors import ConfigError
    from quakeline.events.association.combine import Catalog, union
    from quakeline.events.chain.merge import assembled
    from quakeline.events.chain.merge import files_of as files_of_catalog
    from quakeline.io.products import provenance, targets
    from quakeline.io.products.atomic import write_text

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
    stations = _stations(given)
    phases = pd.concat([catalog.picks["phase"] for catalog in given])
    apart_s = _apart_s(run_folder_of(runs[0]), chosen.associate, stations, phases)
    joined = union(named, same_onset, apart_s)
    inputs = {path: digest for run in runs for path, digest in catalog_inputs(run).items()}
    recipe = {"same_onset_s": same_onset, "min_interevent_s": apart_s}
    record = provenance.Record("merge", 2, recipe, inputs)
    merged = assembled(chosen.merge, joined.events, joined.arrivals, joined.picks, stations)
    with targets.filling(output, "merge") as place:
        replace(merged, record=record, settings=settings).fill(place)
        write_text(place / _TABLE, joined.duplicates.to_csv(index=False))
    for line in [*_doubts(runs), *strangers(named)]:
        typer.secho(f"WARNING  {line}", err=True, fg="yellow")
    for catalog in named:
        gone = int((joined.duplicates["catalog"] == catalog.name).sum())
        typer.echo(f"{catalog.name}: {len(catalog.events)} events, {gone} of them dropped")
    typer.echo(f"written  {output}: {len(joined.events)} events; duplicates.csv says what went")


def _doubts(runs: list[str]) -> list[str]:
    """Which catalogs were located otherwise than the first, whose settings the whole has."""
    said = [_located_with(settings_of(run_folder_of(run))) for run in runs]
    return [
        f"{run} was located with other velocities or delays of stations than {runs[0]}, whose"
        " settings the whole has: relocate or tune it with --velocity"
        for run, how in zip(runs[1:], said[1:], strict=True)
        if how and said[0] and how != said[0]
    ]


def strangers(catalogs: Sequence[Catalog]) -> list[str]:
    """Which catalogs have picks at no station of those before: of other regions, or mistaken."""
    said, first = [], catalogs[0]
    known = _stations_of(first)
    for one in catalogs[1:]:
        own = _stations_of(one)
        if own and known and not own & known:
            said.append(
                f"{one.name} has no station in common with {first.name}{_apart(first, one)}: right"
                " for catalogs of two networks or regions, of which origins alone tell events that"
                " are the same"
            )
        known |= own
    return said


def _stations_of(catalog: Catalog) -> set[tuple[str, str]]:
    codes = catalog.picks[["network", "station"]].drop_duplicates()
    return set(codes.itertuples(index=False, name=None))


def _apart(one: Catalog, other: Catalog) -> str:
    """How far apart the middles of two catalogs are, in brackets; empty where one has no events."""
    import numpy as np

    from quakeline.core.geometry import LocalFrame, distance_azimuth

    if one.events.empty or other.events.empty:
        return ""
    middles = []
    for places in (c.events[["latitude", "longitude"]].to_numpy(float).T for c in (one, other)):
        frame = LocalFrame.around(*places)
        middles.append(frame.to_latlon(*np.median(frame.to_xy(*places), axis=1, keepdims=True)))
    (latitude, longitude), there = middles
    km, _ = distance_azimuth(latitude[0], longitude[0], *there)
    return f" ({km[0]:.0f} km apart)"


def _located_with(settings: dict[str, Any]) -> tuple[Any, Any] | None:
    """Velocities and delays of stations of a catalog; None where it does not say them."""
    if "velocity" not in settings:
        return None
    return settings["velocity"], settings.get("locate", {}).get("station_terms", "static")


def _apart_s(folder: Path, settings: Settings, stations: pd.DataFrame, phases: pd.Series) -> float:
    """Least time between events in s, as the section says or as follows from the network."""
    from quakeline.core.errors import ConfigError
    from quakeline.earth.sites import Sites
    from quakeline.events.association import interevent_s
    from quakeline.events.chain.material import described

    said = {name: value for name, value in settings.times().items() if value >= 0}
    if stations.empty:
        return said.get("min_interevent_s", _LEAST_S)
    try:
        model, _ = velocity_of(folder, None)
    except ConfigError:  # a catalog of another program
        model, _ = described(None)
    return interevent_s(said, Sites.of(stations), model, phases)


def _stations(given: list[Tables]) -> pd.DataFrame:
    """STATIONS of all catalogs; none where they have none."""
    import pandas as pd

    from quakeline.core.schemas import STATIONS
    from quakeline.io.products import tables

    known = [catalog.stations for catalog in given if catalog.stations is not None]
    if not known:
        return tables.empty(STATIONS)
    return pd.concat(known, ignore_index=True).drop_duplicates(ignore_index=True)
