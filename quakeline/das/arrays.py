"""Fibre data as the models read them: piece by piece, never as a whole."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np


class Source(Protocol):
    """Data (samples, channels) that are read in pieces; `xdas.DataArray` becomes an `ArraySource`.

    `coords` maps "time" and `channel_coord_name` to coordinates of xdas.
    """

    channel_coord_name: str
    shape: tuple[int, int]
    dtype: np.dtype[Any]
    coords: dict[str, Any]

    def read(self, first: int, stop: int) -> np.ndarray:
        """Samples [first, stop) of all channels, shape (samples, channels); gaps are NaN."""


class Transform(Protocol):
    """A step between reading and the network: a filter, a unit, the removal of the common mode.

    It is local: a sample depends on input within `reach_s` seconds of it, all channels of its
    time included. What it gives must not depend on how the data were cut beyond that.
    """

    reach_s: float

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """A new array like `block`, (samples, channels) float32, at steps dt (s) and dx (m)."""
