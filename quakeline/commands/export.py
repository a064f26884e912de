"""`quakeline export`: a finished catalog in the format of another program."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quakeline.commands.places import catalog_of, files_of

Run = Annotated[str, typer.Argument(help="Name of a run, or a folder with its tables.")]
FormatName = Annotated[
    str,
    typer.Option(
        "--format",
        "-f",
        help="geoparquet, quakeml, csv, fdsn-text, nonlinloc, hypodd or nordic.",
    ),
]
Output = Annotated[
    Path, typer.Option("--output", "-o", help="File to write; nonlinloc and hypodd: a folder.")
]
Stations = Annotated[
    Path | None,
    typer.Option(help="Stations (CSV, StationXML, Parquet); default: those beside the tables."),
]
Agency = Annotated[str, typer.Option(help="Agency in QuakeML, FDSN text and Nordic.")]


def export(
    run: Run,
    format_name: FormatName,
    output: Output,
    stations: Stations = None,
    agency: Agency = "quakeline",
) -> None:
    """Write a catalog for another program."""
    from quakeline.io import exports, targets

    files = exports.format_of(format_name).files
    inputs = [*files_of(run), stations]
    labels = exports.Labels(agency)
    if not files:
        targets.require_file("--output", output, inputs)
        catalog = catalog_of(run, stations)
        exports.write(format_name, catalog, output, labels)
    else:
        command = f"export --format {format_name}"
        targets.require_folder("--output", output, command, files, inputs)
        catalog = catalog_of(run, stations)
        with targets.filling(output, command) as folder:
            exports.write(format_name, catalog, folder, labels)
    typer.echo(f"written  {output}: {len(catalog.events)} events, {len(catalog.arrivals)} arrivals")
