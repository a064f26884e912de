"""Filters and changes of rate of whole segments, in transforms of many million samples.

A transform of rows * columns samples is one along the columns, a turn of phases, and one along the
rows (the four-step method: Bailey, D. H. (1990), FFTs in external or hierarchical memory, Journal
of Supercomputing 4, 23-35). Both fit into a processor's cache, which one long transform does not;
and since nobody reads the frequencies, their order stays as it falls: there is nothing to
transpose. All steps along the rows are made of a few rows at a time.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import scipy

#: Rows that are worked on together: as many as stay in a cache.
_TOGETHER = 16


@dataclass(frozen=True)
class LongTransform:
    """Transform of `length` real samples, a filter at `up` times their rate, back at up / down.

    `length` is a multiple of 2 * down.
    """

    length: int
    up: int = 1
    down: int = 1

    @cached_property
    def rows(self) -> int:
        """The largest divisor up to the square root that leaves an even number of columns."""
        step = 2 * self.down
        most = int(np.sqrt(self.length))
        return next(n for n in range(most, 0, -1) if self.length % (n * step) == 0)

    @property
    def _columns(self) -> int:
        return self.length // self.rows

    @property
    def nyquist(self) -> tuple[int, int]:
        """Where the Nyquist frequency of the samples is in the order of `apply`."""
        return 0, self._columns // 2

    def in_order(self, half: np.ndarray) -> np.ndarray:
        """A filter's half spectrum (length * up / 2 + 1,) in the order that `apply` needs.

        Shape (rows // 2 + 1, columns * up): value [k, m] is that of frequency k + rows * m of
        length * up.
        """
        kept = self.rows // 2 + 1
        rising = half[:-1].reshape(-1, self.rows)[:, :kept]
        falling = half[1:].reshape(-1, self.rows)[::-1, ::-1][:, :kept]
        return np.ascontiguousarray(np.concatenate([rising, falling.conj()]).T)

    def apply(self, samples: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
        """`samples` (length,) filtered by a spectrum from `in_order`: length * up / down samples.

        `samples` may be overwritten.
        """
        parts = scipy.fft.rfft(samples.reshape(self.rows, -1), axis=0, overwrite_x=True)
        back = self._columns * self.up // self.down
        made = parts if back == self._columns else np.empty((len(parts), back), complex)
        there, and_back = _Turns(self.rows, self._columns), _Turns(self.rows, back)
        for first in range(0, len(parts), _TOGETHER):
            some = slice(first, min(first + _TOGETHER, len(parts)))
            lines = there.turned(parts[some], first)
            lines = (
                np.tile(scipy.fft.fft(lines, axis=1, overwrite_x=True), self.up) * spectrum[some]
            )
            folded = lines.reshape(len(lines), self.down, -1).sum(axis=1) / self.down
            lines = scipy.fft.ifft(folded, axis=1, overwrite_x=True)
            made[some] = and_back.turned(lines.conj(), first).conj()
        return np.asarray(scipy.fft.irfft(made, self.rows, axis=0, overwrite_x=True).reshape(-1))


class _Turns:
    """Turns of phases between the two directions of a transform of rows * columns samples."""

    def __init__(self, rows: int, columns: int) -> None:
        self._length, self._column = rows * columns, np.arange(columns)
        self._near = self._phases(np.arange(_TOGETHER)[:, None])

    def _phases(self, row: int | np.ndarray) -> np.ndarray:
        turns = row * self._column % self._length
        return np.asarray(np.exp(turns * (-2j * np.pi / self._length)))

    def turned(self, lines: np.ndarray, first: int) -> np.ndarray:
        """Lines of rows from `first` on, at most `_TOGETHER` of them."""
        return np.asarray(lines * self._near[: len(lines)] * self._phases(first))
