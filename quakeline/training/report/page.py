"""The page of a training, in the style of a run's report, with its pictures as files beside it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quakeline.models.cards import Card
from quakeline.report.curves import WIDTH, trace_path
from quakeline.report.page import environment, style
from quakeline.training.calibration import Reliability
from quakeline.training.checkpoints import Progress
from quakeline.training.datasets.records import Dataset
from quakeline.training.report import drawings, evaluation
from quakeline.training.report.drawings import Drawing
from quakeline.training.report.evaluation import Confusion
from quakeline.training.scoring import Score

#: Files that `write` may make; pictures exist as .png and .svg.
PAGE = "report.html"
_PICTURES = ("loss", "learning_rate", "accuracy", "confusion", "precision_recall_P",
             "precision_recall_S", "residuals_P", "residuals_S", "reliability")  # fmt: skip
NAMES = (PAGE, *(f"{name}.{kind}" for name in _PICTURES for kind in ("png", "svg")))
#: Examples of each kind, and half the height of a trace in the units of its drawing.
_MOST, _HALF = 4, 50
#: Seconds that are shown before the first onset and behind the last one.
_BEFORE_S, _AFTER_S = 3.0, 6.0
_COMPONENTS = "ZNE"
_TEMPLATES = Path(__file__).parent / "templates"


@dataclass(frozen=True)
class Material:
    """What the page is made of.

    Attributes
    ----------
    card
        The new weights, with their training and parent.
    weights_id
        Of the new weights.
    command
        The command that repeats the training.
    progress
        Epochs and the best of them.
    scores
        By name of the weights and phase, of the part test; the new weights last.
    picked, levels
        Picks on the part test and thresholds, by name of the weights; empty where records are too
        short to look for picks in them.
    confusion
        Of the part test; None where it has no records.
    dataset, doubts
        The records, and what is to be said of the result.
    reliability
        Of a network of events, on the part test.
    """

    card: Card
    weights_id: str
    command: str
    progress: Progress
    scores: Mapping[str, Mapping[str, Score]]
    picked: Mapping[str, evaluation.Picked]
    levels: Mapping[str, Mapping[str, float]]
    confusion: Confusion | None
    dataset: Dataset
    doubts: list[str]
    reliability: Reliability | None = None


@dataclass(frozen=True)
class Picture:
    """A record: its trace and, as shares of its length, labels and picks of each phase."""

    name: str
    right: bool
    path: str
    labels: list[tuple[str, float]]
    picks: list[tuple[str, float]]
    said: str


def write(material: Material, folder: Path) -> None:
    """Write the page and all pictures into a folder."""
    drawn = _drawings(material)
    for one in drawn:
        one.write(folder)
    confusion = material.confusion
    if confusion is not None:
        drawings.write_confusion(confusion.rows, confusion.columns, confusion.counts, folder)
    training = material.card.training
    settings: dict[str, Any] = training.settings if training else {}
    text = (
        environment(_TEMPLATES)
        .get_template("training.html.j2")
        .render(
            style=style(),
            card=material.card,
            training=training,
            settings={k: v for k, v in settings.items() if k not in ("scores_on_test", "records")},
            records=settings.get("records", {}),
            weights_id=material.weights_id,
            command=material.command,
            progress=material.progress,
            scores=material.scores,
            confusion=confusion,
            plots=[one.plot() for one in drawn],
            examples=_pictures(material),
            doubts=material.doubts,
            width=WIDTH,
        )
    )
    (folder / PAGE).write_text(text, encoding="utf-8")


def _drawings(material: Material) -> list[Drawing]:
    found = drawings.of_history(material.progress.history)
    if material.reliability is not None:
        found.append(drawings.of_reliability(material.reliability))
    names = list(material.picked)[::-1]  # the new weights first
    for phase in material.picked[names[0]] if names else ():
        both = [name for name in names if phase in material.picked[name]]
        curves = [(name, *evaluation.precision_recall(material.picked[name][phase]))
                  for name in both]  # fmt: skip
        found.append(drawings.of_curves(phase, [one for one in curves if len(one[1])]))
        found.append(
            drawings.of_residuals(phase, [
                (name, evaluation.residuals(material.picked[name][phase],
                                            material.levels[name][phase]))
                for name in both
            ])
        )  # fmt: skip
    return [one for one in found if one.series]


def _pictures(material: Material) -> list[Picture]:
    if not material.picked:
        return []
    name = list(material.picked)[-1]
    found = evaluation.examples(material.picked[name], material.levels[name], _MOST)
    return [_picture(material.dataset, one) for one in found]


def _picture(dataset: Dataset, one: evaluation.Example) -> Picture:
    record = dataset.table.iloc[one.row]
    data = dataset.read(one.row, _COMPONENTS)
    rate = float(record["rate_hz"])
    known = [t for own in (*one.labels_s.values(), *one.picks_s.values()) for t in own]
    first = max(int((min(known) - _BEFORE_S) * rate), 0)
    cut = data[:, first : int((max(known) + _AFTER_S) * rate) + 1]
    there = [row for row in cut if np.isfinite(row).all()]
    trace = there[0] - there[0].mean() if there else np.zeros(cut.shape[1])
    path = trace_path(trace, np.ones(len(trace), bool), float(np.abs(trace).max()), _HALF)
    scale = WIDTH * rate / len(trace)

    def marks(times: Mapping[str, list[float]]) -> list[tuple[str, float]]:
        return [(phase, scale * (t - first / rate)) for phase, own in times.items() for t in own]

    said = ", ".join(
        f"{phase} labelled {_times(one.labels_s.get(phase, []))}, picked {_times(own)}"
        for phase, own in one.picks_s.items()
    )
    who = " ".join(filter(None, (record["station"], record["name"])))
    return Picture(who, one.right, path, marks(one.labels_s), marks(one.picks_s), said)


def _times(times: list[float]) -> str:
    return "at " + " and ".join(f"{t:.2f} s" for t in times) if times else "nowhere"
