"""SeismicTorch's functions that prepare windows, by their names; no array is changed in place.

Gauss963/SeismicTorch. Windows are (n, components, samples), one record is (components, samples).
Where its rule is unsound, as dividing by a signed maximum, that rule has a name of its own.
"""

from __future__ import annotations

from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt
import scipy.signal

#: Standard gravity, m/s2: amplitudes of two of it are no ground motion.
GRAVITY = 9.81
SMALLEST, LARGEST = 1e-8, 2.0 * GRAVITY
_LARGEST_FACTOR = 3.0
Rule = Literal["absolute", "signed"]


class Uniform(Protocol):
    """What draws random numbers: a generator of NumPy, new or old."""

    def uniform(self, low: float, high: float) -> float:
        """A number from low to high."""


def quantize(windows: np.ndarray, dtype: npt.DTypeLike = np.int16) -> np.ndarray:
    """Windows as integers that fill the range of the type; silent ones are zero."""
    most = np.abs(windows).max(axis=(1, 2), keepdims=True)
    factors = np.iinfo(np.dtype(dtype)).max / np.where(most > 0, most, 1)
    return np.asarray((windows * factors).astype(dtype))


def remove_small_amplitude(
    windows: np.ndarray, labels: np.ndarray, min_amp: float = SMALLEST
) -> tuple[np.ndarray, np.ndarray]:
    """Windows whose largest absolute value is above a limit, with their labels."""
    kept = np.abs(windows).max(axis=(1, 2)) > min_amp
    return windows[kept], labels[kept]


def remove_large_amplitude(
    windows: np.ndarray, labels: np.ndarray, max_amp: float = LARGEST
) -> tuple[np.ndarray, np.ndarray]:
    """Windows whose largest absolute value is below a limit, with their labels."""
    kept = np.abs(windows).max(axis=(1, 2)) < max_amp
    return windows[kept], labels[kept]


def detrend(samples: np.ndarray) -> np.ndarray:
    """Samples without mean and trend along the last axis."""
    return np.asarray(scipy.signal.detrend(samples, axis=-1))


def taper(samples: np.ndarray, alpha: float) -> np.ndarray:
    """Samples that rise and fall by cosines over a share `alpha` of their length, half each end."""
    return np.asarray(samples * scipy.signal.windows.tukey(samples.shape[-1], alpha))


def shift_event(
    record: np.ndarray, maxshift: float, rate: float, start: int, halfdim: int, random: Uniform
) -> np.ndarray:
    """Samples around `start`, (components, 2 halfdim), moved at random in a share `rate` of cases.

    A window that would reach beyond the record is moved into it. Raises ValueError for a record
    that is shorter than a window.
    """
    n = record.shape[-1]
    if n < 2 * halfdim:
        raise ValueError(f"a record of {n} samples has no window of {2 * halfdim}")
    if random.uniform(0, 1) < rate:
        start += int(random.uniform(-maxshift, maxshift))
    start = min(max(start, halfdim), n - halfdim)
    return record[:, start - halfdim : start + halfdim]


def adjust_amplitude_for_multichannels(record: np.ndarray) -> np.ndarray:
    """A record times the number of components over that of components with motion."""
    live = np.count_nonzero(np.abs(record).max(axis=-1))
    return record * (len(record) / live) if live else record.copy()


def scale_amplitude(record: np.ndarray, rate: float, random: Uniform) -> np.ndarray:
    """A record times 1 to 3 in a share `rate` of cases, over 1 to 3 in as many others."""
    chance = random.uniform(0, 1)
    if chance < rate:
        return record * random.uniform(1, _LARGEST_FACTOR)
    if chance < 2 * rate:
        return record / random.uniform(1, _LARGEST_FACTOR)
    return record.copy()


def normalize(windows: np.ndarray, rule: Rule = "absolute") -> np.ndarray:
    """Windows over their largest absolute value; `signed`: over their largest value, as upstream.

    The largest value of a window may be small, or negative, beside its smallest one.
    """
    values = np.abs(windows) if rule == "absolute" else windows
    most = values.max(axis=(1, 2), keepdims=True)
    return np.asarray(windows / np.where(most == 0, 1, most))
