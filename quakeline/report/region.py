"""Where stations and events lie on the map: the part of the Earth to draw, in degrees and km."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pandas as pd

#: Kilometres of a degree of latitude (mean of WGS84).
KM_PER_DEGREE = 111.2
#: Smallest half width of the map in km.
_LEAST_KM = 1.0


@dataclass(frozen=True)
class Region:
    """A square part of the map and the depths below it.

    `wrapped` says that longitudes count from 0 to 360, for regions across the date line.
    """

    longitude: float
    latitude: float
    half_km: float
    top_km: float
    bottom_km: float
    wrapped: bool

    @property
    def km_per_degree_east(self) -> float:
        """Kilometres of a degree of longitude at the centre."""
        return KM_PER_DEGREE * max(math.cos(math.radians(self.latitude)), 0.02)

    @property
    def longitudes(self) -> tuple[float, float]:
        """Western and eastern limit."""
        half = self.half_km / self.km_per_degree_east
        return self.longitude - half, self.longitude + half

    @property
    def latitudes(self) -> tuple[float, float]:
        """Southern and northern limit."""
        half = self.half_km / KM_PER_DEGREE
        return self.latitude - half, self.latitude + half

    def east(self, longitudes: np.ndarray) -> np.ndarray:
        """Longitudes as the map counts them."""
        return longitudes % 360 if self.wrapped else longitudes


def region(stations: pd.DataFrame, events: pd.DataFrame) -> Region:
    """The square that holds all stations and events, with some room around them."""
    longitudes = np.concatenate([stations["longitude"], events["longitude"]]).astype(float)
    latitudes = np.concatenate([stations["latitude"], events["latitude"]]).astype(float)
    wrapped = bool(np.ptp(longitudes) > 180)
    if wrapped:
        longitudes = longitudes % 360
    middle = [(float(v.min()) + float(v.max())) / 2 for v in (longitudes, latitudes)]
    east = np.ptp(longitudes) / 2 * KM_PER_DEGREE * math.cos(math.radians(middle[1]))
    half = max(float(east), float(np.ptp(latitudes)) / 2 * KM_PER_DEGREE, _LEAST_KM) * 1.18
    top, bottom = _depths(stations, events)
    return Region(middle[0], middle[1], half, top, bottom, wrapped)


def _depths(stations: pd.DataFrame, events: pd.DataFrame) -> tuple[float, float]:
    """Shown depths in km: from above the highest station to below the deepest event."""
    heights = -stations["elevation_m"].dropna().to_numpy(float) / 1000
    depths = events["depth_km"].dropna().to_numpy(float)
    everything = np.concatenate([heights, depths, [0.0]])
    room = 0.08 * max(float(np.ptp(everything)), 1.0)
    return float(everything.min()) - room, float(everything.max()) + 2 * room


def scale_bar_km(half_km: float) -> float:
    """A round length of about a quarter of the map's width."""
    rough = half_km / 2
    base = 10.0 ** math.floor(math.log10(rough))
    return float(max(step for step in (1, 2, 5) if step * base <= rough) * base)
