"""How the map looks: colours, sizes of events, markers and the legend."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import matplotlib as mpl
import numpy as np
import pandas as pd

from quakeline.report.formatting import clock, number, utc

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Events drawn as vector graphics with their uncertainties; more become an image without them.
MOST_VECTORS = 250
#: Font size in pixels.
FONT = 12.0

# Stand-ins that become CSS variables in the SVG, so that the figure follows the page's colours.
INK, MUTED, LINE, PAPER, STATION = "#010203", "#020304", "#030405", "#040506", "#050607"
COAST, WATER, LINES = "#060708", "#070809", "#08090a"
VARIABLES = {
    COAST: "var(--coast)",
    WATER: "var(--water)",
    LINES: "var(--lines)",
    INK: "var(--ink)",
    MUTED: "var(--muted)",
    LINE: "var(--line)",
    PAPER: "var(--paper)",
    STATION: "var(--station)",
}
STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": FONT,
    "axes.edgecolor": MUTED,
    "axes.labelcolor": INK,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "text.color": INK,
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Looks:
    """How events are drawn: areas (pt²), colours by time, whether sizes are magnitudes."""

    areas: np.ndarray
    colours: np.ndarray
    by_magnitude: bool


def looks_of(events: pd.DataFrame) -> Looks:
    """Sizes by magnitude, else by number of arrivals; colours by time."""
    measured = bool(len(events)) and bool(events["magnitude"].notna().any())
    if measured:
        size = events["magnitude"].fillna(events["magnitude"].min()).to_numpy(float)
    else:
        size = np.sqrt(events["n_arrivals"].to_numpy(float))
    time = events["time_ns"].to_numpy(float)
    spread = np.ptp(time) if len(time) else 0.0
    share = (time - time.min()) / spread if spread > 0 else np.full(len(time), 0.5)
    return Looks(_areas(size), np.asarray(mpl.colormaps["viridis"](share)), measured)


def _areas(size: np.ndarray) -> np.ndarray:
    """Areas for magnitudes or roots of counts; small differences stay small."""
    if not len(size):
        return size
    share = (size - size.min()) / max(float(np.ptp(size)), 1.5)
    return np.asarray((8.0 + 8.0 * share) ** 2)


def draw_stations(axes: Axes, x: np.ndarray, y: np.ndarray, picked: pd.Series) -> None:
    """Filled triangles where there are picks, above the others where they share a place."""
    for some, face in ((~picked.to_numpy(bool), PAPER), (picked.to_numpy(bool), STATION)):
        axes.scatter(
            x[some],
            y[some],
            s=70,
            marker="^",
            facecolor=face,
            edgecolor=STATION,
            linewidth=1.2,
            zorder=4,
        )


def draw_events(axes: Axes, x: np.ndarray, y: np.ndarray, looks: Looks, name: str) -> None:
    """Circles, a group of the figure with a name; very many become small and an image."""
    many = len(x) > MOST_VECTORS
    circles = axes.scatter(
        x,
        y,
        s=looks.areas / (8 if many else 1),
        c=looks.colours,
        edgecolor="#777777" if many else INK,
        linewidth=0.2 if many else 0.8,
        alpha=0.85 if many else 1.0,
        rasterized=many,
        zorder=3,
    )
    circles.set_gid(name)


def draw_legend(axes: Axes, events: pd.DataFrame, looks: Looks) -> None:
    """Sizes and colours of events."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    values, areas = _legend_sizes(events, looks)
    name = "Magnitude" if looks.by_magnitude else "Arrivals"
    axes.text(0, 0.86, name, va="center")
    places = np.array([0.62, 0.9])[: len(values)]
    axes.scatter(places, np.full(len(values), 0.86), s=areas, c=PAPER, edgecolor=INK, lw=0.8)
    for place, value in zip(places, values, strict=True):
        axes.text(place, 0.68, value, ha="center", va="center")
    times = events["time_ns"]
    if times.max() > times.min():
        _draw_colours(axes, int(times.min()), int(times.max()))


def _legend_sizes(events: pd.DataFrame, looks: Looks) -> tuple[list[str], np.ndarray]:
    """Labels and areas of the smallest and largest circle of those with a number."""
    column, digits = ("magnitude", 1) if looks.by_magnitude else ("n_arrivals", 0)
    known = np.flatnonzero(events[column].notna())
    order = known[np.argsort(looks.areas[known], kind="stable")]
    chosen = [int(order[0]), int(order[-1])]
    texts = [number(events[column].iloc[i], digits) for i in chosen]
    if texts[0] == texts[1]:
        chosen, texts = chosen[:1], texts[:1]
    return texts, looks.areas[chosen]


def _draw_colours(axes: Axes, first_ns: int, last_ns: int) -> None:
    """The colours from the first to the last origin time."""
    ramp = np.linspace(0, 1, 128)[None, :]
    axes.imshow(
        ramp, extent=(0, 1, 0.24, 0.36), cmap="viridis", aspect="auto", interpolation="nearest"
    )
    axes.text(0, 0.46, "Origin time (UTC)", va="center")
    days = [utc(time, 0).split(" ")[0] for time in (first_ns, last_ns)]
    ends = days if days[0] != days[1] else [clock(time, 0) for time in (first_ns, last_ns)]
    for place, text, align in zip((0, 1), ends, ("left", "right"), strict=True):
        axes.text(place, 0.12, text, ha=align, va="center")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
