"""Residuals, and numbers of events by magnitude."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from quakeline.core.errors import DataError
from quakeline.events.comparison.frequency import STEP, recurrence

if TYPE_CHECKING:
    from quakeline.api.figures.results import Results

_COLORS = {"P": "#c1121f", "S": "#1d4e89"}
_MOST_STATIONS = 40


def residuals_of(run: Results) -> Figure:
    """See `Plots.residuals`."""
    picks = run.picks.drop_duplicates("pick_id")[["pick_id", "network", "station"]]
    arrivals = run.arrivals.merge(picks, on="pick_id", how="left")
    if arrivals.empty:
        raise DataError(f"{run.folder}: no arrivals to draw")
    figure = Figure(figsize=(7.0, 3.2), layout="constrained")
    often, stations = figure.subplots(1, 2)
    limit = max(float(arrivals["residual_s"].abs().quantile(0.99)), 0.05)
    for phase, color in _COLORS.items():
        own = arrivals.loc[arrivals["phase"] == phase, "residual_s"].astype(float)
        rms = float(np.sqrt((own**2).mean())) if len(own) else float("nan")
        label = f"{phase}: {len(own)}, rms {rms:.3f} s"
        bins = np.linspace(-limit, limit, 41).tolist()
        often.hist(own, bins, histtype="step", color=color, label=label)
    often.set(xlabel="residual (s)", ylabel="arrivals")
    often.legend(fontsize=7)
    arrivals["code"] = arrivals["network"] + "." + arrivals["station"]
    counts = arrivals["code"].value_counts()
    shown = list(counts.index[:_MOST_STATIONS])
    for phase, color in _COLORS.items():
        own = arrivals[arrivals["phase"] == phase].groupby("code")["residual_s"].median()
        stations.plot(own.reindex(shown), np.arange(len(shown)), "o", ms=3, color=color)
    stations.set_yticks(np.arange(len(shown)), shown, fontsize=5)
    stations.axvline(0, color="0.7", lw=0.6, zorder=0)
    stations.set(xlabel="median residual (s)")
    return figure


def gutenberg_richter_of(run: Results) -> Figure:
    """See `Plots.gutenberg_richter`."""
    magnitudes = pd.to_numeric(run.events["magnitude"], errors="coerce").to_numpy(dtype=float)
    law = recurrence(magnitudes)
    if not len(law.magnitudes):
        raise DataError(f"{run.folder}: no event has a magnitude")
    cumulative = law.counts[::-1].cumsum()[::-1]
    figure = Figure(figsize=(3.5, 3.2), layout="constrained")
    axes = figure.subplots()
    axes.semilogy(
        law.magnitudes - STEP / 2, cumulative, "s", ms=3, color="black", label="at or above"
    )
    some = law.counts > 0
    axes.semilogy(
        law.magnitudes[some],
        law.counts[some],
        "o",
        ms=3,
        mfc="white",
        color="0.4",
        label="in class",
    )
    if law.b is not None and law.a is not None and law.completeness is not None:
        m = np.array([law.completeness - STEP / 2, law.magnitudes[-1] + STEP / 2])
        label = f"b = {law.b:.2f} ± {law.b_sigma:.2f}, Mc {law.completeness:.1f}"
        axes.semilogy(m, 10 ** (law.a - law.b * m), color="#c1121f", lw=1, label=label)
    kinds = ", ".join(sorted(set(run.events["magnitude_type"].dropna().astype(str)))) or "magnitude"
    axes.set(xlabel=kinds, ylabel="events")
    axes.legend(fontsize=6)
    return figure
