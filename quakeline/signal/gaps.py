"""Segments with gaps and overlaps onto one array with a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Canvas:
    """Samples [start, start + n) of a grid that segments are laid onto in any order.

    Equal samples of overlapping segments merge, different ones become gaps. `low` and `high` are
    the smallest and the largest value that was laid on each sample.
    """

    start: int
    low: np.ndarray
    high: np.ndarray

    @classmethod
    def blank(cls, start: int, n: int) -> Canvas:
        """A canvas without any samples."""
        return cls(start, np.full(n, np.inf), np.full(n, -np.inf))

    def lay(self, first: int, values: np.ndarray) -> None:
        """Lay a segment whose first sample has index `first`; values not finite are gaps."""
        lo, hi = max(first, self.start), min(first + len(values), self.start + len(self.low))
        if hi <= lo:
            return
        new = values[lo - first : hi - first]
        finite = np.isfinite(new)
        here = slice(lo - self.start, hi - self.start)
        self.low[here] = np.minimum(self.low[here], np.where(finite, new, np.inf))
        self.high[here] = np.maximum(self.high[here], np.where(finite, new, -np.inf))

    @property
    def conflicts(self) -> int:
        """Samples on which different values were laid."""
        return int((self.low < self.high).sum())

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The samples, float64, zero in gaps, and their mask; conflicting samples are gaps."""
        valid = self.low == self.high
        return np.where(valid, self.low, 0.0), valid


def runs_of(mask: np.ndarray) -> np.ndarray:
    """Start and stop (exclusive) of each run of True, shape (n_runs, 2)."""
    edges = np.flatnonzero(np.diff(np.concatenate([[False], mask, [False]]).astype(np.int8)))
    return edges.reshape(-1, 2)


def bridge(data: np.ndarray, valid: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Fill inner gaps of at most `longest` samples by a straight line; returns new arrays."""
    data, valid = data.copy(), valid.copy()
    for start, stop in runs_of(~valid):
        if start > 0 and stop < len(valid) and stop - start <= longest:
            line = np.linspace(data[start - 1], data[stop], stop - start + 2)
            data[start:stop] = line[1:-1]
            valid[start:stop] = True
    return data, valid


def distance_to_edge(valid: np.ndarray, positions: np.ndarray) -> np.ndarray:
    """Samples from each position to the nearest change of any row of a mask.

    Parameters
    ----------
    valid
        Shape (rows, n), bool. Rows without any valid sample are left out.
    positions
        Shape (m,), indices into n.

    Returns
    -------
    Shape (m,), float; infinity where no row changes.
    """
    rows = valid[valid.any(axis=1)]
    edges = np.flatnonzero((rows[:, 1:] != rows[:, :-1]).any(axis=0)) + 0.5
    edges = np.concatenate([[-np.inf], edges, [np.inf]])
    after = np.searchsorted(edges, positions)
    return np.asarray(np.minimum(positions - edges[after - 1], edges[after] - positions))
