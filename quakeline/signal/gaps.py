"""Segments with gaps and overlaps onto one array with a mask."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt


@dataclass
class Canvas:
    """Samples [start, start + n) of a grid that segments are laid onto in any order.

    Equal samples of overlapping segments merge, different ones become gaps.
    """

    start: int
    _data: np.ndarray
    _laid: np.ndarray
    _torn: np.ndarray | None = None

    @classmethod
    def blank(cls, start: int, n: int, dtype: npt.DTypeLike = np.float64) -> Canvas:
        """A canvas without any samples; they are compared and kept as `dtype`."""
        return cls(start, np.zeros(n, dtype), np.zeros(n, bool))

    def lay(self, first: int, values: np.ndarray) -> None:
        """Lay a segment whose first sample has index `first`; values not finite are gaps."""
        lo, hi = max(first, self.start), min(first + len(values), self.start + len(self._data))
        if hi <= lo:
            return
        new = values[lo - first : hi - first].astype(self._data.dtype, copy=False)
        finite = np.isfinite(new)
        here = slice(lo - self.start, hi - self.start)
        data, laid = self._data[here], self._laid[here]
        if laid.any():
            if self._torn is None:
                self._torn = np.zeros(len(self._data), bool)
            self._torn[here] |= laid & finite & (data != new)
            finite &= ~laid
        np.copyto(data, new, where=True if finite.all() else finite)
        laid |= finite

    @property
    def conflicts(self) -> int:
        """Samples on which different values were laid."""
        return 0 if self._torn is None else int(np.count_nonzero(self._torn))

    def finish(self) -> tuple[np.ndarray, np.ndarray]:
        """The samples, zero in gaps, and their mask; conflicting samples are gaps."""
        if self._torn is not None:
            self._data[self._torn], self._laid[self._torn] = 0, False
        return self._data, self._laid


def runs_of(mask: np.ndarray) -> np.ndarray:
    """Start and stop (exclusive) of each run of True, shape (n_runs, 2)."""
    inner = np.flatnonzero(mask[1:] != mask[:-1]) + 1
    first, last = np.flatnonzero(mask[:1]), np.flatnonzero(mask[-1:]) + len(mask)
    return np.concatenate([first, inner, last]).reshape(-1, 2)


def bridge(data: np.ndarray, valid: np.ndarray, longest: int) -> tuple[np.ndarray, np.ndarray]:
    """Fill inner gaps of at most `longest` samples by a straight line.

    Returns new arrays, or those that were given where there is nothing to fill.
    """
    gaps = runs_of(~valid)
    inner = (gaps[:, 0] > 0) & (gaps[:, 1] < len(valid))
    short = gaps[inner & (gaps[:, 1] - gaps[:, 0] <= longest)]
    if len(short):
        data, valid = data.copy(), valid.copy()
    for start, stop in short.tolist():
        line = np.linspace(float(data[start - 1]), float(data[stop]), stop - start + 2)
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
