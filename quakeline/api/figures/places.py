"""Map and depth section of the events of a run."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from quakeline.core.errors import DataError
from quakeline.core.geometry import LocalFrame

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from quakeline.api.figures.results import Results

_WIDTH_IN = 5.0
_COLORS = "viridis_r"
#: Area of a circle in square points, of an event without magnitude and by magnitude.
_PLAIN, _SMALLEST, _LARGEST = 18.0, 4.0, 400.0


def map_of(run: Results) -> Figure:
    """See `Plots.map`."""
    events = run.events
    stations = run.stations.drop_duplicates(["network", "station"])
    if events.empty and stations.empty:
        raise DataError(f"{run.folder}: neither events nor stations to draw")
    figure = Figure(figsize=(_WIDTH_IN, 4.4), layout="constrained")
    axes = figure.subplots()
    axes.plot(stations["longitude"], stations["latitude"], "^", ms=6, mfc="white", mec="black")
    for row in stations.itertuples() if len(stations) <= 40 else ():
        axes.annotate(
            str(row.station),
            (row.longitude, row.latitude),
            xytext=(0, -11),
            textcoords="offset points",
            ha="center",
            fontsize=6,
        )
    if len(events):
        drawn = axes.scatter(
            events["longitude"],
            events["latitude"],
            s=_areas(events["magnitude"]),
            c=events["depth_km"].astype(float),
            cmap=_COLORS,
            edgecolors="black",
            linewidths=0.4,
            zorder=3,
        )
        figure.colorbar(drawn, ax=axes, shrink=0.7, label="depth (km)").ax.invert_yaxis()
    axes.margins(0.08)
    latitudes = pd.concat([events["latitude"], stations["latitude"]]).astype(float)
    axes.set_aspect(1 / np.cos(np.radians(latitudes.mean())))
    axes.set(xlabel="longitude (°)", ylabel="latitude (°)")
    axes.ticklabel_format(useOffset=False)
    axes.grid(lw=0.3, color="0.8")
    return figure


def section_of(run: Results, azimuth_deg: float, width_km: float | None) -> Figure:
    """See `Plots.section`."""
    events = run.events
    if events.empty:
        raise DataError(f"{run.folder}: no events to draw")
    along, across = _turned(events, azimuth_deg)
    near = np.abs(across) <= (np.inf if width_km is None else width_km / 2)
    if not near.any():
        raise DataError(
            f"no event lies within {width_km:g} km around the line; the nearest is"
            f" {np.abs(across).min():.1f} km away"
        )
    figure = Figure(figsize=(_WIDTH_IN, 3.4), layout="constrained")
    axes = figure.subplots()
    _draw_depths(axes, events[near], along[near])
    axes.set(
        xlabel=f"distance along {azimuth_deg:g}° (km)",
        ylabel="depth (km)",
        aspect="equal",
        adjustable="datalim",
    )
    axes.invert_yaxis()
    axes.grid(lw=0.3, color="0.8")
    return figure


def _draw_depths(axes: Axes, events: pd.DataFrame, along: np.ndarray) -> None:
    depth = events["depth_km"].to_numpy(dtype=float)
    across, down = (
        events[f"{name}_sigma_km"].fillna(0).to_numpy(dtype=float)
        for name in ("horizontal", "depth")
    )
    axes.errorbar(along, depth, down, across, fmt="none", ecolor="0.6", elinewidth=0.6, zorder=1)
    sizes = _areas(events["magnitude"])
    axes.scatter(along, depth, s=sizes, c="#2a6f97", edgecolors="black", linewidths=0.4, zorder=2)


def _turned(events: pd.DataFrame, azimuth_deg: float) -> tuple[np.ndarray, np.ndarray]:
    """Distances in km of events along an azimuth and across it, from their middle."""
    north, east = (events[name].to_numpy(dtype=float) for name in ("latitude", "longitude"))
    x, y = LocalFrame.around(north, east).to_xy(north, east)
    angle = np.radians(azimuth_deg)
    sine, cosine = np.sin(angle), np.cos(angle)
    return x * sine + y * cosine, x * cosine - y * sine


def _areas(magnitudes: pd.Series) -> np.ndarray:
    """Areas of circles: four times the area for one more in magnitude."""
    known = magnitudes.to_numpy(dtype=float, na_value=np.nan)
    sizes = np.clip(_PLAIN * 4.0 ** (known - 1), _SMALLEST, _LARGEST)
    return np.where(np.isfinite(known), sizes, _PLAIN)
