"""Probabilities that are shares: the temperature of a network of events, and its reliability.

Guo, C., Pleiss, G., Sun, Y. & Weinberger, K. Q. (2017), On calibration of modern neural networks,
Proc. Mach. Learn. Res. 70, 1321-1330.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import scipy.optimize

from quakeline.models.event_networks import at_temperature

#: Temperatures that are tried, and records below which that of the parent stays.
_RANGE = (0.2, 5.0)
LEAST_WINDOWS = 20
_BINS = 10


@dataclass(frozen=True)
class Reliability:
    """Windows by the probability of their most probable class.

    Attributes
    ----------
    said, right, counts
        For each bin with windows their mean probability, the share that is right, their number.
    error
        Mean difference of the two, weighted by the numbers.
    """

    said: np.ndarray
    right: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """Mean difference of what is said and what is right, weighted by the numbers of windows."""
        total = max(int(self.counts.sum()), 1)
        return float((np.abs(self.said - self.right) * self.counts).sum() / total)


def temperature_of(probabilities: np.ndarray, classes: np.ndarray, usual: float = 1.0) -> float:
    """The temperature at which probabilities (n, classes) of known classes are most likely.

    With fewer than LEAST_WINDOWS windows, or one class alone, the usual one stays.
    """
    if len(classes) < LEAST_WINDOWS or len(set(classes.tolist())) < 2:
        return usual

    def misfit(log_temperature: float) -> float:
        found = at_temperature(probabilities, float(np.exp(log_temperature)))
        return float(-np.log(found[np.arange(len(classes)), classes]).mean())

    limits = tuple(np.log(_RANGE))
    best = scipy.optimize.minimize_scalar(misfit, bounds=limits, method="bounded")
    return round(float(np.exp(best.x)), 3)


def reliability_of(probabilities: np.ndarray, classes: np.ndarray) -> Reliability:
    """How often what is said with a probability is right, in ten bins."""
    said, right = probabilities.max(axis=1), probabilities.argmax(axis=1) == classes
    bins = np.minimum((said * _BINS).astype(int), _BINS - 1)
    there = [np.flatnonzero(bins == number) for number in range(_BINS)]
    rows = [(said[own].mean(), right[own].mean(), len(own)) for own in there if len(own)]
    columns = np.array(rows, float).reshape(-1, 3).T
    return Reliability(columns[0], columns[1], columns[2].astype(int))
