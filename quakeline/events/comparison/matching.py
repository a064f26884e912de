"""Which events of two catalogs are the same: one to one, by time and distance."""

from __future__ import annotations

import numpy as np
import pandas as pd
from pyproj import Geod
from scipy.optimize import linear_sum_assignment
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

_GEOD = Geod(ellps="WGS84")
#: Cost of a pair that is none, far above any sum of real ones in a group.
_NONE = 1e6


def match(
    one: pd.DataFrame, other: pd.DataFrame, tolerance_s: float, tolerance_km: float
) -> tuple[np.ndarray, np.ndarray]:
    """Positions of the events of two catalogs that belong together.

    Pairs lie within both tolerances. Of all ways to pair, that with the most pairs is taken and,
    of these, that with the least sum of squared differences in time and epicentre, each in units
    of its tolerance: an event belongs to the nearest one unless that needs it less.

    Parameters
    ----------
    one, other
        Catalogs with `time`, `latitude`, `longitude`.
    tolerance_s, tolerance_km
        Largest difference of origin times in s and of epicentres in km.

    Returns
    -------
    Two arrays of equal length: positions in `one`, in order, and their partners in `other`.
    """
    left, right = _near_in_time(one, other, tolerance_s)
    seconds = _seconds(one)[left] - _seconds(other)[right]
    km = distances_km(one.iloc[left], other.iloc[right])
    near = km <= tolerance_km
    left, right = left[near], right[near]
    cost = (seconds[near] / tolerance_s) ** 2 + (km[near] / tolerance_km) ** 2
    if not len(left):
        return np.empty(0, int), np.empty(0, int)
    n, m = len(one), len(other)
    graph = coo_array((np.ones(len(left)), (left, n + right)), shape=(n + m, n + m))
    groups = connected_components(graph, directed=False)[1][left]
    order = np.argsort(groups, kind="stable")
    pairs: list[tuple[int, int]] = []
    for part in np.split(order, np.flatnonzero(np.diff(groups[order])) + 1):
        pairs += _assigned(left[part], right[part], cost[part])
    pairs.sort()
    found = np.array(pairs, int).reshape(-1, 2)
    return found[:, 0], found[:, 1]


def distances_km(one: pd.DataFrame, other: pd.DataFrame) -> np.ndarray:
    """Epicentral distances in km between the rows of two frames of equal length."""
    here, there = (
        [frame[name].to_numpy(float) for name in ("longitude", "latitude")]
        for frame in (one, other)
    )
    return np.asarray(_GEOD.inv(here[0], here[1], there[0], there[1])[2]) / 1000


def _seconds(frame: pd.DataFrame) -> np.ndarray:
    return np.asarray(frame["time"].dt.as_unit("ns").astype("int64").to_numpy() / 1e9)


def _near_in_time(
    one: pd.DataFrame, other: pd.DataFrame, tolerance_s: float
) -> tuple[np.ndarray, np.ndarray]:
    """All pairs of positions whose times differ by no more than the tolerance."""
    times, others = _seconds(one), _seconds(other)
    order = np.argsort(others, kind="stable")
    low = np.searchsorted(others[order], times - tolerance_s, side="left")
    high = np.searchsorted(others[order], times + tolerance_s, side="right")
    left = np.repeat(np.arange(len(times)), high - low)
    within = np.arange(len(left)) - np.repeat(np.cumsum(high - low) - (high - low), high - low)
    return left, order[np.repeat(low, high - low) + within]


def _assigned(left: np.ndarray, right: np.ndarray, cost: np.ndarray) -> list[tuple[int, int]]:
    rows, row = np.unique(left, return_inverse=True)
    columns, column = np.unique(right, return_inverse=True)
    table = np.full((len(rows), len(columns)), _NONE)
    table[row, column] = cost
    chosen = zip(*linear_sum_assignment(table), strict=True)
    return [(int(rows[i]), int(columns[j])) for i, j in chosen if table[i, j] < _NONE]
