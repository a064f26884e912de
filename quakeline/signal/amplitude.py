"""Amplitudes around onsets."""

from __future__ import annotations

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view


def snr_db(
    data: np.ndarray, valid: np.ndarray, onsets: np.ndarray, noise: tuple[int, int], signal: int
) -> np.ndarray:
    """Peak after each onset over the rms before it, in dB, on the best of several components.

    Parameters
    ----------
    data, valid
        Shape (components, n).
    onsets
        Indices of the onsets, shape (m,).
    noise
        Samples before the onset where the noise window begins and ends, e.g. (500, 50).
    signal
        Samples after the onset where the signal window ends.

    Returns
    -------
    Shape (m,). NaN where every component has a gap in one of the windows or zero noise, and where
    a window reaches beyond the data.
    """
    before, whole_before = _windows(data, valid, onsets - noise[0], noise[0] - noise[1])
    after, whole_after = _windows(data, valid, onsets, signal)
    level = before.mean(axis=2, keepdims=True)
    rms = np.sqrt(np.mean((before - level) ** 2, axis=2))
    peak = np.max(np.abs(after - level), axis=2, initial=0.0)
    usable = whole_before & whole_after & (rms > 0) & (peak > 0)
    ratio = np.where(usable, peak, 1.0) / np.where(usable, rms, 1.0)
    return _largest(20 * np.log10(ratio), usable)


def peak_amplitude(
    data: np.ndarray, valid: np.ndarray, onsets: np.ndarray, length: int
) -> np.ndarray:
    """Largest absolute value over the components within `length` samples after each onset.

    The mean of each component over the window is taken off first. Shapes as in `snr_db`; NaN where
    no component is free of gaps in the window, and where it reaches beyond the data.
    """
    motion, whole = _windows(data, valid, onsets, length)
    deviation = np.abs(motion - motion.mean(axis=2, keepdims=True))
    return _largest(deviation.max(axis=2, initial=0.0), whole)


def _windows(
    data: np.ndarray, valid: np.ndarray, starts: np.ndarray, length: int
) -> tuple[np.ndarray, np.ndarray]:
    """Windows (m, components, length) as float64, and whether each has no gap (m, components)."""
    inside = (starts >= 0) & (starts + length <= data.shape[1])
    shape = (len(starts), data.shape[0], length)
    if not inside.any():
        return np.zeros(shape), np.zeros(shape[:2], bool)
    at = np.where(inside, starts, 0)
    cut = sliding_window_view(data, length, axis=1)[:, at].transpose(1, 0, 2).astype(float)
    mask = sliding_window_view(valid, length, axis=1)[:, at].all(axis=2).T
    return cut, mask & inside[:, None]


def _largest(values: np.ndarray, usable: np.ndarray) -> np.ndarray:
    """Largest usable value of each row; NaN where none is."""
    best = np.max(np.where(usable, values, -np.inf), axis=1, initial=-np.inf)
    return np.where(np.isfinite(best), best, np.nan)
