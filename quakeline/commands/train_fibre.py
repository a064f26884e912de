"""`quakeline train` for networks that see many channels of a fibre at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import typer

from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    from quakeline.training.settings import Training


def train(said: Training, config: Path, threads: int, device: str) -> None:
    """Train a network of kind das as a file says; paths in it are relative to its folder."""
    from rich.console import Console

    from quakeline.commands.progress import told
    from quakeline.commands.training_jobs import line_of
    from quakeline.core import extras
    from quakeline.io.products import targets
    from quakeline.io.products.atomic import writing
    from quakeline.training.beginning import section_of

    extras.require("das", "network.kind: das")
    import torch

    from quakeline.inference.devices import on_gpu
    from quakeline.training.fibres import jobs
    from quakeline.training.fibres.records import FibreRecords

    if not isinstance(said.network, dict):
        raise ConfigError("network: a mapping of kind das is needed")
    if said.resample:
        raise ConfigError("resample: true given; records of fibres are resampled as the model asks")
    network = section_of(jobs.FibreNetwork, said.network)
    beside = config.parent
    target = beside / said.output
    if target.suffix != ".safetensors":
        raise ConfigError(f"output: {said.output!r} given; allowed: *.safetensors")
    wanted = "cuda" if on_gpu(device) else "cpu"
    records = FibreRecords.open(beside / said.dataset)
    used = [config, *(beside / name for name in [network.weights] if name)]
    for path in (target, jobs.log_of(target), jobs.checkpoint_of(target)):
        targets.require_file("output", path, used)
    with writing(target):
        target.parent.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(threads)
    settings = jobs.settings_of(said.settings)
    model = jobs.built(network, settings.seed, beside)
    typer.echo(f"records  {records.path}, {len(records)} of them")
    with told(Console(stderr=True)) as tell:
        result = jobs.carried_out(
            model, records, settings, target, said.name or target.stem, wanted,
            lambda row: typer.echo(line_of(row)), tell,
        )  # fmt: skip
    typer.echo(f"best     epoch {result.best_epoch}")
    for phase, one in result.scores.items():
        typer.echo(
            f"test     {phase} recall {one['recall']:.3f}, precision {one['precision']:.3f},"
            f" MAE {one['mae_ms']:.0f} ms ({one['labels']:.0f} labels)"
        )
    if not result.scores:
        typer.echo("test     no records to be scored on")
    losses = f"loss {result.after:.4g} on the part dev, before {result.before:.4g}"
    if result.after < result.before:
        typer.echo(f"verdict  better than what it began with: {losses}")
    else:
        typer.secho(
            f"WARNING  not better than what it began with: {losses}; written all the same",
            err=True, fg="yellow",
        )  # fmt: skip
    typer.echo(f"written  {target}, {jobs.log_of(target)}")
