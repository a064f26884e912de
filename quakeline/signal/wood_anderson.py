"""The Wood-Anderson seismograph, simulated from ground motion.

Free period 0.8 s, damping 0.7, static magnification 2080. The deflection W follows ground
displacement U as W(s)/U(s) = 2080 s^2 / (s^2 + 2 h w0 s + w0^2); of ground velocity or
acceleration one or two factors s are left out.
Source: Uhrhammer, R. A. and Collins, E. R. (1990), Bull. Seism. Soc. Am. 80, 702-716; IASPEI
(2013), Summary of Magnitude Working Group Recommendations.
"""

from __future__ import annotations

import numpy as np
import scipy

MAGNIFICATION = 2080.0
PERIOD_S = 0.8
DAMPING = 0.7
#: After this time the response to an impulse is below 1e-8 of its peak, the ringing of its limit in
#: band below 3e-4.
MEMORY_S = 4.0
#: The filter's other side: an impulse that is limited in band begins before its time.
_AHEAD_S = 0.5
_MM = 1000.0
#: Units of ground motion: how often displacement was differentiated.
ORDERS = {"m": 0, "m/s": 1, "m/s2": 2}


def response(frequency_hz: np.ndarray, units: str) -> np.ndarray:
    """Deflection in mm per unit of ground motion (a key of `ORDERS`), complex."""
    s = 2j * np.pi * np.asarray(frequency_hz, dtype=float)
    corner = 2 * np.pi / PERIOD_S
    below = s**2 + 2 * DAMPING * corner * s + corner**2
    return np.asarray(_MM * MAGNIFICATION * s ** (2 - ORDERS[units]) / below)


def kernel(rate_hz: float, units: str) -> np.ndarray:
    """Impulse response at a rate: `reach(rate_hz)` samples before and after its time zero.

    It is exact up to the Nyquist frequency but for the tapered cut in time.
    """
    ahead, memory = reach(rate_hz)
    n = scipy.fft.next_fast_len(max(8 * memory, 64), real=True)
    n += n % 2
    spectrum = response(np.fft.rfftfreq(n, 1 / rate_hz), units)
    circular = np.fft.irfft(spectrum, n)
    taps = np.concatenate([circular[-ahead:], circular[: memory + 1]])
    taps[:ahead] *= np.hanning(2 * ahead + 1)[:ahead]
    return np.asarray(taps)


def reach(rate_hz: float) -> tuple[int, int]:
    """Samples after and before a sample of the seismogram on which it depends."""
    return max(round(_AHEAD_S * rate_hz), 1), max(round(MEMORY_S * rate_hz), 1)


def simulate(motion: np.ndarray, taps: np.ndarray, rate_hz: float) -> np.ndarray:
    """Deflection in mm for ground motion whose last axis is time; zero motion around it."""
    ahead, _ = reach(rate_hz)
    length = motion.shape[-1] + len(taps) - 1
    padded = scipy.fft.next_fast_len(length, real=True)
    spectra = scipy.fft.rfft(motion, padded, axis=-1) * scipy.fft.rfft(taps, padded)
    whole = scipy.fft.irfft(spectra, padded, axis=-1)[..., :length]
    return np.asarray(whole[..., ahead : ahead + motion.shape[-1]])


def peak_of(deflection: np.ndarray) -> np.ndarray:
    """Largest deflection from zero along the last axis, between samples by a parabola."""
    size = np.abs(deflection)
    at = np.clip(size.argmax(axis=-1), 1, max(size.shape[-1] - 2, 1))[..., None]
    before, top, after = (
        np.take_along_axis(deflection, at + step, axis=-1)[..., 0] for step in (-1, 0, 1)
    )
    curve = before - 2 * top + after
    slope = (after - before) / 2
    safe = np.where(curve == 0, 1.0, curve)
    shift = np.where(curve == 0, 0.0, -slope / safe)
    vertex = np.abs(top + slope * shift / 2)
    inner = (np.abs(shift) <= 1) & (np.abs(top) >= np.abs(before)) & (np.abs(top) >= np.abs(after))
    return np.asarray(np.where(inner, np.maximum(vertex, size.max(axis=-1)), size.max(axis=-1)))
