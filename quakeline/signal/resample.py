"""Samples of any rate and any start time to a grid of absolute sample times.

A band-limited interpolation: a Kaiser-windowed sinc, evaluated once per polyphase branch and
applied by `scipy.signal.upfirdn`. Rate change, anti-alias filter and the fractional shift that
aligns a sub-sample start are one convolution. The kernel is finite, so a sample depends only on
input within `reach_s` of it: results do not depend on how the data were cut.
Source: Smith, J. O. & Gossett, P. (1984), A flexible sampling-rate conversion method, ICASSP.
"""

from __future__ import annotations

from fractions import Fraction
from functools import lru_cache

import numpy as np
from scipy.signal import upfirdn

from quakeline.timeline import SECOND, first_sample, sample_time

_ZERO_CROSSINGS = 24
_ROLL_OFF = 0.92
_KAISER_BETA = 8.6
#: Shifts are rounded to this part of an input sample; smaller ones leave the samples as they are.
_SHIFT_STEPS = 4096


def reach_s(rate_in_hz: float, rate_out_hz: float) -> float:
    """How far in seconds the input reaches that one output sample depends on."""
    return _ZERO_CROSSINGS / (min(rate_in_hz, rate_out_hz) * _ROLL_OFF) + 1 / rate_in_hz


def to_grid(
    samples: np.ndarray, start_ns: int, rate_in_hz: float, rate_out_hz: float
) -> tuple[int, np.ndarray]:
    """Resample a gapless segment onto the absolute grid of a rate.

    Parameters
    ----------
    samples
        Shape (n,), any numeric type, n >= 1.
    start_ns
        Time of the first sample, ns since 1970.
    rate_in_hz, rate_out_hz
        Sampling rates in Hz.

    Returns
    -------
    first, values
        Index (since 1970, at `rate_out_hz`) of the first grid sample inside the segment, and the
        values, float64. Times of the grid outside the segment are not extrapolated; a segment
        that lies between two grid samples gives none.
    """
    ratio = Fraction(rate_out_hz / rate_in_hz).limit_denominator(10_000)
    up, down = ratio.numerator, ratio.denominator
    tolerance_ns = SECOND / rate_in_hz / _SHIFT_STEPS / 2
    end_ns = start_ns + (len(samples) - 1) * SECOND / rate_in_hz
    first = first_sample(round(start_ns - tolerance_ns), rate_out_hz)
    last = first_sample(round(end_ns + tolerance_ns) + 1, rate_out_hz) - 1
    if last < first:
        return first, np.empty(0)
    offset = (sample_time(first, rate_out_hz) - start_ns) * rate_in_hz / SECOND
    offset = round(offset * _SHIFT_STEPS) / _SHIFT_STEPS
    count = last - first + 1
    if up == down == 1 and offset == 0:
        return first, np.asarray(samples[:count], dtype=float)
    return first, _interpolate(np.asarray(samples, dtype=float), offset, up, down, count)


def _interpolate(x: np.ndarray, offset: float, up: int, down: int, count: int) -> np.ndarray:
    """Values at input positions offset + k * down / up for k in range(count).

    Beyond its ends the segment goes on with its first and last value.
    """
    half = int(np.ceil(_ZERO_CROSSINGS * max(up, down) / _ROLL_OFF))
    pad = half // up + 2
    padded = np.concatenate([np.full(pad, x[0]), x, np.full(pad, x[-1])])
    centre = half + down
    position = (offset + pad) * up + centre
    skip = int(np.floor(position / down))
    kernel = _kernel(up, down, half, round((position - skip * down) * _SHIFT_STEPS))
    return np.asarray(upfirdn(kernel, padded, up, down)[skip : skip + count])


@lru_cache(maxsize=64)
def _kernel(up: int, down: int, half: int, shift_steps: int) -> np.ndarray:
    """Windowed sinc sampled `up` times per input sample, shifted; each phase has unit gain."""
    centre = half + down
    u = np.arange(2 * centre + 1) - centre + shift_steps / _SHIFT_STEPS
    cutoff = _ROLL_OFF / max(up, down)
    inside = np.abs(u) <= half
    window = np.i0(_KAISER_BETA * np.sqrt(np.where(inside, 1 - (u / half) ** 2, 0.0)))
    kernel = np.where(inside, np.sinc(cutoff * u) * window, 0.0)
    padded = np.pad(kernel, (0, -len(kernel) % up)).reshape(-1, up)
    gains = padded.sum(axis=0)
    return (padded / np.where(np.abs(gains) > 1e-12, gains, 1.0)).reshape(-1)[: len(kernel)]
