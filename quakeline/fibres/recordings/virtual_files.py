"""Virtual arrays of many files, read through an index of their members.

xdas looks at every member of a virtual stack for each read, and joins those that are asked for in
a temporary file, where a file that is absent silently becomes a fill value.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from quakeline.core.reasons import Code, Reason


class Members:
    """An array, virtual or not, whose samples are read along time.

    Parameters
    ----------
    data
        What an `xdas.DataArray` holds: an array, or a virtual one of one or many files. Anything
        that gives arrays by slices will do, as a variable of xarray.
    axis
        Its axis of time, 0 or 1; the other one is that of the channels.

    Attributes
    ----------
    absent
        Files that could not be read, and why, with the samples [first, stop) that are theirs; those
        are NaN, or the smallest number of an integer type (`filled`).
    """

    def __init__(self, data: Any, axis: int) -> None:
        self._parts = _flat(data, axis)
        self._ends = np.cumsum([part.shape[axis] for part in self._parts])
        self._axis = axis
        self.absent: dict[Reason, tuple[int, int]] = {}

    def read(self, first: int, stop: int) -> np.ndarray:
        """Samples [first, stop) of all channels, shape (samples, channels)."""
        blocks = []
        at, stop = first, min(stop, int(self._ends[-1]))
        for number in range(int(np.searchsorted(self._ends, first, "right")), len(self._parts)):
            if at >= stop:
                break
            end = int(self._ends[number])
            begin = end - self._parts[number].shape[self._axis]
            blocks.append(self._part(number, begin, (at - begin, min(stop, end) - begin)))
            at = end
        if len(blocks) == 1:
            return blocks[0]
        return np.concatenate(blocks) if blocks else self._part(0, 0, (0, 0))

    def _part(self, number: int, begin: int, span: tuple[int, int]) -> np.ndarray:
        part = self._parts[number]
        some = part[slice(*span)] if self._axis == 0 else part[:, slice(*span)]
        try:
            block = np.asarray(some)
        except (OSError, KeyError) as error:
            source = getattr(part, "vsource", None)
            if source is None:
                raise
            reason = Reason.of(Code.MEMBER_ABSENT, path=source.path)
            if not isinstance(error, FileNotFoundError):
                why = " ".join(str(error).split())
                reason = Reason.of(Code.MEMBER_UNREADABLE, path=source.path, why=why)
            self.absent.setdefault(reason, (begin, begin + part.shape[self._axis]))
            block = np.full(some.shape, _fill(part.dtype), part.dtype)
        return block if self._axis == 0 else block.T


def _flat(data: Any, axis: int) -> list[Any]:
    """The parts of an array along an axis, and the parts of these."""
    if getattr(data, "axis", None) != axis or not hasattr(data, "sources"):
        return [data]
    return [part for source in data.sources for part in _flat(source, axis)]


def filled(block: np.ndarray) -> np.ndarray:
    """Which samples of integers (samples, channels) stand for an absent file, shape (samples,)."""
    if block.dtype.kind != "i":
        return np.zeros(len(block), bool)
    return np.asarray((block == _fill(block.dtype)).all(axis=1))


def _fill(dtype: np.dtype[Any]) -> Any:
    return np.iinfo(dtype).min if np.issubdtype(dtype, np.integer) else np.nan
