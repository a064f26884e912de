"""Record section of an event."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np
from matplotlib.figure import Figure

from quakeline.core.errors import DataError

if TYPE_CHECKING:
    from quakeline.api.figures.results import Results

#: Colours of phases that are told apart also without colours, by their line.
_PHASES: dict[str, tuple[str, Literal["-", "--"]]] = {
    "P": ("#c1121f", "-"),
    "S": ("#1d4e89", "--"),
}
#: Traces fill so much of their mean distance.
_HALF = 0.6


def section_of(
    run: Results, event: str | int, component: str, band_hz: tuple[float, float] | None
) -> Figure:
    """See `Plots.record_section`."""
    row = run.event(event)
    stream = run.stream(event).select(component=component)
    traces = [one for one in stream if np.isfinite(one.stats.distance)]
    if not traces:
        raise DataError(f"{run.folder}: no waveforms of component {component} at this time")
    if band_hz:
        for one in traces:
            one.detrend("constant")
            one.filter("bandpass", freqmin=band_hz[0], freqmax=band_hz[1], zerophase=True)
    kilometres = [one.stats.distance / 1000 for one in traces]
    half = _HALF * max((max(kilometres) - min(kilometres)) / max(len(set(kilometres)) - 1, 1), 0.5)
    figure = Figure(figsize=(7.0, 5.0), layout="constrained")
    axes = figure.subplots()
    origin = row["time"].timestamp()
    for one, distance in zip(traces, kilometres, strict=True):
        times = one.times("timestamp") - origin
        peak = float(np.abs(one.data).max()) or 1.0
        axes.plot(times, distance + half * one.data / peak, color="0.25", lw=0.4)
        axes.annotate(one.id, (times[-1], distance), fontsize=6, va="bottom", ha="right")
    for phase, (color, style) in _PHASES.items():
        own = run.arrivals_of(event)
        own = own[own["phase"] == phase]
        after = [time.timestamp() - origin for time in own["time"]]
        low, high = own["distance_km"] - half, own["distance_km"] + half
        axes.vlines(after, low, high, colors=color, linestyles=style, lw=1.0, label=phase)
    axes.set(
        xlabel=f"time after {row['time']:%Y-%m-%d %H:%M:%S.%f} UTC (s)", ylabel="distance (km)"
    )
    axes.legend(loc="upper left", fontsize=7)
    axes.margins(x=0)
    return figure
