"""`quakeline tune ...`: settings compared on one's own data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from quakeline.commands.options import Joined, say_velocities
from quakeline.commands.places import run_files
from quakeline.commands.tune_velocity import velocity as tuned_velocity

app = typer.Typer(no_args_is_help=True, help="Compare settings on your own data.")

Data = Annotated[str, typer.Argument(help="Name of a run, or a table of picks (CSV, Parquet).")]
Stations = Annotated[
    Path | None, typer.Argument(help="Stations, CSV or StationXML; not for a run.")
]
Velocity = Annotated[
    Path | None,
    typer.Option(help="Velocity model: table, NonLinLoc, hypoDD or VELEST; default: IASP91."),
]
VpVs = Annotated[float, typer.Option("--vp-vs", help="vp/vs that makes vs; 0: as in the model.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Setting to start from, e.g. associate.min_picks=8."),
]
Hours = Annotated[float, typer.Option(min=0.1, help="Hours from the first pick that are used.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Cores to compute on; default: all.")]


@app.callback()
def _root() -> None:
    pass


@app.command()
def association(
    data: Data,
    stations: Stations = None,
    velocity: Velocity = None,
    vp_vs: VpVs = 0.0,
    interpolation: Joined = "auto",
    settings: Set = None,
    hours: Hours = 24.0,
    threads: Threads = None,
) -> None:
    """Associate the same picks with a few settings and show what each gives.

    The column "by chance" holds the events of the same picks with the times of each station
    shifted at random. A setting is too loose where it is not much smaller than the events, too
    strict where the share of isolated picks grows and the median RMS no longer falls.
    """
    from quakeline.association import suggested
    from quakeline.association.compare import trials, variants
    from quakeline.commands.settings import sections
    from quakeline.direct import catalog
    from quakeline.location import Locator

    paths = run_files(data, stations)
    material = catalog.read(*paths, velocity, vp_vs, interpolation)
    say_velocities(material)
    picks = material.picks
    if len(picks):
        seconds = (picks["time"] - picks["time"].min()).dt.total_seconds()
        picks = picks[seconds <= 3600 * hours]
    associating, locating = sections(settings or [])
    given = associating.model_dump(exclude={"kind", "known_events"})
    search, chosen = suggested(given, material.sites, material.model)
    for line in chosen:
        typer.echo(f"chosen   {line}", err=True)
    head = ("setting", "events", "picks", "median rms", "isolated", "by chance")
    typer.echo(f"{head[0]:24}" + "".join(f"{word:>12}" for word in head[1:]))
    cores = threads or os.cpu_count() or 1
    sites, model = material.sites, material.model
    options = {**locating.options(), "depth_km": search.depth_km}
    locator = Locator(sites, model, threads=cores, **options)
    for trial in trials(picks, sites, model, variants(search), cores, locator):
        typer.echo(
            f"{trial.name:24}{trial.events:12d}{trial.picks:12d}{trial.rms_s:10.3f} s"
            f"{100 * trial.isolated:10.0f} %{trial.chance:12d}"
        )


app.command(name="velocity")(tuned_velocity)
