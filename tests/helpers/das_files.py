"""Fibre files made for tests."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import xdas
from xdas.coordinates import Coordinate

from quakeline.core.timeline import SECOND, Span, to_ns

START = to_ns(datetime(2023, 1, 1, tzinfo=UTC))
RATE, STEP_M = 100, 5.0
SPAN = Span(START, START + 60 * SECOND)


def array(samples: np.ndarray, first: int = 0, step_m: float = STEP_M) -> xdas.DataArray:
    """Samples (time, channels) whose first one is number `first` after START."""
    time = np.datetime64(START, "ns") + np.timedelta64(first * 10_000_000, "ns")
    return xdas.DataArray(
        samples,
        {
            "time": Coordinate["interpolated"].from_block(
                time, len(samples), np.timedelta64(10_000_000, "ns"), dim="time"
            ),
            "distance": Coordinate["interpolated"].from_block(
                0.0, samples.shape[1], step_m, dim="distance"
            ),
        },
    )


def write(folder: Path, name: str, samples: np.ndarray, first: int = 0) -> Path:
    """Write a file of xdas."""
    path = folder / f"{name}.nc"
    array(samples, first).to_netcdf(str(path))
    return path
