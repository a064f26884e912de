"""Peaks of probability curves, and how sharp they are."""

from __future__ import annotations

import numpy as np
from scipy.ndimage import maximum_filter1d


def find_peaks(curve: np.ndarray, threshold: float, distance: int) -> np.ndarray:
    """Indices of samples that are the largest within `distance` on both sides and >= threshold.

    The rule is local: a peak depends on the curve within `distance` samples of it and on nothing
    else, so peaks do not depend on how the curve was cut. Of several largest samples in a row the
    middle one counts, of those further apart the first; where more than `distance` samples in a
    row are equal, the middle of the first `distance`.
    """
    candidates = (curve >= threshold) & (
        curve == maximum_filter1d(curve, 2 * distance + 1, mode="constant", cval=-np.inf)
    )
    indices = np.flatnonzero(candidates)
    leads = indices[np.diff(indices, prepend=-distance - 1) > distance]
    rows = [candidates[lead : lead + max(distance, 1)] for lead in leads]
    lengths = np.array([len(row) if row.all() else np.argmin(row) for row in rows], dtype=np.int64)
    return np.asarray(leads + (lengths - 1) // 2)


def gaussian_sigma(curve: np.ndarray, peak: int, reach: int, level: float = 0.5) -> float:
    """Standard deviation, in samples, of a scaled normal curve fitted to a peak.

    A parabola is fitted to the logarithm of the samples around the peak that exceed `level` times
    its height, weighted by the squared values (Guo 2011, IEEE Signal Process. Mag. 28, 134-137).
    NaN where the curve does not fall to that level within `reach` or has no width.
    """
    lo, hi = max(peak - reach, 0), min(peak + reach + 1, len(curve))
    window = curve[lo:hi]
    above = window > level * curve[peak]
    centre = peak - lo
    left = centre - int(np.argmin(above[centre::-1])) + 1
    right = centre + int(np.argmin(above[centre:])) - 1
    if above[: centre + 1].all() or above[centre:].all() or right - left < 2:
        return float("nan")
    x = np.arange(left, right + 1) - centre
    y = window[left : right + 1].astype(float)
    curvature = np.polyfit(x, np.log(y), 2, w=y)[0]
    return float(np.sqrt(-0.5 / curvature)) if curvature < 0 else float("nan")
