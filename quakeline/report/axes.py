"""Ticks of the page's own time axes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from quakeline.core.timeline import SECOND, Span, to_datetime, to_ns
from quakeline.report.formatting import number


@dataclass(frozen=True)
class Tick:
    """A tick: its place as a share of the axis, and its label."""

    place: float
    label: str


def second_ticks(start_s: float, end_s: float, most: int = 8) -> list[Tick]:
    """Round seconds between two ends."""
    from matplotlib.ticker import MaxNLocator

    values = MaxNLocator(nbins=most, steps=[1, 2, 5, 10]).tick_values(start_s, end_s)
    inside = [float(v) for v in values if start_s <= v <= end_s]
    step = inside[1] - inside[0] if len(inside) > 1 else 1.0
    digits = 0 if step >= 1 else 1
    width = end_s - start_s
    return [Tick((v - start_s) / width, number(v, digits)) for v in inside]


def time_ticks(span: Span, most: int = 6) -> list[Tick]:
    """Round times of a span, labelled as shortly as they stay clear."""
    import matplotlib.dates

    dates: Any = matplotlib.dates  # has no types
    locator = dates.AutoDateLocator(minticks=2, maxticks=most)
    ends = to_datetime(span.start_ns), to_datetime(span.end_ns)
    values = locator.tick_values(*ends)
    times = [to_ns(dates.num2date(value)) for value in values]
    exact = [round(time / (SECOND // 1000)) * (SECOND // 1000) for time in times]
    inside = [time for time in exact if span.start_ns <= time <= span.end_ns]
    labels = dates.ConciseDateFormatter(locator, show_offset=False).format_ticks(
        [dates.date2num(to_datetime(time)) for time in inside]
    )
    width = span.end_ns - span.start_ns
    return [
        Tick((time - span.start_ns) / width, label)
        for time, label in zip(inside, labels, strict=True)
    ]
