"""Beachballs of focal mechanisms on the map, by obspy: the lower half of the sphere from above."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from obspy.imaging.beachball import beach

from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.report.catalog import Catalog
from quakeline.report.region import KM_PER_DEGREE, Region
from quakeline.report.symbols import INK, LINE, MUTED, PAPER

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Qualities that are drawn dark.
GOOD = ("A", "B")
#: Points of obspy's outlines.
POINTS = 20
#: Mechanisms that are drawn on the map.
MOST_ON_MAP = 250
#: Pixels of the smallest and largest one on a map of so many pixels, and how much smaller they are
#: on the smallest one.
_SMALLEST, _LARGEST, _SIDE, _LEAST = 14.0, 34.0, 460, 0.7
_COLUMNS = ["event_id", "number", "time_ns", "latitude", "longitude", "magnitude"]


def best_first(catalog: Catalog, focal: Focal) -> pd.DataFrame:
    """Mechanisms with the places and magnitudes of their events, by quality, the largest first."""
    given = focal.given.merge(catalog.events[_COLUMNS], on="event_id", how="inner")
    order = ["quality_class", "magnitude"]
    return given.sort_values(order, ascending=[True, False], kind="stable")


def draw_balls(axes: Axes, side: int, area: Region, drawn: pd.DataFrame) -> None:
    """Draw rows of `best_first` at their epicentres on a map of `side` pixels.

    Larger magnitudes are larger, the smallest ones on top; groups of the figure bear the numbers of
    the events.
    """
    shrunk = max(side / _SIDE, _LEAST)
    for row, pixels in zip(drawn.itertuples(), _sizes(drawn["magnitude"]), strict=True):
        _draw_ball(axes, area, row, 2 * area.half_km * pixels * shrunk / side, pixels)


def _draw_ball(axes: Axes, area: Region, row: Any, km: float, pixels: float) -> None:
    good = row.quality_class in GOOD
    ball = beach(
        (row.strike_1_deg, row.dip_1_deg, row.rake_1_deg),
        xy=(float(area.east(np.array([row.longitude]))[0]), row.latitude),
        width=(km / area.km_per_degree_east, km / KM_PER_DEGREE),
        size=POINTS,
        linewidth=0.8,
        edgecolor=INK if good else MUTED,
        facecolor=INK if good else LINE,
        bgcolor=PAPER,
        zorder=4 - pixels / 1000,
    )
    ball.set_gid(f"mechanism-{row.number}")
    axes.add_collection(ball, autolim=False)


def _sizes(magnitudes: pd.Series) -> np.ndarray:
    """Widths in pixels by magnitude; small differences stay small, those without are small."""
    known = magnitudes.to_numpy(float)
    if not np.isfinite(known).any():
        return np.full(len(known), (_SMALLEST + _LARGEST) / 2)
    least, most = float(np.nanmin(known)), float(np.nanmax(known))
    share = (np.nan_to_num(known, nan=least) - least) / max(most - least, 1.5)
    return np.asarray(_SMALLEST + (_LARGEST - _SMALLEST) * share)
