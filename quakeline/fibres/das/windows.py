"""What a picker of seismometer records does to data before its network sees a window."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Any

import numpy as np
import scipy

from quakeline.fibres.das.apply import Patch
from quakeline.inference.windows import normalise
from quakeline.models.cards import FILTER_CONTEXT_S, Card, Filter
from quakeline.signal.filters import butterworth


class ZeroPhase:
    """The filter of a weight set that was trained behind a filter run forwards and backwards."""

    reach_s = FILTER_CONTEXT_S

    def __init__(self, filter: Filter | None) -> None:
        if filter is None:
            raise TypeError("a filter is needed")
        self.filter = filter

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """See `quakeline.fibres.recordings.arrays.Transform`."""
        sos = butterworth(self.filter.low_hz, self.filter.high_hz, self.filter.order, 1 / dt)
        samples = np.asarray(block.T, dtype=float)
        for _ in range(2):
            state = scipy.signal.sosfilt_zi(sos)[:, None, :] * samples[:, :1]
            samples = scipy.signal.sosfilt(sos, samples, axis=1, zi=state)[0][:, ::-1]
        return np.asarray(samples.T)


def batches(
    patches: Iterator[Patch], backend: Any, card: Card, alone: int | None
) -> Iterator[tuple[tuple[Patch, np.ndarray], np.ndarray]]:
    """Normalised windows of live channels in batches, each with its patch and their channels.

    A channel is the component `alone`, the others being zero; None: it is all of them.
    """
    shape = (backend.batch, len(card.components), card.window_samples)
    ring = deque(np.zeros(shape, np.float32) for _ in range(backend.in_flight + 1))
    for patch in patches:
        live = np.flatnonzero(patch.live)
        for first in range(0, len(live), backend.batch):
            channels = live[first : first + backend.batch]
            _fill(ring[0], patch.data[channels], card.normalisation, alone)
            yield (patch, channels), ring[0]
            ring.rotate(-1)


def _fill(target: np.ndarray, windows: np.ndarray, rule: str, alone: int | None) -> None:
    """Put windows (n, samples), normalised, into a batch."""
    n = len(windows)
    if alone is None:
        one = windows[:, None]
        normalise(one, None, "std" if rule == "std-live" else rule)
        target[:n] = one
    else:
        target[:n] = 0
        target[:n, alone] = windows
        normalise(target[:n], None, rule)
