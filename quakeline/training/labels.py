"""What a network should say of a window: a curve for each class, or one class."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from quakeline.models.cards import Card
from quakeline.training.settings import Form, Settings

#: Names of the classes of noise and of a detection in networks of all authors.
NOISE, DETECTION = ("N", "Noise", "noise"), ("D", "Detection")
#: Deviation of a Gaussian (Zhu & Beroza 2019, doi:10.1093/gji/ggy423), and half width of a triangle
#: or box (Mousavi et al. 2020, doi:10.1038/s41467-020-17591-w), in s.
_WIDTH_S: dict[Form, float] = {"gaussian": 0.1, "triangle": 0.2, "box": 0.2}
#: A detection lasts until so many times S minus P behind S (Mousavi et al. 2020).
_CODA = 1.4
#: Where an onset of a phase may be that nobody labelled nothing is learnt, but for so many seconds
#: on the side of the other phase.
_SURE_S, _UNSURE_S = 0.5, 1.0


def shape_of(network: str, settings: Settings, rate_hz: float) -> tuple[Form, float]:
    """Form and width in samples of the labels of a network at a sampling rate."""
    form: Form = settings.label or ("triangle" if network == "eqtransformer" else "gaussian")
    return form, (settings.label_s or _WIDTH_S[form]) * rate_hz


def curves(
    card: Card, onsets: Mapping[str, tuple[float, ...]], n: int, shape: tuple[Form, float]
) -> np.ndarray:
    """Labels of each sample of a window, (classes, n) float32, 0 to 1.

    Where there is a class of noise the classes add up to one.
    """
    found = np.zeros((len(card.classes), n), np.float32)
    for row, name in enumerate(card.classes):
        if name in DETECTION:
            found[row] = _detection(onsets, n)
        for at in onsets.get(name, ()):
            found[row] = np.maximum(found[row], bump(np.arange(n) - at, *shape))
    noise = [row for row, name in enumerate(card.classes) if name in NOISE]
    if noise:
        total = found.sum(axis=0)
        found /= np.maximum(total, 1)
        found[noise[0]] = np.maximum(1 - total, 0)
    return found


def bump(distance: np.ndarray, form: Form, width: float) -> np.ndarray:
    """A label by the distance from its onset in samples: 1 at the onset, 0 far from it."""
    if form == "gaussian":
        return np.asarray(np.exp(-0.5 * (distance / width) ** 2))
    if form == "triangle":
        return np.asarray(np.maximum(1 - np.abs(distance) / width, 0))
    return np.asarray(np.abs(distance) <= width, float)


def _detection(onsets: Mapping[str, tuple[float, ...]], n: int) -> np.ndarray:
    """One from each P to behind the S that follows it."""
    at, found = np.arange(n), np.zeros(n)
    for p in onsets.get("P", ()):
        later = [s for s in onsets.get("S", ()) if s > p]
        if later:
            s = min(later)
            found[(at >= p) & (at <= s + _CODA * (s - p))] = 1
    return found


def weights(
    card: Card,
    onsets: Mapping[str, tuple[float, ...]],
    unsure: tuple[float, ...],
    n: int,
) -> np.ndarray:
    """How much each sample of a window counts, (n,) float32: not at all where labels may lack.

    Of a record with one of P and S alone the side on which the other one would be is left out.
    """
    rate, at = card.sampling_rate_hz, np.arange(n)
    found = np.ones(n, np.float32)
    known = {phase: onsets.get(phase, ()) for phase in ("P", "S") if phase in card.classes}
    if known.get("P") and not known.get("S", (0,)):
        found[at > max(known["P"]) + _SURE_S * rate] = 0
    if known.get("S") and not known.get("P", (0,)):
        found[at < min(known["S"]) - _SURE_S * rate] = 0
    for one in unsure:
        found[np.abs(at - one) <= _UNSURE_S * rate] = 0
    return found
