"""What the catalog looks like as a whole: magnitudes in time, their frequency, Vp/Vs."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quakeline.events.comparison.frequency import Recurrence, recurrence
from quakeline.report.axes import Tick, time_ticks
from quakeline.report.catalog import Catalog, nanoseconds
from quakeline.report.formatting import number
from quakeline.report.plots import MOST_DOTS, Curve, Frame, Plot, room

#: Pairs of P and S that a Vp/Vs needs.
_LEAST_PAIRS = 5


def magnitude_time(catalog: Catalog) -> Plot | None:
    """Magnitudes against time, with those of the reference; None without magnitudes."""
    parts = [("own", "catalog", catalog.events[["time_ns", "magnitude"]])]
    theirs = _of_reference(catalog)
    if len(theirs):
        parts.append(("theirs", "reference", theirs))
    known = [(kind, name, part.dropna(subset=["magnitude"])) for kind, name, part in parts]
    values = np.concatenate([part["magnitude"].to_numpy(float) for _, _, part in known])
    if not len(values):
        return None
    span = catalog.span
    frame = Frame(0.0, span.seconds, *room(values, 1.0))
    curves = []
    for kind, name, part in reversed(known):
        largest = part.nlargest(MOST_DOTS, "magnitude")
        seconds = (largest["time_ns"].to_numpy(float) - span.start_ns) / 1e9
        curves.append(Curve(kind, name, frame.dots(seconds, largest["magnitude"].to_numpy(float))))
    left_out = max(0, *(len(part) - MOST_DOTS for _, _, part in known))
    return Plot(
        "Magnitude and time",
        "UTC",
        "Magnitude",
        time_ticks(span),
        frame.ticks()[1],
        curves,
        f"Magnitudes from {number(values.min(), 1)} to {number(values.max(), 1)} against time",
        f"The smallest {left_out} are left out." if left_out else "",
    )


def _of_reference(catalog: Catalog) -> pd.DataFrame:
    known = catalog.matches.dropna(subset=["reference_time"])
    return pd.DataFrame(
        {
            "time_ns": nanoseconds(known["reference_time"]),
            "magnitude": known["reference_magnitude"],
        }
    )


def frequency(catalog: Catalog) -> Plot | None:
    """Numbers of events at or above a magnitude, Mc and b; None without magnitudes."""
    laws = [("own", "catalog", recurrence(catalog.events["magnitude"].to_numpy(float)))]
    theirs = recurrence(_of_reference(catalog)["magnitude"].to_numpy(float))
    laws += [("theirs", "reference", theirs)]
    laws = [law for law in laws if law[2].completeness is not None]
    if not laws:
        return None
    largest = max(int(law.counts.sum()) for _, _, law in laws)
    ends = np.concatenate([law.magnitudes[[0, -1]] for _, _, law in laws])
    frame = Frame(*room(ends, 1.0), -0.15, np.log10(largest) + 0.2)
    curves, notes = [], []
    for kind, name, law in laws:
        curves += _law_curves(kind, name, law, frame)
        notes.append(f"{name}: {_law_words(law)}")
    x_ticks, _ = frame.ticks()
    powers = range(int(np.floor(frame.top)) + 1)
    y_ticks = [
        Tick((power - frame.bottom) / (frame.top - frame.bottom), f"{10**power:,}")
        for power in powers
    ]
    words = "; ".join(notes)
    return Plot(
        "Frequency of magnitudes",
        "Magnitude",
        "Events at or above it",
        x_ticks,
        y_ticks,
        curves,
        f"Gutenberg-Richter plot. {words}",
        f"{words[:1].upper()}{words[1:]}. Mc by maximum curvature, b by maximum likelihood.",
    )


def _law_curves(kind: str, name: str, law: Recurrence, frame: Frame) -> list[Curve]:
    above = np.cumsum(law.counts[::-1])[::-1]
    curves = [Curve(kind, name, frame.dots(law.magnitudes, np.log10(above)))]
    if law.b is None or law.a is None or law.completeness is None:
        return curves
    # The law counts from the lower edge of a class, dots stand at its centre.
    ends = np.array([law.completeness, min(law.magnitudes[-1], law.a / law.b)])
    values = law.a - law.b * (ends - 0.05)
    return [*curves, Curve(f"{kind} law", f"law of the {name}", frame.line(ends, values))]


def _law_words(law: Recurrence) -> str:
    completeness = f"Mc {number(law.completeness, 1)}"
    if law.b is None:
        return f"{completeness}, too few events above it for b ({law.above})"
    return f"{completeness}, b {law.b:.2f} ± {law.b_sigma:.2f} ({law.above:,} events)"


def wadati(catalog: Catalog) -> Plot | None:
    """S minus P against the travel time of P; None with fewer than _LEAST_PAIRS pairs."""
    known = catalog.arrivals.dropna(subset=["time_ns"])
    known = known[known["event_id"].isin(catalog.events["event_id"])]
    times = known.pivot_table(
        index=["event_id", "label"], columns="phase", values="time_ns", aggfunc="min"
    )
    if not {"P", "S"} <= set(times.columns):
        return None
    times = times.dropna(subset=["P", "S"])
    origin = catalog.events.set_index("event_id")["time_ns"]
    begin = origin.reindex(times.index.get_level_values("event_id")).to_numpy()
    travel = (times["P"] - begin).to_numpy(float) / 1e9
    later = (times["S"] - times["P"]).to_numpy(float) / 1e9
    good = (travel > 0) & (later > 0)
    travel, later = travel[good][:MOST_DOTS], later[good][:MOST_DOTS]
    if len(travel) < _LEAST_PAIRS:
        return None
    slope = float(np.median(later / travel))
    frame = Frame(0.0, float(travel.max()) * 1.05, 0.0, float(later.max()) * 1.08)
    end = min(frame.right, frame.top / slope)
    x_ticks, y_ticks = frame.ticks()
    words = f"Vp/Vs {1 + slope:.2f}, the median of {len(travel):,} pairs"
    return Plot(
        "Wadati diagram",
        "Travel time of P (s)",
        "S after P (s)",
        x_ticks,
        y_ticks,
        [
            Curve("own", "pair of P and S", frame.dots(travel, later)),
            Curve("own law", "median", frame.line(np.array([0, end]), slope * np.array([0, end]))),
        ],
        f"S minus P times against travel times of P: {words}",
        f"{words}; travel times count from the origin times of the catalog.",
    )
