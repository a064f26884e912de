"""Plots as the page draws them: ticks in HTML, curves as paths that stretch with the window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from quakeline.report.axes import Tick
from quakeline.report.formatting import number

#: Units of a drawing in both directions; it is stretched to the room that it has.
WIDTH, HEIGHT = 2000, 1000
#: Dots that a plot holds at most, so that the page stays small.
MOST_DOTS = 20_000


@dataclass(frozen=True)
class Curve:
    """Something drawn: `kind` names its looks in the style sheet, `name` what it is."""

    kind: str
    name: str
    path: str


@dataclass(frozen=True)
class Plot:
    """A drawing with its axes; `alt` says in words what it shows, `note` stands below."""

    title: str
    x_label: str
    y_label: str
    x_ticks: list[Tick]
    y_ticks: list[Tick]
    curves: list[Curve]
    alt: str
    note: str = ""


@dataclass(frozen=True)
class Frame:
    """The limits of a plot in the units of the data."""

    left: float
    right: float
    bottom: float
    top: float

    def dots(self, x: np.ndarray, y: np.ndarray) -> str:
        """A path of points: strokes of no length, which round caps make dots."""
        return "".join(f"M{a:.0f} {b:.0f}h0" for a, b in zip(*self._places(x, y), strict=True))

    def line(self, x: np.ndarray, y: np.ndarray) -> str:
        """A path through points."""
        pairs = [f"{a:.0f} {b:.0f}" for a, b in zip(*self._places(x, y), strict=True)]
        return "M" + "L".join(pairs) if pairs else ""

    def ticks(self, *, most: int = 6) -> tuple[list[Tick], list[Tick]]:
        """Round values along x and along y."""
        return (
            _ticks(self.left, self.right, most),
            _ticks(self.bottom, self.top, most),
        )

    def _places(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        across = (np.asarray(x, float) - self.left) / (self.right - self.left)
        up = (np.asarray(y, float) - self.bottom) / (self.top - self.bottom)
        return WIDTH * across, HEIGHT * (1 - up)


def room(values: np.ndarray, least: float, share: float = 0.06) -> tuple[float, float]:
    """Limits that hold finite values with some room, `least` wide at least."""
    low, high = float(np.min(values)), float(np.max(values))
    missing = max(least - (high - low), 0.0) / 2
    edge = share * max(high - low, least)
    return low - missing - edge, high + missing + edge


def _ticks(low: float, high: float, most: int) -> list[Tick]:
    from matplotlib.ticker import MaxNLocator

    values = MaxNLocator(nbins=most, steps=[1, 2, 5, 10]).tick_values(low, high)
    inside = [float(value) for value in values if low <= value <= high]
    step = inside[1] - inside[0] if len(inside) > 1 else 1.0
    digits = max(0, -int(np.floor(np.log10(step) + 1e-9)))
    return [Tick((value - low) / (high - low), number(value, digits)) for value in inside]
