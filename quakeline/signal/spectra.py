"""Amplitude spectra of ground displacement on frequencies that are evenly spaced in log10.

Power is averaged over each tenth of a decade, after Abercrombie, R. E. (1995), J. Geophys. Res.
100, 24015-24036, who fits spectra resampled evenly in log10 so that no octave outweighs another.
"""

from __future__ import annotations

import numpy as np
import scipy

from quakeline.signal.tapers import tukey, without_trend
from quakeline.signal.wood_anderson import ORDERS

#: Lowest frequency, 0.32 Hz, and values of a decade.
FIRST_HZ = 10**-0.5
PER_DECADE = 10
#: Highest frequency as a share of the sampling rate; above it anti-alias filters cut.
_HIGHEST = 0.4
#: Share of a window that is tapered, half of it on each side.
TAPERED = 0.2


def frequencies(n: int) -> np.ndarray:
    """The first n frequencies in Hz."""
    return np.asarray(FIRST_HZ * 10 ** (np.arange(n) / PER_DECADE))


def count(rate_hz: float) -> int:
    """How many frequencies a spectrum of waveforms at a rate has."""
    return max(int(PER_DECADE * np.log10(_HIGHEST * rate_hz / FIRST_HZ)) + 1, 0)


def displacement(motion: np.ndarray, rate_hz: float, units: str) -> np.ndarray:
    """Smoothed amplitude spectra in m s of windows of ground motion.

    Parameters
    ----------
    motion
        Shape (windows, samples), without missing samples.
    rate_hz
        Sampling rate.
    units
        Of the motion: m, m/s or m/s2.

    Returns
    -------
    Shape (windows, `count(rate_hz)`), at `frequencies`.
    """
    length = motion.shape[-1]
    tapered = without_trend(motion) * tukey(length, TAPERED)
    padded = scipy.fft.next_fast_len(8 * length, real=True)
    omega = 2 * np.pi * scipy.fft.rfftfreq(padded, 1 / rate_hz)
    edges = FIRST_HZ * 10 ** ((np.arange(count(rate_hz) + 1) - 0.5) / PER_DECADE)
    at = np.searchsorted(omega, 2 * np.pi * edges)
    inside = slice(int(at[0]), int(at[-1]))
    power = (np.abs(scipy.fft.rfft(tapered, padded, axis=-1)[..., inside]) / rate_hz) ** 2
    power /= omega[inside] ** (2 * ORDERS[units])
    return np.asarray(np.sqrt(np.add.reduceat(power, at[:-1] - at[0], axis=-1) / np.diff(at)))
