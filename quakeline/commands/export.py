"""`quakeline export`: a finished catalog in the format of another program."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from quakeline.commands.places import (
    catalog_of,
    files_of,
    run_folder_of,
    settings_of,
    velocity_digest_of,
    velocity_of,
)

if TYPE_CHECKING:
    import pandas as pd

    from quakeline.earth.velocity.profiles import Points

Run = Annotated[str, typer.Argument(help="Name of a run, or a folder with its tables.")]
FormatName = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        help="geoparquet, quakeml, csv, fdsn-text, nonlinloc, hypodd, nordic or pyrocko; of a"
        " catalog with polarities hash or skhash.",
    ),
]
Output = Annotated[
    Path,
    typer.Option(
        "--output", "-o", help="File to write; nonlinloc, hypodd, pyrocko, hash, skhash: a folder."
    ),
]
Stations = Annotated[
    Path | None,
    typer.Option(help="Stations (CSV, StationXML, Parquet); default: those beside the tables."),
]
Agency = Annotated[
    str | None,
    typer.Option(help="Agency in QuakeML, FDSN text and Nordic; default: that of the run."),
]


def export(
    run: Run,
    format_name: FormatName,
    output: Output,
    stations: Stations = None,
    agency: Agency = None,
) -> None:
    """Write a catalog for another program."""
    from dataclasses import replace

    from quakeline.commands.settings import sections
    from quakeline.events.chain.merge import labels_of
    from quakeline.io import exports
    from quakeline.io.products import targets

    wanted = exports.format_of(format_name)
    files = wanted.files
    inputs = [*files_of(run), stations]
    command = f"export --format {format_name}"
    if files:
        targets.require_folder("--output", output, command, files, inputs)
    else:
        targets.require_file("--output", output, inputs)
    catalog = catalog_of(run, stations)
    folder = run_folder_of(run)
    signed = labels_of(sections([], base=settings_of(folder)).merge, velocity_digest_of(folder))
    signed = replace(signed, agency_id=agency) if agency else signed
    if wanted.name == "hash":
        catalog = replace(catalog, velocities=_velocities(folder, catalog.stations))
    with targets.filling(output, command) if files else nullcontext(output) as place:
        exports.write(format_name, catalog, place, signed)
    typer.echo(f"written  {output}: {len(catalog.events)} events, {len(catalog.arrivals)} arrivals")


def _velocities(folder: Path, stations: pd.DataFrame | None) -> Points | None:
    """P velocities over depth of the model of a catalog; None, and a line, where it has none."""
    from quakeline.core.errors import QuakelineError
    from quakeline.earth.velocity.profiles import p_profile

    try:
        model, _ = velocity_of(folder, None)
    except QuakelineError as error:
        typer.echo(f"velocity.txt is not written: {str(error).removeprefix('--velocity: ')}")
        return None
    return None if stations is None else p_profile(model, stations)
