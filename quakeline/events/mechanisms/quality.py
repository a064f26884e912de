"""How good a mechanism is: misfit, distribution of stations, and HASH's classes A to D.

Source: Hardebeck & Shearer (2002), Table 1, and the program HASH 1.2, which asks for the classes'
limits together and for A of 80, B of 60 and C of 50 per cent of the acceptable mechanisms near the
preferred one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quakeline.events.mechanisms import ratios, rotations
from quakeline.events.mechanisms.search import Rays, Solution, amplitudes, directions

#: Class: least probability, largest error of the planes in degrees, largest misfit, least ratio.
LIMITS = {
    "A": (0.8, 25.0, 0.15, 0.5),
    "B": (0.6, 35.0, 0.20, 0.4),
    "C": (0.5, 45.0, 0.30, 0.3),
}


@dataclass(frozen=True)
class Fit:
    """What a mechanism leaves of the polarities.

    `misfit` is the part that disagrees, weighted by the root of the amplitude; the larger `ratio`,
    the fewer stations are near nodal planes. `ratio_misfit` is the mean difference of logarithms of
    S/P, NaN without ratios.
    """

    misfit: float
    ratio: float
    ratio_misfit: float = float("nan")


def fit_of(rays: Rays, solution: Solution) -> Fit:
    """Misfit, ratio of the distribution of stations, and gaps, for the mean of the trials' rays."""
    wave = radiation(rays, solution)
    weight = np.where(rays.polarity != 0, rays.weight, 0.0)
    counts = weight * np.sqrt(np.abs(wave))
    wrong = np.sign(wave) != rays.polarity
    total = max(float(counts.sum()), 1e-9)
    apart = np.nan
    if rays.ratios is not None and rays.with_ratio.any():
        apart = float(np.abs(_ratios(rays, solution, wave) - rays.ratios)[rays.with_ratio].mean())
    return Fit(float(counts[wrong].sum()) / total, total / float(weight.sum()), apart)


def _ratios(rays: Rays, solution: Solution, wave: np.ndarray) -> np.ndarray:
    """Logarithms of S/P of the mechanism along the first trial's rays, (n,)."""
    rays_to = directions(rays.azimuth[0], rays.takeoff[0])
    return np.asarray(ratios.theoretical(solution.frame[None, 2], rays_to, wave[None])[0])


def radiation(rays: Rays, solution: Solution) -> np.ndarray:
    """P amplitude of the mechanism, -1 to 1, up positive, along the first trial's rays, (n,)."""
    moment = rotations.moments(solution.frame[None])
    return np.asarray(amplitudes(moment, rays.azimuth[0], rays.takeoff[0])[0])


def gaps(rays: Rays) -> tuple[float, float]:
    """Largest gaps in azimuth and in take-off angle, in degrees.

    A ray that leaves downwards stands for the one upwards to the opposite side, as in HASH: a
    double couple has the same sign there.
    """
    known = rays.polarity != 0
    azimuth, takeoff = rays.azimuth[0][known], rays.takeoff[0][known]
    return _gap(np.where(takeoff < 90, azimuth + 180, azimuth), 360.0), _takeoff_gap(takeoff)


def letter(solution: Solution, fit: Fit) -> str:
    """A, B, C or D."""
    for name, (probability, error, misfit, ratio) in LIMITS.items():
        if (
            solution.probability >= probability
            and np.mean(solution.sigmas_deg) <= error
            and fit.misfit <= misfit
            and fit.ratio >= ratio
        ):
            return name
    return "D"


def _gap(angles: np.ndarray, around: float) -> float:
    """Largest distance of neighbours on a circle, degrees."""
    ordered = np.sort(np.asarray(angles) % around)
    return float(np.diff(np.append(ordered, ordered[0] + around)).max())


def _takeoff_gap(takeoff: np.ndarray) -> float:
    """Largest gap of take-off angles between straight down and level."""
    folded = np.sort(np.minimum(takeoff, 180 - takeoff))
    return float(np.diff(np.concatenate([[0.0], folded, [90.0]])).max())
