"""A data set as one picture: counts by part and class, lengths, S minus P, and some records."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from quakeline.core.errors import ConfigError
from quakeline.io.products.atomic import replacing
from quakeline.training.datasets.records import PARTS, PHASES, Dataset

if TYPE_CHECKING:
    from matplotlib.axes import Axes

#: Endings of files that can be written.
KINDS = (".png", ".svg")
#: Records that are drawn, evenly over those with labels.
_EXAMPLES = 6
_COLOURS = {"event": "#0067a6", "noise": "#8a8a8a", "P": "#0067a6", "S": "#b84700"}
_BINS = 30


def require_kind(option: str, path: Path) -> None:
    """Refuse, with a ConfigError, a picture of another kind than PNG and SVG."""
    if path.suffix.lower() not in KINDS:
        raise ConfigError(f"{option}: {str(path)!r} given; allowed: *.png, *.svg")


def draw(dataset: Dataset, path: Path) -> None:
    """Draw a data set into a PNG or SVG file; the same set gives the same SVG.

    Raises
    ------
    DataError
        A record that is drawn is damaged.
    OutputError
        The file cannot be written.
    """
    import matplotlib as mpl
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    with mpl.rc_context({"svg.hashsalt": "dataset", "svg.fonttype": "none"}):
        figure = Figure(figsize=(12, 8), layout="constrained")
        FigureCanvasAgg(figure)
        counts, lengths, *places = figure.subplots(2, 4).flat
        figure.suptitle(
            f"{dataset.path.name}: {len(dataset)} records; P blue, S orange", parse_math=False
        )
        _counts(counts, dataset.table)
        _lengths(lengths, dataset.table)
        for axes, row in zip(places, _examples(dataset.table), strict=False):
            _record(axes, dataset, row)
        for axes in places[len(_examples(dataset.table)) :]:
            axes.set_axis_off()
        kind = path.suffix.lower().removeprefix(".")
        facts: dict[str, Any] = {"metadata": {"Date": None}} if kind == "svg" else {"dpi": 120}
        with replacing(path) as temporary:
            figure.savefig(temporary, format=kind, **facts)


def _counts(axes: Axes, table: pd.DataFrame) -> None:
    """Records by part, events above noise, with the numbers of labels."""
    parts = table["split"].replace("", "no part")
    names = [name for name in (*PARTS, *sorted(set(parts) - {*PARTS})) if (parts == name).any()]
    below = np.zeros(len(names))
    for kind in sorted(set(table["kind"])):
        own = np.array([((parts == name) & (table["kind"] == kind)).sum() for name in names])
        axes.bar(names, own, bottom=below, label=f"{own.sum()} {kind}", color=_COLOURS.get(kind))
        below += own
    labels = ", ".join(f"{(table[p].map(len) > 0).sum()} with {p}" for p in PHASES)
    axes.set(title=f"Records: {labels}", ylabel="records")
    axes.title.set_fontsize("medium")
    axes.legend()


def _lengths(axes: Axes, table: pd.DataFrame) -> None:
    """Histograms of S minus P and of the lengths of records, in seconds."""
    rates = table["rate_hz"].to_numpy(float)
    lengths = table["npts"].to_numpy(float) / rates
    pairs = zip(table["P"], table["S"], rates, strict=True)
    delays = [(min(s) - min(p)) / rate for p, s, rate in pairs if p and s]
    low, high = (float(f(lengths)) for f in (np.min, np.max))
    said = f"{low:g} s" if low == high else f"{low:g} to {high:g} s"
    if delays:
        axes.hist(delays, _BINS, color=_COLOURS["S"])
        axes.set(title=f"Lengths {said}; S minus P", xlabel="seconds", ylabel="records")
    else:
        axes.hist(lengths, _BINS, color=_COLOURS["noise"])
        axes.set(title=f"Lengths {said}; no pairs of P and S", xlabel="s", ylabel="records")
    axes.title.set_fontsize("medium")


def _examples(table: pd.DataFrame) -> list[int]:
    """Rows evenly over the records with labels, and one of noise behind them."""
    labelled = np.flatnonzero([bool(p or s) for p, s in zip(table["P"], table["S"], strict=True)])
    noise = np.flatnonzero((table["kind"] == "noise").to_numpy())[:1]
    some = _EXAMPLES - len(noise)
    places = np.unique(np.linspace(0, len(labelled) - 1, min(some, len(labelled))).astype(int))
    return [*labelled[places].tolist(), *noise.tolist()]


def _record(axes: Axes, dataset: Dataset, row: int) -> None:
    """All components of a record above each other, with its labels."""
    record = dataset.table.iloc[row]
    data = dataset.read(row, record["components"])
    at = np.arange(data.shape[1]) / float(record["rate_hz"])
    for number, (name, trace) in enumerate(zip(record["components"], data, strict=True)):
        size = float(np.abs(trace - trace.mean()).max()) or 1.0
        axes.plot(at, (trace - trace.mean()) / size - 2 * number, color="black", linewidth=0.5)
        axes.text(0, -2 * number + 0.5, name)
    for phase in PHASES:
        for onset in record[phase]:
            axes.axvline(onset / float(record["rate_hz"]), color=_COLOURS[phase], label=phase)
    who = " ".join(filter(None, (record["station"].strip("."), record["kind"], record["split"])))
    axes.set_title(who, fontsize="medium", parse_math=False)
    axes.set(xlabel="seconds", yticks=[])
