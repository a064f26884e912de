"""Which of several epochs of one thing holds at a time, wherever epochs are told.

Epochs of a station, channel, response or fibre should not overlap, but often do: a station is
moved, or a gain changed, and nobody closes the old epoch. Then the epoch that began last and holds
the time counts; of two that began together, the one that is listed last.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from obspy import UTCDateTime

#: Start and end (exclusive) of an epoch in ns since 1970.
Epoch = tuple[int, int]
#: Limits of epochs that are open.
NEVER_NS, ALWAYS_NS = -(1 << 62), 1 << 62


def limits_ns(start: UTCDateTime | None, end: UTCDateTime | None) -> Epoch:
    """An epoch of two obspy times; None is open, as is what lies beyond the range of times."""
    first = NEVER_NS if start is None else min(max(int(start.ns), NEVER_NS), ALWAYS_NS)
    last = ALWAYS_NS if end is None else min(max(int(end.ns), NEVER_NS), ALWAYS_NS)
    return first, last


def newest(epochs: Sequence[Epoch]) -> list[tuple[int, int, int]]:
    """Parts [start, end) of time, in order and without overlaps, and which epoch counts in each.

    Times that no epoch holds are left out.
    """
    limits = sorted({limit for epoch in epochs for limit in epoch})
    parts: list[tuple[int, int, int]] = []
    for start, end in pairwise(limits):
        holding = [n for n, epoch in enumerate(epochs) if epoch[0] <= start and epoch[1] >= end]
        if not holding:
            continue
        best = max(holding, key=lambda n: (epochs[n][0], n))
        if parts and parts[-1][1:] == (start, best):
            start = parts.pop()[0]
        parts.append((start, end, best))
    return parts


def holding(start_ns: np.ndarray, end_ns: np.ndarray, times_ns: np.ndarray) -> np.ndarray:
    """Number of the epoch that counts at each time, shape (times,); outside all, the nearest.

    `start_ns` and `end_ns` have shape (epochs,).
    """
    start, end = start_ns.astype(float), end_ns.astype(float)
    time = times_ns[:, None].astype(float)
    holds = (start_ns <= times_ns[:, None]) & (times_ns[:, None] < end_ns)
    # Reversed, so that the first largest is the one listed last.
    began = np.where(holds, start, -np.inf)[:, ::-1]
    last = len(start) - 1 - np.argmax(began, axis=1)
    away = np.maximum(start - time, time - end).clip(0)
    return np.asarray(np.where(holds.any(axis=1), last, np.argmin(away, axis=1)))


def overlap(epochs: Sequence[Epoch]) -> tuple[int, int] | None:
    """Starts of an epoch and of a newer one that begins inside it; None where no two overlap."""
    ordered = sorted(epochs)
    for n, (start, end) in enumerate(ordered):
        for newer, _ in ordered[n + 1 :]:
            if newer < end:
                return start, newer
    return None
