"""Travel times of first P and S arrivals in layers of constant velocity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quakeline.velocity.model import VelocityModel

#: What is crossed of a layer counts as nothing below this.
_THIN_KM = 1e-6
#: Rays of one layer; with 2,400 of them times differ by less than 2 microseconds.
_RAYS = 201

#: Nodes along a side: tables of networks as wide as a continent would fill the memory.
_MOST_NODES = 4000


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
        """Grid step in km: at least 0.04, at most 0.5 or, of the longer side, one in 4,000."""
        longest = max(self.reach, self.bottom - self.top)
        return float(np.clip(longest / self.nodes, 0.04, max(0.5, longest / _MOST_NODES)))

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
        slowness = np.sort((reach / np.hypot(reach, height[:, None]) / speed[:, None]).ravel())
        slowness = slowness[slowness * speed.max() < 1 - 1e-12]
        ratio = speed[:, None] * slowness
        cosine = np.sqrt(1 - ratio**2)
        x = height @ (ratio / cosine)
        times = (height / speed) @ (1 / cosine)
        apart = np.r_[True, x[1:] - x[:-1] > _THIN_KM]
        return _along(x[apart], times[apart], slowness[apart], distances)

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


def _along(
    x: np.ndarray, times: np.ndarray, slowness: np.ndarray, distances: np.ndarray
) -> np.ndarray:
    """Times at distances from rays that arrive at x: cubic Hermite, beyond the last ray straight.

    The slowness of a ray is the slope of time over distance.
    """
    width = x[1:] - x[:-1]
    mean = (times[1:] - times[:-1]) / width
    bend = (3 * mean - 2 * slowness[:-1] - slowness[1:]) / width
    twist = (slowness[:-1] + slowness[1:] - 2 * mean) / width**2
    ray = np.minimum(np.searchsorted(x, distances, side="right") - 1, len(x) - 2)
    inside = np.minimum(distances, x[-1]) - x[ray]
    along = times[ray] + inside * (slowness[ray] + inside * (bend[ray] + inside * twist[ray]))
    return np.asarray(along + np.maximum(distances - x[-1], 0) * slowness[-1])
