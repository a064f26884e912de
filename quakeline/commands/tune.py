"""`quakeline tune ...`: settings compared on one's own data."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quakeline.commands.options import Joined, Threads, say_given
from quakeline.commands.tune_classifier import classifier
from quakeline.commands.tune_picker import picker
from quakeline.commands.tune_velocity import velocity as tuned_velocity
from quakeline.core.errors import DataError

if TYPE_CHECKING:
    from quakeline.events.chain.associate import Settings
    from quakeline.events.chain.material import Material

app = typer.Typer(no_args_is_help=True, help="Compare settings on your own data.")

Data = Annotated[
    str, typer.Argument(help="Name or folder of a run, or a table of picks (CSV, Parquet).")
]
Stations = Annotated[
    Path | None, typer.Argument(help="Stations, CSV or StationXML; not for a run.")
]
Velocity = Annotated[
    Path | None,
    typer.Option(
        help="Velocity model: table, NonLinLoc, hypoDD or VELEST; default: the run's, or IASP91."
    ),
]
VpVs = Annotated[float, typer.Option("--vp-vs", help="vp/vs that makes vs; 0: as in the model.")]
Set = Annotated[
    list[str] | None,
    typer.Option("--set", help="Setting to start from, e.g. associate.min_picks=8."),
]
Hours = Annotated[float, typer.Option(min=0.1, help="Hours from the first pick that are used.")]


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

    The column "false a day" holds the events per day that the same picks give when the times of
    each station are shifted at random, and in brackets the rates that such a test leaves possible
    (95 %). The median RMS is of residuals at the origins that association ends with; `rms_s` of a
    catalog is of located hypocentres, whose station terms make it smaller. A setting is too loose
    where false events are not few beside the events, too strict where the share of isolated picks
    grows and the median RMS no longer falls.
    """
    from quakeline.events.association.compare import trials, variants
    from quakeline.events.chain.associate import ready

    velocities = velocity, vp_vs, interpolation
    material, section = _material(data, stations, velocities, settings or [])
    say_given(material)
    picks = material.picks
    if picks.empty:
        raise DataError(f"{data}: no picks to associate")
    seconds = (picks["time"] - picks["time"].min()).dt.total_seconds()
    picks = picks[seconds <= 3600 * hours].reset_index(drop=True)
    cores = threads or os.cpu_count() or 1
    made = ready(section, picks, material.sites, material.model, cores)
    for line in made.chosen:
        typer.echo(f"chosen   {line}", err=True)
    head = ("setting", "events", "picks", "median rms", "isolated")
    typer.echo(f"{head[0]:24}" + "".join(f"{w:>12}" for w in head[1:]) + "   false a day")
    searches = variants(made.search)
    rates = []
    for trial in trials(made.picks, made.sites, material.model, searches, cores, made.finder):
        rate, low, high = trial.false_per_day
        rates.append((low, high))
        typer.echo(
            f"{trial.name:24}{trial.events:12d}{trial.picks:12d}{trial.rms_s:10.3f} s"
            f"{100 * trial.isolated:10.0f} %   {rate:.3g} ({low:.2g} to {high:.2g})"
        )
    if max(low for low, _ in rates) <= min(high for _, high in rates):
        minutes = min(float(seconds.max()) / 60, 60 * hours)
        typer.echo(
            f"Picks of {minutes:.3g} minutes are too few to tell these settings apart by their"
            " false events: all may have the same rate."
        )


def _material(
    data: str,
    stations: Path | None,
    velocities: tuple[Path | None, float, str],
    words: list[str],
) -> tuple[Material, Settings]:
    """What is associated, and how: of a run with its stations, fibres, velocities and settings."""
    from quakeline.commands.places import (
        channels_of,
        picks_of,
        require_stations,
        run_folder_of,
        settings_of,
        stations_of,
        velocity_of,
    )
    from quakeline.commands.settings import sections
    from quakeline.events.chain import material

    require_stations(data, stations)
    if stations is not None:
        chosen = sections(words).associate
        file, vp_vs, interpolation = velocities
        given = material.read(Path(data), stations, file, vp_vs, interpolation=interpolation)
        return given, chosen
    folder = run_folder_of(data)
    picks, places = picks_of(folder), stations_of(folder)
    model, _ = velocity_of(folder, *velocities)
    chosen = sections(words, base=settings_of(folder)).associate
    return material.read(picks, places, model, channels=channels_of(folder)), chosen


app.command(name="velocity")(tuned_velocity)
app.command()(picker)
app.command()(classifier)
