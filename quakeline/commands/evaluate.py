"""`quakeline evaluate ...`: weight sets on labels, catalogs and mechanisms beside a reference."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from quakeline.commands.evaluate_catalog import catalog
from quakeline.commands.evaluate_mechanisms import mechanisms
from quakeline.commands.options import thresholds
from quakeline.core.errors import ConfigError, QuakelineError, WeightsError

if TYPE_CHECKING:
    from quakeline.picking.scoring import Labelled, Score

app = typer.Typer(no_args_is_help=True, help="How good weight sets, catalogs and mechanisms are.")

Records = Annotated[
    Path,
    typer.Argument(
        help="A NumPy archive (.npz) with waveforms (records, components, samples), or"
        " waveforms_i2 and scale; p_index, s_index, component_order and sampling_rate. Or a data"
        " set as `quakeline dataset inspect` takes it: SeisBench's format, SAC files, STEAD."
    ),
]
Part = Annotated[
    Literal["all", "train", "dev", "test"],
    typer.Option(help="Of a data set the records of this part alone."),
]
Models = Annotated[
    list[str] | None,
    typer.Option("--model", help="Weight set or .safetensors file, repeatable; default: all."),
]
Tolerance = Annotated[
    float, typer.Option(min=0, help="A pick belongs to a label within this time, seconds.")
]
Threshold = Annotated[
    list[str] | None,
    typer.Option(help="Smallest probability by phase: P=0.3,S=0.2; default: each set's own."),
]
WeightsFolder = Annotated[
    Path | None,
    typer.Option(help="A folder with original files; sets that have none there are fetched."),
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the scores to this file.")]
Markdown = Annotated[bool, typer.Option("--markdown", help="Print a Markdown table.")]

app.command()(catalog)
app.command()(mechanisms)


@app.callback()
def _root() -> None:
    pass


@app.command()
def picks(
    records: Records,
    model: Models = None,
    part: Part = "all",
    tolerance: Tolerance = 0.5,
    threshold: Threshold = None,
    weights_folder: WeightsFolder = None,
    json_file: Json = None,
    markdown: Markdown = False,
) -> None:
    """Recall, residuals and false picks of weight sets on labelled records.

    Each record goes through the same engine as continuous data. A pick that belongs to no label is
    a false one, also where it is a real arrival that nobody labelled. Of the default, all weight
    sets, those that cannot be had are named on standard error.
    """
    smallest = thresholds(threshold or [])
    if weights_folder is not None and not weights_folder.is_dir():
        raise ConfigError(f"--weights-folder: {str(weights_folder)!r} is no folder")

    from quakeline.io.products import targets
    from quakeline.models.cards import CARDS
    from quakeline.picking import scoring

    if json_file is not None:
        targets.require_file("--json", json_file, [records, weights_folder, *(model or [])])
    data = _labelled(records, part)
    scores: list[Score] = []
    for name in model or CARDS:
        try:
            scores += _scores(name, data, smallest, tolerance, weights_folder)
        except WeightsError as error:
            if model:
                raise
            typer.echo(f"not evaluated: {name}: {error}", err=True)
    if not scores:
        raise QuakelineError(
            "nothing was evaluated: no weights could be had, or no phase is labelled"
        )
    if json_file is not None:
        _write_json(scores, records, part, tolerance, json_file)
    cells = scoring.table(scores)
    typer.echo(scoring.markdown(cells) if markdown else _aligned(cells))


def _scores(
    name: str,
    data: Labelled,
    thresholds: dict[str, float],
    tolerance_s: float,
    folder: Path | None,
) -> list[Score]:
    from quakeline.api.direct.weights import load
    from quakeline.models.cards import CARDS
    from quakeline.picking.scoring import score

    names = [file.name for file in CARDS[name].source.files] if name in CARDS else []
    inside = folder is not None and names and all((folder / one).is_file() for one in names)
    annotator = load(name, folder if inside else None)
    return score(data, annotator, thresholds, tolerance_s)


def _labelled(records: Path, part: str) -> Labelled:
    """The records of an archive, or of a part of a data set."""
    from zipfile import is_zipfile

    from quakeline.picking import scoring
    from quakeline.training.datasets.labelled import labelled
    from quakeline.training.datasets.opening import in_parts, open_dataset

    if records.is_file() and (is_zipfile(records) or records.suffix == ".npy"):
        if part != "all":
            raise ConfigError(f"--part: {part!r} given; {records} is an archive, without parts")
        return scoring.read(records)
    found = open_dataset(records)
    data, more = labelled(found if part == "all" else in_parts(found), part)
    if more:
        typer.echo(f"not counted: {more} further onsets of a phase in a record", err=True)
    return data


def _write_json(
    scores: list[Score], records: Path, part: str, tolerance_s: float, target: Path
) -> None:
    import json

    from quakeline.io.products.atomic import write_text
    from quakeline.io.products.provenance import digest_file
    from quakeline.picking.scoring import as_json
    from quakeline.training.datasets.opening import digest, open_dataset

    is_file = records.is_file()
    known = digest_file(records) if is_file else digest(open_dataset(records))
    facts = {"records": str(records), "sha256": known, "part": part, "tolerance_s": tolerance_s}
    write_text(target, json.dumps(as_json(scores, **facts), indent=1) + "\n")


def _aligned(cells: list[list[str]]) -> str:
    widths = [max(len(row[column]) for row in cells) for column in range(len(cells[0]))]
    return "\n".join(
        "  ".join(
            text.ljust(width) if column < 2 else text.rjust(width)
            for column, (text, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in cells
    )
