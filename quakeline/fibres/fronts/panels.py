"""Small pictures of a fibre over time, where fronts were found: waterfalls for the report."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND, Span, first_sample

if TYPE_CHECKING:
    from quakeline.fibres.recordings.prepared import Prepared

#: Rows and columns of a picture at most.
ROWS, COLUMNS = 240, 720
_BEFORE_S, _AFTER_S = 4.0, 8.0
#: Seconds of one picture at most.
_LONGEST_S = 90.0


@dataclass(frozen=True)
class Frame:
    """What a picture shows: its times in ns, and distances along the fibre in m, of its edges."""

    start_ns: int
    end_ns: int
    first_m: float
    last_m: float
    n_picks: int


def episodes(picks: pd.DataFrame, pause_s: float, most: int) -> list[Span]:
    """Spans of time with fronts, those with most picks, in order of time.

    Fronts less than `pause_s` apart belong together.
    """
    members = picks[picks["front"] >= 0]
    if members.empty or most == 0:
        return []
    times = np.sort(members["time"].astype("int64").to_numpy())
    cuts = np.flatnonzero(np.diff(times) > pause_s * SECOND) + 1
    groups = np.split(times, cuts)
    largest = sorted(sorted(groups, key=len, reverse=True)[:most], key=lambda group: group[0])
    spans = []
    for group in largest:
        start = int(group[0] - _BEFORE_S * SECOND)
        end = min(int(group[-1] + _AFTER_S * SECOND), start + round(_LONGEST_S * SECOND))
        spans.append(Span(start, end))
    return spans


def draw(
    data: Prepared, distances: np.ndarray, span: Span, n_picks: int
) -> tuple[np.ndarray, Frame]:
    """A picture (ROWS, COLUMNS) of a span, each channel over its own rms; gaps are NaN.

    A value is the largest of its stretch of time, with its sign, averaged over its channels.
    """
    rate = data.recording.rate_hz
    first, stop = (first_sample(time, rate) for time in (span.start_ns, span.end_ns))
    block = data.read(first, stop)
    rms = np.sqrt(np.nanmean(block**2, axis=0)) if np.isfinite(block).any() else np.ones(1)
    block = block / np.where(rms > 0, rms, 1)
    rows = np.linspace(0, block.shape[1], min(ROWS, block.shape[1]) + 1).astype(int)
    columns = np.linspace(0, len(block), min(COLUMNS, len(block)) + 1).astype(int)
    means = np.add.reduceat(block, rows[:-1], axis=1) / np.diff(rows)
    high = np.maximum.reduceat(means, columns[:-1], axis=0)
    low = np.minimum.reduceat(means, columns[:-1], axis=0)
    picture = np.where(high > -low, high, low).T
    canvas = np.full((ROWS, COLUMNS), np.nan, np.float32)
    across = np.arange(ROWS) * picture.shape[0] // ROWS
    along = np.arange(COLUMNS) * picture.shape[1] // COLUMNS
    canvas[:] = picture[np.ix_(across, along)]
    ends = float(distances[0]), float(distances[-1])
    return canvas, Frame(span.start_ns, span.end_ns, *ends, n_picks)


def plain(frames: list[Frame]) -> list[dict[str, float]]:
    """Frames as JSON-like builtins."""
    return [asdict(frame) for frame in frames]
