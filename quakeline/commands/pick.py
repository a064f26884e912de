"""`quakeline pick`: the whole road from waveform files to picks in one command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from quakeline.commands.options import (
    Device,
    Files,
    Model,
    StationXml,
    Threads,
    Threshold,
    Weights,
    thresholds,
)
from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.picking.direct.picks import Outcome
    from quakeline.waveforms.preparation.recordings import Recordings

_SUFFIXES = (".parquet", ".csv")

Output = Annotated[Path, typer.Option("--output", "-o", help="picks.parquet or picks.csv")]
Hop = Annotated[
    int | None,
    typer.Option(
        "--hop-samples",
        min=1,
        help="Step between windows, samples of the network's rate; default: its own.",
    ),
]
Batch = Annotated[
    int | None, typer.Option(min=1, max=4096, help="Windows at once; default: the fastest.")
]
NoFilter = Annotated[
    bool, typer.Option("--no-filter", help="Without the filter the network was trained behind.")
]
Digits = Annotated[
    int | None, typer.Option(min=1, max=9, help="Decimals of probabilities in a CSV table.")
]


def pick(
    files: Files,
    output: Output,
    model: Model = None,
    weights: Weights = None,
    threshold: Threshold = None,
    stationxml: StationXml = None,
    threads: Threads = None,
    device: Device = "auto",
    hop_samples: Hop = None,
    batch: Batch = None,
    no_filter: NoFilter = False,
    digits: Digits = None,
) -> None:
    """Pick phases in waveform files, without a workflow.

    The picks are those that the workflow makes of the same data. Data that cannot be used are
    named on standard error, a line for each reason.
    """
    smallest = thresholds(threshold or [])
    if output.suffix not in _SUFFIXES:
        raise ConfigError(f"--output: {str(output)!r} given; allowed: *.parquet or *.csv")
    if digits is not None and output.suffix != ".csv":
        raise ConfigError("--digits given; allowed with an output *.csv")

    from rich.console import Console

    from quakeline.api.direct.weights import load
    from quakeline.commands.progress import shown
    from quakeline.io.formats import inventory
    from quakeline.io.products import targets
    from quakeline.models.names import described
    from quakeline.models.windowing import Windowing
    from quakeline.picking.direct.picks import picks_of, settings_of
    from quakeline.waveforms.preparation.recordings import of_files

    console = Console(stderr=True)
    named = [*targets.named_files(files), *(stationxml or []), weights, model]
    targets.require_file("--output", output, named)
    recordings = of_files(files, inventory.read(stationxml or []))
    targets.require_file("--output", output, _used(recordings))
    windows = Windowing(hop_samples, filtered=not no_filter)
    annotator = load(model, weights, threads=threads, device=device, batch=batch, windowing=windows)
    settings = settings_of(annotator.card, smallest)
    typer.echo(f"model    {annotator}{', without its filter' if no_filter else ''}")
    origin = described(annotator.card)
    if origin:
        typer.echo(f"origin   {origin}")
    with shown("picking", console) as progress:
        outcome = picks_of(recordings, annotator, settings, progress)
    for line in outcome.lines:
        typer.echo(line, err=True)
    network = {"weights_id": annotator.weights_id, **({"origin": origin} if origin else {})}
    step = {"hop_samples": hop_samples} if hop_samples else {}
    unfiltered = {"filtered": False} if no_filter else {}
    made_with = {**settings.plain(), **network, **step, **unfiltered}
    _write(outcome, made_with, _used(recordings), output, digits)
    for line in _summary(outcome, output):
        typer.echo(line)


def _used(recordings: Recordings) -> list[Path]:
    return [Path(path) for path in sorted(set(recordings.rows["path"]))]


def _write(
    outcome: Outcome, config: dict[str, Any], used: list[Path], output: Path, digits: int | None
) -> None:
    """Write the picks whole or not at all; a Parquet table says what made it."""
    from quakeline.core.schemas import PICKS
    from quakeline.core.timeline import isos
    from quakeline.io.products import provenance, tables
    from quakeline.io.products.atomic import replacing

    if output.suffix == ".csv":
        with replacing(output) as temporary:
            times = outcome.picks["time"].astype("int64")
            frame = outcome.picks.assign(time=isos(times.to_numpy(), digits=6))
            if digits is not None:
                frame["probability"] = frame["probability"].map(f"{{:.{digits}f}}".format)
            frame.to_csv(temporary, index=False, lineterminator="\n")
        return
    from quakeline.workflow.stages.pick import VERSION

    inputs = {str(path): provenance.digest_file(path) for path in used}
    with provenance.recording(provenance.Record("pick", VERSION, config, inputs)):
        tables.write(outcome.picks, PICKS, output)


def _summary(outcome: Outcome, output: Path) -> list[str]:
    counts = outcome.picks["phase"].value_counts().sort_index()
    phases = ", ".join(f"{count} {phase}" for phase, count in counts.items()) or "none"
    speed = outcome.data_s / max(outcome.total_s, 1e-9)
    spent = (
        f"{outcome.total_s:.1f} s in all, {outcome.network_s:.1f} s of them the network;"
        f" reading and preparing took {outcome.reading_s:.1f} s beside it"
    )
    return [
        f"data     {outcome.stations} stations, {outcome.data_s / 3600:.2f} h of data",
        f"picks    {phases}",
        f"time     {spent}",
        f"speed    {speed:.0f} times real time",
        f"written  {output}",
    ]
