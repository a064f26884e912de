"""Bins and bands of the motion around onsets."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

import numpy as np

from quakeline.events.measurement import recursive_filters
from quakeline.events.measurement.settings import Settings
from quakeline.signal import spectra, wood_anderson

#: Filters have forgotten what lies this far back.
_MEMORY_S = wood_anderson.MEMORY_S
_AHEAD_S = 0.5
_LOWEST_HZ = 1.0
#: Samples of windows that are filtered at once.
_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class Sketcher:
    """Measures onsets of one instrument, whose motion is in `units`, at `rate_hz`."""

    rules: Settings
    rate_hz: float
    units: str
    bins: int = field(init=False)
    first: int = field(init=False)

    def __post_init__(self) -> None:
        per_bin = self.samples(self.rules.bin_s)
        before = -(-self.samples(self.rules.before_s) // per_bin)
        after = -(-self.samples(self.rules.after_s) // per_bin)
        object.__setattr__(self, "bins", before + after)
        object.__setattr__(self, "first", -before * per_bin)

    def samples(self, seconds: float) -> int:
        """Samples of a duration, at least one."""
        return max(round(seconds * self.rate_hz), 1)

    @property
    def at_once(self) -> int:
        """Onsets that are measured together."""
        start, stop = self.reach
        return max(_AT_ONCE // (stop - start), 1)

    @property
    def reach(self) -> tuple[int, int]:
        """First and last sample (exclusive), relative to an onset, that its sketch depends on."""
        start = self.first - self.samples(_MEMORY_S)
        stop = self.first + self.bins * self.samples(self.rules.bin_s)
        return start, stop + self.samples(_AHEAD_S)

    def measure(self, motion: np.ndarray, valid: np.ndarray) -> dict[str, Any]:
        """Columns of MEASUREMENTS from windows of `reach` around onsets of one component.

        Parameters
        ----------
        motion, valid
            Shape (onsets, samples); `valid` is False on gaps and on clipped samples.
        """
        data = _centred(motion, valid)
        whole = self._unspoilt(valid)
        columns: dict[str, Any] = {"wood_anderson_mm": [None] * len(data)}
        if self.units in wood_anderson.ORDERS:
            taps = _wood_anderson(self.rate_hz, self.units)
            deflection = wood_anderson.simulate(data, taps, self.rate_hz)
            peaks = wood_anderson.peak_of(self._binned(deflection))
            columns["wood_anderson_mm"] = list(np.where(whole, peaks, np.nan).astype(np.float32))
        broad = self._filtered(data, (_LOWEST_HZ, None))
        rms = np.sqrt(np.mean(self._binned(broad) ** 2, axis=-1))
        columns["rms"] = list(np.where(whole, rms, np.nan).astype(np.float32))
        near = data[:, : self.samples(self.rules.band_window_s) - self.reach[0]]
        for name, band in (("low", self.rules.low_band_hz), ("high", self.rules.high_band_hz)):
            columns |= self._band(name, self._filtered(near, band), valid)
        return columns | self._spectra(motion, valid)

    def _band(self, name: str, motion: np.ndarray, valid: np.ndarray) -> dict[str, np.ndarray]:
        """Levels in a band after and before the onset; `motion` may end with the former."""
        onset, length = -self.reach[0], self.samples(self.rules.band_window_s)
        guard = self.samples(0.5)
        spans = {
            f"{name}_rms": (onset, onset + length),
            f"{name}_noise": (max(onset - guard - 4 * length, 0), onset - guard),
        }
        return {
            column: np.where(
                valid[:, max(begin - self.samples(_MEMORY_S), 0) : end].all(axis=1),
                np.sqrt(np.mean(motion[:, begin:end] ** 2, axis=1)),
                np.nan,
            )
            for column, (begin, end) in spans.items()
        }

    def _spectra(self, motion: np.ndarray, valid: np.ndarray) -> dict[str, Any]:
        """Spectra of displacement after and before the onset, from half a second before it."""
        onset, length = -self.reach[0] - self.samples(0.5), self.samples(self.rules.spectrum_s)
        columns: dict[str, Any] = {"spectrum_s": length / self.rate_hz}
        for name, begin in (("spectrum", onset), ("noise_spectrum", onset - length)):
            if self.units not in wood_anderson.ORDERS:
                columns[name] = [None] * len(motion)
                continue
            window = slice(begin, begin + length)
            found = spectra.displacement(motion[:, window], self.rate_hz, self.units)
            found[~valid[:, window].all(axis=1)] = np.nan
            columns[name] = list(found.astype(np.float32))
        return columns

    def _filtered(self, data: np.ndarray, band: tuple[float, float | None]) -> np.ndarray:
        low, high = band
        if low >= 0.4 * self.rate_hz:
            return np.full_like(data, np.nan)
        sections = recursive_filters.sections(low, high, self.rate_hz)
        return recursive_filters.filtered(sections, data)

    def _binned(self, windows: np.ndarray) -> np.ndarray:
        """The bins of windows, shape (onsets, bins, samples of a bin)."""
        start = self.samples(_MEMORY_S)
        length = self.samples(self.rules.bin_s)
        inner = windows[:, start : start + self.bins * length]
        return inner.reshape(len(windows), self.bins, length)

    def _unspoilt(self, valid: np.ndarray) -> np.ndarray:
        """Whether all samples that a bin depends on are there, shape (onsets, bins)."""
        if valid.all():
            return np.ones((len(valid), self.bins), dtype=bool)
        per_bin = self.samples(self.rules.bin_s)
        span = self.samples(_MEMORY_S) + per_bin + self.samples(_AHEAD_S)
        lacking = np.zeros((len(valid), valid.shape[1] + 1), dtype=np.int32)
        np.cumsum(~valid, axis=1, out=lacking[:, 1:])
        first = np.arange(self.bins) * per_bin
        return np.asarray(lacking[:, first + span] == lacking[:, first])


@lru_cache(maxsize=16)
def _wood_anderson(rate_hz: float, units: str) -> np.ndarray:
    return wood_anderson.kernel(rate_hz, units)


def _centred(motion: np.ndarray, valid: np.ndarray) -> np.ndarray:
    """Motion without the mean of its valid samples, float64; zero where samples are missing."""
    if valid.all():
        return np.asarray(motion - motion.mean(axis=1, keepdims=True, dtype=float))
    n = np.maximum(valid.sum(axis=1, keepdims=True), 1)
    mean = np.where(valid, motion, 0.0).sum(axis=1, keepdims=True, dtype=float) / n
    return np.asarray(np.where(valid, motion - mean, 0.0))
