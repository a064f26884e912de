"""`quakeline plan`: what a run will take, before it begins."""

from __future__ import annotations

import os
from contextlib import chdir
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from quakeline.workflow.config import Run
    from quakeline.workflow.planning import RunPlan

Overlay = Annotated[
    str | None,
    typer.Argument(help="Overlay on config/config.yaml: a file, or a name in config/runs."),
]
Stations = Annotated[
    int | None, typer.Option(min=1, help="Number of stations; default: those of the run.")
]
Cores = Annotated[int | None, typer.Option(min=1, help="Cores to plan for; default: all here.")]


def plan(overlay: Overlay = None, stations: Stations = None, cores: Cores = None) -> None:
    """Show jobs, hours, disk and memory of a run, from measured rates; nothing is run.

    Rates are those of the run's own jobs where it has begun. They are hours of one core; a GPU
    takes less for the network, which is part of `pick` where no `annotate` is listed.
    """
    from quakeline.workflow import launch, planning, rounds

    place = launch.find_place(Path.cwd(), overlay)
    *earlier, run = rounds.planned(place, launch.find_overlay(place, overlay, Path.cwd()))
    for one in earlier:
        typer.echo(f"first     run {one.run}, which is not counted here: quakeline plan {one.run}")
    n = stations or _stations(run, place)
    results = place / "results" / run.run
    own = planning.measured(results, n, run.margin_s)
    usual = planning.shipped(run)
    if run.annotates_apart:
        own = own.parted("annotate", "pick", usual)
    rates = usual.overlaid(own)
    made = planning.plan(run, n, rates, cores or os.cpu_count() or 1)
    source = f"this run ({', '.join(own.stages)})" if own.stages else "other runs"
    typer.echo("\n".join([*lines(made, cores or os.cpu_count() or 1), f"rates     of {source}"]))


def lines(made: RunPlan, cores: int) -> list[str]:
    """The plan as text."""
    total = sum(made.cpu_h.values())
    unit, of_hour = ("h", 1) if total >= 1 else ("min", 60)
    rows = [f"{'stage':<14}{'jobs':>9}{f'CPU {unit}':>12}{'s a job':>10}{'MB a job':>10}"]
    for name, count in made.jobs.items():
        figures = f"{'-':>12}{'-':>10}{'-':>10}"
        if name in made.cpu_h:
            spent = of_hour * made.cpu_h[name]
            figures = f"{spent:>12.2f}{made.job_s[name]:>10.1f}{made.memory_mb[name]:>10.0f}"
        rows.append(f"{name:<14}{count:>9}{figures}")
    unknown = [name for name in made.jobs if name not in made.cpu_h]
    said = [
        f"stations  {made.stations}, chunks {made.chunks} of {made.chunk_h:g} h",
        f"CPU       {_duration(total)}, on {cores} cores about {_duration(made.wall_h)}",
        f"disk      {made.kept_bytes / 1e9:.2f} GB stay, {made.peak_bytes / 1e9:.2f} GB at most",
    ]
    if unknown:
        said.append(f"unknown   {', '.join(unknown)}: not in the sums; known once they have run")
    if made.advised_chunk_h != made.chunk_h:
        said.append(
            f"advice    time.chunk_h: {made.advised_chunk_h:g} makes the longest job of a chunk"
            " last about ten minutes"
        )
    return [*rows, *said]


def _duration(hours: float) -> str:
    """Hours, or minutes where they are few."""
    return f"{hours:.1f} h" if hours >= 1 else f"{60 * hours:.1f} min"


def _stations(run: Run, folder: Path) -> int:
    """Stations of the run: those of the table and StationXML it names; 0 for fibres alone."""
    from quakeline.core.errors import ConfigError
    from quakeline.workflow.inspection.plan import metadata

    if not run.stations.given:
        return 0
    with chdir(folder):
        frame = metadata(run.stations.matching("stationxml"), run.stations.table).stations
    if frame.empty:
        raise ConfigError("the stations are asked of a server; give their number with --stations")
    return len(frame[["network", "station"]].drop_duplicates())
