"""Segments with gaps and overlaps onto one array with a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass
class Canvas:
    """Samples [start, start + n) of an absolute grid that segments are laid onto.

    `data` is float64, zero in gaps; `valid` says where there are samples. Segments may come in any
    order: equal samples of overlapping segments merge, different ones become gaps.
    """

    start: int
    data: np.ndarray
    valid: np.ndarray
    conflict: np.ndarray

    @classmethod
    def blank(cls, start: int, n: int) -> Canvas:
        """A canvas without any samples."""
        return cls(start, np.zeros(n), np.zeros(n, bool), np.zeros(n, bool))

    def lay(self, first: int, values: np.ndarray, tolerance: float = 1e-3) -> int:
        """Lay a segment whose first sample has index `first`; returns how many samples conflict.

        Samples conflict when both are valid and differ by more than `tolerance` times the
        segment's largest absolute value. Values that are not finite are gaps.
        """
        lo, hi = max(first, self.start), min(first + len(values), self.start + len(self.data))
        if hi <= lo:
            return 0
        new = values[lo - first : hi - first]
        finite = np.isfinite(new)
        here = slice(lo - self.start, hi - self.start)
        both = self.valid[here] & finite
        scale = float(np.max(np.abs(new[finite]), initial=0.0))
        differ = both & (np.abs(self.data[here] - np.where(finite, new, 0)) > tolerance * scale)
        fresh = finite & ~self.valid[here]
        self.data[here][fresh] = new[fresh]
        self.valid[here] |= finite
        self.conflict[here] |= differ
        return int(differ.sum())

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The samples and their mask; conflicting samples are gaps."""
        valid = self.valid & ~self.conflict
        return np.where(valid, self.data, 0.0), valid


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
