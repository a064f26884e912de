"""Outputs of overlapping windows to one curve per phase, piece by piece in the order of time."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

#: Samples of room that a curve has at least: a block of the engine and a window.
ROOM = 131_072


class Stacked:
    """Stacks the samples of overlapping windows of one instrument over [lo, hi).

    For networks that give a probability for each sample. `rule` is "average", "maximum", or
    "weighted": an average in which samples count less towards the ends of their window (half a
    sine). The first and last `blind` samples of a window do not count. Windows come in the order
    of time, so that sums do not depend on how the data were cut. Memory is that of the samples
    that are not final yet, and of `room` at least.
    """

    def __init__(
        self,
        lo: int,
        hi: int,
        n_phases: int,
        blind: int,
        rule: str = "average",
        room: int = ROOM,
    ) -> None:
        self.hi, self.blind, self.rule, self._room = hi, blind, rule, room
        self._first = lo
        self._sum = np.zeros((n_phases, 0), dtype=np.float32)
        self._weight = np.zeros(0, dtype=np.float32)

    def add(self, starts: np.ndarray, outputs: np.ndarray, weights: np.ndarray) -> None:
        """Add windows that begin at samples `starts`, in the order of time.

        `outputs` has shape (windows, phases, samples); `weights` are those of whole windows in
        averages.
        """
        self._reach(min(int(starts[-1]) + outputs.shape[2] - self.blind, self.hi))
        for start, output, weight in zip(starts.tolist(), outputs, weights.tolist(), strict=True):
            self._add(start, output, weight)

    def _add(self, start: int, output: np.ndarray, weight: float) -> None:
        begin, end = start + self.blind, start + output.shape[1] - self.blind
        lo, hi = max(begin, self._first), min(end, self.hi)
        if lo >= hi:
            return
        curves = self._sum[:, lo - self._first : hi - self._first]
        weights = self._weight[lo - self._first : hi - self._first]
        seen = output[:, lo - start : hi - start]
        if self.rule == "maximum":
            np.maximum(curves, seen, out=curves)
        elif self.rule == "weighted":
            inside = _half_sine(end - begin)[lo - begin : hi - begin] * np.float32(weight)
            curves += seen * inside
            weights += inside
        elif weight != 1:
            curves += seen * np.float32(weight)
            weights += np.float32(weight)
        else:
            curves += seen
            weights += np.float32(1)

    def _reach(self, stop: int) -> None:
        """Make room up to sample `stop`, in steps that double, so that copies stay few."""
        needed = stop - self._first
        have = len(self._weight)
        if needed > have:
            size = min(max(needed, 2 * have, self._room), self.hi - self._first)
            longer = np.zeros((len(self._sum), size), np.float32)
            longer[:, :have] = self._sum
            weight = np.zeros(size, np.float32)
            weight[:have] = self._weight
            self._sum, self._weight = longer, weight

    def take(self, stop: int) -> np.ndarray:
        """The final curve from the last call's end to sample `stop`, shape (phases, n), float32.

        `stop` is where the next window begins at the earliest; zero where no window was added.
        """
        stop = max(min(stop, self.hi), self._first)
        self._reach(stop)
        n = stop - self._first
        weight = self._weight[:n]
        piece = self._sum[:, :n] / np.where(weight > 0, weight, np.float32(1))
        self._advance(n)
        return piece

    def ahead(self) -> np.ndarray:
        """What is known beyond the end of the last `take`, which later windows may change."""
        n = int(np.flatnonzero(self._weight).max(initial=-1)) + 1
        if self.rule == "maximum":
            n = int(np.flatnonzero(self._sum.any(axis=0)).max(initial=-1)) + 1
        weight = self._weight[:n]
        curves: np.ndarray = self._sum[:, :n] / np.where(weight > 0, weight, np.float32(1))
        return curves

    def _advance(self, n: int) -> None:
        """Forget the first samples; their memory becomes room for later ones."""
        left = len(self._weight) - n
        for array in (*self._sum, self._weight):
            array[:left] = array[n:]  # numpy copies what overlaps as if it did not
            array[left:] = 0
        self._first += n


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
        self._at = np.zeros(0, np.int64)
        self._values = np.zeros((0, n_phases), np.float32)
        self._n_phases = n_phases

    def add(self, starts: np.ndarray, outputs: np.ndarray, weights: np.ndarray) -> None:
        """Add windows that begin at samples `starts`; `outputs` has shape (windows, phases)."""
        self._at = np.append(self._at, starts + self.centre)
        self._values = np.append(self._values, outputs, axis=0)

    def ahead(self) -> np.ndarray:
        """Nothing: values between centres are final, and beyond the last one nothing is known."""
        return np.zeros((self._n_phases, 0), np.float32)

    def take(self, stop: int) -> np.ndarray:
        """The curve up to the last centre before `stop`; see `Stacked.take`."""
        stop = max(min(stop, self.hi), self._first)
        piece = np.zeros((self._n_phases, stop - self._first), dtype=np.float32)
        if len(self._at):
            at, values = self._at, self._values
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
