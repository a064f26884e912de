"""Windows on the absolute grid, and how their samples are normalised for a network."""

from __future__ import annotations

import numpy as np


def window_starts(lo: int, hi: int, window: int, hop: int) -> np.ndarray:
    """First samples of all windows that touch [lo, hi): the multiples of `hop` since 1970.

    The same sample always falls in the same windows, however the data are cut into chunks.
    """
    first = -((window - 1 - lo) // hop)
    return np.arange(first, -(-hi // hop), dtype=np.int64) * hop


def normalise(windows: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Demean each component, divide by its standard deviation; gaps and dead components are zero.

    Statistics come from valid samples alone. When components are missing, the others are scaled
    by 3 / (number of live components), as PhaseNet's authors do: without it the network does not
    see vertical-only stations.

    Parameters
    ----------
    windows, valid
        Shape (batch, components, samples), float32 and bool.

    Returns
    -------
    A new array of the same shape, float32.
    """
    counts = np.maximum(valid.sum(axis=-1, keepdims=True), 1)
    masked = np.where(valid, windows, 0).astype(np.float64)
    mean = masked.sum(axis=-1, keepdims=True) / counts
    centred = np.where(valid, masked - mean, 0)
    std = np.sqrt((centred**2).sum(axis=-1, keepdims=True) / counts)
    live = (std > 0).sum(axis=1, keepdims=True)
    scale = windows.shape[1] / np.maximum(live, 1)
    return np.where(std > 0, centred / np.where(std > 0, std, 1) * scale, 0).astype(np.float32)
