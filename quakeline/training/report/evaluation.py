"""Confusion of classes, curves of precision and recall, residuals and examples of a part."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from quakeline.picking.scoring import match
from quakeline.training import labels
from quakeline.training.event_windows import EventWindows
from quakeline.training.scoring import GRID, TOLERANCE_S, Found, score
from quakeline.training.windows import Windows

#: Picks by phase on the records of a part.
Picked = Mapping[str, list[Found]]
_NOTHING = "nothing"
_AT_ONCE = 64


@dataclass(frozen=True)
class Confusion:
    """How often what is labelled `rows` was called `columns`; `what` is counted."""

    rows: list[str]
    columns: list[str]
    counts: np.ndarray
    what: str


@dataclass(frozen=True)
class Example:
    """A record and what was picked in it; times in s from its start by phase."""

    row: int
    right: bool
    labels_s: dict[str, list[float]]
    picks_s: dict[str, list[float]]


def of_windows(windows: Windows | EventWindows, network: nn.Module) -> Confusion:
    """Confusion of a network that gives one class, over the windows of a part."""
    names = list(windows.card.classes)
    counts = np.zeros((len(names), len(names)), int)
    examples = windows.examples()
    network.eval()
    for first in range(0, len(examples), _AT_ONCE):
        made = [windows.made(one, 0) for one in examples[first : first + _AT_ONCE]]
        with torch.no_grad():
            found = network(torch.from_numpy(np.stack([one[0] for one in made])))
        for (_, wanted, _), called in zip(made, found.argmax(dim=1).tolist(), strict=True):
            counts[int(wanted.argmax()), called] += 1
    shown = ["noise" if name in labels.NOISE else name for name in names]
    return Confusion(shown, shown, counts, "windows")


def of_picks(found: Picked, levels: Mapping[str, float]) -> Confusion:
    """Confusion of picks: the nearest pick of any phase within the tolerance of each label.

    The last row counts picks near no label, the last column labels without a pick.
    """
    phases = list(found)
    counts = np.zeros((len(phases) + 1, len(phases) + 1), int)
    for labels_s, picks_s in _records(found, levels).values():
        used: set[tuple[str, float]] = set()
        for i, phase in enumerate(phases):
            for at in labels_s.get(phase, ()):
                near = [(abs(t - at), other != phase, j, t) for j, other in enumerate(phases)
                        for t in picks_s.get(other, ()) if abs(t - at) <= TOLERANCE_S]  # fmt: skip
                own = min((one for one in near if not one[1]), default=None)
                best = own or min(near, default=None)
                counts[i, best[2] if best else len(phases)] += 1
                if best:
                    used.add((phases[best[2]], best[3]))
        for j, phase in enumerate(phases):
            counts[-1, j] += sum((phase, t) not in used for t in picks_s.get(phase, ()))
    names = [*phases, _NOTHING]
    return Confusion(names, names, counts, "picks and labels")


def _records(
    found: Picked, levels: Mapping[str, float]
) -> dict[int, tuple[dict[str, list[float]], dict[str, list[float]]]]:
    """Labels and picks of each record by phase."""
    records: dict[int, tuple[dict[str, list[float]], dict[str, list[float]]]] = {}
    for phase, own in found.items():
        for one in own:
            labelled, picked = records.setdefault(one.row, ({}, {}))
            labelled[phase] = one.labels_s.tolist()
            picked[phase] = one.picks_s[one.probabilities >= levels[phase]].tolist()
    return records


def precision_recall(records: list[Found]) -> tuple[np.ndarray, np.ndarray]:
    """Recall and precision at each threshold of the grid at which there are picks."""
    scores = [score(records, level) for level in GRID]
    there = [one for one in scores if one.precision > 0]
    return np.array([one.recall for one in there]), np.array([one.precision for one in there])


def residuals(records: list[Found], level: float) -> np.ndarray:
    """Picks minus labels in s, of those that belong together."""
    found = [
        match(one.labels_s, one.picks_s[one.probabilities >= level], TOLERANCE_S) for one in records
    ]
    return np.array([value for own in found for value in own])


def examples(found: Picked, levels: Mapping[str, float], most: int) -> list[Example]:
    """Records of which everything is right, and those with most wrong, at most so many of each."""
    made: list[tuple[int, Example]] = []
    for row, (labels_s, picks_s) in sorted(_records(found, levels).items()):
        wrong = 0
        for phase, own in labels_s.items():
            picks = picks_s[phase]
            pairs = len(match(np.array(own, float), np.array(picks, float), TOLERANCE_S))
            wrong += len(own) + len(picks) - 2 * pairs
        if any(labels_s.values()) or wrong:
            made.append((wrong, Example(row, not wrong, labels_s, picks_s)))
    right = [one for wrong, one in made if not wrong]
    bad = [one for wrong, one in sorted(made, key=lambda pair: -pair[0]) if wrong]
    return right[:most] + bad[:most]
