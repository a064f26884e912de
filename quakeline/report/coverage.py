"""Which data came, which could be used, and why the others could not."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND, Span, sample_time
from quakeline.io.products.stores import grid_of, labels_of
from quakeline.report.catalog import Catalog, nanoseconds
from quakeline.report.kept_stores import Archive, Piece

#: Columns of a timeline.
COLUMNS = 1000


@dataclass(frozen=True)
class Bar:
    """A stretch of a timeline in columns; `full` or only partly covered."""

    start: int
    width: int
    full: bool


@dataclass(frozen=True)
class Lane:
    """One instrument: its timelines and what they say in numbers.

    `share` is that of the run's span with usable data (any component); without prepared stores,
    that which the raw files cover. Gaps lie between the first and the last sample.
    """

    label: str
    site: str
    components: str
    raw: list[Bar]
    prepared: list[Bar] | None
    share: float
    n_gaps: int
    longest_gap_s: float


@dataclass
class Stretch:
    """Intervals of one instrument in nanoseconds, and the components they belong to."""

    intervals: list[np.ndarray] = field(default_factory=list)
    components: set[str] = field(default_factory=set)
    tolerance_ns: int = 0


def lanes(catalog: Catalog, waveforms: Archive) -> list[Lane]:
    """One lane for each instrument; a station without any data has a lane of its own."""
    raw = _raw(catalog.manifest)
    prepared = _prepared(waveforms) if waveforms else None
    labels = sorted({*raw, *(prepared or {})})
    result = [_lane(label, raw, prepared, catalog.span) for label in labels]
    seen = {lane.site for lane in result}
    asked = {site for site in catalog.manifest["site"] if site}
    silent = sorted(({*catalog.stations["site"]} | asked) - seen)
    empty: dict[str, Stretch] | None = None if prepared is None else {}
    return result + [_lane(site, {}, empty, catalog.span) for site in silent]


def _lane(
    label: str, raw: dict[str, Stretch], prepared: dict[str, Stretch] | None, span: Span
) -> Lane:
    files = raw.get(label, Stretch())
    fibre = label.startswith("fibre ")  # its waveforms are not kept
    usable = None if prepared is None or fibre else prepared.get(label, Stretch())
    counted = files if usable is None else usable
    merged = merge(counted, span)
    gaps = _gaps(merged)
    return Lane(
        label=label,
        site=".".join(label.split(".")[:2]),
        components="".join(sorted(counted.components, key=_component_order)),
        raw=bars(merge(files, span), span),
        prepared=None if usable is None else bars(merged, span),
        share=float(np.diff(merged, axis=1).sum()) / (span.end_ns - span.start_ns),
        n_gaps=len(gaps),
        longest_gap_s=float(gaps.max()) / SECOND if len(gaps) else 0.0,
    )


def _component_order(letter: str) -> tuple[int, str]:
    return "ZNE".find(letter) % 4, letter


def _raw(manifest: pd.DataFrame) -> dict[str, Stretch]:
    used = manifest[(manifest["status"] == "data") & manifest["start"].notna()]
    used = used[(used["end"].notna()) & (used["label"] != "")]
    result: dict[str, Stretch] = {}
    for label, group in used.groupby("label"):
        step = (SECOND / group["sampling_rate_hz"].fillna(1.0)).round().astype("int64")
        ends = nanoseconds(group["end"]) + step
        result[str(label)] = Stretch(
            intervals=[np.stack([nanoseconds(group["start"]).to_numpy(), ends.to_numpy()], axis=1)],
            components={str(channel)[-1] for channel in group["channel"].dropna()},
            tolerance_ns=int(step.max()),
        )
    return result


def _prepared(waveforms: Archive) -> dict[str, Stretch]:
    result: dict[str, Stretch] = {}
    for piece in waveforms.chunks():
        components = labels_of(piece.group, "components")
        for label in piece.labels:
            valid = piece.read("valid", label)
            stretch = result.setdefault(label, Stretch())
            stretch.intervals.append(_intervals(np.logical_or.reduce(valid, axis=0), piece))
            stretch.components |= {c for i, c in enumerate(components) if valid[i].any()}
    return result


def _intervals(valid: np.ndarray, piece: Piece) -> np.ndarray:
    """Begin and end (ns) of every stretch of valid samples; a sample lasts until the next."""
    rate = grid_of(piece.group).rate_hz
    padded = np.concatenate([[False], valid, [False]]).view(np.int8)
    edges = np.flatnonzero(np.diff(padded)) + piece.start
    return np.array([sample_time(int(e), rate) for e in edges], np.int64).reshape(-1, 2)


def merge(stretch: Stretch, span: Span) -> np.ndarray:
    """Sorted intervals (n, 2) inside the span, joined where they touch or overlap."""
    if not stretch.intervals:
        return np.empty((0, 2), np.int64)
    given = np.concatenate(stretch.intervals).clip(span.start_ns, span.end_ns)
    given = given[given[:, 1] > given[:, 0]]
    given = given[np.argsort(given[:, 0], kind="stable")]
    if not len(given):
        return given
    reach = np.maximum.accumulate(given[:, 1])
    fresh = np.concatenate([[True], given[1:, 0] > reach[:-1] + stretch.tolerance_ns])
    last = np.concatenate([np.flatnonzero(fresh)[1:] - 1, [len(given) - 1]])
    return np.stack([given[fresh, 0], reach[last]], axis=1)


def _gaps(merged: np.ndarray) -> np.ndarray:
    """Lengths (ns) of what lies between the intervals, of a millisecond or more."""
    lengths = merged[1:, 0] - merged[:-1, 1]
    return np.asarray(lengths[lengths >= SECOND // 1000])


def bars(merged: np.ndarray, span: Span) -> list[Bar]:
    """Intervals as stretches of columns that are fully or partly covered."""
    if not len(merged):
        return []
    begin = merged.ravel() - span.start_ns
    lengths = np.zeros(merged.size)
    lengths[1::2] = merged[:, 1] - merged[:, 0]
    edges = np.linspace(0, span.end_ns - span.start_ns, COLUMNS + 1)
    covered = np.interp(edges, begin.astype(float), np.cumsum(lengths))
    share = np.diff(covered) / np.diff(edges)
    level = np.where(share > 0.999, 2, np.where(share > 1e-9, 1, 0))
    cuts = np.concatenate([[0], np.flatnonzero(np.diff(level)) + 1, [COLUMNS]])
    return [Bar(int(a), int(b - a), bool(level[a] == 2)) for a, b in pairwise(cuts) if level[a]]
