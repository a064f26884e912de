"""Layers of constant velocity, or of one that changes evenly with depth."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

#: Depths at which errors of velocities are looked at, and the least height of these, in km.
_DEPTHS, _THIN_KM = 100, 0.1


@dataclass(frozen=True)
class Profile:
    """Velocities of one phase: layer k lies between `bounds[k]` and `bounds[k + 1]`, in km.

    Its velocity goes evenly from `upper[k]` to `lower[k]`, in km/s; the first and the last layer
    are constant and without end. Shapes (n + 1,), (n,), (n,).
    """

    bounds: np.ndarray
    upper: np.ndarray
    lower: np.ndarray

    def at(self, depths: np.ndarray) -> np.ndarray:
        """Velocities at depths in km; at a bound those below it."""
        depths = np.asarray(depths, dtype=float)
        k = np.searchsorted(self.bounds[1:-1], depths, side="right")
        change = self.lower[k] - self.upper[k]
        sloped = change != 0
        start = np.where(sloped, self.bounds[k], 0.0)
        thickness = np.where(sloped, self.bounds[k + 1], 1.0) - start
        share = np.where(sloped, (depths - start) / thickness, 0.0)
        return np.asarray(self.upper[k] + change * share)

    @property
    def mirrored(self) -> Profile:
        """The same, upside down."""
        return Profile(-self.bounds[::-1], self.lower[::-1], self.upper[::-1])


@dataclass(frozen=True)
class Layers:
    """Layers from `tops` in km below sea level on, with `vp` and `vs` in km/s at their tops.

    `vp_base` and `vs_base` are the velocities at the bases of the layers, empty where all layers
    are constant. The first layer's velocity holds up to the highest station, the last layer reaches
    down without end and is constant.

    `vp_error` and `vs_error` are standard errors of `vp` and `vs`, empty where none are stated.

    `reading` says how a file was understood, `doubts` what looks wrong in it. `general` is true of
    a model of no region, as those of the program are.
    """

    tops: tuple[float, ...]
    vp: tuple[float, ...]
    vs: tuple[float, ...]
    vp_base: tuple[float, ...] = ()
    vs_base: tuple[float, ...] = ()
    vp_error: tuple[float, ...] = ()
    vs_error: tuple[float, ...] = ()
    reading: str = field(default="", compare=False)
    doubts: tuple[str, ...] = field(default=(), compare=False)
    general: bool = field(default=False, compare=False)

    def holds(self, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """Whether places lie in the model, shape (n,): all do."""
        return np.ones(len(latitude), dtype=bool)

    def error_share(self, low_km: float, high_km: float) -> float:
        """Standard error of the velocities between two depths, as a share; 0 if none is stated.

        Layers are taken to be off together, each by its part of the travel time.
        """
        if not self.vp_error:
            return 0.0
        depths = np.linspace(low_km, max(high_km, low_km + _THIN_KM), _DEPTHS)
        layer = np.searchsorted(self.tops[1:], depths, side="right")
        return float(
            np.mean(
                [
                    np.average(np.array(errors)[layer] / speed, weights=1 / speed)
                    for errors, phase in ((self.vp_error, "P"), (self.vs_error, "S"))
                    for speed in (self.at(depths, phase),)
                ]
            )
        )

    @property
    def homogeneous(self) -> bool:
        """Whether the model has one velocity."""
        return len(self.tops) == 1

    def speeds(self, phase: str) -> tuple[float, ...]:
        """Velocities in km/s of a phase, P or S, at the tops of the layers."""
        return {"P": self.vp, "S": self.vs}[phase]

    def profile(self, phase: str) -> Profile:
        """Velocities of a phase from top to bottom."""
        upper = np.array(self.speeds(phase))
        lower = np.array({"P": self.vp_base, "S": self.vs_base}[phase] or upper)
        bounds = np.array([-np.inf, *self.tops[1:], np.inf])
        if upper[0] != lower[0]:
            bounds = np.insert(bounds, 1, self.tops[0])
            upper, lower = np.r_[upper[0], upper], np.r_[upper[0], lower]
        return Profile(bounds, upper, lower)

    def at(self, depths: np.ndarray, phase: str) -> np.ndarray:
        """Velocity in km/s of a phase at depths in km."""
        return self.profile(phase).at(depths)

    @property
    def dimensions(self) -> int:
        """One: velocities change with depth alone."""
        return 1

    def typical(self, phase: str) -> float:
        """The median velocity in km/s of a phase over the layers."""
        return float(np.median(self.speeds(phase)))

    def speed(
        self, phase: str, latitude: np.ndarray, longitude: np.ndarray, depth_km: np.ndarray
    ) -> np.ndarray:
        """Velocities in km/s at places in degrees and km below sea level, shape (n,)."""
        return self.at(depth_km, phase)
