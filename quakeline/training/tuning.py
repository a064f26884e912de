"""Weights trained further on a data set: fit, thresholds, scores, and a file with its card."""

from __future__ import annotations

import logging
import os
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
from quakeline.io.products import targets
from quakeline.io.products.atomic import writing
from quakeline.io.products.provenance import digest_of
from quakeline.models.ancestry import Training
from quakeline.models.cards import Card
from quakeline.models.networks import save_network
from quakeline.models.weights import weights_id
from quakeline.training import checkpoints, scoring
from quakeline.training.beginning import Beginning, from_scratch, of_parent
from quakeline.training.checkpoints import Progress
from quakeline.training.datasets.opening import digest, in_parts
from quakeline.training.datasets.records import DEV, PARTS, TEST, TRAIN, Dataset
from quakeline.training.loop import Fit, Notify
from quakeline.training.report import evaluation, page
from quakeline.training.report.evaluation import Confusion
from quakeline.training.settings import Settings
from quakeline.training.team import Team
from quakeline.training.windows import Windows, check

#: What fills the folder of a report, as its mark names it.
REPORT = "tune picker"
logger = logging.getLogger("quakeline")
_RULE = "largest F1 on the part dev, of 0.05 to 0.998"


@dataclass(frozen=True)
class Job:
    """Which weights are trained on which records, how, where, and where the result goes.

    `parent` is a file of weights; None: a `network` from scratch, as `beginning.from_scratch` takes
    it. `resample` brings records of
    another rate to that of the network. `command` is what repeats it, for the report.
    `begins_anew`: a checkpoint of another training is removed, where else it is refused.
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


@dataclass(frozen=True)
class Result:
    """What came of it; `scores` by name of the weights and phase, of the part test."""

    weights_id: str
    best_epoch: int
    thresholds: dict[str, float]
    scores: dict[str, dict[str, scoring.Score]]
    doubts: list[str]


def tune(job: Job, notify: Notify, begun: Beginning | None = None) -> Result | None:
    """Train, choose thresholds on the part dev, score on the part test, and write the weights.

    `begun` is what `begin` gives, where that is known already. Of several processes that `torchrun`
    started the first one does what comes after the training; the others give None.

    Raises
    ------
    DataError
        The network cannot learn from the records.
    ConfigError, WeightsError, OutputError
        Settings, weights or places that do not fit.
    """
    torch.set_num_threads(job.threads)
    begun = begun or begin(job)
    card = begun.card
    data = job.dataset.resampled(card.sampling_rate_hz) if job.resample else job.dataset
    check(data, card)
    data = in_parts(data)
    windows = {part: Windows(data, data.rows(part), card, job.settings, part == TRAIN)
               for part in PARTS}  # fmt: skip
    _require(windows, card, data)
    for row in data.rows(TEST):  # what is read at the end is refused at the beginning
        data.read(row, card.components)
    first = weights_id(begun.network.state_dict(), card.options)
    team = Team.of_environment()
    device = device_of(job.device, job.settings, team)
    facts: list[Any] = [first, digest(data), data.table["split"].tolist(), job.settings.plain()]
    recipe = digest_of([*facts, *([team.size] if team.size > 1 else [])])
    team.join(device)
    if job.begins_anew and checkpoints.keep_own(job.checkpoint, recipe):
        logger.info("train: begins anew, its checkpoint was of another training, or damaged")
    fit = Fit(begun.network, card, windows[TRAIN], windows[DEV], job.settings, device, recipe, team)
    progress = fit.run(job.checkpoint, logged(job, notify))
    team.leave()
    if team.rank:
        return None
    return _finished(job, data, begun, progress, windows[TEST])


def begin(job: Job) -> Beginning:
    """The network of a job before it is trained. Raises ConfigError and WeightsError."""
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


def device_of(wanted: str, settings: Settings, team: Team) -> torch.device:
    """The device of a name for one of a team of processes. Raises ConfigError."""
    usable = torch.cuda.is_available()
    if wanted == "cuda" and not usable:
        raise ConfigError("--device: cuda given; there is no usable GPU: cpu or auto")
    if not usable or wanted == "cpu":
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


@dataclass(frozen=True)
class _Tested:
    """Thresholds with their rule, and picks on the part test by name of the weights."""

    thresholds: dict[str, float]
    rule: str
    picked: dict[str, dict[str, list[scoring.Found]]]
    levels: dict[str, dict[str, float]]

    @property
    def scores(self) -> dict[str, dict[str, scoring.Score]]:
        return {
            name: {
                phase: scoring.score(own, self.levels[name][phase]) for phase, own in found.items()
            }
            for name, found in self.picked.items()
        }


def _finished(
    job: Job, data: Dataset, begun: Beginning, progress: Progress, windows: Windows
) -> Result:
    card, tensors = begun.result, begun.stored(progress.best)
    doubts = doubts_of(progress) if job.settings.epochs else []
    with TemporaryDirectory(prefix="quakeline-") as folder:
        first = Path(folder) / "tuned.safetensors"
        save_network(first, tensors, card)
        tested = _tested(job, data, Annotator.load(first, "cpu", job.threads))
    training = _training(job, data, progress, tested)
    final = replace(card, training=training, thresholds=tested.thresholds)
    saved = save_network(job.target, tensors, final)
    confusion = _confusion(begun, progress, windows, tested, job.name)
    with targets.filling(job.report, REPORT) as place:
        page.write(
            page.Material(
                final, saved, job.command, progress, tested.scores, tested.picked, tested.levels,
                confusion, data, doubts,
            ),
            place,
        )  # fmt: skip
    job.checkpoint.unlink(missing_ok=True)
    return Result(saved, progress.best_epoch, tested.thresholds, tested.scores, doubts)


def doubts_of(progress: Progress) -> list[str]:
    """What is to be said of a training that did not help."""
    before = progress.history[0]["dev_loss"]
    if progress.best_loss < before:
        return []
    line = (
        f"no epoch was better on the part {DEV} than the weights it began with ({before:.4g}):"
        " more records, or a smaller learning rate, may help"
    )
    return [line]


def _tested(job: Job, data: Dataset, tuned: Annotator) -> _Tested:
    """Thresholds chosen on the part dev; picks on the part test, also of the parent."""
    usual = tuned.card.thresholds
    if not scoring.can_score(data, tuned):
        return _Tested(usual, "as of the parent: the records are single windows", {}, {})
    chosen = scoring.thresholds(scoring.found_in(data, data.rows(DEV), tuned), usual)
    rule = f"{_RULE}; with fewer than {scoring.LEAST_LABELS} labels that of the parent"
    rows = data.rows(TEST)
    limits: dict[str, tuple[Annotator, dict[str, float]]] = {}
    if rows and job.parent is not None:
        parent = Annotator.load(job.parent, "cpu", job.threads)
        limits[parent.card.name] = parent, parent.card.thresholds
    if rows:
        limits[job.name] = tuned, chosen
    picked = {name: scoring.found_in(data, rows, one) for name, (one, _) in limits.items()}
    return _Tested(chosen, rule, picked, {name: level for name, (_, level) in limits.items()})


def _confusion(
    begun: Beginning, progress: Progress, windows: Windows, tested: _Tested, name: str
) -> Confusion | None:
    """Of the part test: of windows where a network gives one class, else of picks."""
    if begun.card.output == "window" and windows.examples():
        begun.network.cpu().load_state_dict(progress.best)
        return evaluation.of_windows(windows, begun.network)
    if name in tested.picked:
        return evaluation.of_picks(tested.picked[name], tested.levels[name])
    return None


def _training(
    job: Job,
    data: Dataset,
    progress: Progress,
    tested: _Tested,
) -> Training:
    counts = {part: len(data.rows(part)) for part in PARTS}
    facts: dict[str, Any] = {
        **job.settings.plain(),
        "best_epoch": progress.best_epoch,
        "dev_loss": progress.best_loss,
        "dev_loss_before": progress.history[0]["dev_loss"],
        "records": counts,
        "thresholds_by": tested.rule,
        "scores_on_test": {
            name: {phase: one.plain() for phase, one in own.items()}
            for name, own in tested.scores.items()
        },
    }
    return Training(
        data=(f"{data.path.name} (sha256 {digest(data)})",),
        date=datetime.now(UTC).strftime("%Y-%m-%d"),
        code=f"quakeline {__version__}",
        settings=facts,
    )
