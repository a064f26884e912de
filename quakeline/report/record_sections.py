"""Record sections: the traces of an event by distance, with picks and probabilities."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND, Span
from quakeline.io.products.stores import labels_of
from quakeline.report.axes import Tick, second_ticks
from quakeline.report.catalog import Catalog
from quakeline.report.curves import area_path, blanks, trace_path
from quakeline.report.formatting import number, short, signed, utc
from quakeline.report.kept_stores import Archive

#: Pixels: strip of pick labels, a trace, the strip of probabilities.
LABEL_STRIP, TRACE, PROBABILITY = 20, 54, 32
#: Units of a curve for each pixel, so that whole numbers are fine enough.
FINE = 4
#: Seconds read before the drawn span so that the high-pass has settled.
_WARM_UP_S = 10.0
_DAY_S = 86_400.0
#: Picks of other events and of none that are drawn at an instrument, the most probable ones.
_MOST_OTHERS = 40


@dataclass(frozen=True)
class Drawing:
    """How record sections are drawn; see the fields of the stage's Config."""

    max_events: int
    before_s: float
    after_s: float
    max_instruments: int
    highpass_hz: float | None


@dataclass(frozen=True)
class Mark:
    """A line at a time. `kind` is own, predicted, other or origin; `place` a share of the width."""

    kind: str
    phase: str
    place: float
    text: str
    title: str


@dataclass(frozen=True)
class Curve:
    """A trace: component, largest value with units, SVG path, stretches without data.

    `samples` are those of the store, without their mean and 0 where there are none.
    """

    component: str
    peak: str
    path: str
    blanks: list[tuple[float, float]]
    samples: np.ndarray
    rate_hz: float


@dataclass(frozen=True)
class Row:
    """One instrument of a record section."""

    label: str
    where: str
    curves: list[Curve]
    probabilities: list[tuple[str, str]]
    marks: list[Mark]

    @property
    def height(self) -> int:
        """Pixels of the drawing."""
        strips = PROBABILITY if self.probabilities else 0
        return LABEL_STRIP + TRACE * len(self.curves) + strips


@dataclass(frozen=True)
class Record:
    """The record section of one event."""

    event: dict[str, Any]
    start_ns: int
    end_ns: int
    rows: list[Row]
    ticks: list[Tick]
    without_data: list[str]
    left_out: int


def largest(events: pd.DataFrame, most: int) -> pd.DataFrame:
    """The events with the most arrivals, in order of time."""
    order = events.sort_values(["n_arrivals", "time_ns"], ascending=[False, True], kind="stable")
    return order.head(most).sort_values("time_ns")


def records(
    catalog: Catalog, waveforms: Archive, probabilities: Archive, drawing: Drawing
) -> list[Record]:
    """The record sections of the largest events."""
    chosen = largest(catalog.events, drawing.max_events).to_dict("records")
    plain = [{str(key): value for key, value in event.items()} for event in chosen]
    return [_record(event, catalog, waveforms, probabilities, drawing) for event in plain]


def _record(
    event: dict[str, Any],
    catalog: Catalog,
    waveforms: Archive,
    probabilities: Archive,
    drawing: Drawing,
) -> Record:
    own = catalog.arrivals[catalog.arrivals["event_id"] == event["event_id"]]
    own = own[own["time_ns"].notna()]
    window = window_of(event, own, drawing)
    order = by_distance(event, own, catalog, labels_in(waveforms, window))
    chosen, left_out = _chosen(order, own, drawing.max_instruments)
    rows, silent = [], []
    for label, distance, azimuth in chosen:
        curves = curves_of(waveforms, label, window, drawing.highpass_hz)
        if not curves:
            silent.append(label)
            continue
        rows.append(
            Row(
                label=label,
                where=where_of(distance, azimuth),
                curves=curves,
                probabilities=_probabilities(probabilities, label, window),
                marks=_marks(event, own, catalog.picks, label, window),
            )
        )
    origin = event["time_ns"]
    ends = [(t - origin) / SECOND for t in (window.start_ns, window.end_ns)]
    ticks = second_ticks(ends[0], ends[1])
    return Record(event, window.start_ns, window.end_ns, rows, ticks, silent, left_out)


def window_of(event: dict[str, Any], own: pd.DataFrame, drawing: Drawing) -> Span:
    """From before the first to after the last arrival; never longer than a day."""
    times = [int(t) for t in own["time_ns"]] or [event["time_ns"]]
    start = min(times) - round(drawing.before_s * SECOND)
    end = max(times) + round(drawing.after_s * SECOND)
    return Span(start, min(end, start + round(_DAY_S * SECOND)))


def labels_in(waveforms: Archive, window: Span) -> list[str]:
    """Names of the instruments of all chunks of a span."""
    pieces = waveforms.pieces(window.start_ns, window.end_ns)
    return sorted({label for piece in pieces for label in piece.labels})


def by_distance(
    event: dict[str, Any], own: pd.DataFrame, catalog: Catalog, labels: list[str]
) -> list[tuple[str, float, float]]:
    """Instruments with epicentral distance (km) and azimuth (deg), NaN where unknown, by distance.

    The distances of the location come first; others follow from the coordinates.
    """
    from pyproj import Geod

    located = own.dropna(subset=["distance_km"])
    known = {
        str(label): (float(distance), float(azimuth))
        for label, distance, azimuth in zip(
            located["label"], located["distance_km"], located["azimuth_deg"], strict=True
        )
    }
    places = catalog.stations.set_index("site")
    found = []
    for label in labels:
        site = ".".join(label.split(".")[:2])
        if label in known:
            found.append((label, *known[label]))
        elif site in places.index:
            place = places.loc[site]
            azimuth, _, metres = Geod(ellps="WGS84").inv(
                event["longitude"], event["latitude"], place["longitude"], place["latitude"]
            )
            found.append((label, metres / 1000, azimuth % 360))
        else:
            found.append((label, np.nan, np.nan))
    return sorted(found, key=lambda item: (np.isnan(item[1]), item[1], item[0]))


def _chosen(
    order: list[tuple[str, float, float]], own: pd.DataFrame, most: int
) -> tuple[list[tuple[str, float, float]], int]:
    """Instruments with arrivals first, then the nearest; back in order of distance."""
    picked = set(own["label"])
    ranked = sorted(range(len(order)), key=lambda i: (order[i][0] not in picked, i))
    return [order[i] for i in sorted(ranked[:most])], max(len(order) - most, 0)


def where_of(distance_km: float, azimuth_deg: float) -> str:
    """Distance and azimuth in words."""
    if np.isnan(distance_km):
        return "distance unknown"
    place = f"{number(distance_km, 1)} km"
    return place if np.isnan(azimuth_deg) else f"{place}, {azimuth_deg:.0f}°"


def curves_of(
    waveforms: Archive, label: str, window: Span, highpass_hz: float | None
) -> list[Curve]:
    """The traces of an instrument in a span; none where it has no data."""
    warm_up = round(_WARM_UP_S * SECOND) if highpass_hz else 0
    start = window.start_ns - warm_up
    data, rate = waveforms.read("data", label, start, window.end_ns)
    valid, _ = waveforms.read("valid", label, start, window.end_ns)
    if data is None or valid is None:
        return []
    group = next(waveforms.pieces(window.start_ns, window.end_ns)).group
    units = _units(group.attrs["units"], labels_of(group, "instruments"), label)
    skip = round(warm_up / SECOND * rate)
    curves = []
    for i, component in enumerate(labels_of(group, "components")):
        seen = valid[i, skip:]
        if not seen.any():
            continue
        values = steady(data[i].astype(float), valid[i], rate, highpass_hz)[skip:]
        peak = float(np.abs(values[seen]).max())
        path = trace_path(values, seen, peak, TRACE * FINE // 2 - FINE)
        plain = steady(data[i].astype(float), valid[i], rate, None)[skip:]
        largest = f"{short(peak)} {units}"
        curves.append(Curve(component, largest, path, blanks(seen), plain, rate))
    return curves


def _units(given: Any, labels: list[str], label: str) -> str:
    """Units of an instrument: the store has one for all, or one for each instrument."""
    if isinstance(given, dict):
        return str(given.get(label, ""))
    if isinstance(given, list):
        return str(dict(zip(labels, given, strict=False)).get(label, ""))
    return str(given)


def steady(
    values: np.ndarray, valid: np.ndarray, rate_hz: float, highpass_hz: float | None
) -> np.ndarray:
    """Each valid stretch of (n,) samples without its mean, and high-passed (causal, two poles)."""
    from scipy.signal import butter, sosfilt

    usable = highpass_hz is not None and highpass_hz < 0.4 * rate_hz
    sections = butter(2, highpass_hz, "highpass", fs=rate_hz, output="sos") if usable else None
    result = np.zeros(len(values))
    edges = np.flatnonzero(np.diff(np.concatenate([[0], valid.view(np.int8), [0]])))
    for start, stop in edges.reshape(-1, 2):
        part = values[start:stop] - values[start:stop].mean()
        result[start:stop] = part if sections is None else sosfilt(sections, part)
    return result


def _probabilities(archive: Archive, label: str, window: Span) -> list[tuple[str, str]]:
    """Phase and SVG path of each of the network's phases; noise is left out."""
    if not archive:
        return []
    data, _ = archive.read("probability", label, window.start_ns, window.end_ns)
    valid, _ = archive.read("valid", label, window.start_ns, window.end_ns)
    if data is None or valid is None:
        return []
    group = next(archive.pieces(window.start_ns, window.end_ns)).group
    return [
        (name, area_path(data[i].astype(float), valid, (PROBABILITY - 4) * FINE))
        for i, name in enumerate(labels_of(group, "classes"))
        if name in ("P", "S")
    ]


def _marks(
    event: dict[str, Any], own: pd.DataFrame, picks: pd.DataFrame, label: str, window: Span
) -> list[Mark]:
    width = window.end_ns - window.start_ns
    inside = (picks["time_ns"] >= window.start_ns) & (picks["time_ns"] < window.end_ns)
    near = picks[inside]
    here = near[near["label"] == label]
    residuals = dict(zip(own["pick_id"], own["residual_s"], strict=True))
    others = here[~here["pick_id"].isin(own["pick_id"])].nlargest(_MOST_OTHERS, "probability")
    here = pd.concat([here[here["pick_id"].isin(own["pick_id"])], others])
    marks = []
    if window.contains(event["time_ns"]):
        place = (event["time_ns"] - window.start_ns) / width
        marks.append(Mark("origin", "", place, "", "origin time"))
    for pick in here.to_dict("records"):
        place = (pick["time_ns"] - window.start_ns) / width
        mine = pick["pick_id"] in residuals
        residual = residuals.get(pick["pick_id"])
        known = residual is not None and not pd.isna(residual)
        text = f"{pick['phase']} {signed(residual)}" if known else str(pick["phase"])
        title = title_of({str(k): v for k, v in pick.items()}, residual if known else None)
        marks.append(Mark("own" if mine else "other", pick["phase"], place, text, title))
        if known:
            shift = float(residual) * SECOND / width  # type: ignore[arg-type]
            marks.append(Mark("predicted", pick["phase"], place - shift, "", "predicted"))
    return [mark for mark in marks if 0 <= mark.place <= 1]


def title_of(pick: dict[str, Any], residual_s: float | None) -> str:
    """What a pointer on a pick shows."""
    sigma = "" if pd.isna(pick["time_sigma_s"]) else f" ± {number(pick['time_sigma_s'], 3)} s"
    tail = "" if residual_s is None else f", residual {signed(residual_s, 3)} s"
    chance = f", probability {number(pick['probability'], 2)}"
    return f"{pick['phase']} {utc(pick['time_ns'], 3)}{sigma}{chance}{tail}"


def caption(drawing: Drawing) -> str:
    """What was done to drawn traces."""
    if drawing.highpass_hz:
        return (
            "Traces are high-passed for display only"
            f" (causal Butterworth, 2 poles, {drawing.highpass_hz:g} Hz)."
        )
    return "Traces are drawn as prepared, without their mean."
