"""Travel times of first P and S arrivals in layers, constant or with even gradients."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from quakeline.earth.velocity.layers import Layers, Profile

#: What is crossed of a layer counts as nothing below this.
_THIN_KM = 1e-6
#: A layer whose velocity changes by less is constant.
_EVEN_KM_S = 1e-9
#: Rays of one layer; with 2,400 of them times differ by less than 2 microseconds.
_RAYS = 201
#: Rays of all layers that have a gradient, and the fewest of one.
_FAN, _FEWEST_RAYS = 800, 8

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
    model: Layers, phase: str, source_km: float, distances: np.ndarray, depths: np.ndarray
) -> np.ndarray:
    """Times in s of the first arrivals from a source at distance 0 and a depth in km.

    Exact for layers whose velocities are constant or change evenly with depth, in which rays are
    arcs of circles: the earliest of the ray that is refracted on its way between the two depths,
    of those that turn in a layer below (or above) both, and of the head waves along all interfaces
    below and above both.

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
    profile = model.profile(phase)
    down, up = _Layers(profile), _Layers(profile.mirrored)
    earliest = down.heads(source_km, depths, distances)
    np.minimum(earliest, up.heads(-source_km, -depths, distances), out=earliest)
    times = np.empty((len(distances), len(depths)))
    for k, depth in enumerate(depths):
        kinds = [
            earliest[k],
            down.direct(source_km, depth, distances),
            down.turned(source_km, depth, distances),
            up.turned(-source_km, -depth, distances),
        ]
        times[:, k] = np.min(kinds, axis=0)
    return times


class _Layers:
    """Rays in a profile of velocities, as seen by those that turn below source and receiver."""

    def __init__(self, profile: Profile) -> None:
        self._profile = profile
        self._bounds = profile.bounds
        self._sloped = bool((profile.upper != profile.lower).any())
        turning = int((profile.lower > profile.upper + _EVEN_KM_S).sum())
        self._fan = np.linspace(0, 1, max(_FEWEST_RAYS, _FAN // max(turning, 1))) ** 2
        # Where velocities go on growing below a bound, rays that turn there are earlier.
        grows = (profile.lower[1:] > profile.upper[1:]) & (profile.lower[:-1] >= profile.upper[1:])
        self._heads = np.flatnonzero(~grows).tolist()

    def between(self, one: float, other: float) -> _Crossed:
        """What lies between two depths, without layers of which nothing is crossed."""
        low, high = min(one, other), max(one, other)
        edges = np.minimum(np.maximum(self._bounds, low), high)
        height = edges[1:] - edges[:-1]
        crossed = height > _THIN_KM
        upper, lower = self._profile.upper[crossed], self._profile.lower[crossed]
        if self._sloped:
            start, end = self._bounds[:-1][crossed], self._bounds[1:][crossed]
            change = lower - upper
            sloped = change != 0
            slope = np.where(sloped, change, 0) / np.where(sloped, end - start, 1)
            start = np.where(sloped, start, 0)
            lower = upper + slope * (edges[1:][crossed] - start) * sloped
            upper = upper + slope * (edges[:-1][crossed] - start) * sloped
        return _Crossed(height[crossed], upper, lower)

    def direct(self, one: float, other: float, distances: np.ndarray) -> np.ndarray:
        """Times of the ray that goes from one depth to the other without turning."""
        way = self.between(one, other)
        if not len(way.height):
            speed = float(self._profile.at(np.array((one + other) / 2)))
            return np.asarray(distances / speed)
        # Rays that would reach all distances, the near ones densely, in each layer by itself.
        most = max(_FEWEST_RAYS, _FAN // 2 // len(way.height)) if self._sloped else _RAYS
        share = np.linspace(0, 1, min(2 * len(distances) - 1, most))
        reach = distances[-1] * share**2
        middle = (way.upper + way.lower) / 2
        slowness = (reach / np.hypot(reach, way.height[:, None]) / middle[:, None]).ravel()
        least = way.ends(1 / way.fastest)
        if self._sloped:
            slowness = np.r_[slowness, np.sin(np.linspace(0, np.pi / 2, _RAYS)) / way.fastest]
        slowness = np.sort(slowness[slowness * way.fastest < 1 - 1e-12])
        if least:
            slowness = np.r_[slowness, 1 / way.fastest]
        x, times = way.rays(slowness)
        apart = np.r_[True, x[1:] - x[:-1] > _THIN_KM]
        return _along(x[apart], times[apart], slowness[apart], distances)

    def heads(self, one: float, others: np.ndarray, distances: np.ndarray) -> np.ndarray:
        """Times of the earliest head waves below one depth and each of others, (depths, n).

        Infinity where there is none.
        """
        earliest = np.full((len(others), len(distances)), np.inf)
        bottoms = np.maximum(one, others)
        for k in self._heads:
            bound, slowness = self._bounds[k + 1], 1 / self._profile.upper[k + 1]
            some = np.flatnonzero(bottoms <= bound)
            near = self.between(one, bound)
            if not len(some) or not near.ends(slowness):
                continue
            far, there = self._legs(others[some], bound, slowness)
            some = some[there]
            (x, times), (further, longer) = (way.rays(np.array([slowness])) for way in (near, far))
            x, times = (x + further)[:, None], (times + longer)[:, None]
            later = times + (distances - x) * slowness
            later[distances < x] = np.inf
            earliest[some] = np.minimum(earliest[some], later)
        return earliest

    def _legs(
        self, depths: np.ndarray, bound: float, slowness: float
    ) -> tuple[_Crossed, np.ndarray]:
        """What lies between depths above a bound and it, (layers, k); and which, (depths,), count.

        Those of which a ray of this slowness comes through. Of layers that are not crossed nothing
        is.
        """
        edges = np.minimum(np.maximum(self._bounds[:, None], depths), bound)
        height = edges[1:] - edges[:-1]
        crossed = height > _THIN_KM
        upper, lower = (
            np.repeat(v[:, None], len(depths), axis=1)
            for v in (self._profile.upper, self._profile.lower)
        )
        if self._sloped:
            change = lower - upper
            sloped = change != 0
            thick = np.diff(self._bounds)[:, None]
            slope = np.where(sloped, change, 0) / np.where(sloped, thick, 1)
            start = np.where(sloped, self._bounds[:-1, None], 0)
            lower = upper + slope * (edges[1:] - start) * sloped
            upper = upper + slope * (edges[:-1] - start) * sloped
            upper, lower = np.where(crossed, upper, 1), np.where(crossed, lower, 1)
        height = np.where(crossed, height, 0)
        there = _Crossed(height, upper, lower).ends(slowness)
        return _Crossed(*(v[:, there] for v in (height, upper, lower))), there

    def turned(self, one: float, other: float, distances: np.ndarray) -> np.ndarray:
        """Times of the earliest ray that turns in a layer below both; infinity where there is none.

        Where the gradient grows with depth, rays come back on themselves and several reach one
        distance.
        """
        earliest = np.full(len(distances), np.inf)
        if not self._sloped:
            return earliest
        column, below = self.between(one, other), self.between(max(one, other), self._bounds[-2])
        # A ray that turns in a layer is faster there than anywhere on its way.
        slowest = np.maximum(below.peaks(column.fastest), below.upper)
        layers = np.flatnonzero(below.lower > slowest + _EVEN_KM_S)
        if not len(layers):
            return earliest
        start, end = slowest[layers, None], below.lower[layers, None]
        slowness = 1 / (start + (end - start) * self._fan)
        even = below.peaks(column.even_peak, even=True)[layers]
        finite = np.ones(slowness.shape, dtype=bool)
        finite[:, 0] = even < start[:, 0] * (1 - 1e-12)
        goes_on = np.r_[False, np.abs(end[:-1, 0] - start[1:, 0]) < _EVEN_KM_S] & finite[:, 0]
        layer = np.repeat(layers, len(self._fan))[finite.ravel()]
        slow = slowness[finite]
        gradient = (below.lower - below.upper) / below.height
        # Both legs cross what lies between the deeper end and the layer.
        crossed = np.arange(len(below.height))[:, None] < layer
        heights = np.concatenate(
            [
                np.repeat(column.height[:, None], len(slow), axis=1),
                2 * below.height[:, None] * crossed,
            ]
        )
        way = (column + below).rays(slow, heights)
        arc = _arc(below.upper[layer], gradient[layer], slow)
        x, times = way[0] + arc[0], way[1] + arc[1]
        ends = np.flatnonzero(~goes_on)
        first = np.r_[np.cumsum(np.r_[0, finite.sum(axis=1)])[ends], len(slow)].tolist()
        for begin, stop in pairwise(first):
            fan = slice(begin, stop)
            _take_earlier(earliest, [x[fan], times[fan], slow[fan]], distances)
        return earliest


@dataclass(frozen=True)
class _Crossed:
    """Layers on the way of a ray: height in km, velocities at their ends in km/s, shapes (n,).

    Or (n, k) on k ways, where layers that are not crossed have no height.
    """

    height: np.ndarray
    upper: np.ndarray
    lower: np.ndarray

    def __add__(self, other: _Crossed) -> _Crossed:
        return _Crossed(
            np.concatenate([self.height, other.height]),
            np.concatenate([self.upper, other.upper]),
            np.concatenate([self.lower, other.lower]),
        )

    @property
    def fastest(self) -> float:
        return float(max(self.upper.max(initial=0), self.lower.max(initial=0)))

    def ends(self, slowness: float) -> np.ndarray:
        """Whether a ray of this slowness comes through and ends at a finite distance, (k,)."""
        even = np.abs(self.upper - self.lower) <= _EVEN_KM_S
        fast = np.maximum(self.upper, self.lower) * slowness
        stops = (self.height > 0) & (fast > np.where(even, 1 - 1e-12, 1 + 1e-12))
        return np.asarray(~stops.any(axis=0))

    @property
    def even_peak(self) -> float:
        """The largest velocity of constant layers."""
        return float(self.upper[np.abs(self.upper - self.lower) <= _EVEN_KM_S].max(initial=0))

    def peaks(self, before: float, even: bool = False) -> np.ndarray:
        """The largest velocity above each layer, of what came before and (constant) layers here."""
        speed = np.maximum(self.upper, self.lower)
        if even:
            speed = speed * (np.abs(self.upper - self.lower) <= _EVEN_KM_S)
        return np.asarray(np.maximum.accumulate(np.r_[before, speed])[:-1])

    def rays(
        self, slowness: np.ndarray, heights: np.ndarray | None = None
    ) -> tuple[np.ndarray, np.ndarray]:
        """Distances in km and times in s of rays of given slownesses in s/km, shape (m,).

        `heights`, shape (n, m), replace those of the layers ray by ray; 0: not crossed. The forms
        for even changes of velocity are those of arcs of circles (Aki, K. & Richards, P. G., 2002,
        Quantitative seismology, section 9.3), written so that they hold for constant layers too.
        """
        own, one, two = (
            v if v.ndim == 2 else v[:, None] for v in (self.height, self.upper, self.lower)
        )
        height = own if heights is None else heights
        if height.shape[1] > 1:
            slowness = np.where(height > 0, slowness, 0)
        cosine = np.sqrt(np.maximum(1 - (one * slowness) ** 2, 0))
        if (self.upper == self.lower).all():
            x = height * one * slowness / cosine
            return x.sum(axis=0), (height / one / cosine).sum(axis=0)
        other = np.sqrt(np.maximum(1 - (two * slowness) ** 2, 0))
        x = height * slowness * (one + two) / (cosine + other)
        return x.sum(axis=0), (height * _mean_slowness(one, two, cosine, other)).sum(axis=0)


def _arc(
    speed: np.ndarray, gradient: np.ndarray, slowness: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Distances and times of rays that turn in a gradient, from a velocity down and back to it."""
    turn = 1 / slowness
    height = np.maximum(turn - speed, 0) / gradient
    cosine = np.sqrt(np.maximum(1 - (speed * slowness) ** 2, 0))
    flat = cosine < 1e-12
    mean = _mean_slowness(speed, turn, np.where(flat, 1, cosine), np.zeros(len(turn)))
    x = np.sqrt(np.maximum(turn**2 - speed**2, 0)) / gradient
    return 2 * x, 2 * np.where(flat, 0, height * mean)


def _mean_slowness(one: Any, two: Any, cosine: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Time in s that a ray spends per km of depth, between two velocities."""
    change = two - one
    share = (1 + (one + two) / (two * cosine + one * other)) / (one * (1 + other))
    even = change == 0
    safe = np.where(even, 1, change)
    return np.asarray(np.where(even, share, np.log1p(change * share) / safe))


def _take_earlier(earliest: np.ndarray, fan: list[np.ndarray], distances: np.ndarray) -> None:
    """Put into `earliest` the times of rays whose x goes back and forth, where they are smaller.

    The fan is x, times and slownesses of neighbouring rays.
    """
    x, times, slowness = fan
    back = np.diff(x) < 0
    turns = np.flatnonzero(back[1:] != back[:-1]) + 1
    for start, end in pairwise([0, *turns.tolist(), len(x) - 1]):
        part = slice(start, end + 1)
        order = np.argsort(x[part], kind="stable")
        near = x[part][order]
        low, high = np.searchsorted(distances, [near[0], near[-1]]).tolist()
        if low == high:
            continue
        apart = np.r_[True, near[1:] - near[:-1] > _THIN_KM]
        rays = (near[apart], times[part][order][apart], slowness[part][order][apart])
        if len(rays[0]) > 1:
            found = _along(*rays, distances[low:high])
            earliest[low:high] = np.minimum(earliest[low:high], found)


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
