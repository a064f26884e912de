"""Weights trained further on a data set: fit, thresholds, scores, and a file with its card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pandas as pd
import torch

from quakeline import __version__
from quakeline.core.errors import ConfigError, DataError
from quakeline.inference.annotator import Annotator
from quakeline.io.products.atomic import writing
from quakeline.io.products.provenance import digest_of
from quakeline.models.ancestry import Training
from quakeline.models.cards import Card
from quakeline.models.networks import save_network
from quakeline.models.weights import weights_id
from quakeline.training import scoring
from quakeline.training.beginning import Beginning, from_scratch, of_parent
from quakeline.training.checkpoints import Progress
from quakeline.training.datasets.opening import digest, in_parts
from quakeline.training.datasets.records import DEV, PARTS, TEST, TRAIN, Dataset
from quakeline.training.loop import Fit, Hear
from quakeline.training.settings import Settings
from quakeline.training.windows import Windows, check

_RULE = "largest F1 on the part dev, of 0.05 to 0.998"


@dataclass(frozen=True)
class Job:
    """Which weights are trained on which records, how, where, and where the result goes.

    `parent` is a file of weights; None: a `network` from scratch, as `beginning.from_scratch` takes
    it. `resample` brings records of
    another rate to that of the network.
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

    @property
    def checkpoint(self) -> Path:
        """Where training goes on from; gone when it is done."""
        return self.target.with_name(f"{self.target.stem}.checkpoint.safetensors")

    @property
    def log(self) -> Path:
        """A row for each epoch."""
        return self.target.with_suffix(".csv")


@dataclass(frozen=True)
class Result:
    """What came of it; `scores` by name of the weights and phase, of the part test."""

    weights_id: str
    best_epoch: int
    thresholds: dict[str, float]
    scores: dict[str, dict[str, scoring.Score]]
    doubts: list[str]


def tune(job: Job, hear: Hear) -> Result:
    """Train, choose thresholds on the part dev, score on the part test, and write the weights.

    Raises
    ------
    DataError
        The network cannot learn from the records.
    ConfigError, WeightsError, OutputError
        Settings, weights or places that do not fit.
    """
    torch.set_num_threads(job.threads)
    begun = _begun(job)
    card = begun.card
    data = job.dataset.resampled(card.sampling_rate_hz) if job.resample else job.dataset
    check(data, card)
    data = in_parts(data)
    windows = {part: Windows(data, data.rows(part), card, job.settings, part == TRAIN)
               for part in PARTS}  # fmt: skip
    _require(windows, card, data)
    first = weights_id(begun.network.state_dict(), card.options)
    recipe = digest_of([first, digest(data), data.table["split"].tolist(),
                        job.settings.plain()])  # fmt: skip
    device = _device(job.device)
    fit = Fit(begun.network, card, windows[TRAIN], windows[DEV], job.settings, device, recipe)
    progress = fit.run(job.checkpoint, _logged(job, hear))
    return _finished(job, data, begun, progress)


def _begun(job: Job) -> Beginning:
    if job.parent is not None:
        return of_parent(job.parent, job.name)
    return from_scratch(job.network, job.name, job.settings.seed)


def _require(windows: dict[str, Windows], card: Card, data: Dataset) -> None:
    for part in (TRAIN, DEV):
        if not windows[part].examples():
            raise DataError(
                f"{data.path} has no records in the part {part} that {card.name} can use: two"
                " events that share no record are needed at least"
            )
    table = data.table.iloc[windows[TRAIN].rows]
    absent = [phase for phase in card.phases if not (table[phase].map(len) > 0).any()]
    if absent:
        raise DataError(f"{data.path} has no labels of {', '.join(absent)} in the part {TRAIN}")


def _device(wanted: str) -> torch.device:
    usable = torch.cuda.is_available()
    if wanted == "cuda" and not usable:
        raise ConfigError("--device: cuda given; there is no usable GPU: cpu or auto")
    return torch.device("cuda" if usable and wanted != "cpu" else "cpu")


def _logged(job: Job, hear: Hear) -> Callable[[dict[str, float]], None]:
    """Hears of epochs, and writes all of them as a table each time."""
    rows: list[dict[str, float]] = []

    def heard(row: dict[str, float]) -> None:
        rows.append(row)
        with writing(job.log):
            columns = ["epoch", "learning_rate", "train_loss", "dev_loss"]
            accuracy = [name for name in row if name not in columns]
            frame = pd.DataFrame(rows, columns=columns + accuracy)
            frame.to_csv(job.log, index=False, lineterminator="\n")
        hear(row)

    return heard


def _finished(job: Job, data: Dataset, begun: Beginning, progress: Progress) -> Result:
    card, tensors = begun.result, begun.stored(progress.best)
    before = progress.history[0]["dev_loss"]
    doubts = []
    if progress.best_loss >= before:
        doubts.append(
            f"no epoch was better on the part {DEV} than the weights it began with ({before:.4g}):"
            " more records, or a smaller learning rate, may help"
        )
    with TemporaryDirectory(prefix="quakeline-") as folder:
        first = Path(folder) / "tuned.safetensors"
        save_network(first, tensors, card)
        tuned = Annotator.load(first, "cpu", job.threads)
        chosen, rule = card.thresholds, "as of the parent: the records are single windows"
        scores: dict[str, dict[str, scoring.Score]] = {}
        if scoring.can_score(data, tuned):
            chosen = scoring.thresholds(scoring.found_in(data, data.rows(DEV), tuned), chosen)
            rule = f"{_RULE}; with fewer than {scoring.LEAST_LABELS} labels that of the parent"
            scores = _scores(job, data, tuned, chosen)
    training = _training(job, data, progress, rule, scores)
    final = replace(card, training=training, thresholds=chosen)
    saved = save_network(job.target, tensors, final)
    job.checkpoint.unlink(missing_ok=True)
    return Result(saved, progress.best_epoch, chosen, scores, doubts)


def _scores(
    job: Job, data: Dataset, tuned: Annotator, chosen: dict[str, float]
) -> dict[str, dict[str, scoring.Score]]:
    """Scores on the part test of the tuned weights and of those they began with."""
    rows = data.rows(TEST)
    if not rows:
        return {}
    limits = {job.name: (tuned, chosen)}
    if job.parent is not None:
        parent = Annotator.load(job.parent, "cpu", job.threads)
        limits = {parent.card.name: (parent, parent.card.thresholds), **limits}
    return {
        name: {
            phase: scoring.score(records, levels[phase])
            for phase, records in scoring.found_in(data, rows, annotator).items()
        }
        for name, (annotator, levels) in limits.items()
    }


def _training(
    job: Job,
    data: Dataset,
    progress: Progress,
    rule: str,
    scores: dict[str, dict[str, scoring.Score]],
) -> Training:
    counts = {part: len(data.rows(part)) for part in PARTS}
    facts: dict[str, Any] = {
        **job.settings.plain(),
        "best_epoch": progress.best_epoch,
        "dev_loss": progress.best_loss,
        "dev_loss_before": progress.history[0]["dev_loss"],
        "records": counts,
        "thresholds_by": rule,
        "scores_on_test": {
            name: {phase: one.plain() for phase, one in own.items()} for name, own in scores.items()
        },
    }
    return Training(
        data=(f"{data.path.name} (sha256 {digest(data)})",),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        code=f"quakeline {__version__}",
        settings=facts,
    )
