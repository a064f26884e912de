"""A velocity model in three dimensions: P and S at the nodes of a grid."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.earth.velocity.places import Degrees, Places

_DEGREE_KM = 111.2
#: Velocities down to here count for the typical one, in km.
_CRUST_KM = 50.0
#: Sound in water: P velocities in km/s below which no rock is.
_WATER = 1.3
#: Columns that are interpolated in one go, which bounds the memory.
_COLUMNS = 10_000
#: Parts of a cell at which velocities are looked at, and a ratio of velocities that is a jump.
_PARTS, _JUMP = 8, 1.02
#: Names of stations in a sentence.
_NAMED = 5


@dataclass(frozen=True, eq=False)
class VelocityGrid:
    """Velocities in km/s at the nodes of a grid, linear between them or constant around each.

    `axes` are x, y and depth in km below sea level of the nodes, each rising; x and y are in the
    coordinates of `places`. `vp` and `vs` have shape (x, y, depth). With `in_cells` a velocity is
    that of a cell with the node in its middle. Outside, the velocities of the edge hold on.
    `node_km` is the distance of the nodes at which travel times are computed; None: chosen from
    model and network. `reading` says how the file was understood, `doubts` what looks wrong in it.
    """

    axes: tuple[np.ndarray, np.ndarray, np.ndarray]
    vp: np.ndarray
    vs: np.ndarray
    places: Places
    in_cells: bool = False
    node_km: float | None = None
    reading: str = ""
    doubts: tuple[str, ...] = field(default=())

    @property
    def dimensions(self) -> int:
        """Three."""
        return 3

    @property
    def general(self) -> bool:
        """Never: a grid is of a region."""
        return False

    def error_share(self, low_km: float, high_km: float) -> float:
        """Nothing: no file of a grid states errors."""
        return 0.0

    @cached_property
    def digest(self) -> str:
        """SHA-256 (hex) of velocities, nodes and places."""
        known = hashlib.sha256(f"{self.places.words} {self.in_cells}".encode())
        for values in (*self.axes, self.vp, self.vs):
            known.update(np.ascontiguousarray(values).tobytes())
        return known.hexdigest()

    @cached_property
    def spacing_km(self) -> tuple[float, float]:
        """The median distances of nodes, of the denser horizontal axis and in depth."""
        apart = [float(np.median(np.diff(axis))) for axis in self.axes]
        if isinstance(self.places, Degrees):
            middle = np.radians(float(self.axes[1].mean()))
            apart[0] *= _DEGREE_KM * float(np.cos(middle))
            apart[1] *= _DEGREE_KM
        return min(apart[:2]), apart[2]

    def typical(self, phase: str) -> float:
        """The median velocity in km/s over the depths of the crust."""
        values = {"P": self.vp, "S": self.vs}[phase]
        level = np.median(values.reshape(-1, values.shape[2]), axis=0)
        crust = self.axes[2] <= _CRUST_KM
        return float(np.median(level[crust] if crust.any() else level))

    def speed(
        self, phase: str, latitude: np.ndarray, longitude: np.ndarray, depth_km: np.ndarray
    ) -> np.ndarray:
        """Velocities in km/s at places in degrees and km below sea level, shape (n,)."""
        levels = self._levels(phase, latitude, longitude)
        depth = np.clip(depth_km, self.axes[2][0], self.axes[2][-1])
        k, share = self._between(2, depth)
        rows = np.arange(len(levels))
        return np.asarray(levels[rows, k] * (1 - share) + levels[rows, k + 1] * share)

    def columns(
        self, phase: str, latitude: np.ndarray, longitude: np.ndarray, depth_km: np.ndarray
    ) -> np.ndarray:
        """Velocities in km/s below n places at m depths each, shape (n, m), as float32.

        A value stands for what lies around its depth, half way to the next ones; see `_even`.
        """
        step = float(depth_km[1] - depth_km[0])
        parts = _PARTS
        if not self.in_cells:
            parts = int(np.clip(np.ceil(2 * step / self.spacing_km[1]), 1, _PARTS))
        within = ((np.arange(parts) + 0.5) / parts - 0.5) * step
        k, share = self._between(2, (depth_km[:, None] + within).ravel())
        found = np.empty((len(latitude), len(depth_km)), dtype=np.float32)
        for first in range(0, len(latitude), _COLUMNS):
            some = slice(first, first + _COLUMNS)
            levels = self._levels(phase, latitude[some], longitude[some])
            speed = levels[:, k] * (1 - share) + levels[:, k + 1] * share
            found[some] = 1 / _even((1 / speed).reshape(len(levels), len(depth_km), parts))
        return found

    def _levels(self, phase: str, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """Velocities of all depths of the model below places, shape (n, depths)."""
        values = {"P": self.vp, "S": self.vs}[phase]
        x, y = self.places.to_grid(latitude, longitude)
        i, across = self._between(0, x)
        j, along = self._between(1, y)
        across, along = across[:, None], along[:, None]
        near = values[i, j] * (1 - across) + values[i + 1, j] * across
        far = values[i, j + 1] * (1 - across) + values[i + 1, j + 1] * across
        return np.asarray(near * (1 - along) + far * along)

    def _between(self, number: int, values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The node before each value on an axis and the share of the next one's velocity."""
        axis = self.axes[number]
        inside = np.clip(np.nan_to_num(values, nan=axis[0]), axis[0], axis[-1])
        node = np.clip(np.searchsorted(axis, inside, side="right") - 1, 0, len(axis) - 2)
        share = (inside - axis[node]) / (axis[node + 1] - axis[node])
        if self.in_cells:
            share = share >= 0.5
        return node, share.astype(np.float32)

    def holds(self, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """Whether places lie within the grid seen from above, shape (n,)."""
        held = np.ones(len(latitude), dtype=bool)
        for values, axis in zip(
            self.places.to_grid(latitude, longitude), self.axes[:2], strict=True
        ):
            held &= np.isfinite(values) & (values >= axis[0]) & (values <= axis[-1])
        return held

    def require_near(self, stations: pd.DataFrame) -> None:
        """Refuse a network of which no station lies in the grid. Raises DataError."""
        if len(stations) and not self.holds(*_degrees(stations)).any():
            x, y = self.places.to_grid(*_degrees(stations))
            raise DataError(
                f"{self.reading.partition(':')[0]}: none of the {len(stations)} stations lies in"
                f" the velocity grid, which has {self._extent()}; the stations have x"
                f" {x.min():.2f} to {x.max():.2f}, y {y.min():.2f} to {y.max():.2f}"
                f" ({self.places.words})"
            )

    def doubts_for(self, stations: pd.DataFrame) -> list[str]:
        """Its doubts, and what looks odd in how stations (latitude, longitude, depth_km) lie."""
        found = list(self.doubts)
        if not len(stations):
            return found
        outside = ~self.holds(*_degrees(stations))
        if outside.any():
            found.append(
                f"{int(outside.sum())} of {len(stations)} stations lie outside the velocity grid"
                f" ({self._extent()}), where the velocities of its edge hold on:"
                f" {_names(stations[outside])}"
            )
        depth = stations["depth_km"].to_numpy()
        above = depth < self.axes[2][0] - 0.1
        if above.any():
            found.append(
                f"the velocity grid begins at {self.axes[2][0]:g} km; above it, where"
                f" {int(above.sum())} of {len(stations)} stations are, up to"
                f" {-float(depth.min()):.2f} km above sea level, its first velocities hold on"
            )
        vp = self.speed("P", *_degrees(stations), depth)
        if (vp < _WATER).any():
            found.append(
                f"{int((vp < _WATER).sum())} of {len(stations)} stations lie where the velocity"
                f" grid has vp {vp.min():.2f} km/s, as in air or water:"
                f" {_names(stations[vp < _WATER])}"
            )
        return found

    def _extent(self) -> str:
        names = ("x", "y", "depth")
        return ", ".join(
            f"{name} {axis[0]:g} to {axis[-1]:g}"
            for name, axis in zip(names, self.axes, strict=True)
        )


def _even(slowness: np.ndarray) -> np.ndarray:
    """One slowness for the parts of a cell, along the last axis.

    The mean is that at which a vertical ray takes as long. Where a cell holds a jump, that at which
    a head wave along it does counts instead: its delay per depth is the root of s^2 - p^2, with the
    least slowness for p.
    """
    mean = slowness.mean(axis=-1)
    least = slowness.min(axis=-1, keepdims=True)
    jump = slowness.max(axis=-1) > _JUMP * least[..., 0]
    if jump.any():
        some = slowness[jump]
        delay = np.sqrt(np.maximum(some**2 - least[jump] ** 2, 0)).mean(axis=-1)
        mean[jump] = np.hypot(least[jump][:, 0], delay)
    return np.asarray(mean)


def _degrees(stations: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    return stations["latitude"].to_numpy(), stations["longitude"].to_numpy()


def _names(stations: pd.DataFrame) -> str:
    """The codes of stations, of many the first ones."""
    if "station" not in stations:
        return f"{len(stations)} places"
    codes = sorted(set(stations["network"] + "." + stations["station"]))
    more = f" and {len(codes) - _NAMED} more" if len(codes) > _NAMED else ""
    return ", ".join(codes[:_NAMED]) + more
