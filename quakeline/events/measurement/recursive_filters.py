"""Butterworth filters of second order on many windows at once.

They are those of SciPy (`butter`, `sosfilt`): to the last bit, or to rounding where the corners add
up to half the rate, so that both sections are equally near to the unit circle. A job that measures
a station-day spends more time on importing `scipy.signal` than on these filters.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import Any

import numpy as np

from quakeline.io.products.compiled import compiled, usable

_ORDER = 2
#: Rows that `_in_place` takes at once.
_ABREAST = 4


@lru_cache(maxsize=16)
def sections(low_hz: float, high_hz: float | None, rate_hz: float) -> np.ndarray:
    """Second-order sections, shape (n, 6), of a filter that passes low_hz to high_hz.

    None, or a high corner at or above the Nyquist frequency, leaves that side open. The design is
    the textbook's (Oppenheim & Schafer, Discrete-Time Signal Processing): poles of the analog low
    pass, moved to the band, and the bilinear transform with prewarped corners. The section whose
    poles are nearest to the unit circle comes last, with the zeros that are nearest to them.
    """
    band = high_hz is not None and high_hz < 0.499 * rate_hz
    corners = [low_hz, high_hz] if band else [low_hz]
    warped = [4.0 * np.tan(np.pi * (2 * float(corner or 0) / rate_hz) / 2.0) for corner in corners]
    poles = -np.exp(1j * np.pi * np.arange(1 - _ORDER, _ORDER, 2) / (2 * _ORDER))
    zeros = np.zeros(_ORDER, dtype=complex)
    if band:
        width, centre = warped[1] - warped[0], np.sqrt(warped[0] * warped[1])
        moved, gain = poles * width / 2, width**_ORDER
        apart = np.sqrt(moved**2 - centre**2)
        poles = np.concatenate((moved + apart, moved - apart))
    else:
        gain = np.real(1 / np.prod(-poles))
        poles = warped[0] / poles
    gain = gain * np.real(np.prod(4.0 - zeros) / np.prod(4.0 - poles))
    poles = (4.0 + poles) / (4.0 - poles)
    if not band:
        return np.array([_section(1.0, poles, gain)])
    pairs = [np.array([pole, pole.conj()]) for pole in poles[poles.imag > 0]]
    inner, outer = sorted(pairs, key=lambda pair: -abs(1 - abs(pair[0])))
    zero = 1.0 if outer[0].real > 0 else -1.0
    return np.array([_section(-zero, inner, gain), _section(zero, outer, 1.0)])


def _section(zero: float, poles: np.ndarray, gain: float) -> np.ndarray:
    """Coefficients of a section with a double zero and two poles."""
    return np.concatenate([gain * np.poly([zero, zero]), np.poly(poles).real])


def filtered(coefficients: np.ndarray, windows: np.ndarray) -> np.ndarray:
    """Filter each row of windows (n, samples) by itself, from rest; a new array, float64."""
    kernel = _kernel()
    if kernel is None:
        from scipy.signal import sosfilt

        return np.asarray(sosfilt(coefficients, windows, axis=-1))
    count = len(windows)
    rows = np.zeros((count + -count % _ABREAST, windows.shape[-1]))
    rows[:count] = windows
    kernel(coefficients, rows)
    return rows[:count]


@cache
def _kernel() -> Any:
    """The compiled filter; None where numba cannot be used."""
    return compiled(_in_place, "void(f8[:,::1], f8[:,::1])") if usable() else None


def _in_place(sos: np.ndarray, rows: np.ndarray) -> None:
    """Filter rows where they stand, four abreast: a sample waits for the one before it."""
    n_rows, n = rows.shape
    for first in range(0, n_rows, 4):
        p, q, r, s = rows[first], rows[first + 1], rows[first + 2], rows[first + 3]
        for k in range(len(sos)):
            b0, b1, b2, a1, a2 = sos[k, 0], sos[k, 1], sos[k, 2], sos[k, 4], sos[k, 5]
            p0 = p1 = q0 = q1 = r0 = r1 = s0 = s1 = 0.0
            for i in range(n):
                x = p[i]
                p[i] = b0 * x + p0
                p0 = b1 * x - a1 * p[i] + p1
                p1 = b2 * x - a2 * p[i]
                x = q[i]
                q[i] = b0 * x + q0
                q0 = b1 * x - a1 * q[i] + q1
                q1 = b2 * x - a2 * q[i]
                x = r[i]
                r[i] = b0 * x + r0
                r0 = b1 * x - a1 * r[i] + r1
                r1 = b2 * x - a2 * r[i]
                x = s[i]
                s[i] = b0 * x + s0
                s0 = b1 * x - a1 * s[i] + s1
                s1 = b2 * x - a2 * s[i]
