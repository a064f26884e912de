"""Arrays of dask, read along time: every block is computed once, and kept while it is needed."""

from __future__ import annotations

from functools import cached_property
from typing import Any

import numpy as np

from quakeline.core.errors import DataError
from quakeline.core.reasons import Reason
from quakeline.core.timeline import iso


def is_dask(data: Any) -> bool:
    """Whether an array is one of dask."""
    return hasattr(data, "__dask_graph__") and hasattr(data, "chunks")


class Blocks:
    """A dask array whose samples are read along time, each read beginning no earlier than the last.

    All blocks of the same time are computed together, by whatever scheduler dask would use: that
    of a `distributed.Client` where there is one. They stay in memory until a read begins behind
    them. Memory is therefore that of the blocks that one read touches, all channels (a window of
    the network with what filters reach around it, and the rest of the first and last of these
    blocks; for a moment the newest ones twice), however long the array is. A read that goes back
    computes blocks again.

    What the blocks are computed from is dask's matter: a step before that several blocks share, as
    of `map_overlap` or `rechunk`, is computed for each time that needs it.

    Parameters
    ----------
    data
        The dask array, of two dimensions.
    axis
        Its axis of time, 0 or 1; the other one is that of the channels.
    time
        Times of its samples, a coordinate of xdas: for messages.

    Attributes
    ----------
    absent
        Files that could not be read: none, as a block that fails is an error.

    Raises
    ------
    DataError
        The sizes of the blocks are not known.
    """

    def __init__(self, data: Any, axis: int, time: Any) -> None:
        if any(np.isnan(size) for sizes in data.chunks for size in sizes):
            raise DataError(
                "the dask array has blocks of unknown size: call its compute_chunk_sizes() first"
            )
        self._data, self._axis, self._time = data, axis, time
        self._ends = np.cumsum(data.chunks[axis], dtype=np.int64)
        self._kept: dict[int, np.ndarray] = {}
        self.absent: dict[Reason, tuple[int, int]] = {}

    def read(self, first: int, stop: int) -> np.ndarray:
        """Samples [first, stop) of all channels, shape (samples, channels).

        Raises DataError that names a block which cannot be computed.
        """
        stop = min(stop, int(self._ends[-1]))
        low = int(np.searchsorted(self._ends, first, "right"))
        high = int(np.searchsorted(self._ends, stop, "left")) + 1 if first < stop else low
        self._kept = {number: block for number, block in self._kept.items() if number >= low}
        parts = []
        for number in range(low, high):
            begin = self._begin(number)
            parts.append(self._block(number)[max(first - begin, 0) : stop - begin])
        if len(parts) == 1:
            return parts[0]
        channels = self._data.shape[1 - self._axis]
        return np.concatenate(parts) if parts else np.empty((0, channels), self._data.dtype)

    def _begin(self, number: int) -> int:
        return int(self._ends[number - 1]) if number else 0

    def _block(self, number: int) -> np.ndarray:
        """All channels of a time of blocks, (samples, channels)."""
        if number not in self._kept:
            self._kept[number] = self._computed(number)
        return self._kept[number]

    def _computed(self, number: int) -> np.ndarray:
        across = range(len(self._data.chunks[1 - self._axis]))
        indices = [(number, at) if self._axis == 0 else (at, number) for at in across]
        try:
            found = self._compute(indices)
        except Exception:
            # dask does not say which block it was; the first one that fails alone is named.
            found = [self._alone(index) for index in indices]
        for index, values in zip(indices, found, strict=True):
            sizes = zip(self._data.chunks, index, strict=True)
            if (promised := tuple(of_axis[k] for of_axis, k in sizes)) != np.shape(values):
                why = f"it has the shape {np.shape(values)}; {promised} is promised"
                raise DataError(f"{self._named(index)}: {why}")
        whole = np.concatenate([np.asarray(values) for values in found], axis=1 - self._axis)
        return whole if self._axis == 0 else whole.T

    def _compute(self, indices: list[tuple[int, int]]) -> list[Any]:
        from dask.base import get_scheduler
        from dask.optimization import cull

        keys = [(self._data.name, *index) for index in indices]
        return list(get_scheduler(collections=[self._data])(cull(self._graph, keys)[0], keys))

    @cached_property
    def _graph(self) -> dict[Any, Any]:
        """How all blocks are computed: dask's own way to one block looks at all of them again."""
        import dask

        return dict(dask.optimize(self._data)[0].__dask_graph__())

    def _alone(self, index: tuple[int, int]) -> Any:
        try:
            return self._compute([index])[0]
        except Exception as error:
            why = " ".join(str(error).split())
            words = f"{type(error).__name__}: {why}" if why else type(error).__name__
            raise DataError(f"{self._named(index)}: {words}") from error

    def _named(self, index: tuple[int, int]) -> str:
        """A block by its index, samples and times."""
        number = index[self._axis]
        first, last = self._begin(number), int(self._ends[number]) - 1
        times = np.asarray(self._time[[first, last]].values).astype("datetime64[ns]")
        start, end = (iso(int(ns)) for ns in times.astype(np.int64))
        return f"block {index} of the dask array, samples {first} to {last} ({start} to {end})"
