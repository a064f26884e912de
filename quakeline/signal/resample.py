"""Samples of any rate and any start time to a grid of absolute sample times.

A band-limited interpolation: a Kaiser-windowed sinc, evaluated once per polyphase branch and
applied by `scipy.signal.upfirdn`; between rates that have no simple ratio, as 99.999 and 100 Hz,
evaluated for each output sample, so that no drift adds up. Rate change, anti-alias filter and the
fractional shift that aligns a sub-sample start are one convolution. The kernel is finite, so a
sample depends only on input within `reach_s` of it: results do not depend on how the data were cut.
Source: Smith, J. O. & Gossett, P. (1984), A flexible sampling-rate conversion method, ICASSP.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import numpy as np
import scipy

from quakeline.core.timeline import SECOND, first_sample, sample_time

_ZERO_CROSSINGS = 32
_ROLL_OFF = 0.92
_KAISER_BETA = 12.0
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


@dataclass(frozen=True)
class Resampling:
    """A change of rate by up / down with a shift: `kernel` at `up` times the input rate."""

    up: int
    down: int
    kernel: np.ndarray


@dataclass(frozen=True)
class Placing:
    """Where a segment lies on a grid: index of its first grid sample, and how many there are.

    `offset` is the place of that sample in samples of the input; `ratio` the change of rate, None
    where it is not simple.
    """

    first: int
    count: int
    offset: float
    ratio: Fraction | None

    @property
    def unchanged(self) -> bool:
        """Whether the samples already lie on the grid."""
        return self.ratio == 1 and self._steps == 0

    @property
    def _steps(self) -> int:
        # Rounded in parts of an upsampled sample: the same wherever the input begins.
        return round(self.offset * (self.ratio or 1).numerator * _SHIFT_STEPS)

    def resampling(self, pad: int = 0) -> tuple[Resampling, int]:
        """How to resample input that begins `pad` samples early, and a number of samples `skip`.

        Output sample k is sample (k + skip) * down of what the kernel makes of the input with
        up - 1 zeros behind each sample. The ratio must be simple.
        """
        up, down = (self.ratio or Fraction(1)).as_integer_ratio()
        if self.unchanged:
            return Resampling(1, 1, np.ones(1)), pad
        half = _half(up, down)
        position = self._steps / _SHIFT_STEPS + pad * up + half + down
        skip = int(np.floor(position / down))
        kernel = _kernel(up, down, half, round((position - skip * down) * _SHIFT_STEPS))
        return Resampling(up, down, kernel), skip


def placing(n: int, start_ns: int, rate_in_hz: float, rate_out_hz: float) -> Placing:
    """Place a segment of n samples on the absolute grid of a rate.

    Times of the grid outside the segment are not extrapolated; a segment that lies between two
    grid samples has none.
    """
    tolerance_ns = round(SECOND / rate_in_hz / _SHIFT_STEPS / 2)
    end_ns = start_ns + round((n - 1) * SECOND / rate_in_hz)
    first = first_sample(start_ns - tolerance_ns, rate_out_hz)
    last = first_sample(end_ns + tolerance_ns + 1, rate_out_hz) - 1
    offset = (sample_time(first, rate_out_hz) - start_ns) * rate_in_hz / SECOND
    ratio = Fraction(rate_out_hz / rate_in_hz).limit_denominator(_LARGEST_FACTOR)
    simple = abs(float(ratio) * rate_in_hz / rate_out_hz - 1) <= _RATIO_TOLERANCE
    return Placing(first, max(last - first + 1, 0), offset, ratio if simple else None)


def to_grid(
    samples: np.ndarray, start_ns: int, rate_in_hz: float, rate_out_hz: float
) -> tuple[int, np.ndarray]:
    """Resample a gapless segment onto the absolute grid of a rate.

    Parameters
    ----------
    samples
        Shape (..., n), any numeric type, n >= 1; time is the last axis.
    start_ns
        Time of the first sample, ns since 1970.
    rate_in_hz, rate_out_hz
        Sampling rates in Hz.

    Returns
    -------
    first, values
        Index (since 1970, at `rate_out_hz`) of the first grid sample inside the segment, and the
        values, float64, time last: see `placing`. Beyond its ends the segment goes on with its
        first and last value.
    """
    place = placing(np.shape(samples)[-1], start_ns, rate_in_hz, rate_out_hz)
    if not place.count:
        return place.first, np.empty((*np.shape(samples)[:-1], 0))
    if place.ratio is None:
        step = rate_in_hz / rate_out_hz
        at = place.offset + np.arange(place.count) * step
        return place.first, interpolated(np.asarray(samples, dtype=float), at, step)
    if place.unchanged:
        return place.first, np.array(samples[..., : place.count], dtype=float)
    up, down = place.ratio.as_integer_ratio()
    pad = _half(up, down) // up + 2
    filters, skip = place.resampling(pad)
    if up == down:
        padded = _held(np.asarray(samples), pad)
        return place.first, _shifted(padded, filters.kernel, skip, place.count)
    padded = _held(np.asarray(samples, dtype=float), pad)
    values = scipy.signal.upfirdn(filters.kernel, padded, up, down)[..., skip : skip + place.count]
    return place.first, np.asarray(values)


def _shifted(padded: np.ndarray, kernel: np.ndarray, skip: int, count: int) -> np.ndarray:
    """Samples `skip` to `skip + count` of a convolution along the last axis, float64.

    A dot product for each sample, which is faster than the loop for any rates of
    `scipy.signal.upfirdn`; block by block, so that what is in work stays in the cache.
    """
    values = np.empty((*padded.shape[:-1], count))
    first = skip - len(kernel) + 1
    for at in np.ndindex(values.shape[:-1]):
        for begin in range(0, count, _BLOCK):
            end = min(begin + _BLOCK, count)
            part = padded[at][first + begin : end + skip]
            values[at][begin:end] = np.convolve(part, kernel, "valid")
    return values


def _half(up: int, down: int) -> int:
    return int(np.ceil(_ZERO_CROSSINGS * max(up, down) / _ROLL_OFF))


def interpolated(x: np.ndarray, at: np.ndarray, step: float) -> np.ndarray:
    """Values of x, shape (..., n), at any places in samples, shape (m,), about `step` apart.

    Beyond its ends x goes on with its first and last value. Shape (..., m).
    """
    table = _table(max(step, 1.0))
    taps = len(table)
    padded = _held(x, taps)
    values = np.empty((*x.shape[:-1], len(at)))
    for begin in range(0, len(at), _BLOCK):
        position = at[begin : begin + _BLOCK]
        whole = np.floor(position).astype(np.int64)
        shift = (position - whole) * _TABLE_STEPS
        lower = shift.astype(np.int64)
        weight = shift - lower
        first = whole + taps - taps // 2 + 1
        total = np.zeros((*x.shape[:-1], len(position)))
        for tap, row in enumerate(table):
            gain = row[lower] * (1 - weight) + row[lower + 1] * weight
            total += gain * padded[..., first + tap]
        values[..., begin : begin + total.shape[-1]] = total
    return values


def _held(x: np.ndarray, pad: int) -> np.ndarray:
    """Samples with the first and the last value repeated on their sides."""
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(pad, pad)], mode="edge")


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
