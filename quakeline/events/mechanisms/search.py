"""The double couples that polarities allow, and the one in their middle.

The method is that of HASH (Hardebeck, J. L. & Shearer, P. M., 2002, A new method for determining
first-motion focal mechanisms, Bull. Seismol. Soc. Am. 92, 2264-2276): a grid of mechanisms is
tried for each of some trials of take-off angles; all that miss hardly more polarities than the
best are acceptable. Their mean, without those far from it, is preferred, and how far the others
are turned from it is its error.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np

from quakeline.events.mechanisms import rotations

#: Step of the grid in degrees.
STEP_DEG = 5.0
#: Part of the polarities that may be wrong beyond the best fit, half of it of the sure ones; two at
#: least. Those of this weight are sure.
_WRONG, _FEWEST, _SURE = 0.1, 2, 1.0
#: Acceptable mechanisms that are kept, at most, evenly over all.
_MOST = 500
#: Mechanisms that are turned farther from the mean than this do not belong to it, in degrees.
_FAR_DEG = 45.0


@dataclass(frozen=True)
class Rays:
    """Rays of an event in several trials of where it is and how waves travel.

    `azimuth` (from north, eastwards) and `takeoff` (from down) are in degrees, shape (trials, n);
    `polarity` is 1 for up and -1 for down, `weight` what each counts, above 0, shape (n,).
    """

    azimuth: np.ndarray
    takeoff: np.ndarray
    polarity: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Solution:
    """The preferred double couple and how sure it is.

    `frame` as in `rotations`; `sigmas_deg` are the errors of the two nodal planes, `probability` is
    the part of the acceptable mechanisms that belong to it, `acceptable` all of them (k, 3, 3).
    """

    frame: np.ndarray
    sigmas_deg: tuple[float, float]
    probability: float
    acceptable: np.ndarray


@cache
def grid(step_deg: float = STEP_DEG) -> tuple[np.ndarray, np.ndarray]:
    """Frames (n, 3, 3) and moments (n, 6) of a grid; each stands for its opposite as well."""
    strike = np.arange(0, 360, step_deg)
    dip = np.arange(0, 90 + step_deg / 2, step_deg)
    rake = np.arange(-90, 90, step_deg)
    all_ = np.stack(np.meshgrid(strike, dip, rake, indexing="ij"), axis=-1).reshape(-1, 3)
    # Planes of a dip are as many as directions there are of their normals.
    keep = _thinned(all_[:, 0], all_[:, 1], step_deg)
    axes = rotations.frames(*all_[keep].T)
    # Of the two nodal planes that are one mechanism the flatter one stands for both.
    down = np.abs(axes[:, 0, 2] + axes[:, 1, 2]), np.abs(axes[:, 0, 2] - axes[:, 1, 2])
    axes = axes[down[0] >= down[1] - 1e-9]
    return axes, rotations.moments(axes).astype(np.float32)


def _thinned(strike: np.ndarray, dip: np.ndarray, step_deg: float) -> np.ndarray:
    """Which strikes are kept at each dip, so that normals lie evenly on the sphere."""
    count = np.maximum(np.round(360 / step_deg * np.sin(np.radians(dip))), 1)
    place = strike / 360 * count
    return np.asarray(np.floor(place) != np.floor((strike - step_deg) / 360 * count))


def amplitudes(moments: np.ndarray, azimuth: np.ndarray, takeoff: np.ndarray) -> np.ndarray:
    """P amplitudes of mechanisms, (n, 6), along rays in degrees, (m,); up is positive; (n, m)."""
    a, t = np.radians(azimuth), np.radians(takeoff)
    x, y, z = np.sin(t) * np.cos(a), np.sin(t) * np.sin(a), np.cos(t)
    directions = np.stack([x * x, y * y, z * z, 2 * x * y, 2 * x * z, 2 * y * z])
    return np.asarray(moments @ directions.astype(moments.dtype))


def solved(rays: Rays) -> Solution:
    """The mechanism that the polarities of an event allow; see the module."""
    accepted = _accepted(rays)
    step = max(len(accepted) / _MOST, 1.0)
    chosen = accepted[np.unique((np.arange(min(len(accepted), _MOST)) * step).astype(int))]
    near = chosen
    while True:
        middle = rotations.mean(near)
        away = rotations.angles(near, middle)
        if len(near) < 2 or away.max() <= _FAR_DEG:
            break
        near = np.delete(near, int(away.argmax()), axis=0)
    return Solution(middle, _spread(near, middle), len(near) / len(chosen), chosen)


def _accepted(rays: Rays) -> np.ndarray:
    """Frames of all mechanisms that any trial accepts, (k, 3, 3)."""
    axes, moments = grid()
    sure = rays.weight >= _SURE
    worth = np.stack([rays.polarity, rays.polarity * sure], axis=1).astype(np.float32)
    total = np.array([len(sure), int(sure.sum())])
    beyond = np.maximum(np.round(len(sure) * np.array([_WRONG, _WRONG / 2])), _FEWEST)
    as_is = np.zeros(len(axes), dtype=bool)
    opposite = np.zeros(len(axes), dtype=bool)
    for azimuth, takeoff in zip(rays.azimuth, rays.takeoff, strict=True):
        waves = amplitudes(moments, azimuth, takeoff)
        agreed = np.copysign(np.float32(1), waves, out=waves) @ worth
        wrong = np.stack([total - agreed, total + agreed]) / 2
        within = (wrong <= wrong.min(axis=(0, 1)) + beyond + 0.01).all(axis=2)
        as_is |= within[0]
        opposite |= within[1]
    # Of the opposite mechanism T and P are exchanged.
    turned = axes[opposite][:, [1, 0, 2]] * np.array([1.0, 1.0, -1.0])[:, None]
    return np.concatenate([axes[as_is], turned])


def _spread(axes: np.ndarray, middle: np.ndarray) -> tuple[float, float]:
    """Root mean square angles in degrees between nodal planes and those of a frame."""
    turned = rotations.aligned(axes, middle)
    found = []
    for sign in (1, -1):
        normals = (turned[:, 0] + sign * turned[:, 1]) / np.sqrt(2)
        own = (middle[0] + sign * middle[1]) / np.sqrt(2)
        apart = np.degrees(np.arccos(np.clip(np.abs(normals @ own), 0, 1)))
        found.append(float(np.sqrt(np.mean(apart**2))))
    return found[0], found[1]
