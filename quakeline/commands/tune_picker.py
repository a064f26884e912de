"""`quakeline tune picker`: weights of a network trained further on one's own records."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from quakeline.commands import training_jobs as jobs
from quakeline.commands.options import Device, Threads

Model = Annotated[
    str, typer.Option(help="Weights to begin with: a name (`quakeline models`), or .safetensors.")
]
Weights = Annotated[
    Path | None, typer.Option(help="Original files of --model; default: they are fetched.")
]
Label = Annotated[
    Literal["gaussian", "triangle", "box"] | None,
    typer.Option(help="Form of labels; default: as published."),
]


def picker(
    dataset: jobs.Data,
    output: jobs.Output,
    model: Model = "phasenet",
    weights: Weights = None,
    name: jobs.Name = None,
    epochs: jobs.Epochs = 50,
    patience: jobs.Patience = 5,
    batch_size: jobs.Batch = 32,
    learning_rate: jobs.Rate = 1e-4,
    seed: jobs.Seed = 0,
    label: Label = None,
    norms: jobs.Norms = "keep",
    resample: jobs.Resample = False,
    settings: jobs.Set = None,
    threads: Threads = None,
    device: Device = "auto",
) -> None:
    """Train a picker further on labelled records.

    The epoch with the smallest loss on the part dev is kept, thresholds are chosen there, scores
    are of the part test. Stopped, the same command goes on and ends with the same weights.
    """
    from quakeline.models.named import weights_file
    from quakeline.training.datasets.opening import open_dataset

    data = open_dataset(dataset)
    given = {"epochs": epochs, "patience": patience, "batch": batch_size, "seed": seed,
             "learning_rate": learning_rate, "label": label, "norms": norms}  # fmt: skip
    job = jobs.job_of(
        weights_file(model, weights), data, output,
        name=name, given=given, more=settings, resample=resample, threads=threads, device=device,
    )  # fmt: skip
    jobs.carried_out(job, "--output", weights)
