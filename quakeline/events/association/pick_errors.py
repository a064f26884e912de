"""What a set's own events tell of its picks: how large their errors are, and delays of stations.

Tables of picks seldom state errors, and what a model in one dimension leaves over differs between
regions. So both together are taken from the residuals of the candidates. Errors are those of each
phase, by the median absolute residual, which single wrong picks do not change, corrected for the
four unknowns of an origin. Delays are those of each station and phase (see `location.terms`): they
hold together the picks of events that the model would split.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: What is expected of each phase before any residual was seen, in s, and how many residuals that
#: counts for.
_EXPECTED_S = 0.15
_SHRINK = 30.0
_LEAST_S = 0.04
#: The errors of P and S differ from those of both together by this factor at most.
_MOST_RATIO = 1.5
#: Picks that an event needs to tell of errors and delays.
_ENOUGH = 8
_UNKNOWNS = 4
_MAD = 1.4826
#: Residuals that count against a delay of zero.
_DELAY_SHRINK = 10.0
#: Picks that tell of a delay at least: the residuals of one origin are no delays.
_LEAST_PICKS = 5


@dataclass(frozen=True)
class PickErrors:
    """Standard deviations of P and S about their predictions in s, (2,), and delays in s.

    `delay_s` has one value for each pair of a site and a phase, by the number 2 * site + is S.
    """

    sigma_s: np.ndarray
    delay_s: np.ndarray

    @classmethod
    def expected(cls, sites: int) -> PickErrors:
        """Those of no set in particular, for a number of sites."""
        return cls(np.full(2, _EXPECTED_S), np.zeros(2 * sites))

    def of(self, group: np.ndarray) -> np.ndarray:
        """Errors in s of picks of groups (2 * site + is S), shape (n,)."""
        return np.asarray(self.sigma_s[group % 2])


def learnt(
    event: np.ndarray,
    group: np.ndarray,
    residual_s: np.ndarray,
    before: PickErrors,
    most_s: float,
) -> PickErrors:
    """Errors and delays from residuals that `before` has left; all arrays have shape (n,).

    Errors are at most `most_s`, delays twice that. Delays add to those from before.
    """
    size = np.bincount(event)[event]
    good = size >= _ENOUGH
    corrected = residual_s / np.sqrt(np.maximum(1 - _UNKNOWNS / size, 0.2))
    both = _scale(corrected[good], _EXPECTED_S)
    sigma = [
        np.clip(
            _scale(corrected[good & (group % 2 == n)], both), both / _MOST_RATIO, both * _MOST_RATIO
        )
        for n in (0, 1)
    ]
    delay = _delays(group[good], residual_s[good], before.delay_s, 2 * most_s)
    return PickErrors(np.clip(sigma, _LEAST_S, most_s), delay)


def _delays(
    group: np.ndarray, residual_s: np.ndarray, before: np.ndarray, most_s: float
) -> np.ndarray:
    """Delays of all groups: those before and the shrunken medians of what they left."""
    delay = before.copy()
    order = np.argsort(group, kind="stable")
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        if len(rows) >= _LEAST_PICKS:
            number, count = group[rows[0]], len(rows)
            whole = before[number] + float(np.median(residual_s[rows]))
            delay[number] = whole * count / (count + _DELAY_SHRINK)
    return np.asarray(np.clip(delay, -most_s, most_s))


def _scale(residual_s: np.ndarray, expected_s: float) -> float:
    if not len(residual_s):
        return expected_s
    own = _MAD * float(np.median(np.abs(residual_s)))
    count = len(residual_s)
    return float(np.sqrt((count * own**2 + _SHRINK * expected_s**2) / (count + _SHRINK)))
