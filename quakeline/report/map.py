"""Map of stations and events, with depth sections that share its axes."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import numpy as np
import pandas as pd
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator

from quakeline.report import labels
from quakeline.report.axes import time_ticks
from quakeline.report.catalog import Catalog
from quakeline.report.places import KM_PER_DEGREE, Region, region, scale_bar_km
from quakeline.report.wording import number
from quakeline.timeline import Span

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

#: Events drawn as vector graphics with their uncertainties; more become an image without them.
MOST_VECTORS = 1500
#: Stations and events that get labels.
MOST_NAMES, MOST_NUMBERS = 60, 30
_FONT = 12.0

# Stand-ins that become CSS variables in the SVG, so that the figure follows the page's colours.
_INK, _MUTED, _LINE, _PAPER, _STATION = "#010203", "#020304", "#030405", "#040506", "#050607"
_VARIABLES = {
    _INK: "var(--ink)",
    _MUTED: "var(--muted)",
    _LINE: "var(--line)",
    _PAPER: "var(--paper)",
    _STATION: "var(--station)",
}
_STYLE = {
    "svg.fonttype": "none",
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans"],
    "font.size": _FONT,
    "axes.edgecolor": _MUTED,
    "axes.labelcolor": _INK,
    "axes.linewidth": 0.8,
    "axes.unicode_minus": True,
    "xtick.color": _MUTED,
    "ytick.color": _MUTED,
    "xtick.labelcolor": _INK,
    "ytick.labelcolor": _INK,
    "text.color": _INK,
    "text.parse_math": False,
}


@dataclass(frozen=True)
class Layout:
    """Pixels of the figure: sizes of the map (a square) and of the depth sections, margins."""

    name: str
    side: int
    depth: int
    left: int
    beside: bool


WIDE = Layout("wide", 440, 160, 70, True)
NARROW = Layout("narrow", 272, 130, 70, False)
_TOP, _BOTTOM, _GAP, _LEGEND = 10, 46, 12, 92


@dataclass(frozen=True)
class Drawn:
    """The figure in both widths, and what its caption has to say."""

    wide: str
    narrow: str
    exaggeration: float
    numbered: bool
    named: bool
    uncertain: bool


def draw(catalog: Catalog) -> Drawn | None:
    """Draw the map; None where no station and no event has coordinates."""
    stations = catalog.stations.dropna(subset=["latitude", "longitude"])
    events = catalog.events
    if not len(stations) and not len(events):
        return None
    area = region(stations, events)
    picked = set(catalog.picks["site"])
    stations = stations.assign(picked=stations["site"].isin(picked))
    figures = [_svg(layout, area, stations, events, catalog.span) for layout in (WIDE, NARROW)]
    depth_range = area.bottom_km - area.top_km
    return Drawn(
        wide=figures[0],
        narrow=figures[1],
        exaggeration=(WIDE.depth / depth_range) / (WIDE.side / (2 * area.half_km)),
        numbered=0 < len(events) <= MOST_NUMBERS,
        named=len(stations) <= MOST_NAMES,
        uncertain=0 < len(events) <= MOST_VECTORS,
    )


def _svg(
    layout: Layout, area: Region, stations: pd.DataFrame, events: pd.DataFrame, span: Span
) -> str:
    with mpl.rc_context({**_STYLE, "svg.hashsalt": f"quakeline-{layout.name}"}):  # type: ignore[dict-item]
        figure = _figure(layout, area, stations, events, span)
        buffer = io.StringIO()
        no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=no_metadata, dpi=144)
    return _inline(buffer.getvalue(), layout.name)


def _inline(svg: str, name: str) -> str:
    """Cut an SVG file to what HTML takes: own ids, the page's colours and font, no fixed size."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{name}-", svg)
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font: \1 var(--font)", svg)
    for colour, variable in _VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg


def _figure(
    layout: Layout, area: Region, stations: pd.DataFrame, events: pd.DataFrame, span: Span
) -> Figure:
    width, height, boxes = _boxes(layout, bool(len(events)))
    figure = Figure(figsize=(width / 72, height / 72), facecolor="none")

    def axes(name: str) -> Axes:
        x, y, w, h = boxes[name]
        place = (x / width, 1 - (y + h) / height, w / width, h / height)
        return figure.add_axes(place, facecolor="none", label=name)

    looks = _looks(events)
    _draw_map(axes("map"), layout, area, stations, events, looks)
    if not len(events):
        return figure
    turned = layout.beside
    _draw_depth(axes("east"), area, stations, events, looks, "longitude", turned=False)
    _draw_depth(axes("north"), area, stations, events, looks, "latitude", turned=turned)
    _draw_legend(axes("legend"), layout, events, looks, span)
    return figure


def _boxes(
    layout: Layout, with_depth: bool
) -> tuple[int, int, dict[str, tuple[int, int, int, int]]]:
    """Width and height of the figure, and x, y (from the top), width, height of its parts."""
    left, side, depth = layout.left, layout.side, layout.depth
    boxes = {"map": (left, _TOP, side, side)}
    below = _TOP + side + _GAP
    if not with_depth:
        return left + side + 14, _TOP + side + _BOTTOM, boxes
    if layout.beside:
        right = left + side + _GAP
        boxes["north"] = (right, _TOP, depth, side)
        boxes["east"] = (left, below, side, depth)
        boxes["legend"] = (right, below + 24, depth, depth - 24)
        return right + depth + 14, below + depth + _BOTTOM, boxes
    boxes["east"] = (left, below + 26, side, depth)
    lower = below + 26 + depth + _BOTTOM + 6
    boxes["north"] = (left, lower, side, depth)
    boxes["legend"] = (left, lower + depth + _BOTTOM + 16, side, _LEGEND)
    return left + side + 14, lower + depth + _BOTTOM + 16 + _LEGEND + 4, boxes


@dataclass(frozen=True)
class _Looks:
    """How events are drawn: areas (pt²), colours by time, whether sizes are magnitudes."""

    areas: np.ndarray
    colours: np.ndarray
    by_magnitude: bool


def _looks(events: pd.DataFrame) -> _Looks:
    measured = bool(len(events)) and bool(events["magnitude"].notna().any())
    if measured:
        size = events["magnitude"].fillna(events["magnitude"].min()).to_numpy(float)
    else:
        size = np.sqrt(events["n_arrivals"].to_numpy(float))
    time = events["time_ns"].to_numpy(float)
    spread = np.ptp(time) if len(time) else 0.0
    share = (time - time.min()) / spread if spread > 0 else np.full(len(time), 0.5)
    return _Looks(_areas(size), np.asarray(mpl.colormaps["viridis"](share)), measured)


def _areas(size: np.ndarray) -> np.ndarray:
    spread = np.ptp(size) if len(size) else 0.0
    share = (size - size.min()) / spread if spread > 0 else np.full(len(size), 0.4)
    return np.asarray((7.0 + 8.0 * share) ** 2)


def _draw_map(
    axes: Axes,
    layout: Layout,
    area: Region,
    stations: pd.DataFrame,
    events: pd.DataFrame,
    looks: _Looks,
) -> None:
    axes.set_xlim(*area.longitudes)
    axes.set_ylim(*area.latitudes)
    axes.grid(color=_LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    east = area.east(stations["longitude"].to_numpy(float))
    _draw_stations(axes, east, stations["latitude"].to_numpy(float), stations["picked"])
    x, y = area.east(events["longitude"].to_numpy(float)), events["latitude"].to_numpy(float)
    if len(events) <= MOST_VECTORS:
        _draw_ellipses(axes, area, x, y, events["horizontal_sigma_km"].to_numpy(float))
    _draw_events(axes, x, y, looks)
    _draw_names(axes, layout, (east, stations), (x, y, events))
    _draw_scale(axes, area)
    _degrees(axes.xaxis, area, "longitude")
    _degrees(axes.yaxis, area, "latitude")
    axes.tick_params(labelbottom=not (layout.beside and len(events)))


def _draw_stations(axes: Axes, x: np.ndarray, y: np.ndarray, picked: pd.Series) -> None:
    """Filled triangles where there are picks."""
    for some, face in ((picked.to_numpy(bool), _STATION), (~picked.to_numpy(bool), _PAPER)):
        axes.scatter(
            x[some], y[some], s=70, marker="^", facecolor=face, edgecolor=_STATION, linewidth=1.2
        )


def _draw_events(axes: Axes, x: np.ndarray, y: np.ndarray, looks: _Looks) -> None:
    many = len(x) > MOST_VECTORS
    axes.scatter(
        x,
        y,
        s=looks.areas / (8 if many else 1),
        c=looks.colours,
        edgecolor="#777777" if many else _INK,
        linewidth=0.2 if many else 0.8,
        alpha=0.85,
        rasterized=many,
        zorder=3,
    )


def _draw_ellipses(
    axes: Axes, area: Region, x: np.ndarray, y: np.ndarray, sigma_km: np.ndarray
) -> None:
    known = np.isfinite(sigma_km)
    width = 2 * sigma_km[known] / area.km_per_degree_east
    height = 2 * sigma_km[known] / KM_PER_DEGREE
    axes.add_collection(
        EllipseCollection(
            width,
            height,
            np.zeros(len(width)),
            units="xy",
            offsets=np.stack([x[known], y[known]], axis=1),
            offset_transform=axes.transData,
            facecolor="none",
            edgecolor=_MUTED,
            linewidth=0.9,
        ),
        autolim=False,
    )


def _draw_names(
    axes: Axes,
    layout: Layout,
    stations: tuple[np.ndarray, pd.DataFrame],
    events: tuple[np.ndarray, np.ndarray, pd.DataFrame],
) -> None:
    """Names of stations and numbers of events, in pixels of the map."""

    def pixels(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        shares = axes.transLimits.transform(np.stack([x, y], axis=1).reshape(-1, 2))
        return np.asarray(shares) * layout.side

    at_stations = pixels(stations[0], stations[1]["latitude"].to_numpy(float))
    at_events = pixels(events[0], events[1])
    numbers = [str(n) for n in events[2]["number"]] if len(events[2]) <= MOST_NUMBERS else []
    names = list(stations[1]["site"]) if len(stations[1]) <= MOST_NAMES else []
    joined, anchors = labels.clusters(at_events if numbers else at_events[:0], numbers, 16)
    texts = [*names, *joined]
    points = np.concatenate([at_stations if names else at_stations[:0], anchors])
    corner = np.array([[u, v] for u in range(8, 130, 12) for v in (14, 26)], float)
    obstacles = np.concatenate([at_stations, at_events, corner])
    limits = (float(layout.side), float(layout.side))
    for label in labels.place(texts, points, obstacles, limits, _FONT):
        axes.text(
            label.x / layout.side,
            label.y / layout.side,
            label.text,
            transform=axes.transAxes,
            ha=label.align,
            weight="normal" if label.text in names else "bold",
            zorder=5,
        )


def _draw_scale(axes: Axes, area: Region) -> None:
    """A scale bar at the lower left and an arrow to the north at the upper right."""
    length = scale_bar_km(area.half_km)
    share = length / (2 * area.half_km)
    axes.plot([0.03, 0.03 + share], [0.035, 0.035], color=_INK, lw=3, transform=axes.transAxes)
    text = f"{length:g} km"
    axes.text(0.03, 0.055, text, transform=axes.transAxes, va="bottom")
    axes.annotate(
        "N",
        xy=(0.96, 0.98),
        xytext=(0.96, 0.87),
        xycoords="axes fraction",
        ha="center",
        arrowprops={"arrowstyle": "-|>", "color": _INK, "lw": 1.2},
    )


def _degrees(axis: Axis, area: Region, along: str) -> None:
    """Round ticks of longitude or latitude, with as many decimals as they need."""
    is_east = along == "longitude"
    limits = area.longitudes if is_east else area.latitudes
    locator = MaxNLocator(nbins=4, steps=[1, 2, 5, 10])
    ticks = locator.tick_values(*limits)
    digits = max(0, -int(np.floor(np.log10(ticks[1] - ticks[0]) + 1e-9)))
    letters = "EW" if is_east else "NS"

    def text(value: float, _: Any) -> str:
        value = (value + 180) % 360 - 180 if is_east else value
        letter = "" if round(value, digits) == 0 else letters[int(value < 0)]
        return f"{abs(value):.{digits}f}°{letter}"

    axis.set_major_locator(locator)
    axis.set_major_formatter(FuncFormatter(text))


def _draw_depth(
    axes: Axes,
    area: Region,
    stations: pd.DataFrame,
    events: pd.DataFrame,
    looks: _Looks,
    along: str,
    *,
    turned: bool,
) -> None:
    """A depth section along longitude or latitude; turned, depth grows to the right."""
    is_east = along == "longitude"
    scale = area.km_per_degree_east if is_east else KM_PER_DEGREE
    place = events[along].to_numpy(float)
    site = stations[along].to_numpy(float)
    if is_east:
        place, site = area.east(place), area.east(site)
    depth = events["depth_km"].to_numpy(float)
    height = -stations["elevation_m"].fillna(0.0).to_numpy(float) / 1000
    order = (1, 0) if turned else (0, 1)
    axes.grid(color=_LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    level = [[(-1e3, 0.0), (1e3, 0.0)]]
    axes.add_collection(LineCollection(_turned(level, turned), colors=_MUTED, lw=0.8, ls="--"))
    if len(events) <= MOST_VECTORS:
        bars = _bars(place, depth, events, scale)
        axes.add_collection(
            LineCollection(_turned(bars, turned), colors=_MUTED, lw=0.9), autolim=False
        )
    sites, points = (site, height), (place, depth)
    _draw_stations(axes, sites[order[0]], sites[order[1]], stations["picked"])
    _draw_events(axes, points[order[0]], points[order[1]], looks)
    _limit_depth(axes, area, along, turned)


def _turned(
    lines: list[list[tuple[float, float]]], turned: bool
) -> list[list[tuple[float, float]]]:
    return [[(b, a) for a, b in line] for line in lines] if turned else lines


def _bars(
    place: np.ndarray, depth: np.ndarray, events: pd.DataFrame, km_per_degree: float
) -> list[list[tuple[float, float]]]:
    """Bars of one standard deviation, along the section and in depth."""
    wide = events["horizontal_sigma_km"].to_numpy(float) / km_per_degree
    deep = events["depth_sigma_km"].to_numpy(float)
    bars = []
    for x, z, dx, dz in zip(place, depth, wide, deep, strict=True):
        if np.isfinite(dx):
            bars.append([(x - dx, z), (x + dx, z)])
        if np.isfinite(dz):
            bars.append([(x, z - dz), (x, z + dz)])
    return bars


def _limit_depth(axes: Axes, area: Region, along: str, turned: bool) -> None:
    limits = area.longitudes if along == "longitude" else area.latitudes
    depth = MaxNLocator(nbins=4, steps=[1, 2, 5, 10])
    if turned:
        axes.set_ylim(*limits)
        axes.set_xlim(area.top_km, area.bottom_km)
        axes.set_xlabel("Depth (km)")
        axes.xaxis.set_major_locator(depth)
        _degrees(axes.yaxis, area, along)
        axes.tick_params(labelleft=False)
        return
    axes.set_xlim(*limits)
    axes.set_ylim(area.bottom_km, area.top_km)
    axes.set_ylabel("Depth (km)")
    axes.yaxis.set_major_locator(depth)
    _degrees(axes.xaxis, area, along)


def _draw_legend(
    axes: Axes, layout: Layout, events: pd.DataFrame, looks: _Looks, span: Span
) -> None:
    """Sizes and colours of events."""
    axes.set_axis_off()
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    values, areas = _legend_sizes(events, looks)
    name = "Magnitude" if looks.by_magnitude else "Arrivals"
    axes.text(0, 0.86, name, va="center")
    places = np.linspace(0.52, 0.92, len(values)) if len(values) > 1 else np.array([0.6])
    axes.scatter(places, np.full(len(values), 0.86), s=areas, c=_PAPER, edgecolor=_INK, lw=0.8)
    for place, value in zip(places, values, strict=True):
        axes.text(place, 0.68, value, ha="center", va="center")
    times = events["time_ns"]
    if len(events) > 1 and times.max() > times.min():
        _draw_colours(axes, Span(int(times.min()), int(times.max())), layout)


def _legend_sizes(events: pd.DataFrame, looks: _Looks) -> tuple[list[str], np.ndarray]:
    column, digits = ("magnitude", 1) if looks.by_magnitude else ("n_arrivals", 0)
    order = np.argsort(looks.areas, kind="stable")
    chosen = sorted({int(order[0]), int(order[-1])}, key=lambda i: looks.areas[i])
    texts = [number(events[column].iloc[i], digits) for i in chosen]
    if len(set(texts)) < len(texts):
        chosen, texts = chosen[:1], texts[:1]
    return texts, looks.areas[chosen]


def _draw_colours(axes: Axes, span: Span, layout: Layout) -> None:
    ramp = np.linspace(0, 1, 128)[None, :]
    axes.imshow(
        ramp, extent=(0, 1, 0.24, 0.36), cmap="viridis", aspect="auto", interpolation="nearest"
    )
    axes.text(0, 0.46, "Origin time (UTC)", va="center")
    ticks = time_ticks(span, 3 if layout.beside else 4)
    for tick in ticks:
        align = "left" if tick.place < 0.15 else "right" if tick.place > 0.85 else "center"
        axes.plot([tick.place] * 2, [0.18, 0.24], color=_MUTED, lw=0.8)
        axes.text(tick.place, 0.08, tick.label, ha=align, va="center")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
