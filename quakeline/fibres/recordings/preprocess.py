"""What is done to fibre data before the network sees them: units, gauge length, filters.

Each step is a `quakeline.fibres.recordings.arrays.Transform`: (samples, channels) float32 in and
out, without gaps along time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from quakeline.core.errors import DataError
from quakeline.fibres.recordings.arrays import Transform
from quakeline.fibres.recordings.description import Preprocess, Units

#: Share of the strain of glass that changes the refractive index against the path (Kreger et al.
#: 2006, doi:10.1364/OFS.2006.ThE42).
PHOTOELASTIC = 0.78
#: Periods of the lower corner that a zero-phase band-pass of order 2 remembers.
_PERIODS = 4.0
_ORDER = 2
_CHANNELS_AT_ONCE = 256
#: The f-k filter fades over this share of its velocities.
_FADE = 0.1
#: Spacings that differ by less than this share are even.
_EVEN = 0.05


def strain_of_radian(wavelength_nm: float, refractive_index: float, gauge_length_m: float) -> float:
    """Strain of one radian of optical phase over a gauge length.

    Source: Lindsey, N. J. et al. (2020), On the broadband instrument response of fiber-optic DAS
    arrays, J. Geophys. Res. 125, doi:10.1029/2019JB018145.
    """
    path = 4 * np.pi * refractive_index * gauge_length_m * PHOTOELASTIC
    return float(wavelength_nm * 1e-9 / path)


@dataclass(frozen=True)
class Scale:
    """Multiplies by a constant: counts or phase to strain."""

    factor: float
    reach_s: float = 0.0

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """See `Transform`."""
        return np.asarray(block * np.float32(self.factor), np.float32)


@dataclass(frozen=True)
class Differentiate:
    """The rate of change, by central differences: strain to strain rate."""

    reach_s: float = 0.1

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """See `Transform`."""
        if len(block) < 2:
            return np.zeros_like(block)
        return np.asarray(np.gradient(block, np.float32(dt), axis=0), np.float32)


@dataclass(frozen=True)
class Integrate:
    """The running integral (trapezia) without its mean: strain rate to strain.

    A constant remains open, which the band-pass that must follow removes.
    """

    reach_s: float = 0.0

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """See `Transform`."""
        total = (np.cumsum(block, axis=0, dtype=np.float64) - block / 2) * dt
        return np.asarray(total - total.mean(axis=0), np.float32)


@dataclass(frozen=True)
class LongerGauge:
    """The strain over a longer gauge: the mean of adjacent gauges, exact for whole multiples.

    Strain over a gauge G is the difference of displacement at its ends over G, so that m gauges
    side by side add up to one of m G. Channels whose longer gauge leaves the fibre become zero.
    """

    gauge_m: float
    multiple: int
    reach_s: float = 0.0

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """See `Transform`. Raises DataError where the spacing is uneven."""
        if dx is None:
            raise DataError("preprocess.gauge_length_m: the channels are not evenly spaced")
        n = block.shape[1]
        offsets = (np.arange(self.multiple) - (self.multiple - 1) / 2) * self.gauge_m / dx
        result = np.zeros_like(block)
        lo, hi = int(np.ceil(-offsets[0])), n - int(np.ceil(offsets[-1]))
        for offset in offsets:
            whole = int(np.floor(offset))
            share = np.float32(offset - whole)
            result[:, lo:hi] += (1 - share) * block[:, lo + whole : hi + whole]
            if share:
                result[:, lo:hi] += share * block[:, lo + whole + 1 : hi + whole + 1]
        return result / np.float32(self.multiple)


@dataclass(frozen=True)
class CommonMode:
    """Subtracts at each sample the median or mean of the channels that are not zero."""

    kind: str
    reach_s: float = 0.0

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """See `Transform`."""
        live = block.any(axis=0)
        if not live.any():
            return block.copy()
        middle: Callable[..., np.ndarray] = np.median if self.kind == "median" else np.mean
        result = block.copy()
        result[:, live] -= middle(block[:, live], axis=1, keepdims=True)
        return result


@dataclass(frozen=True)
class BandPass:
    """Butterworth band-pass, run forwards and backwards; corners in Hz."""

    low_hz: float
    high_hz: float

    @property
    def reach_s(self) -> float:
        """How far a sample reaches, in seconds."""
        return _PERIODS / self.low_hz

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """See `Transform`. A corner at or above the Nyquist frequency counts as none."""
        if self.high_hz < 0.499 / dt:
            corners, kind = [self.low_hz, self.high_hz], "bandpass"
        else:
            corners, kind = [self.low_hz], "highpass"
        sections = scipy.signal.butter(_ORDER, corners, kind, fs=1 / dt, output="sos")
        result = np.empty_like(block)
        pad = min(round(1 / (self.low_hz * dt)), len(block) - 1)
        for k in range(0, block.shape[1], _CHANNELS_AT_ONCE):
            some = block[:, k : k + _CHANNELS_AT_ONCE].astype(np.float64)
            result[:, k : k + some.shape[1]] = scipy.signal.sosfiltfilt(
                sections, some, axis=0, padlen=pad
            )
        return result


@dataclass(frozen=True)
class FkFilter:
    """Passes waves whose apparent velocity along the fibre lies between two, in m/s.

    The block is padded with zeros along the fibre, so that no wave comes in at one end that left
    at the other, which DASCore's filter of the same kind does not do.
    """

    slowest: float
    fastest: float
    reach_s: float = 5.0

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """See `Transform`. Raises DataError where the spacing is uneven."""
        if dx is None:
            raise DataError("preprocess.fk_velocity_m_s: the channels are not evenly spaced")
        n, channels = block.shape
        shape = (
            scipy.fft.next_fast_len(n, real=True),
            scipy.fft.next_fast_len(2 * channels, real=True),
        )
        spectrum = scipy.fft.rfft2(block.T, s=shape[::-1])
        k = np.abs(scipy.fft.fftfreq(shape[1], dx))[:, None]
        f = scipy.fft.rfftfreq(shape[0], dt)[None, :]
        with np.errstate(divide="ignore", invalid="ignore"):
            velocity = np.where(k > 0, f / k, np.where(f > 0, np.inf, 0.0))
        gain = _rising(velocity, self.slowest) * (1 - _rising(velocity, self.fastest / (1 - _FADE)))
        spectrum *= gain.astype(np.float32)
        return np.ascontiguousarray(
            scipy.fft.irfft2(spectrum, s=shape[::-1])[:channels, :n].T, np.float32
        )


def _rising(velocity: np.ndarray, full: float) -> np.ndarray:
    """A cosine from 0 at (1 - fade) of a velocity to 1 at it."""
    share = np.clip((velocity / full - (1 - _FADE)) / _FADE, 0, 1)
    return np.asarray((1 - np.cos(np.pi * share)) / 2)


def spacing(distances: np.ndarray) -> float | None:
    """Distance between channels in metres; None where it is uneven."""
    steps = np.diff(distances)
    if not len(steps) or np.abs(steps - np.median(steps)).max() > _EVEN * abs(np.median(steps)):
        return None
    return abs(float(np.median(steps)))


def averaged(block: np.ndarray, step: int) -> np.ndarray:
    """Means of `step` neighbouring channels, (samples, channels // step); a rest is left out."""
    n = block.shape[1] // step
    return np.asarray(
        block[:, : n * step].reshape(len(block), n, step).mean(axis=2, dtype=np.float32)
    )


def steps(
    wanted: Preprocess, units: Units, gauge_length_m: float | None, phase_factor: float
) -> list[Transform]:
    """The steps that a configuration asks for, in their order.

    `units` are those of the files, `phase_factor` the strain of one radian. Raises DataError for a
    conversion that is not possible.
    """
    found = _conversion(wanted, units, phase_factor)
    if wanted.gauge_length_m is not None and gauge_length_m is not None:
        multiple = wanted.gauge_length_m / gauge_length_m
        if round(multiple) < 1 or abs(multiple - round(multiple)) > _EVEN:
            raise DataError(
                f"preprocess.gauge_length_m: {wanted.gauge_length_m:g} given; allowed: a whole"
                f" multiple of the fibre's gauge length, {gauge_length_m:g}"
            )
        found.append(LongerGauge(gauge_length_m, round(multiple)))
    if wanted.common_mode != "none":
        found.append(CommonMode(wanted.common_mode))
    if wanted.bandpass_hz:
        found.append(BandPass(*wanted.bandpass_hz))
    if wanted.fk_velocity_m_s:
        found.append(FkFilter(*wanted.fk_velocity_m_s))
    return found


def _conversion(wanted: Preprocess, units: Units, phase_factor: float) -> list[Transform]:
    """From the units of the files to those that are wanted."""
    if wanted.units == units:
        return []
    if wanted.units == "phase":
        raise DataError(f"preprocess.units: phase given; the files hold {units}")
    if units == "strain_rate":
        if wanted.bandpass_hz is None:
            raise DataError("preprocess.units: strain from strain_rate needs bandpass_hz")
        return [Integrate()]
    found: list[Transform] = [Scale(phase_factor)] if units == "phase" else []
    return [*found, Differentiate()] if wanted.units == "strain_rate" else found
