"""`quakeline relocate`: the events of a catalog relative to each other."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quakeline.commands.options import Joined
from quakeline.commands.places import (
    catalog_inputs,
    catalog_of,
    channels_of,
    files_of,
    run_folder_of,
    settings_of,
    velocity_of,
)
from quakeline.core.errors import DataError

if TYPE_CHECKING:
    import pandas as pd

Run = Annotated[str, typer.Argument(help="Name of a run, or the folder of any catalog.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the catalog.")]
Differentials = Annotated[
    Path | None,
    typer.Option(help="differentials.parquet of `quakeline correlate`; default: picks alone."),
]
Velocity = Annotated[
    Path | None, typer.Option(help="Velocity model as in a run; default: that of the run.")
]
VpVs = Annotated[float, typer.Option("--vp-vs", help="vp/vs that makes vs; 0: as in the model.")]
MaxKm = Annotated[float, typer.Option(min=0.01, help="Farthest that two hypocentres may be apart.")]
Neighbours = Annotated[int, typer.Option(min=1, help="Events that each event is linked with.")]
Draws = Annotated[int, typer.Option(min=2, help="Of errors, which tell how exact places are.")]

_TABLE = "relocations.parquet"


def relocate(
    run: Run,
    output: Output,
    differentials: Differentials = None,
    velocity: Velocity = None,
    vp_vs: VpVs = 0.0,
    interpolation: Joined = "auto",
    max_km: MaxKm = 5.0,
    neighbours: Neighbours = 20,
    draws: Draws = 50,
) -> None:
    """Relocate neighbouring events relative to each other, by double differences.

    Writes the catalog again, with relocations.parquet on what moved and how exact it is against its
    neighbours. The errors of the catalog's tables stay those of the absolute places.
    """
    from dataclasses import replace

    from rich.console import Console

    from quakeline.commands.progress import shown
    from quakeline.commands.settings import sections
    from quakeline.core.schemas import DIFFERENTIALS, RELOCATIONS
    from quakeline.earth.sites import Sites
    from quakeline.events.chain.locate import locator_of
    from quakeline.events.chain.material import digests
    from quakeline.events.chain.merge import assembled
    from quakeline.events.chain.merge import files_of as files_of_catalog
    from quakeline.events.relocation.relocate import relocated
    from quakeline.io.products import provenance, tables, targets

    folder = run_folder_of(run)
    settings = settings_of(folder)
    chosen = sections([], base=settings)
    names = (*files_of_catalog(chosen.merge.exports), _TABLE)
    targets.require_folder(
        "--output", output, "relocate", names, [*files_of(run), differentials, velocity]
    )
    catalog = catalog_of(run)
    if catalog.stations is None:
        raise DataError(f"{folder} holds no stations.parquet, which tells where stations are")
    model, velocities = velocity_of(folder, velocity, vp_vs, interpolation)
    waves = (
        tables.read(differentials, DIFFERENTIALS) if differentials else tables.empty(DIFFERENTIALS)
    )
    if len(waves) and not waves["pick_id_1"].isin(catalog.picks["pick_id"]).any():
        raise DataError(f"{differentials}: none of its picks is in the catalog of {run}")
    sites = Sites.of(catalog.stations, channels_of(folder))
    if catalog.events.empty:
        raise DataError(f"{folder} holds no events")
    locator = locator_of(chosen.locate, sites, model)
    locator = replace(locator, depth_km=_depths(locator.depth_km, catalog.events))
    console = Console(stderr=True)
    tables_in = catalog.events, catalog.pairs, waves
    with shown("relocate", console, lambda total: f"{total:.0f} draws of errors") as progress:
        done = relocated(locator, *tables_in, neighbours, max_km, draws, progress)
    inputs = catalog_inputs(run) | digests(velocities)
    if differentials:
        inputs[str(differentials)] = provenance.digest_file(differentials)
    recipe: dict[str, Any] = {"max_km": max_km, "neighbours": neighbours, "draws": draws}
    recipe["velocity"] = velocities.plain()
    record = provenance.Record("relocate", 3, recipe, inputs)
    arrivals = done.arrivals[list(catalog.arrivals.columns)]
    made = assembled(
        chosen.merge,
        done.events,
        arrivals,
        catalog.picks,
        catalog.stations,
        velocity_digest=inputs.get("velocity"),
    )
    made = replace(made, record=record, settings={**settings, "velocity": velocities.plain()})
    with targets.filling(output, "relocate") as place, provenance.recording(record):
        made.fill(place)
        tables.write(done.moves, RELOCATIONS, place / _TABLE)
    typer.echo(_told(done.moves, len(done.events)))
    typer.echo(f"written  {output}: {len(done.events)} events")


def _depths(usual: tuple[float, float], events: pd.DataFrame) -> tuple[float, float]:
    """Shallowest and deepest source: as usual for the network, and where events already are."""
    depth = events["depth_km"]
    return min(usual[0], float(depth.min())), max(usual[1], float(depth.max()))


def _told(moves: pd.DataFrame, n_events: int) -> str:
    """What was moved, in a line."""
    if moves.empty:
        return f"moved    0 of {n_events} events: none has a neighbour with enough differences"
    links = int(moves["links"].sum()) // 2
    waves = int(moves["correlated_links"].sum()) // 2
    before, after = (1000 * moves[f"misfit_{when}_s"].median() for when in ("before", "after"))
    told = (
        f"moved    {len(moves)} of {n_events} events, by {links} differences of times"
        f" ({waves} from waveforms); median misfit {before:.1f} -> {after:.1f} ms"
    )
    if len(moves) < n_events:
        told += "\nothers   stay: they have no neighbour with enough differences"
    if not waves:
        told += (
            "\nremark   by picks alone, which need not bring few events nearer to each other;"
            " quakeline correlate adds waveforms"
        )
    return told
