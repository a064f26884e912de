"""Removal of an instrument response by a filter of finite length.

The inverse of the response, stabilised by a water level and limited to a band, is cut to `REACH_S`
seconds on both sides in time and applied as a convolution. A sample depends only on the input
within `REACH_S` of it: results do not depend on how the data were cut, and gaps disturb what is
near them only. A deconvolution of whole segments in the frequency domain has neither property.
For sensors with corners up to 4.5 Hz the filter is within 0.1 % of the exact inverse above 1 Hz
and within 3 % above 0.2 Hz.
"""

from __future__ import annotations

import numpy as np
from scipy.fft import next_fast_len
from scipy.signal import oaconvolve

#: Half the length of the filter in seconds.
REACH_S = 20.0
#: Lower corners in Hz of the band: slower motion would need a longer filter.
LOWEST_HZ = (0.05, 0.1)


def frequencies(rate_hz: float) -> np.ndarray:
    """Frequencies in Hz at which `inverse_filter` needs the response of a channel."""
    return np.asarray(np.fft.rfftfreq(2 * next_fast_len(4 * _half(rate_hz)), 1 / rate_hz))


def inverse_filter(
    response: np.ndarray,
    rate_hz: float,
    water_level_db: float | None,
    corners_hz: tuple[float, float, float, float] | None,
) -> np.ndarray:
    """Filter that turns counts into ground motion.

    Parameters
    ----------
    response
        Complex response in counts per unit of motion at `frequencies(rate_hz)`.
    rate_hz
        Sampling rate in Hz.
    water_level_db
        Amplitudes this far below the largest are raised to that level; None: none.
    corners_hz
        Four corners of a cosine band; None: `LOWEST_HZ` and no upper limit.

    Returns
    -------
    Odd number of samples, for `apply`; a constant input gives zero.
    """
    amplitude = np.abs(response)
    level = 0.0 if water_level_db is None else amplitude.max() * 10 ** (-water_level_db / 20)
    known = amplitude > 0
    inverse = np.zeros(len(response), complex)
    inverse[known] = np.conj(response[known]) / amplitude[known]
    inverse[known] /= np.maximum(amplitude[known], level)
    frequency = frequencies(rate_hz)
    half = _half(rate_hz)
    kernel = np.fft.irfft(inverse * _band(frequency, corners_hz), 2 * (len(frequency) - 1))
    kernel = np.roll(kernel, half)[: 2 * half + 1]
    window = np.hanning(2 * half + 3)[1:-1]
    kernel = kernel * window
    return np.asarray(kernel - window * (kernel.sum() / window.sum()))


def apply(samples: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Filter a gapless segment; beyond its ends it goes on with its first and last value."""
    half = len(kernel) // 2
    ends = np.full(half, samples[0]), np.full(half, samples[-1])
    padded = np.concatenate([ends[0], samples, ends[1]]) - samples[0]
    return np.asarray(oaconvolve(padded, kernel, mode="valid"))


def _half(rate_hz: float) -> int:
    return max(round(REACH_S * rate_hz), 1)


def _band(
    frequency: np.ndarray, corners_hz: tuple[float, float, float, float] | None
) -> np.ndarray:
    low, full, fall, end = corners_hz or (*LOWEST_HZ, np.inf, np.inf)
    rise = np.clip((frequency - low) / (full - low), 0, 1)
    band = 0.5 - 0.5 * np.cos(np.pi * rise)
    if np.isfinite(end):
        band = band * (0.5 + 0.5 * np.cos(np.pi * np.clip((frequency - fall) / (end - fall), 0, 1)))
    return np.asarray(band)
