"""Coastlines, borders, lakes and terrain on the drawn map."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from matplotlib.collections import LineCollection, PolyCollection

from quakeline.report.basemap.ground import Ground
from quakeline.report.region import KM_PER_DEGREE, Region
from quakeline.report.symbols import COAST, LINES, MUTED, WATER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Colour, width and dashes of each layer of lines.
_STYLES = {
    "coastlines": (COAST, 1.2, "solid"),
    "borders": (MUTED, 1.0, (0, (6, 3, 1, 3))),
    "lines": (LINES, 1.0, "solid"),
}


def draw_ground(axes: Axes, area: Region, land: Ground) -> None:
    """Draw what lies under stations and events, in degrees as the map counts them."""
    scale = np.array([1 / area.km_per_degree_east, 1 / KM_PER_DEGREE])
    middle = np.array([area.longitude, area.latitude])
    if land.terrain:
        edges = np.array([[land.terrain.west, land.terrain.south],
                          [land.terrain.east, land.terrain.north]]) * scale + middle  # fmt: skip
        axes.imshow(
            land.terrain.shade,
            cmap="gray",
            vmin=0,
            vmax=1,
            alpha=0.4,
            aspect="auto",
            extent=(edges[0, 0], edges[1, 0], edges[0, 1], edges[1, 1]),
            zorder=0.1,
        )
    placed = {
        name: [line * scale + middle for line in lines] for name, lines in land.layers.items()
    }
    if "lakes" in placed:
        axes.add_collection(
            PolyCollection(
                placed["lakes"],
                facecolor=WATER,
                edgecolor=WATER,
                linewidth=0.8,
                alpha=0.4,
                zorder=0.4,
            ),
            autolim=False,
        )
    for name, (colour, width, dashes) in _STYLES.items():
        if name in placed:
            lines = LineCollection(
                placed[name], colors=colour, linewidths=width, linestyles=dashes, zorder=0.5
            )
            axes.add_collection(lines, autolim=False)
