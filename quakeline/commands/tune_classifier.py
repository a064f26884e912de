"""`quakeline tune classifier`: a network of events trained further, or calibrated, on records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from quakeline.commands import training_jobs as jobs
from quakeline.commands.options import Device, Threads

Model = Annotated[
    Path,
    typer.Option(
        "--model", help="Weights to begin with: .safetensors, or a file of QuakeXNet or seisclass."
    ),
]


def classifier(
    dataset: jobs.Data,
    output: jobs.Output,
    model: Model,
    name: jobs.Name = None,
    epochs: jobs.Epochs = 50,
    patience: jobs.Patience = 5,
    batch_size: jobs.Batch = 32,
    learning_rate: jobs.Rate = 1e-4,
    seed: jobs.Seed = 0,
    norms: jobs.Norms = "keep",
    resample: jobs.Resample = False,
    settings: jobs.Set = None,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Train a network of events further on records whose kinds of events are known.

    With `--epochs 0` the weights stay, and their probabilities are calibrated on the part dev. The
    result is for `classify.weights.path` of a run.
    """
    from quakeline.models.event_cards import card_of_events
    from quakeline.training.datasets.opening import open_dataset

    card_of_events(model)
    given = {"epochs": epochs, "patience": patience, "batch": batch_size, "seed": seed,
             "learning_rate": learning_rate, "norms": norms}  # fmt: skip
    job = jobs.job_of(
        model, open_dataset(dataset), output,
        name=name, given=given, more=settings, resample=resample, threads=threads, device=device,
    )  # fmt: skip
    jobs.carried_out(job, "--output", model)
