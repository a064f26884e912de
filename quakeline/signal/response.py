"""Removal of an instrument response, by a filter of finite length or from a whole segment.

`local`: the inverse of the response, stabilised by a water level and limited to a band, is cut to
`reach_s` seconds on both sides in time and applied as a convolution. A sample depends only on the
input within that reach: results do not depend on how the data were cut, and gaps disturb only what
is near them. With 20 s, for sensors with corners up to 4.5 Hz, the filter is within 0.03 % of the
exact inverse above 1 Hz and within 1 % above 0.2 Hz; with a band whose flanks are wider than 1 Hz
it is within 5e-6. The reach scales these frequencies.

`whole`: the spectrum of a whole segment is divided by the response, as
`obspy.Trace.remove_response` does it. It reaches any period, but every sample depends on all
others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt
import scipy

from quakeline.signal.longtransform import LongTransform
from quakeline.signal.resample import Resampling, placing, to_grid
from quakeline.signal.tapers import tukey
from quakeline.signal.transform import BlockFilter, fast_length, repeated

#: Corners in Hz of a cosine band: rises from the first to the second, falls from the third on.
Corners = tuple[float, float, float, float]
#: The lower corners of the local filter's band, in parts of 1 / reach_s.
_LOWEST = (1.0, 2.0)
#: The upper ones, in parts of the Nyquist frequency: near it digitizers pass only noise.
_HIGHEST = (0.88, 0.98)
#: Share of the local filter that its window tapers; a Hann window (1.0) bends what is near 1 Hz.
_WINDOW = 0.5
#: Responses are evaluated at this many frequencies in logarithmic and in linear steps, ...
_COARSE = (22_000, 100_000)
#: ... and the spectrum of a finite filter at this many times its length; splines do the rest.
_OVERSAMPLED = 1024
#: The inverse of a response in a cosine band goes on for this many of 1 / (width of its flank).
_RINGING = 200.0
#: Samples are multiplied by at most this number within a transform, for the sake of memory.
_UP_MOST = 8
#: Filters of different shifts that are kept.
_FILTERS_HELD = 8

Evaluate = Callable[[np.ndarray], np.ndarray]


def frequencies(rate_hz: float, reach_s: float) -> np.ndarray:
    """Frequencies in Hz at which `inverse_filter` needs the response of a channel."""
    half = _half(rate_hz, reach_s)
    return np.asarray(scipy.fft.rfftfreq(2 * scipy.fft.next_fast_len(4 * half), 1 / rate_hz))


def default_corners(rate_hz: float, reach_s: float) -> Corners:
    """The band that a local filter passes where none is asked for."""
    low, full = (part / reach_s for part in _LOWEST)
    fall, end = (part * rate_hz / 2 for part in _HIGHEST)
    return low, full, max(fall, full), max(end, 1.1 * full)


def inverse_filter(
    response: np.ndarray,
    rate_hz: float,
    water_level_db: float | None,
    corners_hz: Corners | None,
    reach_s: float,
) -> np.ndarray:
    """Filter that turns counts into ground motion.

    Parameters
    ----------
    response
        Complex response in counts per unit of motion at `frequencies(rate_hz, reach_s)`.
    rate_hz
        Sampling rate in Hz.
    water_level_db
        Amplitudes this far below the largest in the band are raised to that level; None: none.
    corners_hz
        Four corners of a cosine band; None: `default_corners`.
    reach_s
        Half the length of the filter in seconds.

    Returns
    -------
    Odd number of samples, for `Local`; a constant input gives zero.
    """
    frequency = frequencies(rate_hz, reach_s)
    passed = band(frequency, corners_hz or default_corners(rate_hz, reach_s))
    reference = np.abs(response[passed > 0.5]).max(initial=0.0)
    half = _half(rate_hz, reach_s)
    inverse = inverted(response, water_level_db, reference) * passed
    kernel = scipy.fft.irfft(inverse, 2 * (len(frequency) - 1))
    kernel = np.roll(kernel, half)[: 2 * half + 1]
    window = tukey(2 * half + 3, _WINDOW)[1:-1]
    kernel = kernel * window
    return np.asarray(kernel - window * (kernel.sum() / window.sum()))


def inverted(
    response: np.ndarray, water_level_db: float | None, reference: float | None = None
) -> np.ndarray:
    """Reciprocal of a response, zero where it is zero.

    Amplitudes more than the water level below `reference` (None: the largest) are raised to it.
    """
    scale = np.abs(response)
    largest = scale.max() if reference is None else reference
    level = 0.0 if water_level_db is None else largest * 10 ** (-water_level_db / 20)
    scale *= np.maximum(scale, level)
    inverse = np.conj(response)
    inverse /= np.maximum(scale, np.finfo(float).tiny)
    return np.asarray(inverse)


def band(frequency: np.ndarray, corners_hz: Corners | None) -> np.ndarray:
    """Cosine band at frequencies in Hz; None passes everything."""
    if corners_hz is None:
        return np.ones(len(frequency))
    part = np.interp(frequency, corners_hz, (0.0, 1.0, 1.0, 0.0))
    return np.asarray(0.5 - 0.5 * np.cos(np.pi * part))


def apply(samples: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    """Filter a gapless segment; beyond its ends it goes on with its first and last value."""
    half = len(kernel) // 2
    ends = np.full(half, samples[0]), np.full(half, samples[-1])
    padded = np.concatenate([ends[0], samples, ends[1]]) - samples[0]
    return np.asarray(scipy.signal.oaconvolve(padded, kernel, mode="valid"))


class Removal(Protocol):
    """Removes a response and resamples."""

    def to_grid(
        self, samples: np.ndarray, start_ns: int, rate_in_hz: float, rate_out_hz: float
    ) -> tuple[int, np.ndarray]:
        """Ground motion on the absolute grid of a rate; as `quakeline.signal.resample.to_grid`."""

    def motion(self, samples: np.ndarray, rate_hz: float) -> np.ndarray:
        """Ground motion at the times of the samples."""


class Local:
    """Removal by an `inverse_filter`: block by block, resampled in the same transform.

    The results are given as `dtype`.
    """

    def __init__(self, kernel: np.ndarray, dtype: npt.DTypeLike = np.float64) -> None:
        self._kernel, self._dtype = kernel, dtype
        self._known: dict[tuple[int, int, bytes], BlockFilter] = {}

    def to_grid(
        self, samples: np.ndarray, start_ns: int, rate_in_hz: float, rate_out_hz: float
    ) -> tuple[int, np.ndarray]:
        """See `Removal.to_grid`."""
        place = placing(len(samples), start_ns, rate_in_hz, rate_out_hz)
        if place.ratio is None:
            motion = self.motion(samples, rate_in_hz)
            return to_grid(motion, start_ns, rate_in_hz, rate_out_hz)
        if not place.count:
            return place.first, np.empty(0)
        resampling, skip = place.resampling()
        return place.first, self._filter(resampling).apply(samples, skip, place.count)

    def motion(self, samples: np.ndarray, rate_hz: float) -> np.ndarray:
        """See `Removal.motion`."""
        return apply(np.asarray(samples, dtype=float), self._kernel)

    def _filter(self, resampling: Resampling) -> BlockFilter:
        key = (resampling.up, resampling.down, resampling.kernel.tobytes())
        if key not in self._known:
            if len(self._known) >= _FILTERS_HELD:
                self._known.clear()
            self._known[key] = BlockFilter(self._kernel, resampling, self._dtype)
        return self._known[key]


class Whole:
    """Removal from the spectrum of a whole segment: exact at all periods, but not local.

    The segment's mean is taken off, and cosine tapers of `taper_s` seconds bring its ends to zero.
    `evaluate` gives the complex response at frequencies in Hz, in counts per unit of motion; see
    `interpolated`.
    """

    def __init__(
        self,
        evaluate: Evaluate,
        water_level_db: float | None,
        corners_hz: Corners | None,
        taper_s: float,
    ) -> None:
        self._evaluate, self._water_level_db = evaluate, water_level_db
        self._corners, self._taper_s = corners_hz, taper_s
        self._last: tuple[tuple[float, LongTransform, bytes], np.ndarray] | None = None
        self._smooth: dict[float, bool] = {}

    def to_grid(
        self, samples: np.ndarray, start_ns: int, rate_in_hz: float, rate_out_hz: float
    ) -> tuple[int, np.ndarray]:
        """See `Removal.to_grid`."""
        place = placing(len(samples), start_ns, rate_in_hz, rate_out_hz)
        if place.ratio is None or place.ratio.numerator > _UP_MOST:
            motion = self.motion(samples, rate_in_hz)
            return to_grid(motion, start_ns, rate_in_hz, rate_out_hz)
        resampling, skip = place.resampling()
        motion = self._motion(samples, rate_in_hz, resampling)
        return place.first, motion[skip : skip + place.count]

    def motion(self, samples: np.ndarray, rate_hz: float) -> np.ndarray:
        """See `Removal.motion`."""
        return self._motion(samples, rate_hz, Resampling(1, 1, np.ones(1)))[: len(samples)]

    def _motion(self, samples: np.ndarray, rate_hz: float, resampling: Resampling) -> np.ndarray:
        n = len(samples)
        length = self._length(n, rate_hz, resampling)
        transform = LongTransform(length, resampling.up, resampling.down)
        x = np.zeros(length)
        x[:n] = samples
        x[:n] -= x[:n].mean()
        _taper(x[:n], round(self._taper_s * rate_hz))
        spectrum = self._spectrum(transform, rate_hz, resampling.kernel)
        if len(resampling.kernel) > 1:
            return transform.apply(x, spectrum)
        highest = spectrum[transform.nyquist] * (x[::2].sum() - x[1::2].sum()) / length
        motion = transform.apply(x, spectrum)
        if highest:  # no band takes it away; obspy makes this value positive
            motion[::2] += abs(highest) - highest.real
            motion[1::2] -= abs(highest) - highest.real
        return motion

    def _length(self, n: int, rate_hz: float, resampling: Resampling) -> int:
        """Length of the transform, so that nothing that follows a segment comes round to its begin.

        A band with smooth flanks ends the inverse within some of the periods of their width.
        Where the water level cuts in, and without a band, the inverse has no end: then the result
        depends on the length, and it is that of obspy.
        """
        pad = n
        if self._corners is not None and self._is_smooth(rate_hz):
            low, full, fall, end = self._corners
            pad = min(n, round(_RINGING * rate_hz / min(full - low, end - fall)))
        if pad == n and resampling.up == resampling.down:
            return _obspy_length(n)
        pad = max(pad, len(resampling.kernel) // resampling.up + 1)
        return fast_length(n + pad, resampling.up, resampling.down)

    def _is_smooth(self, rate_hz: float) -> bool:
        """Whether there is a band and the water level changes nothing in it."""
        if self._corners is None:
            return False
        if self._water_level_db is None:
            return True
        if rate_hz not in self._smooth:
            frequency = np.linspace(0, rate_hz / 2, _COARSE[0])
            amplitude = np.abs(self._evaluate(frequency))
            passed = amplitude[band(frequency, self._corners) > 0]
            level = amplitude.max() * 10 ** (-self._water_level_db / 20)
            self._smooth[rate_hz] = bool((passed > level).all())
        return self._smooth[rate_hz]

    def _spectrum(self, transform: LongTransform, rate_hz: float, kernel: np.ndarray) -> np.ndarray:
        """Inverse response, band and resampling filter, for `LongTransform.apply`."""
        key = (rate_hz, transform, kernel.tobytes())
        last = self._last  # of other threads as well
        if last is None or last[0] != key:
            last = self._last = None  # lets go of a large array
            spectrum = repeated(self._inverse(rate_hz, transform.length), transform.up)
            if len(kernel) > 1:
                spectrum *= _spectrum_of(kernel, transform.length * transform.up)
            last = self._last = (key, transform.in_order(spectrum))
        return last[1]

    def _inverse(self, rate_hz: float, length: int) -> np.ndarray:
        frequency = scipy.fft.rfftfreq(length, 1 / rate_hz)
        inverse = inverted(self._evaluate(frequency), self._water_level_db)
        if self._water_level_db is None:
            inverse[0] = 0.0
        if self._corners is not None:
            inverse *= band(frequency, self._corners)
        return inverse


def _obspy_length(n: int) -> int:
    """The length of the transform in obspy's remove_response for n samples."""
    from obspy.signal.util import _npts2nfft

    return int(_npts2nfft(n))


def interpolated(evaluate: Evaluate, frequency: np.ndarray) -> np.ndarray:
    """A smooth response at equally spaced frequencies from zero, by a cubic spline if at many."""
    if len(frequency) <= sum(_COARSE):
        return evaluate(frequency)
    low, high = frequency[1], frequency[-1]
    coarse = np.concatenate([np.geomspace(low, high, _COARSE[0]), np.linspace(0, high, _COARSE[1])])
    coarse = np.unique(coarse)
    return np.asarray(scipy.interpolate.CubicSpline(coarse, evaluate(coarse))(frequency))


def _spectrum_of(kernel: np.ndarray, length: int) -> np.ndarray:
    """Half spectrum of a short filter in a transform of `length` samples."""
    short = scipy.fft.next_fast_len(_OVERSAMPLED * len(kernel))
    if length <= 2 * short:
        return np.asarray(scipy.fft.rfft(kernel, length))
    known = scipy.interpolate.CubicSpline(scipy.fft.rfftfreq(short), scipy.fft.rfft(kernel, short))
    return np.asarray(known(scipy.fft.rfftfreq(length)))


def _taper(samples: np.ndarray, length: int) -> None:
    """Bring the ends of a segment to zero by quarters of a cosine, in place."""
    length = min(length, (len(samples) - 1) // 2)
    if length > 0:
        rise = np.sin(np.pi / 2 * np.arange(length + 1) / length)
        samples[: length + 1] *= rise
        samples[-length - 1 :] *= rise[::-1]


def _half(rate_hz: float, reach_s: float) -> int:
    return max(round(reach_s * rate_hz), 1)
