"""`quakeline tune classifier`: a network of events trained further, or calibrated, on records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quakeline.commands.tune_picker import (
    Batch,
    Data,
    Device,
    Epochs,
    Name,
    Norms,
    Output,
    Patience,
    Rate,
    Resample,
    Seed,
    Set,
    Threads,
)

Model = Annotated[
    Path,
    typer.Option(
        "--model", help="Weights to begin with: .safetensors, or a file of QuakeXNet or seisclass."
    ),
]


def classifier(
    dataset: Data,
    output: Output,
    model: Model,
    name: Name = None,
    epochs: Epochs = 50,
    patience: Patience = 5,
    batch_size: Batch = 32,
    learning_rate: Rate = 1e-4,
    seed: Seed = 0,
    norms: Norms = "keep",
    resample: Resample = False,
    settings: Set = None,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Train a network of events further on records whose kinds of events are known.

    With `--epochs 0` the weights stay, and their probabilities are calibrated on the part dev. The
    result is for `classify.weights.path` of a run.
    """
    import os

    from quakeline.commands.tune_picker import carried_out, given_command, settings_from
    from quakeline.models.event_cards import card_of_events
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.tuning import Job

    card_of_events(model)
    given = {"epochs": epochs, "patience": patience, "batch": batch_size, "seed": seed,
             "learning_rate": learning_rate, "norms": norms}  # fmt: skip
    job = Job(
        parent=model,
        dataset=open_dataset(dataset),
        settings=settings_from(given, settings or []),
        target=output,
        name=name or output.stem,
        resample=resample,
        device=device,
        threads=threads or len(os.sched_getaffinity(0)),
        command=given_command(),
    )
    carried_out(job, "--output", model)
