"""`quakeline dataset ...`: what a data set of labelled records holds, and one made from a run."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

if TYPE_CHECKING:
    from quakeline.models.cards import Card
    from quakeline.training.datasets.rules import Rules

app = typer.Typer(no_args_is_help=True, help="Data sets to train networks with.")

Where = Annotated[
    Path,
    typer.Argument(
        help="A folder of SeisBench's format or of SAC files, a NumPy archive (.npz), or HDF5 of"
        " Seismo-Performer, STEAD or EQTransformer."
    ),
]
Model = Annotated[
    str | None,
    typer.Option(
        help="Say also what this network cannot use: weights, an architecture, or .safetensors."
    ),
]
Json = Annotated[Path | None, typer.Option("--json", help="Write the facts to this file.")]
Picture = Annotated[
    Path | None, typer.Option(help="Draw counts, lengths and some records: *.png or *.svg.")
]
Look = Annotated[int, typer.Option("--waveforms", min=0, help="Records whose samples are read.")]
Run = Annotated[str, typer.Argument(help="Name or folder of a finished run.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="Folder for the data set.")]
Length = Annotated[float, typer.Option(min=4, help="Length of a record in seconds.")]
Before = Annotated[float, typer.Option(min=0, help="Seconds of a record before its first onset.")]
Residual = Annotated[float, typer.Option(min=0, help="Largest residual of an arrival, seconds.")]
Stations = Annotated[int, typer.Option(min=1, help="Smallest number of stations of an event.")]
Snr = Annotated[float, typer.Option(help="Smallest signal-to-noise ratio of an arrival, dB.")]
Noise = Annotated[float, typer.Option(min=0, help="Windows of noise for each record of an event.")]
Start = Annotated[str | None, typer.Option(help="Records begin at this time (UTC) or later.")]
End = Annotated[str | None, typer.Option(help="Records end before this time (UTC).")]
Split = Annotated[
    Literal["event", "time"],
    typer.Option(help="Parts by event, or one after the other in time."),
]

_COMMAND = "dataset from-run"


@app.callback()
def _root() -> None:
    pass


@app.command()
def inspect(
    dataset: Where,
    model: Model = None,
    json_file: Json = None,
    picture: Picture = None,
    waveforms: Look = 10_000,
) -> None:
    """Show records, labels, rates, components and parts, and what cannot be used and why."""
    import json

    from quakeline.io.products import targets
    from quakeline.io.products.atomic import write_text
    from quakeline.training.datasets import picture as drawing
    from quakeline.training.datasets.inspecting import facts_of, lines_of
    from quakeline.training.datasets.opening import open_dataset

    found = open_dataset(dataset)
    if json_file is not None:
        targets.require_file("--json", json_file, found.files)
    if picture is not None:
        drawing.require_kind("--picture", picture)
        targets.require_file("--picture", picture, [*found.files, json_file])
    card = _card_of(model) if model else None
    facts = facts_of(found, card, waveforms)
    if json_file is not None:
        write_text(json_file, json.dumps(facts, indent=2) + "\n")
    typer.echo("\n".join(lines_of(facts)))
    if picture is not None:
        drawing.draw(found, picture)
        typer.echo(f"written  {picture}")


def _card_of(model: str) -> Card:
    """What weights of a name or a file, or an architecture to be trained, take and give."""
    from quakeline.models.cards import CARDS
    from quakeline.models.named import is_of_seisbench, named_card, of_seisbench, weights_file
    from quakeline.models.weights import SUFFIX, card_of
    from quakeline.training.beginning import SCRATCH

    if Path(model).suffix == SUFFIX or (is_of_seisbench(model) and of_seisbench(model).on_disk):
        return card_of(weights_file(model))[0]
    return named_card(model, {**SCRATCH, **CARDS})[1]


@app.command()
def from_run(
    run: Run,
    output: Output,
    length: Length = 60.0,
    before: Before = 25.0,
    max_residual: Residual = 0.5,
    min_stations: Stations = 3,
    min_snr: Snr = 0.0,
    noise: Noise = 0.5,
    start: Start = None,
    end: End = None,
    split: Split = "event",
) -> None:
    """Cut the arrivals of a run's catalog, noise and false picks out of its waveforms.

    Waveforms that the run did not keep are prepared again from its archive. All records of an event
    are in one part; split by event, so are events whose arrivals are in one record.
    """
    from rich.console import Console

    from quakeline.commands.places import catalog_of, run_folder_of
    from quakeline.commands.progress import shown
    from quakeline.io.products import targets
    from quakeline.training.datasets import from_run as cutting
    from quakeline.workflow.stages import dataset as stage

    rules = rules_of(
        length_s=length, before_s=before, max_residual_s=max_residual, min_stations=min_stations,
        min_snr_db=min_snr, noise=noise, start=start, end=end, split=split,
    )  # fmt: skip
    targets.require_folder("--output", output, _COMMAND, ("metadata.csv", "waveforms.hdf5"), [])
    folder = run_folder_of(run)
    catalog = catalog_of(run)
    with (
        shown("cutting", Console(stderr=True), lambda n: f"{n:g} chunks") as notify,
        targets.filling(output, _COMMAND) as place,
    ):
        made = cutting.write(folder, catalog, stage.again(folder), rules, place, notify)
    for reason, number in sorted(made.refused.items()):
        typer.echo(f"left out: {number} times {reason}", err=True)
    for (part, kind), number in sorted(made.records.items()):
        typer.echo(f"{part:<8} {number} of kind {kind}")
    typer.echo(f"written  {output}")


@app.command()
def from_fibre(
    run: Run,
    fibre: Annotated[str, typer.Argument(help="Name of a fibre of the run.")],
    output: Output,
    length: Annotated[float, typer.Option(min=1, help="Length of a record in seconds.")] = 30.0,
    channels: Annotated[
        int | None, typer.Option(min=1, help="Channels of a record; default: all.")
    ] = None,
    split: Annotated[
        Literal["time", "fibre"],
        typer.Option(help="Parts one after the other in time, or, of one event, along the fibre."),
    ] = "time",
) -> None:
    """Cut the recording of a fibre of a run into records, with its picks on fronts as labels.

    Channels have the rate and preparation of the run. The result is what `quakeline train` takes
    for networks of kind das.
    """
    from quakeline.commands.places import files_of, run_folder_of
    from quakeline.core import extras
    from quakeline.core.errors import ConfigError
    from quakeline.io.products import targets
    from quakeline.report.publication.crate import CONFIG
    from quakeline.workflow.config import load, read_yaml

    extras.require("das", "dataset from-fibre")
    from quakeline.training.fibres import from_run as cutting
    from quakeline.training.fibres.from_picks import COMMAND
    from quakeline.training.fibres.records import METADATA, RECORDS

    names = (METADATA.format("0"), RECORDS.format("0"))
    targets.require_folder("--output", output, COMMAND, names, files_of(run))
    folder = run_folder_of(run)
    settings = load(read_yaml(folder / "catalog" / CONFIG))
    known = {one.name: one for one in settings.fibres}
    if fibre not in known:
        raise ConfigError(f"FIBRE: {fibre!r} given; fibres of {run}: {', '.join(known) or 'none'}")
    rate_hz = (settings.das_weights or settings.weights).card().sampling_rate_hz
    made = cutting.write(
        folder, fibre, known[fibre].material, rate_hz, output,
        length_s=length, channels=channels, split=split,
    )  # fmt: skip
    for what, number in sorted(made.items()):
        typer.echo(f"{what:<8} {number}", err=what.startswith("left out"))
    typer.echo(f"written  {output}")


@app.command()
def prepare(
    dataset: Where,
    output: Output,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="Another setting, e.g. min_pga_gal=1; repeatable."),
    ] = None,
) -> None:
    """Make SeismicTorch's windows of P, S and noise, 2 s at 40 Hz, of records of accelerometers.

    Files of SAC have HLX, HLY and HLZ in counts, and onsets, or coordinates and the origin time, in
    their headers. The result trains EarthquakeCNN.
    """
    from pydantic import ValidationError
    from rich.console import Console

    from quakeline.commands.options import value_of
    from quakeline.commands.progress import shown
    from quakeline.core.errors import ConfigError
    from quakeline.core.mistakes import mistakes
    from quakeline.io.products import targets
    from quakeline.training.datasets import seismic_torch
    from quakeline.training.datasets.opening import open_dataset

    words = settings or []
    for word in words:
        if "=" not in word:
            raise ConfigError(f"--set: {word!r} given; allowed: KEY=VALUE")
    given = {word.partition("=")[0]: value_of(word) for word in words}
    try:
        chain = seismic_torch.Chain.model_validate(given)
    except ValidationError as error:
        said = mistakes(error, seismic_torch.Chain)[0]
        raise ConfigError(f"--set: {said}") from error
    found = open_dataset(dataset)
    command = "dataset prepare"
    names = ("metadata.csv", "waveforms.hdf5")
    targets.require_folder("--output", output, command, names, list(found.files))
    with (
        shown("preparing", Console(stderr=True), lambda n: f"{n:g} records") as notify,
        targets.filling(output, command) as place,
    ):
        made = seismic_torch.write(found, chain, place, notify)
    for reason, number in sorted(made.left_out.items()):
        typer.echo(f"left out: {number} {reason}", err=True)
    for kind, number in sorted(made.windows.items()):
        typer.echo(f"windows  {number} of {kind}")
    typer.echo(f"written  {output}")


def rules_of(**given: object) -> Rules:
    """The rules that the options say. Raises ConfigError."""
    from pydantic import ValidationError

    from quakeline.core.errors import ConfigError
    from quakeline.core.mistakes import explained
    from quakeline.training.datasets.rules import Rules

    try:
        return Rules.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        if not first["loc"]:
            raise ConfigError(explained(first)) from error
        option = "--" + str(first["loc"][0]).removesuffix("_s").removesuffix("_db").replace(
            "_", "-"
        )
        raise ConfigError(f"{option}: {first['input']!r} given; {explained(first)}") from error
