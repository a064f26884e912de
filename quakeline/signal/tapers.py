"""Tapers and trends of windows, without `scipy.signal`.

Importing that takes more CPU time than a job spends on these: four tenths of a second in each job
that removes responses or measures spectra. The numbers are those of its functions, to the bit.
"""

from __future__ import annotations

import numpy as np
import scipy


def tukey(n: int, share: float) -> np.ndarray:
    """A window of n > 1 samples, `share` (above 0, below 1) of them tapered, half on each side.

    The tapers are cosines; see Harris, F. J. (1978), On the use of windows for harmonic analysis
    with the discrete Fourier transform, Proc. IEEE 66, 51-83.
    """
    at = np.arange(n, dtype=float)
    width = int(share * (n - 1) / 2.0)
    rise, fall = at[: width + 1], at[n - width - 1 :]
    window = np.ones(n)
    window[: width + 1] = 0.5 * (1 + np.cos(np.pi * (-1 + 2.0 * rise / share / (n - 1))))
    window[n - width - 1 :] = 0.5 * (
        1 + np.cos(np.pi * (-2.0 / share + 1 + 2.0 * fall / share / (n - 1)))
    )
    return window


def without_trend(windows: np.ndarray) -> np.ndarray:
    """Windows, shape (windows, samples), less the straight line that fits each one best."""
    n = windows.shape[-1]
    columns = windows.T.astype(np.result_type(windows, np.float32))
    line = np.ones((n, 2), columns.dtype)
    line[:, 0] = np.arange(1, n + 1, dtype=columns.dtype) / n
    return np.asarray((columns - line @ scipy.linalg.lstsq(line, columns)[0]).T)
