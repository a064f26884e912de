"""Networks of events trained on labelled records: fit, temperature, reliability, and a file."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import nn

from quakeline.core.errors import ConfigError, DataError
from quakeline.models.ancestry import Training
from quakeline.models.cards import Card
from quakeline.models.event_networks import at_temperature
from quakeline.models.networks import save_network
from quakeline.training import calibration
from quakeline.training.beginning import Beginning
from quakeline.training.calibration import LEAST_WINDOWS, Reliability
from quakeline.training.checkpoints import Progress
from quakeline.training.datasets.opening import digest
from quakeline.training.datasets.records import DEV, PARTS, TEST, TRAIN, Dataset
from quakeline.training.event_windows import EventWindows, check
from quakeline.training.jobs import (
    Job,
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
from quakeline.training.team import Team

_AT_ONCE = 64
_RULE = "greatest likelihood of the part dev"


@dataclass(frozen=True)
class EventResult:
    """What came of it.

    Attributes
    ----------
    weights_id, best_epoch, temperature
        Of the new weights.
    windows, accuracy, reliability
        Of the part test; None where it has no windows.
    left_out
        Records that gave no window, by reason.
    verdict
        Whether it helped, in a sentence.
    doubts
        What is to be said of the result.
    """

    weights_id: str
    best_epoch: int
    temperature: float
    windows: int
    accuracy: float | None
    reliability: Reliability | None
    left_out: Counter[str]
    verdict: str
    doubts: list[str]


def tune(job: Job, begun: Beginning, notify: Notify) -> EventResult:
    """Train, choose the temperature on the part dev, test, and write the weights.

    Raises
    ------
    DataError
        The network cannot learn from the records.
    ConfigError, WeightsError, OutputError
        Settings, weights or places that do not fit.
    """
    torch.set_num_threads(job.threads)
    card = begun.card
    data = records_of(job, card, check)
    windows = {part: EventWindows(data, data.rows(part), card, job.settings, part == TRAIN)
               for part in PARTS}  # fmt: skip
    _require(windows, card, data)
    team = Team.of_environment()
    if team.size > 1:
        raise ConfigError(f"{team.size} processes of torchrun given; networks of events take one")
    device = device_of(job.device, job.settings, team)
    recipe = recipe_of(job, begun, data, team)
    fit = Fit(
        begun.network, card, windows[TRAIN], windows[DEV], job.settings, device, recipe,
        steps=job.steps,
    )  # fmt: skip
    progress = fit.run(job.checkpoint, logged(job, notify))
    begun.network.cpu().load_state_dict(progress.best)
    return _finished(job, data, begun, progress, windows)


def _require(windows: dict[str, EventWindows], card: Card, data: Dataset) -> None:
    for part in (TRAIN, DEV):
        kinds = {one.kind for one in windows[part].examples()}
        absent = [name for name in card.classes if name not in kinds]
        if absent and (part == TRAIN or not kinds):
            why = ", ".join(f"{n} records {reason}" for reason, n in windows[part].left_out.items())
            raise DataError(
                f"{data.path} has no windows of {', '.join(absent)} in the part {part} that"
                f" {card.name} can use" + (f": {why}" if why else "")
            )


def _answers(windows: EventWindows, network: nn.Module) -> tuple[np.ndarray, np.ndarray]:
    """Probabilities (n, classes) of all windows, and their classes."""
    network.eval()
    found, classes = [], []
    examples = windows.examples()
    for first in range(0, len(examples), _AT_ONCE):
        made = [windows.made(one, 0) for one in examples[first : first + _AT_ONCE]]
        with torch.no_grad():
            found.append(network(torch.from_numpy(np.stack([one[0] for one in made]))).numpy())
        classes += [int(one[1].argmax()) for one in made]
    if not found:
        return np.zeros((0, len(windows.card.classes))), np.zeros(0, int)
    return np.concatenate(found).astype(float), np.array(classes)


def _finished(
    job: Job,
    data: Dataset,
    begun: Beginning,
    progress: Progress,
    windows: dict[str, EventWindows],
) -> EventResult:
    network = begun.network
    temperature = calibration.temperature_of(
        *_answers(windows[DEV], network), begun.card.temperature
    )
    raw, classes = _answers(windows[TEST], network)
    reliability, accuracy = None, None
    if len(classes):
        told = at_temperature(raw, temperature)
        reliability = calibration.reliability_of(told, classes)
        accuracy = float((told.argmax(axis=1) == classes).mean())
    left_out = sum((one.left_out for one in windows.values()), Counter[str]())
    doubts = doubts_of(job, progress)
    training = _training(job, data, progress, windows, accuracy, reliability)
    final = replace(begun.result, training=training, temperature=temperature)
    saved = save_network(job.target, begun.stored(progress.best), final)
    confusion = evaluation.of_windows(windows[TEST], network) if len(classes) else None
    material = page.Material(
        final, saved, job.command, progress, {}, {}, {}, confusion, data, doubts, reliability,
    )  # fmt: skip
    write_report(job, material)
    return EventResult(
        saved, progress.best_epoch, temperature, len(classes), accuracy, reliability, left_out,
        verdict_of(job, progress), doubts,
    )  # fmt: skip


def _training(
    job: Job,
    data: Dataset,
    progress: Progress,
    windows: dict[str, EventWindows],
    accuracy: float | None,
    reliability: Reliability | None,
) -> Training:
    counts = Counter((part, one.kind) for part, own in windows.items() for one in own.examples())
    facts = {
        **facts_of(job, data, progress),
        "windows": {f"{part} {kind}": n for (part, kind), n in sorted(counts.items())},
        "temperature_by": f"{_RULE}; with fewer than {LEAST_WINDOWS} windows that of the parent",
        "accuracy_on_test": accuracy,
        "calibration_error_on_test": reliability.error if reliability else None,
    }
    return Training.ended(data.path.name, digest(data), facts)
