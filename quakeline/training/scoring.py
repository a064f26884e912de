"""What a network finds on labelled records through the engine: thresholds and scores of a part."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from quakeline.core.timeline import SECOND
from quakeline.inference.annotator import Annotator
from quakeline.picking.direct.picks import picks_of, settings_of
from quakeline.picking.scoring import Labelled, match
from quakeline.training.datasets.records import Dataset

#: Thresholds that are tried, and the labels below which those of the parent stay.
GRID = (*(round(0.05 * step, 2) for step in range(1, 20)), 0.97, 0.98, 0.99, 0.995, 0.998)
LEAST_LABELS = 20
#: A pick belongs to a label within this time; near what may be an onset none is false. In s.
TOLERANCE_S, _UNSURE_S = 0.5, 1.0
_AT_ONCE = 100
_COMPONENTS = "ZNE"


@dataclass(frozen=True)
class Found:
    """Labels and picks of a phase on one record, in s from its start, with probabilities.

    `row` is the number of the record in its data set.
    """

    labels_s: np.ndarray
    picks_s: np.ndarray
    probabilities: np.ndarray
    row: int = 0


@dataclass(frozen=True)
class Score:
    """What is found of a phase with a threshold. Residuals are pick minus label."""

    threshold: float
    labels: int
    recall: float
    precision: float
    f1: float
    mae_ms: float | None

    def plain(self) -> dict[str, Any]:
        """The same as JSON takes it, rounded."""
        return {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(self).items()}


def can_score(dataset: Dataset, annotator: Annotator) -> bool:
    """Whether records are long enough to look for picks in them."""
    card = annotator.card
    lengths = dataset.table["npts"]
    return card.output == "samples" or bool((lengths >= 2 * card.window_samples).all())


def found_in(dataset: Dataset, rows: list[int], annotator: Annotator) -> dict[str, list[Found]]:
    """Picks of each phase on records, with all probabilities from the smallest threshold on.

    A phase is not looked for in records of events that have no label of it.
    """
    phases = [phase for phase in annotator.card.phases if phase in dataset.table]
    found: dict[str, list[Found]] = {phase: [] for phase in phases}
    settings = settings_of(annotator.card, dict.fromkeys(annotator.card.phases, GRID[0]))
    for some in _groups(dataset, rows):
        data = _labelled(dataset, some)
        picks = picks_of(data.recordings(), annotator, settings).picks
        number = picks["station"].str.removeprefix("S").astype(int).to_numpy() - 1
        times = picks["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy()
        at_s = (times - np.array(data.starts_ns)[number]) / SECOND
        for phase in phases:
            own = (picks["phase"] == phase).to_numpy()
            for place, row in enumerate(some):
                here = own & (number == place)
                chances = picks["probability"].to_numpy()[here]
                found[phase] += _on_record(dataset, row, phase, at_s[here], chances)
    return found


def _groups(dataset: Dataset, rows: list[int]) -> Iterator[list[int]]:
    for first in range(0, len(rows), _AT_ONCE):
        yield rows[first : first + _AT_ONCE]


def _labelled(dataset: Dataset, rows: list[int]) -> Labelled:
    """Records as long as the longest of them; what is not there is NaN."""
    table = dataset.table.iloc[rows]
    samples = np.full((len(rows), len(_COMPONENTS), int(table["npts"].max())), np.nan, np.float32)
    for place, row in enumerate(rows):
        data = dataset.read(row, _COMPONENTS)
        samples[place, :, : data.shape[1]] = data
    return Labelled(samples, _COMPONENTS, float(table["rate_hz"].iloc[0]), {})


def _on_record(
    dataset: Dataset, row: int, phase: str, at_s: np.ndarray, chances: np.ndarray
) -> list[Found]:
    record = dataset.table.iloc[row]
    rate = float(record["rate_hz"])
    labels_s = np.array(record[phase], float) / rate
    if record["kind"] == "event" and not len(labels_s):
        return []
    sure = np.ones(len(at_s), bool)
    for one in record["unsure"]:
        sure &= np.abs(at_s - one / rate) > _UNSURE_S
    return [Found(labels_s, at_s[sure], chances[sure], row)]


def score(records: list[Found], threshold: float) -> Score:
    """The score of a phase with a threshold."""
    residuals: list[float] = []
    picks = labels = 0
    for record in records:
        own = record.picks_s[record.probabilities >= threshold]
        residuals += match(record.labels_s, own, TOLERANCE_S)
        picks, labels = picks + len(own), labels + len(record.labels_s)
    found = len(residuals)
    return Score(
        threshold,
        labels,
        recall=found / max(labels, 1),
        precision=found / max(picks, 1),
        f1=2 * found / max(labels + picks, 1),
        mae_ms=1000 * float(np.mean(np.abs(residuals))) if found else None,
    )


def thresholds(found: Mapping[str, list[Found]], usual: Mapping[str, float]) -> dict[str, float]:
    """For each phase the threshold with the largest F1, of equal ones the nearest to the usual one.

    With fewer than LEAST_LABELS labels the usual one stays.
    """
    made = dict(usual)
    for phase, records in found.items():
        scores = [score(records, threshold) for threshold in GRID]
        if scores[0].labels >= LEAST_LABELS:
            best = max(one.f1 for one in scores)
            equal = [one.threshold for one in scores if one.f1 == best]
            made[phase] = min(equal, key=lambda one: abs(one - usual[phase]))
    return made
