"""Peaks of probability curves, and how sharp they are."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d
from scipy.signal import find_peaks as scipy_peaks

#: More curves than these at once do not fit into the cache.
_ROWS_AT_ONCE = 32


def find_peaks(curve: np.ndarray, threshold: float, distance: int) -> np.ndarray:
    """Indices of samples that are the largest within `distance` on both sides and >= threshold.

    The rule is local: whether a sample is a peak depends on the curve within `distance` (>= 1)
    samples of it and on nothing else, so peaks do not depend on how the curve was cut. Of equal
    samples the first one counts.
    """
    if len(curve) == 0:
        return np.empty(0, dtype=np.int64)
    largest = maximum_filter1d(curve, 2 * distance + 1, mode="constant", cval=-np.inf)
    earlier = np.concatenate([[-np.inf], curve[:-1]])
    before = maximum_filter1d(
        earlier, distance, mode="constant", cval=-np.inf, origin=distance - 1 - distance // 2
    )
    return np.flatnonzero((curve >= threshold) & (curve == largest) & (curve > before))


def gaussian_sigmas(
    curve: np.ndarray, peaks: np.ndarray, reach: int, level: float = 0.5
) -> np.ndarray:
    """Standard deviations, in samples, of scaled normal curves fitted to peaks.

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
    Shape (m,); NaN where the curve does not fall to the level within reach or has no width.
    """
    x = np.arange(-reach, reach + 1)
    padded = np.pad(curve.astype(float), reach, mode="edge")
    windows = padded[peaks[:, None] + x[None, :] + reach]
    above = windows > level * windows[:, reach : reach + 1]
    right = np.cumprod(above[:, reach:], axis=1)
    left = np.cumprod(above[:, reach::-1], axis=1)[:, ::-1]
    inside = np.concatenate([left[:, :-1], right], axis=1).astype(bool)
    weight = np.where(inside, windows, 0.0) ** 2
    logs = np.log(np.where(inside, windows, 1.0))
    powers = x.astype(float) ** np.arange(5)[:, None]
    moments = weight @ powers.T
    targets = (weight * logs) @ powers[:3].T
    normal = moments[:, np.add.outer(np.arange(3), np.arange(3))]
    whole = left[:, 0].astype(bool) | right[:, -1].astype(bool)
    usable = ~whole & (inside.sum(axis=1) >= 3)
    normal[~usable] = np.eye(3)
    curvature = np.linalg.solve(normal, targets[:, :, None])[:, 2, 0]
    usable &= curvature < 0
    return np.where(usable, np.sqrt(-0.5 / np.where(usable, curvature, -1.0)), np.nan)


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
    high = np.flatnonzero(curves.max(axis=1, initial=-np.inf) >= threshold)
    n = curves.shape[1]
    line = np.full((len(high), n + distance), -np.inf)
    line[:, :n] = curves[high]
    flat = line.ravel()
    peaks, tops = scipy_peaks(flat, height=threshold, plateau_size=1)
    inner = (tops["left_edges"] % line.shape[1] > 0) & (tops["right_edges"] % line.shape[1] < n - 1)
    peaks = peaks[inner]
    tied = np.zeros(0, dtype=np.int64)
    if distance > 1 and len(peaks):
        alone = np.zeros(len(flat))
        alone[peaks] = flat[peaks]
        kept = scipy_peaks(alone, height=threshold, distance=distance)[0]
        tied = _tied(flat, peaks, kept, distance)
        peaks = kept
    rows, columns = np.divmod(peaks, line.shape[1])
    for row in np.unique(tied // line.shape[1]):
        own = scipy_peaks(line[row, :n], height=threshold, distance=distance)[0]
        lo, hi = np.searchsorted(rows, (row, row + 1))
        rows = np.concatenate([rows[:lo], np.full(len(own), row), rows[hi:]])
        columns = np.concatenate([columns[:lo], own, columns[hi:]])
    return first + high[rows], columns


def _tied(curve: np.ndarray, peaks: np.ndarray, kept: np.ndarray, distance: int) -> np.ndarray:
    """Those of the kept peaks that a dropped one closer than `distance` equals in height."""
    above = np.searchsorted(kept, peaks)
    found = []
    for rival in (kept[np.maximum(above - 1, 0)], kept[np.minimum(above, len(kept) - 1)]):
        near = (rival != peaks) & (np.abs(rival - peaks) < distance)
        found.append(rival[near & (curve[rival] == curve[peaks])])
    return np.concatenate(found)
