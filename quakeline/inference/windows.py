"""Windows on the absolute grid, and how their samples are normalised for a network."""

from __future__ import annotations

import numpy as np

from quakeline.signal.gaps import runs_of


def window_starts(lo: int, hi: int, window: int, hop: int) -> range:
    """First samples of all windows that touch [lo, hi): the multiples of `hop` since 1970.

    The same sample always falls in the same windows, however the data are cut into chunks.
    """
    first = -((window - 1 - lo) // hop)
    return range(first * hop, -(-hi // hop) * hop, hop)


#: Windows at the ends of data are added where they are at least so full.
_LEAST_SHARE = 0.75


def shares(valid: np.ndarray, at: np.ndarray, window: int) -> np.ndarray:
    """Share of valid samples (0 to 1, float32) in windows that begin at positions of a mask."""
    seen = np.concatenate([[0], np.cumsum(valid)])
    return np.asarray((seen[at + window] - seen[at]) / window, np.float32)


def edge_windows(valid: np.ndarray, hole: int, window: int) -> np.ndarray:
    """Positions of windows that begin where data begin, or end where they end.

    Parameters
    ----------
    valid
        Mask of the samples, shape (n,). Positions are between `hole` and n - hole - window.
    hole
        Samples; after and before a shorter hole data go on.
    window
        Samples of a window.

    Returns
    -------
    numpy.ndarray
        Increasing positions, those of windows that are mostly empty left out.
    """
    holes = runs_of(~valid)
    holes = holes[holes[:, 1] - holes[:, 0] >= hole]
    at = np.unique(np.concatenate([holes[:, 1], holes[:, 0] - window]))
    at = at[(at >= hole) & (at <= len(valid) - hole - window)]
    return at[shares(valid, at, window) >= _LEAST_SHARE]


def normalise(windows: np.ndarray, valid: np.ndarray | None, rule: str) -> None:
    """Normalise a batch of windows in place, as the card of the network asks.

    "std": each component without its mean, over its standard deviation. "std-live": the same,
    times 3 / (number of live components), as PhaseNet's authors do; without it the network does
    not see vertical-only stations. "max": over the largest absolute value of the window. Gaps and
    dead components are zero, and statistics come from valid samples alone.

    Parameters
    ----------
    windows
        Shape (batch, components, samples), float32; changed in place.
    valid
        The mask, same shape, bool; None where every sample is valid.
    rule
        "std", "std-live", "max", "scale" or "none"; "max-600s" is done when samples are read.
    """
    if valid is not None:
        windows[~valid] = 0
    if rule in ("none", "max-600s"):
        return
    if rule in ("max", "scale"):
        largest = np.abs(windows).max(axis=(1, 2), keepdims=True)
        windows *= _reciprocal(largest) if rule == "max" else np.exp2(-np.frexp(largest)[1])
        return
    # float64 in both cases, so that a gap elsewhere in the block changes no bit
    counts = np.array([windows.shape[2]]) if valid is None else valid.sum(axis=2, keepdims=True)
    counts = np.maximum(counts, 1).astype(np.float64)
    # in float64, so that the mean of equal samples is exactly their value: a dead component
    mean = windows.sum(axis=2, keepdims=True, dtype=np.float64) / counts
    windows -= mean.astype(np.float32)
    if valid is not None:
        windows[~valid] = 0
    power = np.einsum("bcs,bcs->bc", windows, windows)[:, :, None]
    scale = _reciprocal(np.sqrt(power / counts))
    if rule == "std-live":
        live = np.count_nonzero(scale, axis=1, keepdims=True)
        scale *= windows.shape[1] / np.maximum(live, 1)
    windows *= scale.astype(np.float32)


def _reciprocal(values: np.ndarray) -> np.ndarray:
    """1 / value, and zero for zero."""
    return np.asarray(np.divide(1, values, out=np.zeros_like(values), where=values > 0))
