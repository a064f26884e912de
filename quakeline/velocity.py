"""1D velocity models and the travel times of their first P and S arrivals."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import skfmm
from scipy.interpolate import RectBivariateSpline

from quakeline.errors import DataError
from quakeline.io.cells import read_cells

_COLUMNS = ("depth_km", "vp", "vs")


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
        """Grid step in km: at most 0.5, at least 0.05, and at most 2,000 nodes a side."""
        longest = max(self.reach, self.bottom - self.top)
        return float(np.clip(longest / 400, max(0.05, longest / 2000), 0.5))


def eikonal_times(
    model: VelocityModel, phase: str, source_km: float, domain: Domain
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """First-arrival times in s from a source at distance 0, by fast marching of second order.

    Returns distances (n,), depths (m,) in km and times (n, m). Around the source, where fast
    marching is least exact, times start from a sphere of constant velocity.
    Source: scikit-fmm; Sethian, J. A. (1996), Proc. Natl. Acad. Sci. 93, 1591-1595.
    """
    step = domain.step
    distances = np.arange(0, domain.reach + 2 * step, step)
    depths = np.arange(domain.top - step, domain.bottom + 2 * step, step)
    speed = np.broadcast_to(model.at(depths, phase), (len(distances), len(depths)))
    radius = 2 * step
    span = np.hypot(distances[:, None], depths[None, :] - source_km)
    times = np.asarray(skfmm.travel_time(span - radius, speed, dx=step, order=2))
    near = float(model.at(np.array([source_km]), phase)[0])
    return distances, depths, np.where(span <= radius, span / near, times + radius / near)


class TravelTimes:
    """Travel times between stations at given depths and sources in a domain.

    Tables are made once for each phase and station depth (to 50 m); a homogeneous model needs
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
        table = self._table(phase, round(station_km / 0.05) * 0.05)
        return np.asarray(table(distance, depth, grid=False))

    def _table(self, phase: str, station_km: float) -> RectBivariateSpline:
        key = (phase, station_km)
        if key not in self._tables:
            distances, depths, times = eikonal_times(self.model, phase, station_km, self.domain)
            self._tables[key] = RectBivariateSpline(distances, depths, times, kx=1, ky=1)
        return self._tables[key]
