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
#: Motion is shown between these frequencies in Hz, of which the first samples are for the filter.
BAND_HZ = (1.0, 10.0)
_WARM_UP_S = 10.0
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

        `z` is motion of the first component with data between `BAND_HZ`, each point that of the
        largest size; `P` and `S` are probabilities, each point the largest.
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
        shown = samples[first - start :][: n * step]
        if name == "z":
            shown = in_band(samples[: first - start + n * step], first - start, rate_hz)
        rows = shown.reshape(n, step)
        largest = np.take_along_axis(rows, np.abs(rows).argmax(axis=1)[:, None], axis=1)[:, 0]
        values = [float(f"{value:.3g}") for value in np.nan_to_num(largest).tolist()]
        return {
            "at": sample_time(first, rate_hz) / SECOND,
            "step": step / rate_hz,
            "values": values,
        }


def in_band(samples: np.ndarray, first: int, rate_hz: float) -> np.ndarray:
    """Samples (n,) from the first on between `BAND_HZ`, by a causal Butterworth filter.

    Some samples before the first one bring the filter to rest.
    """
    from scipy.signal import sosfilt

    begin = max(first - round(_WARM_UP_S * rate_hz), 0)
    part = samples[begin:].astype(float)
    if not len(part):
        return part
    filtered: np.ndarray = sosfilt(_sections(rate_hz), part - part[0])
    return filtered[first - begin :]


@lru_cache
def _sections(rate_hz: float) -> np.ndarray:
    """Second-order sections of the filter; where the rate is too low a high-pass alone."""
    from scipy.signal import butter

    low, high = BAND_HZ
    if high < 0.45 * rate_hz:
        return np.asarray(butter(2, [low, high], "bandpass", fs=rate_hz, output="sos"))
    corner = min(low, 0.2 * rate_hz)
    return np.asarray(butter(2, corner, "highpass", fs=rate_hz, output="sos"))
