"""Amplitudes and spectra around picks of one instrument, as soon as the motion behind is known."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quakeline.core.timeline import first_sample
from quakeline.events.measurement.amplitude_bins import Sketcher
from quakeline.events.measurement.settings import Settings
from quakeline.events.measurement.stores import sketched
from quakeline.live.preparing import Motion
from quakeline.waveforms.preparation.orientation import COMPONENTS


class Measuring:
    """Picks (PICKS) that wait until all is known that is measured around them."""

    def __init__(
        self, rules: Settings, rate_hz: float, waiting: pd.DataFrame | None = None
    ) -> None:
        self._rules, self._rate_hz = rules, rate_hz
        self.before, self._behind = Sketcher(rules, rate_hz, "counts").reach
        self._waiting: list[pd.DataFrame] = [] if waiting is None else [waiting]

    def add(self, picks: pd.DataFrame) -> None:
        """Take picks that were made."""
        self._waiting.append(picks)

    @property
    def needed(self) -> int | None:
        """The first sample on which a waiting pick depends; None: no pick waits."""
        if not self._waiting:
            return None
        return first_sample(min(map(_first_ns, self._waiting)), self._rate_hz) - 1 + self.before

    def make(self, motion: Motion, *, is_last: bool = False) -> pd.DataFrame | None:
        """What is known by now (MEASUREMENTS); None: nothing new. `is_last`: no more will come."""
        if not self._waiting:
            return None
        picks = pd.concat(self._waiting, ignore_index=True)
        at = [first_sample(time, self._rate_hz) for time in _nanoseconds(picks).tolist()]
        last = np.array(at) + self._behind
        ready = (last < motion.end) | is_last
        self._waiting = [picks[~ready]] if not ready.all() else []
        if not ready.any():
            return None
        valid = motion.valid.copy()
        for first, end in motion.clipped - motion.start:
            valid[:, max(first, 0) : max(end, 0)] = False
        return sketched(
            picks[ready],
            (motion.start, motion.data, valid),
            list(COMPONENTS),
            Sketcher(self._rules, self._rate_hz, motion.units),
        )


def _nanoseconds(picks: pd.DataFrame) -> np.ndarray:
    return np.asarray(picks["time"].astype("datetime64[ns, UTC]").astype("int64"))


def _first_ns(picks: pd.DataFrame) -> int:
    return int(_nanoseconds(picks).min())
