"""The panels of the map: seen from above, and from the side."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from matplotlib.collections import EllipseCollection, LineCollection
from matplotlib.ticker import FuncFormatter, MaxNLocator

from quakeline.report import labels
from quakeline.report.region import KM_PER_DEGREE, Region, scale_bar_km
from quakeline.report.symbols import (
    FONT,
    INK,
    LINE,
    MOST_VECTORS,
    MUTED,
    Looks,
    draw_events,
    draw_stations,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis

#: Stations and events that get labels.
MOST_NAMES, MOST_NUMBERS = 60, 30
#: More labels than these are left out where they would cover something.
CROWD = 12


def draw_map(
    axes: Axes,
    side: int,
    area: Region,
    stations: pd.DataFrame,
    events: pd.DataFrame,
    looks: Looks,
) -> None:
    """Draw the view from above into axes of `side` pixels."""
    axes.set_xlim(*area.longitudes)
    axes.set_ylim(*area.latitudes)
    axes.grid(color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    east = area.east(stations["longitude"].to_numpy(float))
    draw_stations(axes, east, stations["latitude"].to_numpy(float), stations["picked"])
    x, y = area.east(events["longitude"].to_numpy(float)), events["latitude"].to_numpy(float)
    if len(events) <= MOST_VECTORS:
        _draw_ellipses(axes, area, x, y, events["horizontal_sigma_km"].to_numpy(float))
    draw_events(axes, x, y, looks, "events-above")
    _draw_names(axes, side, area, (east, stations), (x, y, events))
    _draw_scale(axes, area)
    _degrees(axes.xaxis, area, "longitude")
    _degrees(axes.yaxis, area, "latitude")


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
            edgecolor=MUTED,
            linewidth=0.9,
        ),
        autolim=False,
    )


def _draw_names(
    axes: Axes,
    side: int,
    area: Region,
    stations: tuple[np.ndarray, pd.DataFrame],
    events: tuple[np.ndarray, np.ndarray, pd.DataFrame],
) -> None:
    """Names of stations and numbers of events, in pixels of the map."""

    def pixels(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        shares = axes.transLimits.transform(np.stack([x, y], axis=1).reshape(-1, 2))
        return np.asarray(shares) * side

    at_stations = pixels(stations[0], stations[1]["latitude"].to_numpy(float))
    at_events = pixels(events[0], events[1])
    numbers = [str(n) for n in events[2]["number"]] if len(events[2]) <= MOST_NUMBERS else []
    names = short_names(list(stations[1]["site"])) if len(stations[1]) <= MOST_NAMES else []
    joined, anchors = labels.clusters(at_events if numbers else at_events[:0], numbers, 16)
    texts = [*names, *joined]
    points = np.concatenate([at_stations if names else at_stations[:0], anchors])
    rims = _rims(at_events[: len(numbers)], events[2], side / (2 * area.half_km))
    corner = np.array([[u, v] for u in range(8, 130, 12) for v in (14, 26)], float)
    obstacles = np.concatenate([at_stations, at_events, rims, corner])
    limits = (float(side), float(side))
    strict = len(texts) > CROWD
    for label in labels.place(texts, points, obstacles, limits, FONT, strict=strict):
        axes.text(
            label.x / side,
            label.y / side,
            label.text,
            transform=axes.transAxes,
            ha=label.align,
            weight="normal" if label.text in names else "bold",
            zorder=5,
        )


def short_names(sites: list[str]) -> list[str]:
    """Names of stations, without the network where all share one."""
    networks = {site.partition(".")[0] for site in sites}
    return [site.partition(".")[2] for site in sites] if len(networks) == 1 else sites


def _rims(centres: np.ndarray, events: pd.DataFrame, pixels_per_km: float) -> np.ndarray:
    """Points on the circles of uncertainty."""
    radius = events["horizontal_sigma_km"].fillna(0.0).to_numpy(float)[: len(centres)]
    angle = np.linspace(0, 2 * np.pi, 16, endpoint=False)
    ring = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    around = centres[:, None, :] + (radius * pixels_per_km)[:, None, None] * ring
    return np.asarray(around.reshape(-1, 2))


def _draw_scale(axes: Axes, area: Region) -> None:
    """A scale bar at the lower left and an arrow to the north at the upper right."""
    length = scale_bar_km(area.half_km)
    share = length / (2 * area.half_km)
    axes.plot([0.03, 0.03 + share], [0.035, 0.035], color=INK, lw=3, transform=axes.transAxes)
    text = f"{length:g} km"
    axes.text(0.03, 0.055, text, transform=axes.transAxes, va="bottom")
    axes.annotate(
        "N",
        xy=(0.96, 0.98),
        xytext=(0.96, 0.87),
        xycoords="axes fraction",
        ha="center",
        arrowprops={"arrowstyle": "-|>", "color": INK, "lw": 1.2},
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


def draw_depth(
    axes: Axes,
    area: Region,
    stations: pd.DataFrame,
    events: pd.DataFrame,
    looks: Looks,
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
    axes.grid(color=LINE, linewidth=0.8)
    axes.set_axisbelow(True)
    level = [[(-1e3, 0.0), (1e3, 0.0)]]
    axes.add_collection(LineCollection(_turned(level, turned), colors=MUTED, lw=0.8, ls="--"))
    if len(events) <= MOST_VECTORS:
        bars = _bars(place, depth, events, scale)
        axes.add_collection(
            LineCollection(_turned(bars, turned), colors=MUTED, lw=0.9), autolim=False
        )
    sites, points = (site, height), (place, depth)
    draw_stations(axes, sites[order[0]], sites[order[1]], stations["picked"])
    draw_events(axes, points[order[0]], points[order[1]], looks, f"events-{along}")
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
