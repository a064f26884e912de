"""Layers of constant velocity."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


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
