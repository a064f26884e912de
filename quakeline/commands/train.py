"""`quakeline train`: a network from scratch, as a file says."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quakeline.commands.options import Device, Threads
from quakeline.core.errors import ConfigError

Config = Annotated[
    Path, typer.Argument(help="YAML: network or parent, dataset, output, name, resample, settings.")
]


def train(config: Config, threads: Threads = None, device: Device = "auto") -> None:
    """Train a network on labelled records, from scratch or further; see docs/training.md.

    Paths in the file are relative to its folder.
    """
    import os

    from pydantic import ValidationError

    from quakeline.commands import train_fibre
    from quakeline.commands.training_jobs import carried_out, given_command
    from quakeline.core.mistakes import mistakes
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.jobs import Job
    from quakeline.training.settings import Training
    from quakeline.workflow.config import read_yaml

    try:
        said = Training.model_validate(read_yaml(config))
    except ValidationError as error:
        lines = [f"{config}: {line}" for line in mistakes(error, Training)]
        raise ConfigError("\n".join(lines)) from error

    cores = threads or len(os.sched_getaffinity(0))
    if isinstance(said.network, dict) and said.network.get("kind") == "das":
        train_fibre.train(said, config, cores, device)
        return

    def beside(given: str) -> Path:
        return Path(os.path.normpath(config.parent / given))

    target = beside(said.output)
    job = Job(
        dataset=open_dataset(beside(said.dataset)),
        settings=said.settings,
        target=target,
        name=said.name or target.stem,
        parent=beside(said.parent) if said.parent else None,
        network=said.network or "",
        resample=said.resample,
        device=device,
        threads=cores,
        command=given_command(),
    )
    carried_out(job, "output", config)
