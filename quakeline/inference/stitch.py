"""Outputs of overlapping windows to one curve per phase, piece by piece in the order of time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np


class Stacked:
    """Stacks the samples of overlapping windows of one instrument over [lo, hi).

    For networks that give a probability for each sample. `rule` is "average", "maximum", or
    "weighted": an average in which samples count less towards the ends of their window (half a
    sine). The first and last `blind` samples of a window do not count. Windows come in the order
    of time, so that sums do not depend on how the data were cut. Memory is that of the samples
    that are not final yet.
    """

    def __init__(self, lo: int, hi: int, n_phases: int, blind: int, rule: str = "average") -> None:
        self.hi, self.blind, self.rule = hi, blind, rule
        self._first = lo
        self._sum = np.zeros((n_phases, 0), dtype=np.float32)
        self._weight = np.zeros(0, dtype=np.float32)

    def add(self, start: int, output: np.ndarray, weight: float = 1.0) -> None:
        """Add a window that begins at sample `start`; `output` has shape (phases, samples).

        `weight` is that of the whole window in averages.
        """
        begin, end = start + self.blind, start + output.shape[1] - self.blind
        lo, hi = max(begin, self._first), min(end, self.hi)
        if lo >= hi:
            return
        self._reach(hi)
        here = slice(lo - self._first, hi - self._first)
        seen = output[:, lo - start : hi - start]
        if self.rule == "maximum":
            np.maximum(self._sum[:, here], seen, out=self._sum[:, here])
        elif self.rule == "weighted":
            inside = _half_sine(end - begin)[lo - begin : hi - begin] * np.float32(weight)
            self._sum[:, here] += seen * inside
            self._weight[here] += inside
        elif weight != 1:
            self._sum[:, here] += seen * np.float32(weight)
            self._weight[here] += np.float32(weight)
        else:
            self._sum[:, here] += seen
            self._weight[here] += 1

    def _reach(self, stop: int) -> None:
        """Make room up to sample `stop`, in steps that double, so that copies stay few."""
        needed = stop - self._first
        have = len(self._weight)
        if needed > have:
            size = min(max(needed, 2 * have, 65_536), self.hi - self._first)
            self._sum = np.pad(self._sum, ((0, 0), (0, size - have)))
            self._weight = np.pad(self._weight, (0, size - have))

    def take(self, stop: int) -> np.ndarray:
        """The final curve from the last call's end to sample `stop`, shape (phases, n), float32.

        `stop` is where the next window begins at the earliest; zero where no window was added.
        """
        stop = max(min(stop, self.hi), self._first)
        self._reach(stop)
        n = stop - self._first
        weight = self._weight[:n]
        piece = self._sum[:, :n] / np.where(weight > 0, weight, np.float32(1))
        self._sum, self._weight = self._sum[:, n:].copy(), self._weight[n:].copy()
        self._first = stop
        return piece


@lru_cache(maxsize=8)
def _half_sine(n: int) -> np.ndarray:
    return np.sin(np.pi * (np.arange(n) + 0.5) / n).astype(np.float32)


class Interpolated:
    """Joins one value per window by straight lines between the windows' centres over [lo, hi).

    For networks that give one probability per window. A stretch where windows are missing is
    zero, since nothing is known between its ends.
    """

    def __init__(self, lo: int, hi: int, n_phases: int, centre: int, hop: int) -> None:
        self.hi, self.centre, self.hop = hi, centre, hop
        self._first = lo
        self._at: list[int] = []
        self._values: list[np.ndarray] = []
        self._n_phases = n_phases

    def add(self, start: int, output: np.ndarray, weight: float = 1.0) -> None:
        """Add a window that begins at sample `start`; `output` has shape (phases,)."""
        self._at.append(start + self.centre)
        self._values.append(output.copy())

    def take(self, stop: int) -> np.ndarray:
        """The curve up to the last centre before `stop`; see `Stacked.take`."""
        stop = max(min(stop, self.hi), self._first)
        piece = np.zeros((self._n_phases, stop - self._first), dtype=np.float32)
        if self._at:
            at, values = np.array(self._at), np.array(self._values)
            grid = np.arange(self._first, stop)
            left = np.clip(np.searchsorted(at, grid, side="right") - 1, 0, max(len(at) - 2, 0))
            right = np.minimum(left + 1, len(at) - 1)
            inside = (grid >= at[left]) & (grid <= at[right]) & (at[right] - at[left] <= self.hop)
            share = (grid - at[left]) / np.maximum(at[right] - at[left], 1)
            line = values[left] * (1 - share)[:, None] + values[right] * share[:, None]
            piece = np.where(inside, line.T, 0).astype(np.float32)
            keep = max(int(np.searchsorted(at, stop, side="right")) - 1, 0)
            self._at, self._values = self._at[keep:], self._values[keep:]
        self._first = stop
        return piece


Stitcher = Stacked | Interpolated
