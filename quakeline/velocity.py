"""1D velocity models and the travel times of their first P and S arrivals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.interpolate import CubicHermiteSpline, RectBivariateSpline

from quakeline.errors import DataError
from quakeline.io.cells import read_cells

_COLUMNS = ("depth_km", "vp", "vs")
#: What is crossed of a layer counts as nothing below this.
_THIN_KM = 1e-6


@dataclass(frozen=True)
class VelocityModel:
    """Layers of constant velocity: `tops` in km below sea level, `vp` and `vs` in km/s.

    The first layer reaches up to the highest station, the last one down without end.
    """

    tops: tuple[float, ...]
    vp: tuple[float, ...]
    vs: tuple[float, ...]

    @property
    def homogeneous(self) -> bool:
        """Whether the model has one layer."""
        return len(self.tops) == 1

    def speeds(self, phase: str) -> tuple[float, ...]:
        """Velocities in km/s of a phase, P or S."""
        return {"P": self.vp, "S": self.vs}[phase]

    def at(self, depths: np.ndarray, phase: str) -> np.ndarray:
        """Velocity in km/s of a phase at depths in km."""
        index = np.searchsorted(self.tops, depths, side="right") - 1
        return np.asarray(self.speeds(phase))[np.maximum(index, 0)]


def load(path: Path) -> VelocityModel:
    """Read a velocity table (CSV: depth_km, vp, vs). Raises DataError that names the mistake."""
    frame = read_cells(path, "velocity table")
    if set(frame.columns) != set(_COLUMNS):
        given = ", ".join(frame.columns)
        raise DataError(f"velocity table {path}: columns {given} given; required: depth_km, vp, vs")
    values = frame[list(_COLUMNS)].apply(pd.to_numeric, errors="coerce")
    if values.empty or not np.isfinite(values.to_numpy()).all():
        raise DataError(f"velocity table {path}: every row needs three numbers, one row at least")
    depth, vp, vs = (values[name].to_numpy(dtype=float) for name in _COLUMNS)
    if (np.diff(depth) <= 0).any():
        raise DataError(f"velocity table {path}: depth_km must increase from row to row")
    if (vs <= 0).any() or (vp <= vs).any() or (vp > 15).any():
        raise DataError(f"velocity table {path}: velocities in km/s must satisfy 0 < vs < vp <= 15")
    return VelocityModel(tuple(depth), tuple(vp), tuple(vs))


@dataclass(frozen=True)
class Domain:
    """Extent of travel-time tables in km: distances 0 to `reach`, depths `top` to `bottom`."""

    reach: float
    top: float
    bottom: float

    @property
    def step(self) -> float:
        """Grid step in km: at least 0.04 and at most 0.25."""
        return float(np.clip(max(self.reach, self.bottom - self.top) / 600, 0.04, 0.25))

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
        # Rays that would reach all distances densely in each of the layers by itself.
        reach = np.linspace(0, distances[-1], 2 * len(distances) - 1)
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


class TravelTimes:
    """Travel times between stations at given depths and sources in a domain.

    Tables are made once for each phase and station depth (to 10 m); a homogeneous model needs
    none. By reciprocity the table's source is the station.
    """

    def __init__(self, model: VelocityModel, domain: Domain) -> None:
        self.model, self.domain = model, domain
        self._tables: dict[tuple[str, float], RectBivariateSpline] = {}

    def __call__(
        self, phase: str, station_km: float, distance: np.ndarray, depth: np.ndarray
    ) -> np.ndarray:
        """Times in s for epicentral distances and source depths in km (arrays of one shape)."""
        if self.model.homogeneous:
            path = np.hypot(distance, np.asarray(depth) - station_km)
            return np.asarray(path / self.model.speeds(phase)[0])
        table = self._table(phase, round(station_km, 2))
        return np.asarray(table(distance, depth, grid=False))

    def _table(self, phase: str, station_km: float) -> RectBivariateSpline:
        key = (phase, station_km)
        if key not in self._tables:
            distances, depths = self.domain.distances, self._depths(station_km)
            times = first_arrivals(self.model, phase, station_km, distances, depths)
            self._tables[key] = RectBivariateSpline(distances, depths, times, kx=1, ky=1)
        return self._tables[key]

    def _depths(self, station_km: float) -> np.ndarray:
        """Depths of the nodes, some at the interfaces and the station, where times bend."""
        even = self.domain.depths
        bends = np.array([*self.model.tops[1:], station_km])
        bends = bends[(bends > even[0]) & (bends < even[-1])]
        near = np.abs(even[:, None] - bends).min(axis=1, initial=np.inf) < self.domain.step / 8
        return np.unique(np.concatenate([even[~near], bends, even[[0, -1]]]))
