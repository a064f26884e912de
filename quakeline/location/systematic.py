"""What velocities that are wrong do to a hypocentre: errors that many picks do not average out.

Two kinds are added up. Velocities that are wrong by a share as a whole move all arrivals of a phase
together. Velocities that differ from side to side move arrivals of neighbouring stations together
and those in other directions apart (a covariance of travel times as in Tarantola, A. & Valette, B.,
1982, J. Geophys. 50, 159-170). Both grow with the travel time, as LOCGAU2 of NonLinLoc has it.
"""

from __future__ import annotations

import numpy as np

from quakeline.location.posterior import FREEDOM, PRIOR, Fit, Likelihood

#: Errors of velocities from side to side over those of the whole.
_SIDES = 0.35
#: How alike these are for P and S of a station.
_ALIKE = 0.5


def covariance(likelihood: Likelihood, fit: Fit, share: float) -> np.ndarray:
    """Covariance (4, 4) of a hypocentre in km and s from velocities that are wrong by a share."""
    if not share:
        return np.zeros((4, 4))
    _, slopes, travel = likelihood.linear(fit.point)
    weight = fit.weight * (FREEDOM + 1) / FREEDOM
    pulls = np.linalg.solve(fit.information + PRIOR, slopes.T * weight)
    is_s = likelihood.seen.is_s
    moves = pulls * (share * travel / likelihood.scale_s)
    whole = moves @ np.column_stack([~is_s, is_s])
    sides = _SIDES**2 * moves @ _together(likelihood, fit.point) @ moves.T
    return np.asarray(whole @ whole.T + sides)


def _together(likelihood: Likelihood, point: np.ndarray) -> np.ndarray:
    """How much arrivals share errors from side to side, (n, n): by direction and distance."""
    seen = likelihood.seen
    east, north = seen.x - point[0], seen.y - point[1]
    away = np.sqrt(east**2 + north**2 + max(point[2], 1.0) ** 2)
    places = np.column_stack([east / away, north / away, np.log(away)])
    apart = np.sqrt(((places[:, None] - places) ** 2).sum(-1))
    return np.asarray(np.exp(-apart) * np.where(seen.is_s[:, None] == seen.is_s, 1.0, _ALIKE))
