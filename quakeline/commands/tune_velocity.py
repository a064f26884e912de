"""`quakeline tune velocity`: a 1D model from one's own picks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from quakeline.commands.options import Joined, say_velocities
from quakeline.commands.places import run_files
from quakeline.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.direct.catalog import Material
    from quakeline.location import Locator
    from quakeline.location.minimum1d import Result

Data = Annotated[str, typer.Argument(help="Name of a run, or a table of picks (CSV, Parquet).")]
Stations = Annotated[
    Path | None, typer.Argument(help="Stations, CSV or StationXML; not for a run.")
]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for velocity.csv and more.")]
Velocity = Annotated[
    Path | None,
    typer.Option(help="Model to begin with, as in `quakeline catalog`; default: IASP91."),
]
VpVs = Annotated[float, typer.Option("--vp-vs", help="vp/vs that makes vs; 0: as in the model.")]
Most = Annotated[int, typer.Option(min=20, help="Events that are used at most.")]
Threads = Annotated[int | None, typer.Option(min=1, help="Cores to compute on; default: all.")]
_COMMAND = "tune velocity"
_FILES = ("velocity.csv", "velocity_quality.csv", "station_terms.csv")
#: Fewer events tell nothing of a model.
_FEWEST = 15


def velocity(
    data: Data,
    stations: Stations = None,
    output: Output = Path("velocity"),
    velocity: Velocity = None,
    vp_vs: VpVs = 0.0,
    interpolation: Joined = "auto",
    events: Most = 200,
    threads: Threads = None,
) -> None:
    """Invert picks for a minimum 1D model with station terms, from several starting models.

    The picks are associated in the starting model first. Every fifth event is left out: its
    residuals tell whether the model predicts. Writes velocity.csv, which `velocity.table` takes
    (with velocity.interpolation: layers), and station_terms.csv.
    """
    from quakeline.direct import catalog
    from quakeline.io import targets
    from quakeline.location import minimum1d

    used = run_files(data, stations)
    targets.require_folder("--output", output, _COMMAND, _FILES, [*used, velocity])
    material = catalog.read(*used, velocity, vp_vs, interpolation)
    say_velocities(material)
    locator, found, arrivals = _catalog(material, threads)
    parts = minimum1d.material(locator, found, arrivals, material.picks, events)
    if len(parts.inverted) < _FEWEST:
        raise DataError(
            f"{data}: {len(parts.inverted)} events to invert; {_FEWEST} are needed, and of 100 or"
            " more a model can be trusted"
        )
    highest = float(material.sites.local["depth_km"].min())
    bottom = float(np.quantile(found["depth_km"], 0.95)) + 3
    top = min(highest, material.model.tops[0])
    begin = minimum1d.layered(material.model, top, bottom)
    results = []
    for start in minimum1d.starts(begin):
        results.append(minimum1d.inverted(locator, parts, start))
        one = results[-1]
        typer.echo(
            f"start {len(results)}   vp {start.vp[0]:.2f} to {start.vp[-1]:.2f} km/s: residuals"
            f" {one.rms_s[0]:.3f} -> {one.rms_s[1]:.3f} s, of events left out"
            f" {one.held_s[0]:.3f} -> {one.held_s[1]:.3f} s"
        )
    best = min(results, key=lambda one: one.held_s[1])
    given = minimum1d.sizes(replace(locator, model=material.model), parts)
    typer.echo(
        f"residuals of events left out: {given[1]:.3f} s in the given model,"
        f" {best.held_s[1]:.3f} s in the new one with station terms"
    )
    _write(best, results, locator, output)
    if best.held_s[1] > 0.98 * given[1]:
        typer.secho("WARNING  the new model does not predict better: keep the given one", err=True)


def _catalog(material: Material, threads: int | None) -> tuple[Locator, pd.DataFrame, pd.DataFrame]:
    """Events and arrivals of the picks in the model to begin with, and what located them."""
    from quakeline.association import suggested
    from quakeline.commands.settings import sections
    from quakeline.direct import catalog
    from quakeline.location import Locator

    cores = threads or os.cpu_count() or 1
    associating, locating = sections([])
    given = associating.model_dump(exclude={"kind", "known_events"})
    search, _ = suggested(given, material.sites, material.model)
    options = {**locating.model_dump(), "depth_km": search.depth_km}
    locator = Locator(material.sites, material.model, threads=cores, **options)
    return locator, *catalog.located(material, search, locator, cores)


def _write(best: Result, results: list[Result], locator: Locator, output: Path) -> None:
    """Write the model and the terms, and show them."""
    import pandas as pd

    from quakeline.io import targets
    from quakeline.io.atomic import write_text

    vp = np.array([one.model.vp for one in results])
    vs = np.array([one.model.vs for one in results])
    layers = len(best.model.vp)
    table = pd.DataFrame(
        {
            "depth_km": np.round(best.model.tops, 3),
            "vp": np.round(best.model.vp, 3),
            "vs": np.round(best.model.vs, 3),
        }
    )
    shown = table.assign(
        vp_spread=vp.std(axis=0).round(3),
        vs_spread=vs.std(axis=0).round(3),
        vp_resolution=best.resolution[:layers].round(2),
        vs_resolution=best.resolution[layers:].round(2),
    )
    typer.echo(shown.to_string(index=False))
    made = dict(zip(_FILES, (table, shown, _terms(best, locator)), strict=True))
    with targets.filling(output, _COMMAND) as place:
        for name, frame in made.items():
            write_text(place / name, frame.to_csv(index=False))
    typer.echo(f"written  {output}")


def _terms(best: Result, locator: Locator) -> pd.DataFrame:
    """Delays of stations in s, by phase."""
    import pandas as pd

    table = locator.sites.table
    rows = [
        {
            "network": table["network"].iloc[site],
            "station": table["station"].iloc[site],
            "phase": "S" if is_s else "P",
            "delay_s": round(value, 4),
        }
        for (site, is_s), value in sorted(best.terms_s.items())
    ]
    return pd.DataFrame(rows, columns=["network", "station", "phase", "delay_s"])
