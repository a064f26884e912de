"""What lies under a map of a region: its lines in km around the middle, and its terrain."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from quakeline.report.basemap import natural_earth, shapefiles
from quakeline.report.basemap.clipping import cut_line, cut_polygon
from quakeline.report.basemap.terrain import Terrain, shaded
from quakeline.report.region import KM_PER_DEGREE, Region

#: Half widths of the region that lines reach to each side, as the movable map is zoomed out.
REACH = 3.5
#: Words in the names of shapefiles that tell their layer; all others are lines such as faults.
_WORDS = {"coastlines": ("coast", "shore"), "borders": ("bound", "border"), "lakes": ("lake",)}
#: Steps of the region's width to which places are rounded.
_FINE = 4000


@dataclass(frozen=True)
class Sources:
    """Whether Natural Earth's lines are drawn, shapefiles beside or instead, a grid of heights."""

    natural_earth: bool = True
    lines: Sequence[Path] = ()
    terrain: Path | None = None


@dataclass(frozen=True)
class Ground:
    """Layers (coastlines, borders, lakes, lines) in km east and north of the middle; terrain."""

    layers: dict[str, list[np.ndarray]] = field(default_factory=dict)
    terrain: Terrain | None = None

    def plain(self) -> dict[str, Any]:
        """As JSON-like builtins; a line is x, y, x, y, ..."""
        made: dict[str, Any] = {
            name: [np.round(line, 3).ravel().tolist() for line in lines]
            for name, lines in self.layers.items()
        }
        return made | ({"terrain": self.terrain.plain()} if self.terrain else {})


def ground(area: Region, sources: Sources) -> Ground:
    """Cut the lines of the Earth and a user's files to the region.

    A user's shapefile whose name tells coastlines, borders or lakes takes the place of Natural
    Earth's. Raises DataError for a file that cannot be used.
    """
    layers = dict(natural_earth.layers()) if sources.natural_earth else {}
    given: dict[str, list[np.ndarray]] = {}
    for path in sources.lines:
        given.setdefault(_layer(path), []).extend(shapefiles.lines(path))
    cut = {name: _cut(lines, area, name == "lakes") for name, lines in (layers | given).items()}
    terrain = shaded(sources.terrain, area) if sources.terrain else None
    return Ground({name: lines for name, lines in cut.items() if lines}, terrain)


def _layer(path: Path) -> str:
    name = path.stem.lower()
    found = (layer for layer, words in _WORDS.items() if any(word in name for word in words))
    return next(found, "lines")


def _cut(lines: list[np.ndarray], area: Region, closed: bool) -> list[np.ndarray]:
    reach = REACH * area.half_km
    found = []
    for line in lines:
        for part in _places(line, area):
            if not ((part.min(axis=0) <= reach) & (part.max(axis=0) >= -reach)).all():
                continue
            found += [cut_polygon(part, reach)] if closed else cut_line(part, reach)
    thinned = (_thinned(line, 2 * area.half_km / _FINE) for line in found)
    return [line for line in thinned if len(line) > 1]


def _places(line: np.ndarray, area: Region) -> list[np.ndarray]:
    """A line in km; one that leaves the half of the Earth around the region is broken there."""
    east = (line[:, 0] - area.longitude + 180) % 360 - 180
    km = np.column_stack(
        [east * area.km_per_degree_east, (line[:, 1] - area.latitude) * KM_PER_DEGREE]
    )
    breaks = np.flatnonzero(np.abs(np.diff(east)) > 180) + 1
    return np.split(km, breaks)


def _thinned(line: np.ndarray, step: float) -> np.ndarray:
    """Points on a grid of `step`, without those that fall on the one before."""
    if not len(line):
        return line
    whole = np.round(line / step)
    moved = np.concatenate([[True], np.any(np.diff(whole, axis=0) != 0, axis=1)])
    return np.asarray(whole[moved] * step)
