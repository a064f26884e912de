"""Weights trained further on a data set: fit, thresholds, scores, and a file with its card."""

from __future__ import annotations

import logging
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import torch

from quakeline.core.errors import DataError
from quakeline.inference.annotator import Annotator
from quakeline.models.ancestry import Training
from quakeline.models.cards import Card
from quakeline.models.networks import save_network
from quakeline.training import checkpoints, scoring
from quakeline.training.beginning import Beginning
from quakeline.training.checkpoints import Progress
from quakeline.training.datasets.opening import digest
from quakeline.training.datasets.records import DEV, PARTS, TEST, TRAIN, Dataset
from quakeline.training.jobs import (
    Job,
    begin,
    device_of,
    doubts_of,
    facts_of,
    logged,
    recipe_of,
    records_of,
    verdict_of,
    write_report,
)
from quakeline.training.loop import Fit, Notify
from quakeline.training.report import evaluation, page
from quakeline.training.report.evaluation import Confusion
from quakeline.training.team import Team
from quakeline.training.windows import Windows, check

logger = logging.getLogger("quakeline")
_RULE = "largest F1 on the part dev, of 0.05 to 0.998"


@dataclass(frozen=True)
class Result:
    """What came of it; `scores` by name of the weights and phase, of the part test.

    `verdict` says in a sentence whether it helped; `doubts` are sentences on what did not.
    """

    weights_id: str
    best_epoch: int
    thresholds: dict[str, float]
    scores: dict[str, dict[str, scoring.Score]]
    verdict: str
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
    data = records_of(job, card, check)
    windows = {part: Windows(data, data.rows(part), card, job.settings, part == TRAIN)
               for part in PARTS}  # fmt: skip
    _require(windows, card, data)
    for row in data.rows(TEST):  # what is read at the end is refused at the beginning
        data.read(row, card.components)
    team = Team.of_environment()
    device = device_of(job.device, job.settings, team)
    recipe = recipe_of(job, begun, data, team)
    team.join(device)
    if job.begins_anew and checkpoints.keep_own(job.checkpoint, recipe):
        logger.info("train: begins anew, its checkpoint was of another training, or damaged")
    fit = Fit(
        begun.network, card, windows[TRAIN], windows[DEV], job.settings, device, recipe, team,
        job.steps,
    )  # fmt: skip
    progress = fit.run(job.checkpoint, logged(job, notify))
    team.leave()
    if team.rank:
        return None
    return _finished(job, data, begun, progress, windows[TEST])


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

    def worse(self, name: str) -> list[str]:
        """A sentence for each phase of which the new weights, `name`, have a smaller F1."""
        own = self.scores.get(name, {})
        return [
            f"on the part {TEST} F1 of {phase} is {own[phase].f1:.3f} ({one.labels} labels),"
            f" that of {parent} {one.f1:.3f}"
            for parent, scores in self.scores.items()
            for phase, one in scores.items()
            if phase in own and own[phase].f1 < one.f1
        ]


def _finished(
    job: Job, data: Dataset, begun: Beginning, progress: Progress, windows: Windows
) -> Result:
    card, tensors = begun.result, begun.stored(progress.best)
    with TemporaryDirectory(prefix="quakeline-") as folder:
        first = Path(folder) / "tuned.safetensors"
        save_network(first, tensors, card)
        tested = _tested(job, data, Annotator.load(first, "cpu", job.threads))
    worse = tested.worse(job.name)
    doubts = [*doubts_of(job, progress), *worse]
    verdict = verdict_of(job, progress, worse)
    training = _training(job, data, progress, tested, verdict)
    final = replace(card, training=training, thresholds=tested.thresholds)
    saved = save_network(job.target, tensors, final)
    confusion = _confusion(begun, progress, windows, tested, job.name)
    material = page.Material(
        final, saved, job.command, progress, tested.scores, tested.picked, tested.levels, confusion,
        data, doubts,
    )  # fmt: skip
    write_report(job, material)
    return Result(saved, progress.best_epoch, tested.thresholds, tested.scores, verdict, doubts)


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
    verdict: str,
) -> Training:
    facts = {
        **facts_of(job, data, progress),
        "verdict": verdict,
        "thresholds_by": tested.rule,
        "scores_on_test": {
            name: {phase: one.plain() for phase, one in own.items()}
            for name, own in tested.scores.items()
        },
    }
    return Training.ended(data.path.name, digest(data), facts)
