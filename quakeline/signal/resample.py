"""Samples of any rate and any start time to a grid of absolute sample times.

A band-limited interpolation: a Kaiser-windowed sinc, evaluated once per polyphase branch and
applied by `scipy.signal.upfirdn`; between rates that have no simple ratio, as 99.999 and 100 Hz,
evaluated for each output sample, so that no drift adds up. Rate change, anti-alias filter and the
fractional shift that aligns a sub-sample start are one convolution. The kernel is finite, so a
sample depends only on input within `reach_s` of it: results do not depend on how the data were cut.
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
#: Shifts are rounded to this part of a sample; smaller ones leave the samples as they are.
_SHIFT_STEPS = 4096
#: Rates have a simple ratio when a fraction with a denominator up to this one ...
_LARGEST_FACTOR = 100
#: ... is the ratio to this accuracy, 10 microseconds in a day.
_RATIO_TOLERANCE = 1e-10
#: Kernels between whole and half samples are tabulated at this many shifts and interpolated.
_TABLE_STEPS = 1024
_BLOCK = 1 << 16


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
    tolerance_ns = round(SECOND / rate_in_hz / _SHIFT_STEPS / 2)
    end_ns = start_ns + round((len(samples) - 1) * SECOND / rate_in_hz)
    first = first_sample(start_ns - tolerance_ns, rate_out_hz)
    last = first_sample(end_ns + tolerance_ns + 1, rate_out_hz) - 1
    if last < first:
        return first, np.empty(0)
    offset = (sample_time(first, rate_out_hz) - start_ns) * rate_in_hz / SECOND
    count = last - first + 1
    x = np.asarray(samples, dtype=float)
    ratio = Fraction(rate_out_hz / rate_in_hz).limit_denominator(_LARGEST_FACTOR)
    if abs(float(ratio) * rate_in_hz / rate_out_hz - 1) > _RATIO_TOLERANCE:
        return first, _interpolate_freely(x, offset, rate_in_hz / rate_out_hz, count)
    up, down = ratio.numerator, ratio.denominator
    steps = round(offset * up * _SHIFT_STEPS)
    if up == down and steps == 0:
        return first, x[:count].copy()
    return first, _interpolate(x, steps, up, down, count)


def _interpolate(x: np.ndarray, steps: int, up: int, down: int, count: int) -> np.ndarray:
    """Values at input positions (steps / _SHIFT_STEPS + k * down) / up for k in range(count).

    The shift is rounded in parts of an upsampled sample: it is the same wherever the input begins.

    Beyond its ends the segment goes on with its first and last value.
    """
    half = int(np.ceil(_ZERO_CROSSINGS * max(up, down) / _ROLL_OFF))
    pad = half // up + 2
    padded = np.concatenate([np.full(pad, x[0]), x, np.full(pad, x[-1])])
    centre = half + down
    position = steps / _SHIFT_STEPS + pad * up + centre
    skip = int(np.floor(position / down))
    kernel = _kernel(up, down, half, round((position - skip * down) * _SHIFT_STEPS))
    return np.asarray(upfirdn(kernel, padded, up, down)[skip : skip + count])


def _interpolate_freely(x: np.ndarray, offset: float, step: float, count: int) -> np.ndarray:
    """Values at input positions offset + k * step for k in range(count), any step.

    Beyond its ends the segment goes on with its first and last value.
    """
    table = _table(max(step, 1.0))
    taps = len(table)
    padded = np.concatenate([np.full(taps, x[0]), x, np.full(taps, x[-1])])
    values = np.empty(count)
    for begin in range(0, count, _BLOCK):
        position = offset + np.arange(begin, min(begin + _BLOCK, count)) * step
        whole = np.floor(position).astype(np.int64)
        shift = (position - whole) * _TABLE_STEPS
        lower = shift.astype(np.int64)
        weight = shift - lower
        first = whole + taps - taps // 2 + 1
        total = np.zeros(len(position))
        for tap, row in enumerate(table):
            gain = row[lower] * (1 - weight) + row[lower + 1] * weight
            total += gain * padded[first + tap]
        values[begin : begin + len(total)] = total
    return values


@lru_cache(maxsize=8)
def _table(stretch: float) -> np.ndarray:
    """Kernels of all shifts from 0 to 1 input sample, shape (taps, shifts), each of unit gain."""
    half = _ZERO_CROSSINGS * stretch / _ROLL_OFF
    taps = 2 * (int(np.ceil(half)) + 1)
    at = np.arange(taps)[:, None] - taps // 2 + 1
    u = at - np.linspace(0, 1, _TABLE_STEPS + 1)
    inside = np.abs(u) <= half
    window = np.i0(_KAISER_BETA * np.sqrt(np.where(inside, 1 - (u / half) ** 2, 0.0)))
    kernel = np.where(inside, np.sinc(_ROLL_OFF / stretch * u) * window, 0.0)
    return np.asarray(kernel / kernel.sum(axis=0))


@lru_cache(maxsize=16)
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
