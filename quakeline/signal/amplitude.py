"""Amplitudes around an onset."""

from __future__ import annotations

import numpy as np


def snr_db(
    data: np.ndarray, valid: np.ndarray, onset: int, noise: tuple[int, int], signal: int
) -> float:
    """Peak after an onset over the rms before it, in dB, on the best of several components.

    Parameters
    ----------
    data, valid
        Shape (components, n).
    onset
        Index of the onset.
    noise
        Samples before the onset where the noise window begins and ends, e.g. (500, 50).
    signal
        Samples after the onset where the signal window ends.

    Returns
    -------
    NaN where a component has a gap in either window, or the noise is zero, on all components.
    """
    before = slice(onset - noise[0], onset - noise[1])
    after = slice(onset, onset + signal)
    if before.start < 0 or after.stop > data.shape[1]:
        return float("nan")
    whole = valid[:, before].all(axis=1) & valid[:, after].all(axis=1)
    background, motion = data[whole][:, before].astype(float), data[whole][:, after].astype(float)
    level = background.mean(axis=1, keepdims=True)
    rms = np.sqrt(np.mean((background - level) ** 2, axis=1))
    peak = np.max(np.abs(motion - level), axis=1, initial=0.0)
    usable = (rms > 0) & (peak > 0)
    if not usable.any():
        return float("nan")
    return float(np.max(20 * np.log10(peak[usable] / rms[usable])))


def peak_amplitude(data: np.ndarray, valid: np.ndarray, onset: int, length: int) -> float:
    """Largest absolute value over the components within `length` samples after an onset.

    The mean of each component over the window is taken off first. NaN where no component is free
    of gaps in the window.
    """
    window = slice(onset, onset + length)
    if onset < 0 or window.stop > data.shape[1]:
        return float("nan")
    whole = valid[:, window].all(axis=1)
    if not whole.any():
        return float("nan")
    motion = data[whole][:, window].astype(float)
    return float(np.max(np.abs(motion - motion.mean(axis=1, keepdims=True))))
