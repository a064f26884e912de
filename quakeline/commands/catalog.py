"""`quakeline catalog`: from anybody's picks to a catalog in one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quakeline.commands.options import Joined, Threads, say_given, warned_once
from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.events.chain.merge import Catalog

Picks = Annotated[
    Path, typer.Argument(help="Picks, CSV or Parquet: station, phase, time; see docs/catalog.md.")
]
Stations = Annotated[Path, typer.Argument(help="Stations: a CSV table or StationXML.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the catalog.")]
Velocity = Annotated[
    Path | None,
    typer.Option(
        help="Velocity model: a table, a grid, or YAML with a section velocity; default: IASP91."
    ),
]
VpVs = Annotated[float, typer.Option("--vp-vs", help="vp/vs that makes vs; 0: as in the model.")]
Region = Annotated[
    str | None, typer.Option(help="WEST,EAST,SOUTH,NORTH: keep the events inside, degrees.")
]
Depth = Annotated[str | None, typer.Option(help="SHALLOW,DEEP of the search, km below sea level.")]
Set = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        help="Setting of associate, locate, magnitude, classify or merge: associate.min_picks=8;"
        " locate.station_terms takes the file of `quakeline tune velocity`.",
    ),
]


def catalog(
    picks: Picks,
    stations: Stations,
    output: Output,
    velocity: Velocity = None,
    vp_vs: VpVs = 0.0,
    interpolation: Joined = "auto",
    region: Region = None,
    depth: Depth = None,
    settings: Set = None,
    threads: Threads = None,
) -> None:
    """Make events, arrivals, QuakeML and CSV from a table of picks, without a workflow.

    Settings that are not given follow from the network and are shown. The catalog is the one that
    the workflow makes of the same picks.
    """
    from quakeline.commands.settings import sections

    box = region_of(region) if region else None
    chosen = sections(settings or [], depth)

    from rich.console import Console

    from quakeline.commands.progress import shown
    from quakeline.events.chain import material
    from quakeline.events.chain.merge import files_of
    from quakeline.events.chain.whole import made
    from quakeline.io.products import targets

    used = [path for path in (picks, stations, velocity) if path]
    used += [Path(path) for path in chosen.locate.files()]
    names = files_of(chosen.merge.exports)
    targets.require_folder("--output", output, "catalog", names, used)
    given = material.read(picks, stations, velocity, vp_vs, interpolation=interpolation)
    doubts = say_given(given)
    blocks = "{:.0f} blocks of time".format
    with warned_once(doubts), shown("associating", Console(stderr=True), blocks) as progress:
        done = made(
            given,
            chosen,
            threads or os.cpu_count() or 1,
            region=box,
            progress=progress,
            tell=lambda line: typer.echo(f"chosen   {line}", err=True),
        )
    with targets.filling(output, "catalog") as place:
        done.catalog.fill(place)
    if done.outside:
        everywhere = len(done.catalog.events) + done.outside
        typer.echo(f"region   {done.outside} of {everywhere} events lie outside")
    for line in _summary(done.catalog, output):
        typer.echo(line)
    if given.picks.empty:
        typer.secho(f"WARNING  {picks} has no picks: the catalog is empty", fg="yellow")
    judged = done.catalog.diagnosis
    for line in judged.sentences if judged is not None else []:
        said = line.replace("velocity.table", "--velocity")
        typer.secho(f"WARNING  {said}", fg="yellow")


def region_of(text: str) -> tuple[float, float, float, float]:
    """Read `west,east,south,north` in degrees. Raises ConfigError for anything else."""
    try:
        west, east, south, north = (float(part) for part in text.split(","))
    except ValueError:
        west = east = south = north = float("nan")
    if not (-180 <= west <= 180 and -180 <= east <= 180 and -90 <= south < north <= 90):
        raise ConfigError(
            f"--region: {text!r} given; allowed: WEST,EAST,SOUTH,NORTH in degrees, from -180 to 180"
            " and -90 to 90; a west above east crosses the date line"
        )
    if west > east and east + 360 - west > 180:
        raise ConfigError(
            f"--region: {text!r} given; a west above east crosses the date line, and this would be"
            f" {east + 360 - west:g} degrees wide: exchange the first two?"
        )
    return west, east, south, north


def _summary(catalog: Catalog, output: Path) -> list[str]:
    events, arrivals, picks = catalog.events, catalog.arrivals, catalog.picks
    share = 100 * len(arrivals) / max(len(picks), 1)
    lines = [
        f"picks    {len(picks)}, {share:.0f} % of them in events",
        f"events   {len(events)}",
    ]
    if len(events):
        good = int((events["quality"] == "good").sum())
        lines += [
            f"rms      {events['rms_s'].median():.3f} s, the median of the events",
            f"quality  {good} good, {len(events) - good} limited: see the column quality",
        ]
    return [*lines, f"written  {output}"]
