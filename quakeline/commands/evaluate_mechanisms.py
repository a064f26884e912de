"""`quakeline evaluate mechanisms`: focal mechanisms beside those of others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from quakeline.core.errors import DataError

Own = Annotated[
    str, typer.Argument(help="Name of a run, or a folder that `quakeline mechanism` wrote.")
]
Reference = Annotated[
    Path,
    typer.Option(
        help="Mechanisms of others: QuakeML, CSV with strike, dip, rake and event_id or time, an"
        " output file of HASH, SKHASH's out.csv, or a folder with mechanisms.parquet."
    ),
]
Tolerance = Annotated[
    float, typer.Option(min=0.001, help="Largest difference of origin times, seconds.")
]
Json = Annotated[Path | None, typer.Option("--json", help="Write everything to this file.")]


def mechanisms(
    run: Own, reference: Reference, tolerance_s: Tolerance = 2.0, json_file: Json = None
) -> None:
    """Angles by which mechanisms are turned from those of a reference (Kagan's).

    Events are one where their ids are, else by origin times. Within 1 sigma are those whose angle
    is no larger than the stated errors of both planes together.
    """
    import json

    from quakeline.commands.places import folder_of
    from quakeline.core.schemas import MECHANISMS
    from quakeline.events.mechanisms import reference as references
    from quakeline.io.products import tables, targets
    from quakeline.io.products.atomic import write_text

    folder = folder_of(run)
    own = references.table_in(folder)
    if own is None:
        raise DataError(f"{folder} holds no mechanisms.parquet, nor does {folder / 'catalog'}")
    if json_file is not None:
        targets.require_file("--json", json_file, [own, reference])
    theirs = references.read(reference)
    found = references.compared(tables.read(own, MECHANISMS), theirs, tolerance_s)
    summary = {"reference": str(reference), "tolerance_s": tolerance_s, **found.summary()}
    if json_file is not None:
        rows = found.pairs.to_dict("records")
        write_text(json_file, json.dumps({**summary, "events": rows}, indent=1) + "\n")
    typer.echo("\n".join(_lines(summary)))


def _lines(summary: dict[str, Any]) -> list[str]:
    lines = [
        f"reference     {summary['reference']}",
        *(f"{name:<13} {summary[name]}" for name in ("matched", "missed", "new")),
    ]
    if summary["without"]:
        lines.append(f"left out      {summary['without']} of the reference without a mechanism")
    if summary["n"]:
        lines.append(_spread("Kagan angle", summary))
        lines += [_spread(f"quality {k}", row) for k, row in summary["by_quality"].items()]
    return lines


def _spread(name: str, row: dict[str, Any]) -> str:
    return (
        f"{name:<13} median {row['median_deg']:.1f} deg, nine of ten below {row['p90_deg']:.1f},"
        f" {100 * row['within_sigma']:.0f} % within 1 sigma ({row['n']})"
    )
