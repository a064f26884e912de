"""Three classes by hand-set weights: a transparent first judgement, not a trained one.

The score of a class is the logarithm of its prior and the sum of weight times evidence, where the
evidence of a feature is (value - centre) / scale, cut at -2 and 2, 0 where the value is unknown.
Probabilities are the softmax of the scores. The score of an earthquake is its prior alone: the
other classes need evidence. The numbers are an expert's guess; docs/catalog.md says what they were
tried on.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

CLASSES = ("earthquake", "blast", "noise")


@dataclass(frozen=True)
class Weight:
    """A feature: the value that says nothing, the difference that counts as 1, weights."""

    centre: float
    scale: float
    blast: float
    noise: float


WEIGHTS = {
    "p_over_s": Weight(-0.2, 0.3, 1.0, 0.3),
    "low_over_high": Weight(0.3, 0.5, 0.5, 0.0),
    "depth_km": Weight(3.0, 2.0, -0.8, 0.0),
    "working_hours": Weight(0.0, 1.5, 1.2, 0.0),
    "coda_s": Weight(3.0, 2.0, 0.0, -0.7),
    "snr_db": Weight(10.0, 6.0, 0.0, -0.8),
    "pairs": Weight(0.4, 0.3, -0.3, -0.5),
    "rms_s": Weight(0.3, 0.3, 0.0, 0.7),
    "pick_probability": Weight(0.5, 0.2, 0.0, -0.7),
}


def judged(features: pd.DataFrame, priors: Mapping[str, float]) -> pd.DataFrame:
    """Probabilities of the classes, a row for each event and class, with the evidence.

    Parameters
    ----------
    features
        From `features.features_of`, indexed by event_id.
    priors
        Share of each class among events, above zero.
    """
    rows = []
    for event_id, values in features.iterrows():
        evidence = {
            name: 0.0 if np.isnan(values[name]) else _evidence(values[name], weight)
            for name, weight in WEIGHTS.items()
        }
        scores = [np.log(priors[name]) + _score(name, evidence) for name in CLASSES]
        for name, probability in zip(CLASSES, _softmax(np.array(scores)), strict=True):
            rows.append(
                {
                    "event_id": event_id,
                    "event_class": name,
                    "probability": probability,
                    "evidence": _told(name, values, evidence),
                    "classifier": "rules",
                }
            )
    columns = ["event_id", "event_class", "probability", "evidence", "classifier"]
    return pd.DataFrame(rows, columns=columns)


def _evidence(value: float, weight: Weight) -> float:
    return float(np.clip((value - weight.centre) / weight.scale, -2, 2))


def _weight(name: str, weight: Weight) -> float:
    return {"earthquake": 0.0, "blast": weight.blast, "noise": weight.noise}[name]


def _score(name: str, evidence: Mapping[str, float]) -> float:
    return sum(_weight(name, weight) * evidence[key] for key, weight in WEIGHTS.items())


def _softmax(scores: np.ndarray) -> np.ndarray:
    powers = np.exp(scores - scores.max())
    return np.asarray(powers / powers.sum())


def _told(name: str, values: pd.Series, evidence: Mapping[str, float]) -> str:
    """What each known feature was and what it added to the score, e.g. `depth_km 5.2: -0.88`."""
    if name == "earthquake":
        return "its prior; the other classes need evidence"
    return "; ".join(
        f"{key} {values[key]:.3g}: {_weight(name, weight) * evidence[key]:+.2f}"
        for key, weight in WEIGHTS.items()
        if not np.isnan(values[key]) and _weight(name, weight)
    )
