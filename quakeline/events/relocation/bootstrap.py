"""How far off relative hypocentres may be: what other errors of the same kind would have made.

Errors are drawn with heavy tails, of the size that the solution leaves over where there are many:
one for every pick, which all differences of the pick share, and one for every difference of
waveforms (the parametric bootstrap of Efron, B., 1982, The jackknife, the bootstrap and other
resampling plans, SIAM).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from quakeline.events.location.posterior import FREEDOM
from quakeline.events.relocation.relative import Problem, apart_errors, errors, groups

_SEED = 0
#: One step with weights goes so much less far than their iteration: the mean weight of residuals of
#: the t distribution over the mean slope of weight times residual.
_WHOLE = (FREEDOM + 3) / (FREEDOM + 1)


def deviations(
    problem: Problem,
    points: np.ndarray,
    draws: int,
    progress: Callable[[float, float], None] = lambda done, total: None,
) -> np.ndarray:
    """Standard deviations of x, y and z in km, (m, 3), against the middle of the linked events.

    `points` solve the problem; `progress` is told the draws done and those of all. Errors of the
    velocities are not in them.
    """
    rng = np.random.default_rng(_SEED)
    left, slopes = problem.left(points)
    sigma = errors(left, slopes, problem.links)
    group = groups(problem.events, len(points))
    still = np.zeros(4 * len(points))
    total = np.zeros((len(points), 3))
    for draw in range(draws):
        drawn = _drawn(problem, slopes, sigma, rng)
        off = problem.step(drawn, slopes, sigma, still)[:, :3]
        total += (off - _middles(off, group)) ** 2
        progress(draw + 1, draws)
    return np.asarray(_WHOLE * np.sqrt(total / draws))


def _drawn(
    problem: Problem, slopes: np.ndarray, sigma: np.ndarray, rng: np.random.Generator
) -> np.ndarray:
    """Residuals of the links as other picks and other noise would leave them, in s."""
    links, waves = problem.links, problem.links.correlated
    apart = apart_errors(slopes, links)
    scale = sigma / np.hypot(links.sigma_s, apart)
    picks = problem.arrivals.seen.sigma_s * rng.standard_t(FREEDOM, len(problem.arrivals.event))
    picked = picks[links.one] - picks[links.other]
    waved = links.sigma_s * rng.standard_t(FREEDOM, len(waves))
    return np.asarray(
        scale * (np.where(waves, waved, picked) + apart * rng.normal(size=len(waves)))
    )


def _middles(places: np.ndarray, group: np.ndarray) -> np.ndarray:
    """Mean of the places of each event's group."""
    count = np.bincount(group)
    means = [np.bincount(group, column) / count for column in places.T]
    return np.asarray(np.stack(means, axis=1)[group])
