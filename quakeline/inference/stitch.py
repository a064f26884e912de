"""Outputs of overlapping windows to one curve per class."""

from __future__ import annotations

import numpy as np


class Stitcher:
    """Averages the outputs of windows over the samples [lo, hi) of one instrument.

    The first and last `blind` samples of each window do not count. Windows must be added in the
    order of time, so that sums do not depend on how the data were cut.
    """

    def __init__(self, lo: int, hi: int, n_classes: int, blind: int) -> None:
        self.lo, self.hi, self.blind = lo, hi, blind
        self._sum = np.zeros((n_classes, hi - lo), dtype=np.float64)
        self._count = np.zeros(hi - lo, dtype=np.int32)

    def add(self, start: int, output: np.ndarray) -> None:
        """Add a window that begins at sample `start`; `output` has shape (classes, samples)."""
        seen = output[:, self.blind : output.shape[1] - self.blind]
        first = start + self.blind
        lo, hi = max(first, self.lo), min(first + seen.shape[1], self.hi)
        if lo < hi:
            self._sum[:, lo - self.lo : hi - self.lo] += seen[:, lo - first : hi - first]
            self._count[lo - self.lo : hi - self.lo] += 1

    def result(self) -> np.ndarray:
        """The averages, shape (classes, hi - lo), float32; zero where no window was added."""
        return (self._sum / np.maximum(self._count, 1)).astype(np.float32)
