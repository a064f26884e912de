"""Peaks of probability curves, and how sharp they are."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d


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
