"""What every training has: the job, its network, records, device, log, facts and report."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import torch

from quakeline.core.errors import ConfigError
from quakeline.inference.devices import on_gpu
from quakeline.io.products import targets
from quakeline.io.products.atomic import writing
from quakeline.io.products.provenance import digest_of
from quakeline.models.cards import Card
from quakeline.models.weights import weights_id
from quakeline.training.beginning import Beginning, from_scratch, of_parent
from quakeline.training.checkpoints import Progress
from quakeline.training.datasets.opening import digest, in_parts
from quakeline.training.datasets.records import DEV, PARTS, Dataset
from quakeline.training.loop import Notify, Steps
from quakeline.training.report import page
from quakeline.training.settings import Settings
from quakeline.training.team import Team

#: What fills the folder of a report, as its mark names it.
REPORT = "tune picker"


@dataclass(frozen=True)
class Job:
    """Which weights are trained on which records, how, where, and where the result goes.

    `parent` is a file of weights; None: a `network` from scratch, as `beginning.from_scratch` takes
    it. `resample` brings records of another rate to that of the network. `command` is what repeats
    it, for the report. `begins_anew`: a checkpoint of another training is removed, where else it is
    refused. `steps` hears how far the training is within an epoch.
    """

    dataset: Dataset
    settings: Settings
    target: Path
    name: str
    parent: Path | None = None
    network: str | Mapping[str, Any] = ""
    resample: bool = False
    device: str = "auto"
    threads: int = 1
    command: str = ""
    begins_anew: bool = False
    steps: Steps | None = None

    @property
    def report(self) -> Path:
        """The folder of the page that tells of the training."""
        return self.target.with_name(f"{self.target.stem}_report")

    @property
    def checkpoint(self) -> Path:
        """Where training goes on from; gone when it is done."""
        return self.target.with_name(f"{self.target.stem}.checkpoint.safetensors")

    @property
    def log(self) -> Path:
        """A row for each epoch."""
        return self.target.with_suffix(".csv")


def begin(job: Job) -> Beginning:
    """The network of a job before it is trained. Raises ConfigError and WeightsError."""
    if job.parent is not None:
        return of_parent(job.parent, job.name)
    return from_scratch(job.network, job.name, job.settings.seed)


def records_of(job: Job, card: Card, check: Callable[[Dataset, Card], None]) -> Dataset:
    """The records of a job at the rate of its network, each in a part; `check` refuses others."""
    data = job.dataset.resampled(card.sampling_rate_hz) if job.resample else job.dataset
    check(data, card)
    return in_parts(data)


def recipe_of(job: Job, begun: Beginning, data: Dataset, team: Team) -> str:
    """The digest of all that a training follows from, by which its checkpoint is known."""
    first = weights_id(begun.network.state_dict(), begun.card.options)
    facts: list[Any] = [first, digest(data), data.table["split"].tolist(), job.settings.plain()]
    return digest_of([*facts, *([team.size] if team.size > 1 else [])])


def device_of(wanted: str, settings: Settings, team: Team) -> torch.device:
    """The device of a name for one of a team of processes. Raises ConfigError."""
    if not on_gpu(wanted):
        if settings.precision != "float32":
            raise ConfigError(
                f"precision: {settings.precision} given; a CPU is slower with it: float32, or a GPU"
            )
        if team.size > 1:
            raise ConfigError(
                f"{team.size} processes of torchrun on a CPU: one process takes all cores; several"
                " are for as many GPUs"
            )
        return torch.device("cpu")
    if team.size == 1:
        return torch.device("cuda")
    own = int(os.environ.get("LOCAL_RANK", "0"))
    if own >= torch.cuda.device_count():
        raise ConfigError(
            f"{team.size} processes of torchrun; this machine has {torch.cuda.device_count()} GPUs,"
            " and each needs one"
        )
    return torch.device("cuda", own)


def logged(job: Job, notify: Notify) -> Callable[[dict[str, float]], None]:
    """Hears of epochs, and writes all of them as a table each time."""
    rows: list[dict[str, float]] = []

    def heard(row: dict[str, float]) -> None:
        rows.append(row)
        with writing(job.log):
            columns = ["epoch", "learning_rate", "train_loss", "dev_loss"]
            accuracy = [name for name in row if name not in columns]
            frame = pd.DataFrame(rows, columns=columns + accuracy)
            frame.to_csv(job.log, index=False, lineterminator="\n")
        notify(row)

    return heard


def helped(progress: Progress) -> bool:
    """Whether the epoch that is kept is better on the part dev than what the training began with.

    Without an epoch nothing was to become better.
    """
    return not progress.epochs or progress.best_loss < progress.history[0]["dev_loss"]


def verdict_of(job: Job, progress: Progress, worse: Sequence[str] = ()) -> str:
    """In a sentence, whether a training helped, by the loss on the part dev.

    `worse` are sentences on what became worse on the part test, which no smaller loss outweighs.
    """
    if not progress.epochs:
        return "; ".join(["no epoch was asked for: the weights are those it began with", *worse])
    before, after = progress.history[0]["dev_loss"], progress.best_loss
    first = "random weights" if job.parent is None else "the weights it began with"
    losses = f"loss {after:.4g} on the part {DEV}, before {before:.4g}"
    if helped(progress):
        better = "not better" if worse else "better"
        return f"{better} than {first}: {'; '.join([*worse, losses])}"
    said = (
        f"not better than {first}: {losses}; the best of its epochs is written all the same: more"
        " records, or a smaller learning rate, may help"
    )
    return "; ".join([said, *worse])


def doubts_of(job: Job, progress: Progress) -> list[str]:
    """What is to be said of a training that did not help."""
    return [] if helped(progress) else [verdict_of(job, progress)]


def facts_of(job: Job, data: Dataset, progress: Progress) -> dict[str, Any]:
    """What the card of the new weights says of every training."""
    return {
        **job.settings.plain(),
        "best_epoch": progress.best_epoch,
        "dev_loss": progress.best_loss,
        "dev_loss_before": progress.history[0]["dev_loss"],
        "verdict": verdict_of(job, progress),
        "records": {part: len(data.rows(part)) for part in PARTS},
    }


def write_report(job: Job, material: page.Material) -> None:
    """Write the page that tells of a training, which is thereby done: its checkpoint goes."""
    with targets.filling(job.report, REPORT) as place:
        page.write(material, place)
    job.checkpoint.unlink(missing_ok=True)
