"""What velocities that are wrong do to a hypocentre: errors that many picks do not average out.

Three kinds are added up. Velocities that are wrong by a share as a whole move all arrivals
together, those of S by some more. What is wrong near the surface delays S against P at near and far
stations alike. Velocities that differ from side to side move arrivals of neighbouring stations
together and those in other directions apart (a covariance of travel times as in Tarantola, A. &
Valette, B., 1982, J. Geophys. 50, 159-170). The first and the last grow with the travel time, as
LOCGAU2 of NonLinLoc has it.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from quakeline.earth.velocity import Times
from quakeline.events.location import batch
from quakeline.events.location.errors import EXPECTED_S, EXPECTED_SHARE, S_ALONE
from quakeline.events.location.posterior import FREEDOM, PRIOR, Fit, Likelihood

#: How alike errors from side to side are for P and S of a station.
_ALIKE = 0.5
#: Delay of S against P at all stations over the share by which velocities are wrong, in s. Those of
#: P and of S are independent, each in the proportion in which errors are expected.
_DELAY_S = np.sqrt(2) * EXPECTED_S / EXPECTED_SHARE


def common(
    arrivals: batch.Arrivals,
    is_s: np.ndarray,
    times: Times,
    box: np.ndarray,
    points: np.ndarray,
    share: np.ndarray,
) -> np.ndarray:
    """Covariances (m, 4, 4) in km and s of events from velocities that are wrong by a share, (m,).

    Hypocentres are looked for again with travel times that are longer and shorter by the share,
    with those of S alone by a third of it, and with S later and earlier everywhere: where
    velocities change with depth they move much farther than derivatives at one point say. `points`,
    (m, 4), are the hypocentres; `box` as in `batch.fitted`.
    """
    here = batch.moved(arrivals, times, box, points)
    place = here[arrivals.event]
    travel, _ = times.sloped(
        arrivals.table, place[:, 0] - arrivals.x, place[:, 1] - arrivals.y, place[:, 2]
    )
    total = np.zeros((len(points), 4, 4))
    whole_s = share[arrivals.event] * travel
    delay_s = share[arrivals.event] * _DELAY_S * is_s
    for late_s in (whole_s, S_ALONE * whole_s * is_s, delay_s):
        for sign in (-1, 1) if late_s.any() else ():
            other = replace(arrivals, time_s=arrivals.time_s + sign * late_s)
            off = batch.moved(other, times, box, here) - here
            total += off[:, :, None] * off[:, None, :] / 2
    return total


def sides(likelihood: Likelihood, fit: Fit, share: float) -> np.ndarray:
    """Covariance (4, 4) of a hypocentre in km and s from velocities that differ from side to side.

    `share` is their error, 1 sigma.
    """
    if not share:
        return np.zeros((4, 4))
    _, slopes, travel = likelihood.linear(fit.point)
    weight = fit.weight * (FREEDOM + 1) / FREEDOM
    pulls = np.linalg.solve(fit.information + PRIOR, slopes.T * weight)
    moves = pulls * (share * travel / likelihood.scale_s)
    return np.asarray(moves @ _together(likelihood, fit.point) @ moves.T)


def _together(likelihood: Likelihood, point: np.ndarray) -> np.ndarray:
    """How much arrivals share errors from side to side, (n, n): by direction and distance."""
    seen = likelihood.seen
    east, north = seen.x - point[0], seen.y - point[1]
    away = np.sqrt(east**2 + north**2 + max(point[2], 1.0) ** 2)
    places = np.column_stack([east / away, north / away, np.log(away)])
    apart = np.sqrt(((places[:, None] - places) ** 2).sum(-1))
    return np.asarray(np.exp(-apart) * np.where(seen.is_s[:, None] == seen.is_s, 1.0, _ALIKE))
