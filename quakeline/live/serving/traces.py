"""What instruments have prepared and computed lately, thinned for a screen."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

import numpy as np

from quakeline.core.timeline import SECOND, sample_time
from quakeline.live.instrument import Instrument

#: Points of a trace in a second, about.
_POINTS_HZ = 10.0
#: Filters of motion to choose from, by what the page calls them: lower and upper corner in Hz.
BANDS: dict[str, tuple[float | None, float | None]] = {
    "1 to 10 Hz": (1.0, 10.0),
    "raw": (None, None),
    "1 Hz and above": (1.0, None),
    "2 to 20 Hz": (2.0, 20.0),
    "0.5 to 5 Hz": (0.5, 5.0),
}
#: So much before the first sample brings a filter to rest.
_WARM_UP_S = 20.0
#: So much is told at once at most, in seconds.
_MOST_S = 60.0


class Traces:
    """Tells of each instrument what is new since it was last told of."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], int] = {}

    def again(self) -> None:
        """Tell everything that is there the next time."""
        self._told.clear()

    def new(self, instruments: Iterable[Instrument]) -> list[dict[str, Any]]:
        """New points: `at` is the time of the first one (s since 1970), `step` between them.

        `z` is motion of the first component with data, in a list one for each of `BANDS`, each
        point the value of the largest size; `P` and `S` are probabilities, each point the largest.
        """
        told = []
        for one in instruments:
            parts: dict[str, Any] = {}
            recent = one.recent()
            for name, (start, samples) in recent.items():
                made = self._thinned(one.label, name, start, samples, one.rate_hz)
                if made:
                    parts[name] = made
            if parts:
                told.append({"label": one.label, **parts})
        return told

    def _thinned(
        self, label: str, name: str, start: int, samples: np.ndarray, rate_hz: float
    ) -> dict[str, Any] | None:
        step = max(round(rate_hz / _POINTS_HZ), 1)
        end = start + len(samples)
        first = max(self._told.get((label, name), 0), start, end - round(_MOST_S * rate_hz))
        first = -(-first // step) * step
        n = (end - first) // step
        if n <= 0:
            return None
        self._told[label, name] = first + n * step
        known = samples[: first - start + n * step]
        if name == "z":
            values: list[Any] = [
                _largest(in_band(known, first - start, rate_hz, *corners), step)
                for corners in BANDS.values()
            ]
        else:
            values = _largest(known[first - start :], step)
        return {
            "at": sample_time(first, rate_hz) / SECOND,
            "step": step / rate_hz,
            "values": values,
        }


def _largest(samples: np.ndarray, step: int) -> list[float]:
    """The value of the largest size in each `step` samples, to three digits."""
    rows = samples.reshape(-1, step)
    largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)[:, 0]
    return [float(f"{value:.3g}") for value in np.nan_to_num(largest).tolist()]


def in_band(
    samples: np.ndarray, first: int, rate_hz: float, low_hz: float | None, high_hz: float | None
) -> np.ndarray:
    """Samples (n,) from the first on between two corners, by a causal Butterworth filter.

    Some samples before the first one bring the filter to rest. Without corners they are as they
    were.
    """
    sections = _sections(rate_hz, low_hz, high_hz)
    if sections is None:
        return samples[first:].astype(float)
    from scipy.signal import sosfilt

    begin = max(first - round(_WARM_UP_S * rate_hz), 0)
    part = samples[begin:].astype(float)
    if not len(part):
        return part
    filtered: np.ndarray = sosfilt(sections, part - part[0])
    return filtered[first - begin :]


@lru_cache
def _sections(rate_hz: float, low_hz: float | None, high_hz: float | None) -> np.ndarray | None:
    """Second-order sections of the filter; where the rate is too low a high-pass alone."""
    from scipy.signal import butter

    if low_hz is None:
        return None
    if high_hz is not None and high_hz < 0.45 * rate_hz:
        return np.asarray(butter(2, [low_hz, high_hz], "bandpass", fs=rate_hz, output="sos"))
    corner = min(low_hz, 0.2 * rate_hz)
    return np.asarray(butter(2, corner, "highpass", fs=rate_hz, output="sos"))
