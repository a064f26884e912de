"""Geographic and local coordinates, distances and azimuths."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from pyproj import Geod, Transformer

_GEOD = Geod(ellps="WGS84")


@dataclass(frozen=True)
class LocalFrame:
    """A plane around a point: x east and y north in km, azimuthal equidistant on WGS84."""

    latitude: float
    longitude: float

    @classmethod
    def around(cls, latitudes: np.ndarray, longitudes: np.ndarray) -> LocalFrame:
        """The frame at the middle of some points, on either side of the date line or a pole."""
        lat, lon = np.radians(latitudes), np.radians(longitudes)
        vectors = np.array([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)])
        x, y, z = vectors.mean(axis=1)
        return cls(
            float(np.degrees(np.arctan2(z, np.hypot(x, y)))), float(np.degrees(np.arctan2(y, x)))
        )

    @cached_property
    def _transformer(self) -> Transformer:
        plane = (
            f"+proj=aeqd +lat_0={self.latitude!r} +lon_0={self.longitude!r} +units=km +ellps=WGS84"
        )
        return Transformer.from_crs("EPSG:4326", plane, always_xy=True)

    def to_xy(self, latitude: np.ndarray, longitude: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Local x, y in km of points in degrees."""
        x, y = self._transformer.transform(longitude, latitude)
        return np.asarray(x), np.asarray(y)

    def to_latlon(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Latitude and longitude in degrees of local points in km."""
        longitude, latitude = self._transformer.transform(x, y, direction="INVERSE")
        return np.asarray(latitude), np.asarray(longitude)

    def turned(self, x: float | np.ndarray, y: float | np.ndarray) -> np.ndarray:
        """Matrices (..., 3, 3) that turn vectors (x, y, down) at points to (east, north, down).

        Away from the middle of the frame its axes are not east and north, least of all near a pole.
        """
        here, there = (self.to_latlon(np.asarray(x), np.asarray(y) + up) for up in (0.0, 1.0))
        north, _, _ = _GEOD.inv(here[1], here[0], there[1], there[0])
        angle = np.radians(north)
        turns = np.zeros((*angle.shape, 3, 3))
        turns[..., 0, 0] = turns[..., 1, 1] = np.cos(angle)
        turns[..., 0, 1] = np.sin(angle)
        turns[..., 1, 0] = -turns[..., 0, 1]
        turns[..., 2, 2] = 1.0
        return turns


def distance_azimuth(
    latitude: float | np.ndarray,
    longitude: float | np.ndarray,
    latitudes: np.ndarray,
    longitudes: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """Distance in km and azimuth in degrees (0 to 360, from north) from a point to others.

    The point is one for all, or one for each of the others.
    """
    n = len(latitudes)
    azimuth, _, metres = _GEOD.inv(
        np.full(n, longitude), np.full(n, latitude), np.asarray(longitudes), np.asarray(latitudes)
    )
    return np.asarray(metres) / 1000, np.asarray(azimuth) % 360


def azimuthal_gap(azimuths: np.ndarray) -> float:
    """Largest angle in degrees between neighbouring azimuths; 360 for fewer than two."""
    ordered = np.sort(np.unique(np.asarray(azimuths, dtype=float) % 360))
    if len(ordered) < 2:
        return 360.0
    return float(np.max(np.diff(np.append(ordered, ordered[0] + 360))))


def shifted(
    latitude: float, longitude: float, azimuth_deg: float, metres: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Latitude and longitude of points at distances (m) from a point along an azimuth."""
    n = len(metres)
    east, north, _ = _GEOD.fwd(
        np.full(n, longitude), np.full(n, latitude), np.full(n, azimuth_deg), np.asarray(metres)
    )
    return np.asarray(north), np.asarray(east)


def neighbours(events: pd.DataFrame, most: int, within_km: float) -> pd.DataFrame:
    """Pairs of events (latitude, longitude, depth_km) that are near to each other.

    Returns
    -------
    Rows `first` < `second` of the events and their distance `apart_km`: each event with the `most`
    nearest within a distance, each pair once.
    """
    from scipy.spatial import cKDTree

    if len(events) < 2:
        return pd.DataFrame({"first": [], "second": [], "apart_km": []}, dtype=np.int64)
    latitude, longitude = events["latitude"].to_numpy(), events["longitude"].to_numpy()
    frame = LocalFrame.around(latitude, longitude)
    places = np.column_stack([*frame.to_xy(latitude, longitude), events["depth_km"]])
    size = min(most + 1, len(places))
    apart, other = cKDTree(places).query(places, size, distance_upper_bound=within_km)
    one = np.repeat(np.arange(len(places)), size)
    apart, other = np.ravel(apart), np.ravel(other)
    real = np.isfinite(apart) & (one != other)
    pairs = np.sort(np.column_stack([one, other])[real], axis=1)
    table = pd.DataFrame({"first": pairs[:, 0], "second": pairs[:, 1], "apart_km": apart[real]})
    return table.drop_duplicates(["first", "second"]).sort_values(["first", "second"])
