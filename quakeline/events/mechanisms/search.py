"""The double couples that polarities allow, and the one in their middle.

The method is that of HASH (Hardebeck, J. L. & Shearer, P. M., 2002, A new method for determining
first-motion focal mechanisms, Bull. Seismol. Soc. Am. 92, 2264-2276): a grid of mechanisms is
tried for each of some trials of take-off angles; all that miss hardly more polarities than the
best are acceptable. Their mean, without those far from it, is preferred, and how far all of them
are turned from it is its error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from quakeline.events.mechanisms import ratios, rotations

#: Step of the grid in degrees.
STEP_DEG = 5.0
#: Part of the polarities that may be wrong, and half of it beyond the best fit; two at least.
_WRONG, _FEWEST = 0.1, 2
#: Acceptable mechanisms that are kept, at most, evenly over all.
_MOST = 500
#: Rays that are tried at a time, which keeps memory small.
_BLOCK = 128
#: Mechanisms that are turned farther from the mean than this do not belong to it, in degrees.
_FAR_DEG = 45.0


@dataclass(frozen=True)
class Rays:
    """Rays of an event in several trials of where it is and how waves travel.

    `azimuth` (from north, eastwards) and `takeoff` (from down) are in degrees, shape (trials, n);
    `polarity` is 1 for up, -1 for down and 0 where only a ratio is known, `weight` what each
    counts, shape (n,). `ratios` are logarithms (base 10) of S/P amplitudes, NaN where unknown.
    `impulsive` tells onsets that analysts call impulsive from others: HASH counts them apart.
    Without it (None) polarities count by their weights, as in SKHASH (Skoumal, R. J., Hardebeck, J.
    L. & Shearer, P. M., 2024, SKHASH: A Python package for computing earthquake focal mechanisms,
    Seismol. Res. Lett. 95, 2519-2526).
    """

    azimuth: np.ndarray
    takeoff: np.ndarray
    polarity: np.ndarray
    weight: np.ndarray
    impulsive: np.ndarray | None = None
    ratios: np.ndarray | None = None

    @property
    def with_ratio(self) -> np.ndarray:
        """Whether a ray has a ratio of S and P, (n,)."""
        if self.ratios is None:
            return np.zeros(len(self.polarity), dtype=bool)
        return np.asarray(np.isfinite(self.ratios))


@dataclass(frozen=True)
class Solution:
    """The preferred double couple and how sure it is.

    `frame` as in `rotations`; `sigmas_deg` are the errors of the two nodal planes, `probability` is
    the part of the acceptable mechanisms that belong to it, `acceptable` all of them (k, 3, 3).
    `missed` is the smallest sum of weights of polarities that any double couple misses.
    """

    frame: np.ndarray
    sigmas_deg: tuple[float, float]
    probability: float
    acceptable: np.ndarray
    missed: float = 0.0


@cache
def grid(step_deg: float = STEP_DEG) -> tuple[np.ndarray, np.ndarray]:
    """Frames (n, 3, 3) and moments (n, 6) of a grid that holds each double couple once, evenly.

    As in HASH, normals of planes lie evenly on half of the sphere, and rakes are half of a turn,
    here -90 to 90: of the two nodal planes of a double couple one has such a rake.
    """
    dips = np.arange(0, 90 + step_deg / 2, step_deg)
    counts = np.maximum(np.round(360 / step_deg * np.sin(np.radians(dips))), 1).astype(int)
    strikes = [np.arange(count) * 360 / count for count in counts]
    rakes = np.arange(-90, 90, step_deg)
    planes = [
        (s, d, r) for d, along in zip(dips, strikes, strict=True) for s in along for r in rakes
    ]
    axes = rotations.frames(*np.array(planes).T)
    return axes, rotations.moments(axes).astype(np.float32)


def directions(azimuth: np.ndarray, takeoff: np.ndarray) -> np.ndarray:
    """Unit vectors of rays in degrees, (m, 3): north, east, down."""
    a, t = np.radians(azimuth), np.radians(takeoff)
    return np.stack([np.sin(t) * np.cos(a), np.sin(t) * np.sin(a), np.cos(t)], axis=-1)


def amplitudes(moments: np.ndarray, azimuth: np.ndarray, takeoff: np.ndarray) -> np.ndarray:
    """P amplitudes of mechanisms, (n, 6), along rays in degrees, (m,); up is positive; (n, m)."""
    x, y, z = directions(azimuth, takeoff).T
    pairs = np.stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z])
    return np.asarray(moments @ pairs.astype(moments.dtype))


def solved(rays: Rays) -> Solution:
    """The mechanism that the polarities of an event allow; see the module."""
    accepted, missed = _accepted(rays)
    step = max(len(accepted) / _MOST, 1.0)
    chosen = accepted[np.unique((np.arange(min(len(accepted), _MOST)) * step).astype(int))]
    near = chosen
    while True:
        middle = rotations.mean(near)
        away = rotations.angles(near, middle)
        if len(near) < 2 or away.max() <= _FAR_DEG:
            break
        near = np.delete(near, int(away.argmax()), axis=0)
    return Solution(middle, _spread(chosen, middle), len(near) / len(chosen), chosen, missed)


def one_sided(rays: Rays, solution: Solution) -> bool:
    """Whether motion of one sign everywhere fits polarities as well as any double couple.

    An explosion has all first motions up, a collapse down. Polarities that miss such a source no
    more than the best double couple show no nodal plane.
    """
    counts = _counts(rays)[0]
    up, down = (float(counts[rays.polarity == sign].sum()) for sign in (1, -1))
    return min(up, down) <= solution.missed + 0.01


def _accepted(rays: Rays) -> tuple[np.ndarray, float]:
    """Frames of all mechanisms that any trial accepts, (k, 3, 3), and what the best one misses."""
    axes, moments = grid()
    counts = _counts(rays)
    worth = (rays.polarity * counts).T.astype(np.float32)
    total = counts.sum(axis=1)
    accepted = np.zeros(len(axes), dtype=bool)
    measured, missed = rays.with_ratio, np.inf
    for azimuth, takeoff in zip(rays.azimuth, rays.takeoff, strict=True):
        agreed = np.zeros((len(axes), len(total)), dtype=np.float32)
        for first in range(0, len(worth), _BLOCK):
            part = slice(first, first + _BLOCK)
            waves = amplitudes(moments, azimuth[part], takeoff[part])
            agreed += np.copysign(np.float32(1), waves, out=waves) @ worth[part]
        wrong = (total - agreed) / 2
        missed = min(missed, float(wrong[:, 0].min()))
        fits = (wrong <= _most_wrong(wrong, total) + 0.01).all(axis=1)
        if rays.ratios is not None and measured.any():
            off = _off(axes, moments, azimuth[measured], takeoff[measured], rays.ratios[measured])
            fits = ratios.acceptable(off, fits, int(measured.sum()))
        accepted |= fits
    return axes[accepted], missed


def _off(
    axes: np.ndarray,
    moments: np.ndarray,
    azimuth: np.ndarray,
    takeoff: np.ndarray,
    known: np.ndarray,
) -> np.ndarray:
    """Sums of how far logarithms of S/P of mechanisms are from those that are known, (n,)."""
    total = np.zeros(len(axes), dtype=np.float32)
    for first in range(0, len(known), _BLOCK):
        part = slice(first, first + _BLOCK)
        waves = amplitudes(moments, azimuth[part], takeoff[part])
        told = ratios.theoretical(axes[:, 2], directions(azimuth[part], takeoff[part]), waves)
        total += np.abs(told - known[part]).sum(axis=1)
    return total


def _counts(rays: Rays) -> np.ndarray:
    """What polarities count: all, and only the impulsive ones, or by weight; (2 or 1, n)."""
    known = rays.polarity != 0
    if rays.impulsive is None:
        return np.where(known, rays.weight, 0.0)[None]
    return np.stack([known.astype(float), (rays.impulsive & known).astype(float)])


def _most_wrong(wrong: np.ndarray, total: np.ndarray) -> np.ndarray:
    """Polarities that an acceptable mechanism may miss, of each of the counts.

    HASH allows a tenth of the polarities, and half of it more than the best mechanism misses. Where
    no mechanism fits all impulsive ones, these decide, and the others may be as they are.

    Parameters
    ----------
    wrong
        What each mechanism misses, shape (n, counts).
    total
        The sums of all polarities, shape (counts,).
    """
    allowed = max(np.floor(_WRONG * total[0] + 0.5), _FEWEST)
    more = max(np.floor(_WRONG / 2 * total[0] + 0.5), _FEWEST)
    if len(total) == 1:
        return np.asarray(np.maximum(wrong.min(axis=0) + more, allowed))
    best = wrong[:, 1].min()
    others = wrong[wrong[:, 1] <= best + 0.01, 0].min()
    loose = allowed if best < 0.01 else total[0]
    return np.array([max(loose, others + more), max(allowed, best + more)])


def _spread(axes: np.ndarray, middle: np.ndarray) -> tuple[float, float]:
    """Root mean square angles in degrees between nodal planes and those of a frame."""
    turned = rotations.aligned(axes, middle)
    found = []
    for sign in (1, -1):
        normals = (turned[:, 0] + sign * turned[:, 1]) / np.sqrt(2)
        own = (middle[0] + sign * middle[1]) / np.sqrt(2)
        apart = np.degrees(np.arccos(np.clip(normals @ own, -1, 1)))
        found.append(float(np.sqrt(np.mean(apart**2))))
    return found[0], found[1]
