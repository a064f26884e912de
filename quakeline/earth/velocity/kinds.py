"""What every kind of velocity model gives: layers (`model`) and grids in three dimensions (`grid`).

Whoever needs velocities or travel times asks for no more than this, so that it works in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from quakeline.core.geometry import LocalFrame


@dataclass(frozen=True)
class Network:
    """Where stations are and sources may be.

    `stations` has latitude, longitude, depth_km (below sea level) and local x, y in km, a row for
    each site; `box` are the least and largest x, y, z of sources in km, shape (2, 3).
    """

    frame: LocalFrame
    stations: pd.DataFrame
    box: np.ndarray


class Times(Protocol):
    """Travel times between the sites of a network and its sources.

    `rows` are numbers of tables, shape (n,); `east` and `north` are offsets in km from the sites to
    the sources in the local frame and `depth` those of the sources, of shapes that broadcast to
    (..., n).
    """

    @property
    def model(self) -> Velocities:
        """The velocities."""

    def rows_of(self, phases: np.ndarray, site: np.ndarray) -> np.ndarray:
        """Numbers of the tables for pairs of a phase and the number of a site."""

    def travel(
        self, rows: np.ndarray, east: np.ndarray, north: np.ndarray, depth: np.ndarray
    ) -> np.ndarray:
        """Times in s, shape (..., n)."""

    def sloped(
        self, rows: np.ndarray, east: np.ndarray, north: np.ndarray, depth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Times in s, and their slopes over x, y and depth of the sources in s/km, (..., n, 3)."""


class Velocities(Protocol):
    """Velocities of P and S.

    `reading` says how a file was understood, `doubts` what looks wrong in it by itself;
    `dimensions` is 1 where velocities change with depth alone, else 3; `general` is true of a model
    of no region, as those of the program are.
    """

    @property
    def reading(self) -> str:
        """How the model was read."""

    @property
    def doubts(self) -> tuple[str, ...]:
        """What looks wrong in it."""

    @property
    def dimensions(self) -> int:
        """1 or 3."""

    @property
    def general(self) -> bool:
        """Whether it was made for no region."""

    def error_share(self, low_km: float, high_km: float) -> float:
        """Standard error of the velocities between two depths, as a share; 0 if none is stated."""

    def typical(self, phase: str) -> float:
        """A velocity in km/s in the middle of those of the model."""

    def speed(
        self, phase: str, latitude: np.ndarray, longitude: np.ndarray, depth_km: np.ndarray
    ) -> np.ndarray:
        """Velocities in km/s at places in degrees and km below sea level, shape (n,)."""


class Model(Velocities, Protocol):
    """Velocities that know what stations see of them, and give travel times."""

    def doubts_for(self, stations: pd.DataFrame) -> list[str]:
        """Its doubts, and what looks odd in how stations (latitude, longitude, depth_km) lie."""

    def holds(self, latitude: np.ndarray, longitude: np.ndarray) -> np.ndarray:
        """Whether places in degrees lie in it, shape (n,); outside those of its edge are taken."""

    def times(self, network: Network, threads: int = 1) -> Times:
        """Travel times between a network and its sources."""
