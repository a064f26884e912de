"""When there are data: one lane for each channel of an archive."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.dates
from matplotlib.figure import Figure

from quakeline.core.timeline import Span, to_datetime
from quakeline.io.products.atomic import replacing
from quakeline.report.coverage import COLUMNS, bars
from quakeline.workflow.inspection.holdings import Holding
from quakeline.workflow.inspection.plan import ChannelPlan

_dates: Any = matplotlib.dates  # has no types
#: Kinds of files that a plot is written as.
SUFFIXES = (".svg", ".png", ".pdf")
_USED, _PARTLY, _REFUSED, _LIGHT = "#20639b", "#9dbdd9", "#b03a2e", "#e0b3ae"
_LANE_IN, _FRAME_IN, _WIDTH_IN = 0.2, 0.9, 10.0
#: Above, lanes are not labelled one by one.
_MOST_LABELS = 400


def draw(held: Sequence[Holding], planned: Sequence[ChannelPlan], target: Path) -> None:
    """Write the plot: blue where the workflow uses the data, red where not, pale with gaps."""
    span = Span(min(one.span.start_ns for one in held), max(one.span.end_ns for one in held))
    lane_in = _LANE_IN * min(1.0, _MOST_LABELS / len(held))
    size = (_WIDTH_IN, _FRAME_IN + lane_in * len(held))
    figure = Figure(figsize=size, layout="constrained")
    axes = figure.subplots()
    for lane, (one, plan) in enumerate(zip(held, planned, strict=True)):
        dark, light = (_USED, _PARTLY) if plan.used else (_REFUSED, _LIGHT)
        stretches = bars(one.intervals, span)
        edges = [(_date(span, bar.start), _date(span, bar.start + bar.width)) for bar in stretches]
        axes.broken_barh(
            [(left, right - left) for left, right in edges],
            (lane - 0.4, 0.8),
            facecolors=[dark if bar.full else light for bar in stretches],
        )
    labelled = len(held) <= _MOST_LABELS
    names = [f"{one.codes}  {one.rate_hz:g} Hz" for one in held] if labelled else []
    axes.set_yticks(range(len(names)), names, fontsize=7)
    axes.set_ylim(len(held) - 0.5, -0.5)
    _format_time(axes, span)
    with mpl.rc_context({"svg.hashsalt": "quakeline"}), replacing(target) as temporary:
        figure.savefig(temporary, format=target.suffix[1:], dpi=150)


def _format_time(axes: Any, span: Span) -> None:
    axes.set_xlim(_date(span, 0), _date(span, COLUMNS))
    locator = _dates.AutoDateLocator()
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(_dates.ConciseDateFormatter(locator))
    axes.set_xlabel("UTC; blue: used, red: not used, pale: with gaps")
    axes.grid(axis="x", alpha=0.3)


def _date(span: Span, column: int) -> float:
    time_ns = span.start_ns + (span.end_ns - span.start_ns) * column // COLUMNS
    return float(_dates.date2num(to_datetime(time_ns)))
