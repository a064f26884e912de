"""Map of stations and events, with depth sections that share its axes."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import matplotlib as mpl
import pandas as pd
from matplotlib.figure import Figure

from quakeline.core.schemas import EVENTS, FIBRE_CHANNELS
from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.io.products import tables
from quakeline.report.basemap.drawing import draw_ground
from quakeline.report.basemap.ground import Ground, Sources, ground
from quakeline.report.beachballs import MOST_ON_MAP, best_first, draw_balls
from quakeline.report.catalog import Catalog
from quakeline.report.panels import CROWD, MOST_NAMES, MOST_NUMBERS, draw_depth, draw_map
from quakeline.report.region import Region, region
from quakeline.report.symbols import MOST_VECTORS, MUTED, STYLE, VARIABLES, draw_legend, looks_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes


@dataclass(frozen=True)
class Layout:
    """Pixels of the figure: sizes of the map (a square) and of the depth sections, margins."""

    name: str
    side: int
    left: int
    beside: bool
    depth: int = 0

    def fitted(self, area: Region) -> Layout:
        """The layout with depth sections at the scale of the map, where that gives a fair size."""
        true = (area.bottom_km - area.top_km) / (2 * area.half_km)
        return replace(self, depth=round(self.side * min(max(true, 0.36), 0.64)))


_WIDE = Layout("wide", 460, 70, True)
_NARROW = Layout("narrow", 272, 70, False)
_TOP, _BOTTOM, _GAP, _RIGHT = 10, 46, 12, 20
_LEGEND = (200, 92)
#: Points of a fibre that are drawn, about.
_FIBRE_POINTS = 200


@dataclass(frozen=True)
class Drawn:
    """The figure in both widths, and what its caption has to say."""

    wide: str
    narrow: str
    width: int
    exaggeration: float
    numbered: bool
    names: str
    uncertain: bool
    layers: list[str]
    mechanisms: int


def draw(catalog: Catalog, below: Sources, focal: Focal | None = None) -> Drawn | None:
    """Draw the map above coastlines and the like; None where nothing has coordinates.

    `focal` are mechanisms, of which the best are drawn as beachballs.
    """
    stations = catalog.stations.dropna(subset=["latitude", "longitude"])
    fibres = _lines(catalog.channels)
    events = catalog.events
    if not len(stations) and not len(events) and not len(fibres):
        return None
    area = region(pd.concat([stations, fibres]) if len(fibres) else stations, events)
    picked = set(catalog.picks["site"])
    stations = stations.assign(picked=stations["site"].isin(picked))
    layouts = [layout.fitted(area) for layout in (_WIDE, _NARROW)]
    land = ground(area, below)
    balls = None if focal is None else best_first(catalog, focal).head(MOST_ON_MAP)
    figures = [_svg(layout, area, stations, events, fibres, land, balls) for layout in layouts]
    wide = layouts[0]
    depth_range = area.bottom_km - area.top_km
    return Drawn(
        wide=figures[0],
        narrow=figures[1],
        width=_boxes(wide, bool(len(events)))[0],
        exaggeration=(wide.depth / depth_range) / (wide.side / (2 * area.half_km)),
        numbered=0 < len(events) <= MOST_NUMBERS,
        names=_names_note(stations),
        uncertain=0 < len(events) <= MOST_VECTORS,
        layers=[*land.layers, *(["terrain"] if land.terrain else [])],
        mechanisms=0 if balls is None else len(balls),
    )


def station_map(stations: pd.DataFrame) -> tuple[str, dict[str, Any] | None]:
    """Draw stations alone (SVG), for a page that adds events itself, and say where the map lies.

    `stations` have `site`, `latitude`, `longitude` and `elevation_m`. The second answer has x, y,
    width and height in units of the drawing, and its limits in degrees. Without a station that has
    coordinates the drawing is a sentence, and the second answer None.
    """
    placed = stations.dropna(subset=["latitude", "longitude"])
    if not len(placed):
        return "<p>No station has coordinates.</p>", None
    events = tables.empty(EVENTS).assign(number=0, time_ns=0, n_arrivals=0)
    channels = tables.empty(FIBRE_CHANNELS)
    area = region(placed, events)
    land = ground(area, Sources())
    drawing = _svg(_WIDE, area, placed.assign(picked=True), events, channels, land)
    x, y, width, height = _boxes(_WIDE, False)[2]["map"]
    (west, east), (south, north) = area.longitudes, area.latitudes
    limits = {"west": west, "east": east, "south": south, "north": north}
    box = {"x": x, "y": y, "width": width, "height": height}
    return drawing, {**box, **limits, "wrapped": area.wrapped}


def _names_note(stations: pd.DataFrame) -> str:
    """What the caption says about the names of stations."""
    if len(stations) > MOST_NAMES:
        return "Their names are left out because there are many."
    networks = {site.partition(".")[0] for site in stations["site"]}
    network = f"All belong to network {networks.pop()}. " if len(networks) == 1 else ""
    room = "Names and numbers stand where there is room." if len(stations) > CROWD else ""
    return (network + room).strip()


def _lines(channels: pd.DataFrame) -> pd.DataFrame:
    """Some channels of each fibre, enough to draw it as a line."""
    placed = channels[channels["used"].astype(bool)].dropna(subset=["latitude", "longitude"])
    parts = [
        group.sort_values("channel_index").iloc[:: max(len(group) // _FIBRE_POINTS, 1)]
        for _, group in placed.groupby("fibre")
    ]
    return pd.concat(parts, ignore_index=True) if parts else placed


def _svg(
    layout: Layout,
    area: Region,
    stations: pd.DataFrame,
    events: pd.DataFrame,
    fibres: pd.DataFrame,
    land: Ground,
    balls: pd.DataFrame | None = None,
) -> str:
    with mpl.rc_context({**STYLE, "svg.hashsalt": f"quakeline-{layout.name}"}):  # type: ignore[dict-item]
        figure = _figure(layout, area, stations, events, fibres, land, balls)
        buffer = io.StringIO()
        no_metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(buffer, format="svg", metadata=no_metadata, dpi=144)
    return inline(buffer.getvalue(), layout.name)


def inline(svg: str, name: str) -> str:
    """Cut an SVG file to what HTML takes: own ids, the page's colours and font, no fixed size."""
    svg = svg[svg.index("<svg") :]
    svg = re.sub(r"<metadata>.*?</metadata>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg)
    svg = re.sub(r'(<svg[^>]*?) (?:width|height)="[^"]*"', r"\1", svg)
    svg = re.sub(r'\bid="', f'id="{name}-', svg)
    svg = re.sub(r'(href="|url\()#', rf"\1#{name}-", svg)
    svg = re.sub(r"font: ([\d.]+px)[^;\"]*", r"font: \1 var(--font)", svg)
    for colour, variable in VARIABLES.items():
        svg = svg.replace(colour, variable)
    return svg


def _figure(
    layout: Layout,
    area: Region,
    stations: pd.DataFrame,
    events: pd.DataFrame,
    fibres: pd.DataFrame,
    land: Ground,
    balls: pd.DataFrame | None,
) -> Figure:
    width, height, boxes = _boxes(layout, bool(len(events)))
    figure = Figure(figsize=(width / 72, height / 72), facecolor="none")

    def axes(name: str) -> Axes:
        x, y, w, h = boxes[name]
        place = (x / width, 1 - (y + h) / height, w / width, h / height)
        return figure.add_axes(place, facecolor="none", label=name)

    looks = looks_of(events)
    above = axes("map")
    draw_ground(above, area, land)
    draw_map(above, layout.side, area, stations, events, looks)
    if balls is not None:
        draw_balls(above, layout.side, area, balls)
    for _, fibre in fibres.groupby("fibre"):
        east = area.east(fibre["longitude"].to_numpy(float))
        above.plot(east, fibre["latitude"], color=MUTED, linewidth=2.5, zorder=1.5)
    above.tick_params(labelbottom=not (layout.beside and len(events)))
    if not len(events):
        return figure
    turned = layout.beside
    draw_depth(axes("east"), area, stations, events, looks, "longitude", turned=False)
    draw_depth(axes("north"), area, stations, events, looks, "latitude", turned=turned)
    draw_legend(axes("legend"), events, looks)
    return figure


def _boxes(
    layout: Layout, with_depth: bool
) -> tuple[int, int, dict[str, tuple[int, int, int, int]]]:
    """Width and height of the figure, and x, y (from the top), width, height of its parts."""
    left, side, depth = layout.left, layout.side, layout.depth
    boxes = {"map": (left, _TOP, side, side)}
    below = _TOP + side + _GAP
    if not with_depth:
        return left + side + _RIGHT, _TOP + side + _BOTTOM, boxes
    if layout.beside:
        right = left + side + _GAP
        boxes["north"] = (right, _TOP, depth, side)
        boxes["east"] = (left, below, side, depth)
        boxes["legend"] = (right, below + 38, min(depth, _LEGEND[0]), min(depth - 38, _LEGEND[1]))
        return right + depth + _RIGHT, below + depth + _BOTTOM, boxes
    boxes["east"] = (left, below + 26, side, depth)
    lower = below + 26 + depth + _BOTTOM
    boxes["north"] = (left, lower, side, depth)
    legend = lower + depth + _BOTTOM
    boxes["legend"] = (left, legend, side, _LEGEND[1])
    return left + side + _RIGHT, legend + _LEGEND[1] + 4, boxes
