"""Peaks of stored probabilities to rows of the PICKS table."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.io import stores, tables
from quakeline.models.cards import CARDS
from quakeline.schemas import PICKS
from quakeline.signal.amplitude import peak_amplitude, snr_db
from quakeline.signal.gaps import distance_to_edge
from quakeline.signal.peaks import find_peaks, gaussian_sigma
from quakeline.timeline import Span, iso, sample_time

_FIT_REACH_S = 1.0


@dataclass(frozen=True)
class Picker:
    """Picks of one chunk from its stores of probabilities and waveforms.

    The other fields are those of the section `pick` of the configuration.
    """

    span: Span
    curves: Any
    motion: Any
    thresholds: dict[str, float]
    min_distance_s: float
    gap_guard_s: float
    noise_s: tuple[float, float]
    signal_s: float

    def picks(self) -> pd.DataFrame:
        """All picks of the chunk, sorted by time; an empty table where there are none."""
        frames = [
            self._instrument(index, label)
            for index, label in enumerate(stores.labels_of(self.curves, "instruments"))
        ]
        filled = [frame for frame in frames if len(frame)]
        if not filled:
            return tables.empty(PICKS)
        return pd.concat(filled).sort_values(["time", "pick_id"], ignore_index=True)

    def _instrument(self, index: int, label: str) -> pd.DataFrame:
        curves = self.curves["probability"][index]
        grid = stores.grid_of(self.curves)
        offset = grid.start_sample - stores.grid_of(self.motion).start_sample
        data, valid = self.motion["data"][index], self.motion["valid"][index]
        rows = []
        for n, phase in enumerate(stores.labels_of(self.curves, "classes")):
            peaks = self._peaks(curves[n], phase, grid)
            gaps = distance_to_edge(valid, peaks + offset) / grid.rate_hz
            live = valid[:, peaks + offset].any(axis=0)
            for peak, gap in zip(peaks[live], gaps[live], strict=True):
                if gap >= self.gap_guard_s:
                    row = self._measure(curves[n], int(peak), phase, grid)
                    row |= self._amplitudes(data, valid, int(peak) + offset, phase, label)
                    rows.append(row | self._identity(label, phase, row["time"], float(gap)))
        return pd.DataFrame(rows)

    def _peaks(self, curve: np.ndarray, phase: str, grid: stores.Grid) -> np.ndarray:
        threshold = self.thresholds.get(phase, CARDS[self._model].thresholds[phase])
        found = find_peaks(curve, threshold, round(self.min_distance_s * grid.rate_hz))
        times = [sample_time(grid.start_sample + int(peak), grid.rate_hz) for peak in found]
        inside = [self.span.contains(time) for time in times]
        return np.asarray(found[np.array(inside, dtype=bool)], dtype=np.int64)

    @property
    def _model(self) -> str:
        return str(self.curves.attrs["model"])

    def _measure(
        self, curve: np.ndarray, peak: int, phase: str, grid: stores.Grid
    ) -> dict[str, Any]:
        sigma = gaussian_sigma(curve, peak, round(_FIT_REACH_S * grid.rate_hz))
        time_ns = sample_time(grid.start_sample + peak, grid.rate_hz)
        return {
            "time": pd.Timestamp(time_ns, unit="ns", tz="UTC"),
            "time_sigma_s": sigma / grid.rate_hz,
            "probability": min(float(curve[peak]), 1.0),
        }

    def _amplitudes(
        self, data: np.ndarray, valid: np.ndarray, onset: int, phase: str, label: str
    ) -> dict[str, Any]:
        """SNR on the phase's own components (Z for P, horizontals for S), else on all."""
        rate = stores.grid_of(self.motion).rate_hz
        own = np.array([phase == "P", phase != "P", phase != "P"])
        begin, end = (round(seconds * rate) for seconds in self.noise_s)
        signal = round(self.signal_s * rate)
        ratio = snr_db(data[own], valid[own], onset, (begin, end), signal)
        if np.isnan(ratio):
            ratio = snr_db(data, valid, onset, (begin, end), signal)
        physical = self.motion.attrs["units"].get(label) == "m/s"
        return {
            "snr_db": ratio,
            "amplitude_m_s": peak_amplitude(data, valid, onset, signal) if physical else None,
        }

    def _identity(self, label: str, phase: str, time: pd.Timestamp, gap: float) -> dict[str, Any]:
        network, station, location, instrument = label.split(".")
        margin = (
            stores.grid_of(self.curves).start_sample - stores.grid_of(self.motion).start_sample
        ) / stores.grid_of(self.motion).rate_hz
        return {
            "pick_id": f"{label}/{phase}/{iso(time.value)}",
            "source": "waveform",
            "network": network,
            "station": station,
            "location": location,
            "instrument": instrument,
            "phase": phase,
            "gap_distance_s": gap if gap <= margin else None,
            "model": self._model,
            "weights_id": str(self.curves.attrs["weights_id"]),
        }
