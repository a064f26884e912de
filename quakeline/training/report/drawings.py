"""Drawings of a training: on the page as its own plots, and as PNG and SVG files."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from quakeline.report.plots import Curve, Frame, Plot, room
from quakeline.training.calibration import Reliability

#: Looks of a series on the page, and colours in files.
_KINDS = {"first": "own law", "second": "theirs law"}
_COLOURS = {"first": "#0067a6", "second": "#b84700"}
Look = Literal["first", "second"]
_LOOKS: tuple[Look, Look] = ("first", "second")
_BINS_S = np.linspace(-0.5, 0.5, 41)


@dataclass(frozen=True)
class Series:
    """A line through points, in one of two looks."""

    name: str
    look: Look
    x: np.ndarray
    y: np.ndarray


@dataclass(frozen=True)
class Drawing:
    """Series with what their axes are; `name` is that of its files, `limits` are those of both."""

    name: str
    title: str
    x_label: str
    y_label: str
    series: list[Series]
    limits: tuple[float, float, float, float] | None = None
    note: str = ""

    def plot(self) -> Plot:
        """As the page draws it."""
        left, right, bottom, top = self._limits
        frame = Frame(left, right, bottom, top)
        x_ticks, y_ticks = frame.ticks()
        curves = [
            Curve(_KINDS[one.look], one.name, frame.line(one.x, one.y)) for one in self.series
        ]
        said = ", ".join(one.name for one in self.series)
        colours = {"first": "blue", "second": "orange"}
        key = ", ".join(f"{one.name} {colours[one.look]}" for one in self.series)
        note = f"{key}. {self.note}".strip()
        alt = f"{self.title}: {self.y_label} by {self.x_label}, {said}"
        return Plot(self.title, self.x_label, self.y_label, x_ticks, y_ticks, curves, alt, note)

    def write(self, folder: Path) -> None:
        """As PNG and SVG files; the same drawing gives the same SVG."""
        import matplotlib as mpl
        from matplotlib.backends.backend_agg import FigureCanvasAgg
        from matplotlib.figure import Figure

        with mpl.rc_context({"svg.hashsalt": self.name, "svg.fonttype": "none"}):
            figure = Figure(figsize=(7, 4), layout="constrained")
            FigureCanvasAgg(figure)
            axes = figure.add_subplot()
            for one in self.series:
                axes.plot(one.x, one.y, color=_COLOURS[one.look], label=one.name)
            left, right, bottom, top = self._limits
            axes.set(title=self.title, xlabel=self.x_label, ylabel=self.y_label,
                     xlim=(left, right), ylim=(bottom, top))  # fmt: skip
            axes.legend()
            figure.savefig(folder / f"{self.name}.png", dpi=150)
            figure.savefig(folder / f"{self.name}.svg", metadata={"Date": None})

    @property
    def _limits(self) -> tuple[float, float, float, float]:
        if self.limits:
            return self.limits
        x, y = (np.concatenate([getattr(one, axis) for one in self.series]) for axis in "xy")
        return *room(x, 1.0, 0.0), *room(y, 1e-6)


def of_history(history: list[dict[str, float]]) -> list[Drawing]:
    """Losses, rate and, where it is known, share of right classes by epoch."""
    rate = _column(history, "learning_rate", "learning rate", "first")
    made = [
        Drawing("loss", "Loss", "epoch", "loss in nats", [
            _column(history, "train_loss", "training", "first"),
            _column(history, "dev_loss", "validation", "second"),
        ]),
    ]  # fmt: skip
    if len(rate.x):
        edges = (0.0, float(rate.x.max()), 0.0, 1.1 * float(rate.y.max()))
        made.append(Drawing("learning_rate", "Learning rate", "epoch", "rate", [rate], edges))
    if "dev_accuracy" in history[0]:
        accuracy = _column(history, "dev_accuracy", "validation", "second")
        right = Drawing("accuracy", "Windows called right", "epoch", "share", [accuracy])
        edges = (float(accuracy.x.min()), float(max(accuracy.x.max(), 1)), 0.0, 1.0)
        made.append(replace(right, limits=edges))
    return [one for one in made if all(len(series.x) for series in one.series)]


def _column(history: list[dict[str, float]], column: str, name: str, look: Look) -> Series:
    rows = [row for row in history if column in row]
    epochs = np.array([row["epoch"] for row in rows], float)
    return Series(name, look, epochs, np.array([row[column] for row in rows], float))


def of_curves(phase: str, curves: list[tuple[str, np.ndarray, np.ndarray]]) -> Drawing:
    """Precision by recall of a phase, of the new weights first."""
    series = [
        Series(name, look, recall, precision)
        for look, (name, recall, precision) in zip(_LOOKS, curves, strict=False)
    ]
    return Drawing(f"precision_recall_{phase}", f"{phase}: precision and recall", "recall",
                   "precision", series, (0.0, 1.0, 0.0, 1.02),
                   "Each point is a threshold between 0.05 and 0.998.")  # fmt: skip


def of_residuals(phase: str, residuals: list[tuple[str, np.ndarray]]) -> Drawing:
    """Histograms of picks minus labels of a phase, of the new weights first."""
    series = []
    for look, (name, values) in zip(_LOOKS, residuals, strict=False):
        counts, _ = np.histogram(values, _BINS_S)
        heights = np.concatenate([[0], np.repeat(counts, 2), [0]]).astype(float)
        series.append(Series(name, look, np.repeat(_BINS_S, 2), heights))
    top = max((float(one.y.max()) for one in series), default=1.0)
    return Drawing(f"residuals_{phase}", f"{phase}: picks minus labels", "seconds", "picks", series,
                   (-0.5, 0.5, 0.0, max(top, 1.0) * 1.05))  # fmt: skip


def of_reliability(found: Reliability) -> Drawing:
    """The share that is right by what is said; on the diagonal both are the same."""
    ends = np.array([0.0, 1.0])
    series = [
        Series("part test", "first", found.said, found.right),
        Series("as it should be", "second", ends, ends),
    ]
    counts = ", ".join(
        f"{n} at {said:.2f}" for said, n in zip(found.said, found.counts, strict=True)
    )
    note = f"Windows: {counts}. Mean difference {found.error:.3f}."
    return Drawing("reliability", "Reliability", "probability of the most probable class",
                   "share that is right", series, (0.0, 1.0, 0.0, 1.02), note)  # fmt: skip


def write_confusion(rows: list[str], columns: list[str], counts: np.ndarray, folder: Path) -> None:
    """A matrix of counts as PNG and SVG files, shaded by the share of its row."""
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "confusion", "svg.fonttype": "none"}):
        figure = Figure(figsize=(4.5, 4), layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.add_subplot()
        shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for (i, j), count in np.ndenumerate(counts):
            colour = "white" if shares[i, j] > 0.6 else "black"
            axes.text(j, i, f"{count}", ha="center", va="center", color=colour)
        axes.set(title="Confusion", xlabel="called", ylabel="labelled")
        axes.set_xticks(range(len(columns)), columns)
        axes.set_yticks(range(len(rows)), rows)
        figure.savefig(folder / "confusion.png", dpi=150)
        figure.savefig(folder / "confusion.svg", metadata={"Date": None})
