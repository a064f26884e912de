"""The most likely hypocentre and its covariance under errors with heavy tails.

Arrival times are predicted by an origin (x, y, z, t0); residuals over their sigma follow Student's
t distribution, under which single wrong picks do not pull (Lange, K. L. et al., 1989, Robust
statistical modeling using the t distribution, J. Am. Stat. Assoc. 84, 881-896), or, where picks of
something else are near, that and their even distribution. The most likely
point is found by damped Gauss-Newton steps with iterated weights. The covariance is the second
moment of the posterior around that point, summed over samples that are weighted by their
likelihood (importance sampling), so that it holds where the times bend and at the limits of depth,
where a derivative alone would not (Tarantola, A. & Valette, B., 1982, J. Geophys. 50, 159-170).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from scipy.special import chdtri, ndtri, poch

from quakeline.earth.velocity import Times
from quakeline.events.location import sobol
from quakeline.events.location.errors import Residuals
from quakeline.events.location.observations import Observations

#: Degrees of freedom of the residuals' t distribution.
FREEDOM = 4.0
#: The largest density of Student's t with these degrees of freedom.
_PEAK = 3 / 8
_STEPS = 60
_SMALL = 1e-5
_SAMPLES = 512
#: Degrees of freedom of the samples' distribution, wider than the posterior's.
_SAMPLE_FREEDOM = 6
#: Weak prior, so that a direction without any constraint has a finite error: 1/km^2, 1/s^2.
PRIOR = np.diag([1e-6, 1e-6, 1e-6, 1e-6])


@dataclass(frozen=True)
class Fit:
    """A hypocentre (x, y, z, t0) in km and s, cost, and per arrival residual and weight 0 to 1.

    An arrival that is likely something else's weighs little, as does one with a large residual.
    `scale_s` are the standard deviations that the residuals were given.

    `stretch` is the factor by which the event's own residuals enlarge or shrink all its errors.
    """

    point: np.ndarray
    cost: float
    residual_s: np.ndarray
    weight: np.ndarray
    information: np.ndarray
    scale_s: np.ndarray
    stretch: float = 1.0

    @property
    def spread(self) -> np.ndarray:
        """Covariance (4, 4) of the hypocentre, where times are straight around it."""
        return np.linalg.inv(self.information + PRIOR)


@dataclass(frozen=True)
class Solution:
    """A located event: its most likely point, fit and covariances of (x, y, z, t0) in km and s.

    `relative` is the covariance without the errors of velocities, which neighbours share.
    """

    fit: Fit
    covariance: np.ndarray
    relative: np.ndarray


@dataclass(frozen=True)
class Likelihood:
    """Arrivals of one event, what predicts them, and where the hypocentre may lie.

    `scale_s` are the standard deviations of the residuals; `low`, `high` the limits of x, y, z.
    """

    seen: Observations
    times: Times
    scale_s: np.ndarray
    low: np.ndarray
    high: np.ndarray

    def residuals(self, points: np.ndarray) -> np.ndarray:
        """Observed minus predicted times, shape (m, n), for points of shape (m, 4)."""
        east, north = points[:, :1] - self.seen.x, points[:, 1:2] - self.seen.y
        travel = self.times.travel(self.seen.table, east, north, points[:, 2:3])
        return np.asarray(self.seen.time_s - points[:, 3:] - travel)

    def costs(self, points: np.ndarray) -> np.ndarray:
        """Negative logarithms of the likelihood, infinite outside the limits; shape (m,)."""
        cost = self._unlikely(self.residuals(points) / self.scale_s)[0].sum(axis=1)
        inside = ((points[:, :3] >= self.low) & (points[:, :3] <= self.high)).all(axis=1)
        return np.where(inside, cost, np.inf)

    def at(self, point: np.ndarray) -> tuple[Fit, np.ndarray]:
        """The fit at a point, and the gradient of its cost."""
        residual, slopes, _ = self.linear(point)
        u = residual / self.scale_s
        cost, own = self._unlikely(u)
        weight = own * (FREEDOM + 1) / (FREEDOM + u**2)
        information = (slopes * weight[:, None]).T @ slopes
        share = weight * FREEDOM / (FREEDOM + 1)
        fit = Fit(point, float(cost.sum()), residual, share, information, self.scale_s)
        return fit, -slopes.T @ (weight * u)

    def _unlikely(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Cost of each residual over its scale, and the probability that it is the event's own."""
        cost = (FREEDOM + 1) / 2 * np.log1p(u**2 / FREEDOM)
        others = self.seen.foreign_hz * self.scale_s / _PEAK * np.exp(cost)
        return cost - np.log1p(others), 1 / (1 + others)

    def left(self, fit: Fit) -> Residuals:
        """What the fit leaves over, for the errors of the whole catalog."""
        _, slopes, travel = self.linear(fit.point)
        return Residuals(
            fit.residual_s,
            self.seen.sigma_s,
            travel,
            self.seen.is_s,
            fit.weight * (FREEDOM + 1) / FREEDOM,
            slopes * self.scale_s[:, None],
        )

    def linear(self, point: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Residuals, slopes (n, 4) of predicted times over their scale, and travel times."""
        east, north = point[0] - self.seen.x, point[1] - self.seen.y
        travel, over_place = self.times.sloped(self.seen.table, east, north, point[2])
        slopes = np.empty((len(travel), 4))
        slopes[:, :3] = over_place
        slopes[:, 3] = 1.0
        slopes /= self.scale_s[:, None]
        return self.seen.time_s - point[3] - travel, slopes, travel


def density(u: np.ndarray) -> np.ndarray:
    """Probability density of residuals over their scale."""
    peak = np.log(poch(FREEDOM / 2, 0.5)) - (np.log(FREEDOM) + np.log(np.pi)) / 2
    return np.asarray(np.exp(peak - (FREEDOM + 1) / 2 * np.log1p(u * u / FREEDOM)))


def most_likely(likelihood: Likelihood, start: np.ndarray) -> Fit:
    """The nearest maximum of the likelihood, by damped Gauss-Newton steps inside the limits."""
    low, high = np.r_[likelihood.low, -np.inf], np.r_[likelihood.high, np.inf]
    fit, gradient = likelihood.at(np.clip(start, low, high))
    damping = 1e-3
    for _ in range(_STEPS):
        free = ~(((fit.point <= low) & (gradient > 0)) | ((fit.point >= high) & (gradient < 0)))
        some = slice(None) if free.all() else free
        damped = np.array(fit.information[some][:, some], order="C")
        diagonal = damped.reshape(-1)[:: len(damped) + 1]
        diagonal += damping * diagonal + 1e-9
        step = np.zeros(4)
        step[some] = -np.linalg.solve(damped, gradient[some])
        new, slope = likelihood.at(np.clip(fit.point + step, low, high))
        if new.cost < fit.cost:
            moved = np.abs(new.point - fit.point).max()
            fit, gradient, damping = new, slope, damping / 5
            if moved < _SMALL:
                break
        else:
            damping *= 5
            if damping > 1e6:
                break
    return fit


def covariance(likelihood: Likelihood, fit: Fit) -> np.ndarray:
    """Second moments (4, 4) of the posterior around its maximum, for (x, y, z, t0) in km and s."""
    centre, spread = fit.point, fit.spread
    for _ in range(2):
        points, log_density = _samples(centre, spread)
        score = fit.cost - likelihood.costs(points) - log_density
        weight = np.exp(score - score.max())
        weight /= weight.sum()
        centre = weight @ points
        apart = points - centre
        # A few samples that hold all the weight tell of one direction only.
        effective = 1 / (weight**2).sum()
        sample = (apart * weight[:, None]).T @ apart
        spread = sample if effective > 30 else (sample + spread) / 2
    away = points - fit.point
    return np.asarray((away * weight[:, None]).T @ away + 1e-12 * np.eye(4))


@cache
def _cube() -> tuple[np.ndarray, np.ndarray]:
    """Normal vectors (m, 4) and radii (m,) of even samples of a t distribution."""
    uniform = sobol.points(_SAMPLES) * (1 - 1e-9) + 5e-10
    radius = np.sqrt(_SAMPLE_FREEDOM / chdtri(_SAMPLE_FREEDOM, uniform[:, 4]))
    return ndtri(uniform[:, :4]), radius


def _samples(centre: np.ndarray, spread: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Points of a t distribution, and the logarithm of its density but for a constant."""
    normal, radius = _cube()
    vectors = normal * radius[:, None]
    root = np.linalg.cholesky(spread + 1e-12 * np.eye(4))
    log_density = -(_SAMPLE_FREEDOM + 4) / 2 * np.log1p((vectors**2).sum(1) / _SAMPLE_FREEDOM)
    return centre + vectors @ root.T, log_density
