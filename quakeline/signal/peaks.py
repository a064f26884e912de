"""Peaks of probability curves, and how sharp they are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import scipy

#: More curves than these at once do not fit into the cache.
_ROWS_AT_ONCE = 32
#: Each round leaves a third of the peaks to the next one.
_ROUNDS = 3
#: Windows around so many tops are compared at once.
_TOPS_AT_ONCE = 4096


def find_peaks(curve: np.ndarray, threshold: float, distance: int) -> np.ndarray:
    """Indices of samples that are the largest within `distance` on both sides and >= threshold.

    The rule is local: whether a sample is a peak depends on the curve within `distance` (>= 1)
    samples of it and on nothing else, so peaks do not depend on how the curve was cut. Of equal
    samples the first one counts.
    """
    padded = np.pad(curve, distance, constant_values=-np.inf)
    before, after = padded[distance - 1 : -distance - 1], padded[distance + 1 :][: len(curve)]
    tops = np.flatnonzero((curve >= threshold) & (curve > before) & (curve >= after))
    found = [
        _largest_nearby(padded, tops[first : first + _TOPS_AT_ONCE], distance)
        for first in range(0, len(tops), _TOPS_AT_ONCE)
    ]
    return np.concatenate([tops[:0], *found])


def _largest_nearby(padded: np.ndarray, tops: np.ndarray, distance: int) -> np.ndarray:
    """Those of some tops that are the first largest within `distance`, of a padded curve."""
    windows = padded[tops[:, None] + np.arange(2 * distance + 1)]
    top = windows[:, distance]
    earlier = windows[:, :distance].max(axis=1)
    return np.asarray(tops[(top > earlier) & (top == windows.max(axis=1))])


def highest_apart(positions: np.ndarray, heights: np.ndarray, distance: float) -> np.ndarray:
    """Which of some peaks stay when from the highest one down closer ones are dropped.

    As `scipy.signal.find_peaks` does with a `distance`, for peaks that are known already.

    Parameters
    ----------
    positions, heights
        Shape (m,), positions in increasing order; of equal heights the earlier one goes first.
    distance
        In the unit of positions; peaks closer than this to one that stays are dropped.

    Returns
    -------
    Shape (m,), bool.
    """
    stay = np.ones(len(positions), bool)
    for peak in np.argsort(-heights, kind="stable"):
        if stay[peak]:
            stay &= np.abs(positions - positions[peak]) >= distance
            stay[peak] = True
    return stay


@dataclass(frozen=True)
class NormalFits:
    """Scaled normal curves `height * exp(-(x - offset)**2 / (2 * sigma**2))` of peaks, (m,) each.

    `offset` and `sigma` are in samples, `offset` from the peak's largest sample. `residual` is the
    root of the mean squared difference of curve and fit over the samples that were fitted, in the
    unit of the curve. All are NaN where a peak has no fit.
    """

    height: np.ndarray
    offset: np.ndarray
    sigma: np.ndarray
    residual: np.ndarray


def normal_fits(curve: np.ndarray, peaks: np.ndarray, reach: int, level: float = 0.5) -> NormalFits:
    """Fit scaled normal curves to peaks.

    A parabola is fitted to the logarithm of the samples around each peak that exceed `level` times
    its height, weighted by the squared values (Guo 2011, IEEE Signal Process. Mag. 28, 134-137).

    Parameters
    ----------
    curve
        Shape (n,).
    peaks
        Indices of peaks, shape (m,).
    reach
        Samples on both sides within which the curve must fall to the level.

    Returns
    -------
    Of each peak; NaN where the curve does not fall to the level within reach or has no width.
    """
    x = np.arange(-reach, reach + 1)
    windows = curve[np.clip(peaks[:, None] + x, 0, len(curve) - 1)].astype(float)
    above = windows > level * windows[:, reach : reach + 1]
    inside = above.copy()
    np.logical_and.accumulate(above[:, reach:], axis=1, out=inside[:, reach:])
    np.logical_and.accumulate(above[:, reach::-1], axis=1, out=inside[:, reach::-1])
    usable = ~(inside[:, 0] | inside[:, -1]) & (inside.sum(axis=1) >= 3)
    weight = np.where(inside, windows, 0.0) ** 2
    logs = np.log(windows, out=np.zeros_like(windows), where=inside)
    powers = x.astype(float) ** np.arange(5)[:, None]
    moments = np.einsum("mx,px->mp", weight, powers)  # a product would round by its rows
    targets = np.einsum("mx,px->mp", weight * logs, powers[:3])
    normal = moments[:, np.add.outer(np.arange(3), np.arange(3))]
    normal[~usable] = np.eye(3)
    bottom, slope, curvature = np.linalg.solve(normal, targets[:, :, None])[:, :, 0].T
    usable &= curvature < 0
    curvature = np.where(usable, curvature, -1.0)
    offset = -0.5 * slope / curvature
    height = np.exp(np.where(usable, bottom - curvature * offset**2, 0.0))
    away = curvature[:, None] * (x - offset[:, None]) ** 2
    fitted = height[:, None] * np.exp(away, out=np.zeros_like(away), where=inside)
    squares = np.where(inside, (windows - fitted) ** 2, 0.0).sum(axis=1)
    residual = np.sqrt(squares / np.maximum(inside.sum(axis=1), 1))
    sigma = np.sqrt(-0.5 / curvature)
    return NormalFits(*(np.where(usable, v, np.nan) for v in (height, offset, sigma, residual)))


def highest_peaks(
    curves: np.ndarray, threshold: float, distance: int
) -> tuple[np.ndarray, np.ndarray]:
    """Peaks of many curves at once, the higher one of two that lie closer than `distance`.

    Gives for each row what `scipy.signal.find_peaks(row, height=threshold, distance=distance)`
    gives: samples higher than both neighbours (of a flat top the middle one), never the first or
    last; from the highest one down, peaks closer to a peak that stays are dropped. Unlike those of
    `find_peaks` above they depend on all of the curve: use it on whole windows. Which of two
    equally high ones stays is an accident of the sort in scipy, so that such rows are left to it.

    Parameters
    ----------
    curves
        Shape (rows, n).
    threshold
        Smallest height, above zero.
    distance
        In samples, at least 1.

    Returns
    -------
    rows, columns
        Of each peak, sorted by row and then by column.
    """
    found = [
        _of_some(curves[first : first + _ROWS_AT_ONCE], threshold, distance, first)
        for first in range(0, len(curves), _ROWS_AT_ONCE)
    ]
    rows = [rows for rows, _ in found] or [np.empty(0, dtype=np.int64)]
    columns = [columns for _, columns in found] or [np.empty(0, dtype=np.int64)]
    return np.concatenate(rows), np.concatenate(columns)


def _of_some(
    curves: np.ndarray, threshold: float, distance: int, first: int
) -> tuple[np.ndarray, np.ndarray]:
    """Peaks of a few rows laid end to end, too far from each other to matter to each other."""
    least = _rounded_up(threshold, curves.dtype)
    high = np.flatnonzero(curves.max(axis=1, initial=-np.inf) >= least)
    rows, n = curves[high], curves.shape[1]
    inner = rows[:, 1:-1]
    peak = (inner > rows[:, :-2]) & (inner > rows[:, 2:]) & (inner >= least)
    line = np.zeros((len(high), (-(-n // distance) + 1) * distance), curves.dtype)
    line[:, 1 : n - 1] = inner * peak
    kept, tied = _apart(line.ravel(), distance)
    steps = (rows[:, 1:] == rows[:, :-1]) & (rows[:, 1:] >= least)
    left = np.union1d(tied // line.shape[1], np.flatnonzero(steps.any(axis=1)))
    at, columns = np.divmod(kept, line.shape[1])
    for row in left:
        own = scipy.signal.find_peaks(rows[row], height=threshold, distance=distance)[0]
        lo, hi = np.searchsorted(at, (row, row + 1))
        at = np.concatenate([at[:lo], np.full(len(own), row), at[hi:]])
        columns = np.concatenate([columns[:lo], own, columns[hi:]])
    return first + high[at], columns


def _rounded_up(threshold: float, dtype: np.dtype[Any]) -> Any:
    """The smallest number of a type that is not below the threshold."""
    near = dtype.type(threshold)
    return near if float(near) >= threshold else np.nextafter(near, dtype.type(np.inf))


def _apart(line: np.ndarray, distance: int) -> tuple[np.ndarray, np.ndarray]:
    """Peaks that stay of a line of them, zero elsewhere, and those whose rivals are as high.

    Most are found without a sort: the highest peak of a stretch of `distance` samples stays when
    those of both neighbouring stretches are lower, and all others within the distance go. The line
    is as long as some stretches; it is emptied.
    """
    stretches = line.reshape(-1, distance)
    kept = []
    reach = np.arange(1 - distance, distance)
    for _ in range(_ROUNDS if distance > 1 else 0):
        top = np.concatenate([[0], stretches.max(axis=1), [0]])
        higher = np.flatnonzero((top[1:-1] > top[:-2]) & (top[1:-1] > top[2:]))
        some = stretches[higher]
        alone = (some == top[1 + higher, None]).sum(axis=1) == 1
        found = higher[alone] * distance + some[alone].argmax(axis=1)
        # before the first sample, which is never a peak, there is nothing to clear
        line[np.clip(found[:, None] + reach, 0, len(line) - 1)] = 0
        kept.append(found)
    peaks = np.flatnonzero(line)
    rest = peaks
    if distance > 1 and len(peaks):
        rest = scipy.signal.find_peaks(line, distance=distance, height=0)[0]
    rest = rest[line[rest] > 0]
    return np.sort(np.concatenate([*kept, rest])), _tied(line, peaks, rest, distance)


def _tied(line: np.ndarray, peaks: np.ndarray, kept: np.ndarray, distance: int) -> np.ndarray:
    """Those of the kept peaks that a dropped one closer than `distance` equals in height."""
    if len(kept) == 0:
        return kept
    above = np.searchsorted(kept, peaks)
    found = []
    for rival in (kept[np.maximum(above - 1, 0)], kept[np.minimum(above, len(kept) - 1)]):
        near = (rival != peaks) & (np.abs(rival - peaks) < distance)
        found.append(rival[near & (line[rival] == line[peaks])])
    return np.concatenate(found)
