"""Station terms: delays that the velocity model leaves at a station, from a catalog's residuals.

Static terms are one delay for each station and phase; source-specific ones (SSST) are delays of the
events near each event, in a neighbourhood that shrinks from one iteration to the next.
Source: Richards-Dinger, K. B. & Shearer, P. M. (2000), Earthquake locations in southern California
obtained using source-specific station terms, J. Geophys. Res. 105, 10939-10960.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from scipy.spatial import cKDTree

Kind = Literal["none", "static", "ssst"]

ITERATIONS = 5
#: Residuals that count against a term of zero: few residuals make a small term.
_SHRINK = 5.0
_LEAST_RADIUS_KM = 3.0
_NEIGHBOURS = 50


def static(group: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Terms in s of each arrival: the median residual of its group, shrunk where they are few."""
    terms = np.zeros(len(group))
    for rows in _groups(group):
        terms[rows] = np.median(residual[rows]) * len(rows) / (len(rows) + _SHRINK)
    return terms


def source_specific(
    group: np.ndarray, residual: np.ndarray, places: np.ndarray, radius_km: float
) -> np.ndarray:
    """Terms in s of each arrival: the static one and what nearby events add.

    What they add is the median within a radius of what the static terms leave, shrunk where they
    are few; at most the 50 nearest count. `places`, (n, 3), are the hypocentres of the arrivals'
    events in km.
    """
    terms = static(group, residual)
    left = residual - terms
    for rows in _groups(group):
        tree = cKDTree(places[rows])
        count = min(_NEIGHBOURS, len(rows))
        distance, index = tree.query(places[rows], k=count, distance_upper_bound=radius_km)
        near = np.isfinite(distance.reshape(len(rows), count))
        padded = np.append(left[rows], np.nan)[index.reshape(len(rows), count)]
        found = near.sum(axis=1)
        terms[rows] += np.nanmedian(padded, axis=1) * found / (found + _SHRINK)
    return terms


def radius_km(iteration: int, extent_km: float) -> float:
    """Radius of an iteration, 0 to ITERATIONS - 1: from a quarter of the network to 3 km."""
    first = max(extent_km / 4, _LEAST_RADIUS_KM)
    return float(first * (_LEAST_RADIUS_KM / first) ** (iteration / (ITERATIONS - 1)))


def _groups(group: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(group) else []
