"""What a set's own events tell of its picks: how large their errors are, and delays of stations.

Tables of picks seldom state errors, and what a model in one dimension leaves over differs between
regions. So both together are taken from the residuals of the candidates. Errors are those of each
phase, by the median absolute residual, which single wrong picks do not change, corrected for the
four unknowns of an origin. Delays are those of each station and phase: they hold together the picks
of events that the model would split. What finds the origins finds the delays (`Finder.terms`).
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
#: Picks that an event needs to tell of errors.
_ENOUGH = 8
_UNKNOWNS = 4
_MAD = 1.4826


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
    event: np.ndarray, is_s: np.ndarray, residual_s: np.ndarray, most_s: float
) -> np.ndarray:
    """Errors of P and S in s from residuals, (2,), at most `most_s`; all arrays have shape (n,)."""
    size = np.bincount(event)[event]
    good = size >= _ENOUGH
    corrected = residual_s / np.sqrt(np.maximum(1 - _UNKNOWNS / size, 0.2))
    both = _scale(corrected[good], _EXPECTED_S)
    sigma = [
        np.clip(_scale(corrected[good & own], both), both / _MOST_RATIO, both * _MOST_RATIO)
        for own in (~is_s, is_s)
    ]
    return np.clip(sigma, _LEAST_S, most_s)


def _scale(residual_s: np.ndarray, expected_s: float) -> float:
    if not len(residual_s):
        return expected_s
    own = _MAD * float(np.median(np.abs(residual_s)))
    count = len(residual_s)
    return float(np.sqrt((count * own**2 + _SHRINK * expected_s**2) / (count + _SHRINK)))
