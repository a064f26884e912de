"""`quakeline catalog`: from anybody's picks to a catalog in one command."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quakeline.commands.options import Joined, say_velocities

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.direct.catalog import Material
    from quakeline.io import provenance
    from quakeline.location.diagnosis import Diagnosis

#: What the residuals say about the velocity model.
_JUDGED = "diagnosis.json"

Picks = Annotated[
    Path, typer.Argument(help="Picks, CSV or Parquet: station, phase, time; see docs/catalog.md.")
]
Stations = Annotated[Path, typer.Argument(help="Stations: a CSV table or StationXML.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the catalog.")]
Velocity = Annotated[
    Path | None,
    typer.Option(help="Velocity model: table, NonLinLoc, hypoDD or VELEST; default: IASP91."),
]
VpVs = Annotated[float, typer.Option("--vp-vs", help="vp/vs that makes vs; 0: as in the model.")]
Region = Annotated[
    str | None, typer.Option(help="WEST,EAST,SOUTH,NORTH: keep the events inside, degrees.")
]
Depth = Annotated[str | None, typer.Option(help="SHALLOW,DEEP of the search, km below sea level.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Setting of associate or locate, e.g. associate.min_picks=8."),
]
Threads = Annotated[int | None, typer.Option(min=1, help="Cores to compute on; default: all.")]


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
    from quakeline.direct import catalog as direct
    from quakeline.direct import products

    box = direct.region_of(region) if region else None
    associating, locating = sections(settings or [], depth)

    from rich.console import Console

    from quakeline.association import depth_range, suggested
    from quakeline.commands.progress import shown
    from quakeline.io import provenance, targets
    from quakeline.location import Locator, diagnosed
    from quakeline.stages import locate

    used = [path for path in (picks, stations, velocity) if path]
    terms = [Path(path) for path in locating.files()]
    targets.require_folder("--output", output, "catalog", (*products.FILES, _JUDGED), used + terms)
    cores = threads or os.cpu_count() or 1
    material = direct.read(picks, stations, velocity, vp_vs, interpolation)
    say_velocities(material)
    given = associating.model_dump(exclude={"kind", "known_events"})
    search, chosen = suggested(given, material.sites, material.model)
    for line in chosen:
        typer.echo(f"chosen   {line}", err=True)
    options = locating.options()
    if options["depth_km"] == "auto":
        options["depth_km"] = depth_range(material.sites)
    locator = Locator(material.sites, material.model, threads=cores, **options)
    blocks = "{:.0f} blocks of time".format
    with shown("associating", Console(stderr=True), blocks) as progress:
        events, arrivals = direct.located(material, search, locator, cores, progress)
    everywhere = len(events)
    if box:
        events = direct.inside(events, box)
        arrivals = arrivals[arrivals["event_id"].isin(events["event_id"])]
    config: dict[str, Any] = {
        "associate": associating.plain(),
        "locate": locating.plain(),
        "region": region,
        "vp_vs": vp_vs,
        "interpolation": interpolation,
    }
    judged = diagnosed(locator, events, arrivals, material.picks)
    inputs = {str(path): provenance.digest_file(path) for path in used + terms}
    if velocity:
        inputs["velocity"] = inputs[str(velocity)]
    record = provenance.Record("catalog", locate.VERSION, config, inputs)
    _write(material, events, arrivals, output, record, judged)
    if everywhere > len(events):
        typer.echo(f"region   {everywhere - len(events)} of {everywhere} events lie outside")
    for line in _summary(material, events, arrivals, output):
        typer.echo(line)
    for line in judged.sentences:
        typer.secho(f"WARNING  {line}", fg="yellow")


def _write(
    material: Material,
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    output: Path,
    record: provenance.Record,
    judged: Diagnosis,
) -> None:
    """Write what the stage merge writes; the tables say what made them."""
    from quakeline.direct import products
    from quakeline.io import targets
    from quakeline.io.atomic import write_text

    with targets.filling(output, "catalog") as place:
        products.write(events, arrivals, material.picks, material.stations, place, record)
        write_text(place / _JUDGED, judged.text())


def _summary(
    material: Material, events: pd.DataFrame, arrivals: pd.DataFrame, output: Path
) -> list[str]:
    share = 100 * len(arrivals) / max(len(material.picks), 1)
    lines = [
        f"picks    {len(material.picks)}, {share:.0f} % of them in events",
        f"events   {len(events)}",
    ]
    if len(events):
        good = int((events["quality"] == "good").sum())
        lines += [
            f"rms      {events['rms_s'].median():.3f} s in the middle",
            f"quality  {good} good, {len(events) - good} limited: see the column quality",
        ]
    return [*lines, f"written  {output}"]
