"""Terrain that a user brings: a grid of heights as a shaded picture of the region."""

from __future__ import annotations

import base64
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quakeline.core.errors import DataError
from quakeline.report.basemap.grids import Grid, read
from quakeline.report.region import KM_PER_DEGREE, Region

#: Pixels of the picture to a side at most, and its greys.
MOST_PIXELS, GREYS = 400, 32
#: Parts of the region's half width that the picture reaches to each side.
REACH = 1.6
#: Light comes from the north-west at this height, in degrees.
_AZIMUTH, _HEIGHT = 315.0, 45.0


@dataclass(frozen=True)
class Terrain:
    """A picture from north to south, 0 (dark) to 1, and its edges in km around the middle.

    The edges are km east and north of the region's middle.
    """

    shade: np.ndarray
    west: float
    east: float
    south: float
    north: float

    def plain(self) -> dict[str, Any]:
        """As JSON-like builtins; the picture is a data URI."""
        edges = {name: getattr(self, name) for name in ("west", "east", "south", "north")}
        return {"image": _png(self.shade), **edges}


def shaded(path: Path, area: Region) -> Terrain:
    """The terrain of a region, lit from the north-west.

    Raises DataError for a file that cannot be read, does not touch the region or has no heights
    there.
    """
    grid = _cut(read(path), area, path)
    east = (grid.longitudes - area.longitude) * area.km_per_degree_east
    north = (grid.latitudes - area.latitude) * KM_PER_DEGREE
    shade = _shade(grid.heights_m, east, north)
    half_x, half_y = (abs(float(axis[1] - axis[0])) / 2 for axis in (east, north))
    return Terrain(
        shade[::-1],
        round(float(east[0]) - half_x, 3),
        round(float(east[-1]) + half_x, 3),
        round(float(north[0]) - half_y, 3),
        round(float(north[-1]) + half_y, 3),
    )


def _cut(grid: Grid, area: Region, path: Path) -> Grid:
    """The part of a grid around the region, thinned to what a picture shows."""
    turn = np.round((area.longitude - float(grid.longitudes.mean())) / 360) * 360
    longitudes = grid.longitudes + turn
    half_x = REACH * area.half_km / area.km_per_degree_east
    half_y = REACH * area.half_km / KM_PER_DEGREE
    columns = np.flatnonzero(np.abs(longitudes - area.longitude) <= half_x)
    rows = np.flatnonzero(np.abs(grid.latitudes - area.latitude) <= half_y)
    if len(columns) < 2 or len(rows) < 2:
        raise DataError(
            f"{path} covers latitudes {grid.latitudes[0]:.3f} to {grid.latitudes[-1]:.3f} and"
            f" longitudes {grid.longitudes[0]:.3f} to {grid.longitudes[-1]:.3f}; the map lies at"
            f" {area.latitude:.3f}, {area.longitude:.3f} and needs two points of the grid or more"
        )
    columns = columns[:: -(-len(columns) // MOST_PIXELS)]
    rows = rows[:: -(-len(rows) // MOST_PIXELS)]
    heights = grid.heights_m[np.ix_(rows, columns)]
    if not np.isfinite(heights).any():
        raise DataError(
            f"{path} has no heights (all are missing) around the map, at {area.latitude:.3f},"
            f" {area.longitude:.3f}"
        )
    return Grid(longitudes[columns], grid.latitudes[rows], heights)


def _shade(heights_m: np.ndarray, east_km: np.ndarray, north_km: np.ndarray) -> np.ndarray:
    """Lambert's shading from 0 to 1, with slopes stretched where the land is flat."""
    filled = np.where(np.isfinite(heights_m), heights_m, np.nanmedian(heights_m))
    slope_north, slope_east = np.gradient(filled / 1000, north_km, east_km)
    typical = float(np.percentile(np.hypot(slope_north, slope_east), 90))
    stretch = min(0.8 / typical, 20.0) if typical > 0 else 1.0
    a, b = slope_east * stretch, slope_north * stretch
    azimuth, height = np.radians([_AZIMUTH, _HEIGHT])
    light = np.array(
        [np.sin(azimuth) * np.cos(height), np.cos(azimuth) * np.cos(height), np.sin(height)]
    )
    shade = (-a * light[0] - b * light[1] + light[2]) / np.sqrt(1 + a**2 + b**2)
    return np.asarray(np.clip(shade, 0, 1))


def _png(shade: np.ndarray) -> str:
    from PIL import Image

    level = np.round(shade * (GREYS - 1)).astype(np.uint8)
    picture = Image.fromarray(level, mode="P")
    picture.putpalette([value for k in range(GREYS) for value in [k * 255 // (GREYS - 1)] * 3])
    buffer = io.BytesIO()
    picture.save(buffer, "PNG", optimize=True, bits=5)
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
