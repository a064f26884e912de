"""Virtual arrays that follow each other in time as one, whatever kinds they are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from quakeline.fibres.recordings import xdas_core as xdas


class Sequel:
    """Arrays along an axis of time; `sources` are read one by one (see `das.members`).

    xdas joins sources of one kind alone: not the parts of files that are stacks themselves, nor
    those that were cut. Nothing is read before it is asked for.
    """

    def __init__(self, sources: Sequence[Any], axis: int) -> None:
        self.sources, self.axis = list(sources), axis
        first = self.sources[0]
        length = sum(part.shape[axis] for part in self.sources)
        shape = list(first.shape)
        shape[axis] = length
        self.shape, self.dtype, self.ndim = tuple(shape), np.dtype(first.dtype), len(shape)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        whole = np.concatenate([np.asarray(part) for part in self.sources], axis=self.axis)
        return whole if dtype is None else whole.astype(dtype)

    def __getitem__(self, key: Any) -> np.ndarray:
        return np.asarray(np.asarray(self)[key])


def joined(arrays: Sequence[xdas.DataArray]) -> xdas.DataArray:
    """Arrays of one layout that follow each other, as one array without coordinates."""
    if len(arrays) == 1:
        return arrays[0]
    dims = arrays[0].dims
    return xdas.DataArray(Sequel([one.data for one in arrays], dims.index("time")), dims=dims)
