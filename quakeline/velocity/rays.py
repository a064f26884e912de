"""Travel times of first P and S arrivals in layers of constant velocity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from quakeline.velocity.model import VelocityModel

#: What is crossed of a layer counts as nothing below this.
_THIN_KM = 1e-6
#: Rays of one layer.
_RAYS = 601


@dataclass(frozen=True)
class Domain:
    """Extent of travel-time tables in km: distances 0 to `reach`, depths `top` to `bottom`.

    `nodes` are as many as the longer side has, within the limits of `step`.
    """

    reach: float
    top: float
    bottom: float
    nodes: int = 1500

    @property
    def step(self) -> float:
        """Grid step in km: at least 0.04 and at most 0.5."""
        return float(np.clip(max(self.reach, self.bottom - self.top) / self.nodes, 0.04, 0.5))

    @property
    def distances(self) -> np.ndarray:
        """Distances of the nodes, up to `reach` and a little more."""
        return np.arange(0, self.reach + 2 * self.step, self.step)

    @property
    def depths(self) -> np.ndarray:
        """Depths of the nodes, from `top` to `bottom` and a little more."""
        return np.arange(self.top, self.bottom + 2 * self.step, self.step)


def first_arrivals(
    model: VelocityModel, phase: str, source_km: float, distances: np.ndarray, depths: np.ndarray
) -> np.ndarray:
    """Times in s of the first arrivals from a source at distance 0 and a depth in km.

    Exact for layers of constant velocity: the earliest of the ray that is refracted on its way
    between the two depths and of the head waves along all interfaces below and above both.

    Parameters
    ----------
    model, phase, source_km
        Velocities, P or S, depth of the source.
    distances, depths
        Shapes (n,) and (m,), in km; distances must rise evenly from 0.

    Returns
    -------
    Shape (n, m).
    """
    layers = _Layers(np.array([-np.inf, *model.tops[1:], np.inf]), np.array(model.speeds(phase)))
    times = np.empty((len(distances), len(depths)))
    for k, depth in enumerate(depths):
        direct = layers.direct(source_km, depth, distances)
        times[:, k] = np.minimum(direct, layers.head(source_km, depth, distances))
    return times


@dataclass(frozen=True)
class _Layers:
    """Layers of constant velocity: layer k lies between `bounds[k]` and `bounds[k + 1]`."""

    bounds: np.ndarray
    speed: np.ndarray

    def thickness(self, one: float, other: float) -> np.ndarray:
        """How much of each layer lies between two depths, in km."""
        low, high = min(one, other), max(one, other)
        return np.diff(np.clip(self.bounds, low, high))

    def direct(self, one: float, other: float, distances: np.ndarray) -> np.ndarray:
        """Times of the ray that goes from one depth to the other without turning."""
        height = self.thickness(one, other)
        crossed = height > _THIN_KM
        if not crossed.any():
            at = np.searchsorted(self.bounds, (one + other) / 2, side="right") - 1
            return np.asarray(distances / self.speed[at])
        height, speed = height[crossed], self.speed[crossed]
        # Rays that would reach all distances, the near ones densely, in each layer by itself.
        share = np.linspace(0, 1, min(2 * len(distances) - 1, _RAYS))
        reach = distances[-1] * share**2
        slowness = np.unique(reach / np.hypot(reach, height[:, None]) / speed[:, None])
        slowness = slowness[slowness * speed.max() < 1 - 1e-12]
        ratio = slowness[:, None] * speed
        cosine = np.sqrt(1 - ratio**2)
        x = (height * ratio / cosine).sum(axis=1)
        times = (height / (speed * cosine)).sum(axis=1)
        apart = np.diff(x, prepend=-1.0) > _THIN_KM
        # The slowness of a ray is the slope of time over distance.
        curve = CubicHermiteSpline(x[apart], times[apart], slowness[apart])
        last = x[apart][-1]
        beyond = np.maximum(distances - last, 0) * slowness[-1]
        return np.asarray(curve(np.minimum(distances, last)) + beyond)

    def head(self, one: float, other: float, distances: np.ndarray) -> np.ndarray:
        """Times of the earliest head wave; infinity where there is none."""
        earliest = np.full(len(distances), np.inf)
        top, bottom = min(one, other), max(one, other)
        for k, bound in enumerate(self.bounds[1:-1]):
            if bound >= bottom:
                speed = self.speed[k + 1]
            elif bound <= top:
                speed = self.speed[k]
            else:
                continue
            height = self.thickness(one, bound) + self.thickness(other, bound)
            ratio = self.speed[height > _THIN_KM] / speed
            if (ratio >= 1).any():
                continue
            cosine = np.sqrt(1 - ratio**2)
            height = height[height > _THIN_KM]
            delay = (height * cosine / (ratio * speed)).sum()
            critical = (height * ratio / cosine).sum()
            times = np.where(distances >= critical, distances / speed + delay, np.inf)
            earliest = np.minimum(earliest, times)
        return earliest
