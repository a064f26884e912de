"""How far references are from events, and which share of them lies within what events state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.geometry import distance_azimuth
from quakeline.io.formats.ellipsoids import covariance_of

#: 68 and 95 % points of chi-squared by degrees of freedom.
_POINTS = {1: (0.99, 3.84), 2: (2.28, 5.99), 3: (3.51, 7.81)}
ELLIPSOID, EPICENTRE, DEPTH = slice(0, 3), slice(0, 2), slice(2, 3)


def offset_km(event: Any, reference: pd.Series) -> np.ndarray:
    """East, north and down from an event to its reference, in km."""
    away, azimuth = distance_azimuth(
        event["latitude"],
        event["longitude"],
        np.array([reference["latitude"]]),
        np.array([reference["longitude"]]),
    )
    angle = np.radians(azimuth[0])
    down = reference["depth_km"] - event["depth_km"]
    return np.array([away[0] * np.sin(angle), away[0] * np.cos(angle), down])


def own(reference: pd.Series) -> np.ndarray:
    """Covariance of the reference's own stated errors in km2: zero where it states none."""
    flat, down = (float(reference.get(name, 0.0) or 0.0) for name in ("erh_km", "erz_km"))
    return np.diag(np.nan_to_num([flat**2, flat**2, down**2]))


def differences(
    events: pd.DataFrame, reference: pd.DataFrame, pairs: list[tuple[int, int]]
) -> tuple[np.ndarray, np.ndarray]:
    """From events to their references, (n, 3) in km, and the covariances of both, (n, 3, 3).

    Of pairs (row of the reference, row of the event) whose event states errors and whose reference
    has a depth.
    """
    offsets, spreads = [], []
    for row, number in pairs:
        event = {str(key): value for key, value in events.iloc[number].items()}
        spread = covariance_of(event)
        offset = offset_km(event, reference.iloc[row])
        if spread is not None and np.isfinite(offset).all():
            offsets.append(offset)
            spreads.append(spread + own(reference.iloc[row]))
    return np.reshape(offsets, (-1, 3)), np.reshape(spreads, (-1, 3, 3))


def shares(apart: np.ndarray, wide: np.ndarray, axes: slice) -> list[float]:
    """Shares of offsets, in the 68 and the 95 % region of some axes."""
    some, spread = apart[:, axes], wide[:, axes, axes]
    squared = np.einsum("ni,ni->n", some, np.linalg.solve(spread, some[..., None])[..., 0])
    return [round(float(np.mean(squared <= point)), 2) for point in _POINTS[some.shape[1]]]
