"""Probabilities to rows of the PICKS table, block by block: memory does not grow with time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND, Span, isos, sample_time
from quakeline.inference.waveforms import Waveforms
from quakeline.io.products import stores, tables
from quakeline.io.products.curves import Curves
from quakeline.models.cards import GAP_REACH_S
from quakeline.picking.settings import Settings
from quakeline.signal.amplitude import peak_amplitude, snr_db
from quakeline.signal.gaps import distance_to_edge
from quakeline.signal.peaks import find_peaks, highest_apart, normal_fits

_FIT_REACH_S = 1.0
_BLOCK_SAMPLES = 360_000
_AT_ONCE = 2_000

#: The rule archive-scan: one pick within so many seconds, in chunks of so many seconds, and the
#: half length of the means that are compared.
_APART_S, _SCAN_S, _LEAD_S = 100.0, 600, 1.0
#: A column of that rule, gone in finished tables.
_LEADS = "_leads"

#: Runs [first, end) of samples.
Clipped = Sequence[Sequence[int]] | np.ndarray


@dataclass(frozen=True)
class Origin:
    """What made the probabilities: network, digest of its weights, its phases, rate in Hz."""

    model: str
    weights_id: str
    phases: list[str]
    rate_hz: float


@dataclass(frozen=True)
class Samples:
    """Arrays whose last axis begins at the absolute sample `start`; zero outside."""

    values: Any
    start: int

    def cut(self, first: int, last: int) -> np.ndarray:
        """Samples [first, last)."""
        n = self.values.shape[-1]
        lo, hi = max(first - self.start, 0), min(last - self.start, n)
        block = np.zeros((*self.values.shape[:-1], last - first), dtype=self.values.dtype)
        if lo < hi:
            at = lo + self.start - first
            block[..., at : at + hi - lo] = self.values[..., lo:hi]
        return block


@dataclass(frozen=True)
class BlockPicker:
    """Makes picks of one instrument from a block of its curves and waveforms."""

    rules: Settings
    origin: Origin
    components: list[str]

    @property
    def context(self) -> int:
        """Samples on both sides of a block that its picks depend on."""
        rules = self.rules
        seconds = max(
            GAP_REACH_S, rules.noise_s[0], rules.signal_s, rules.min_distance_s, _FIT_REACH_S
        )
        return self._samples(seconds) + 1

    def pick(
        self, label: str, units: str, first: int, curves: np.ndarray, motion: np.ndarray,
        valid: np.ndarray, clipped: Clipped = (),
    ) -> pd.DataFrame:  # fmt: skip
        """Picks whose onset lies in the block.

        Parameters
        ----------
        label
            "NET.STA.LOC.BI" of the instrument.
        units
            "m/s" where the response was removed; amplitudes of anything else are not given.
        first
            Absolute index of the block's first sample.
        curves
            Probabilities, (phases, n), with `context` samples on both sides of the block.
        motion, valid
            Waveforms and mask of the same samples, (components, n).
        clipped
            Runs [first, end) of samples since 1970 on which no amplitude is measured, in order.
        """
        parts = []
        for row, phase in enumerate(self.origin.phases):
            peaks, gaps = self._peaks(curves[row], phase, valid)
            for at in range(0, len(peaks), _AT_ONCE):
                some, near = peaks[at : at + _AT_ONCE], gaps[at : at + _AT_ONCE]
                part = self._part(row, phase, some, curves, motion, valid)
                part["gap_distance_s"] = np.where(near <= GAP_REACH_S, near, np.nan)
                if units == "m/s":
                    length = self._samples(self.rules.signal_s)
                    amplitude = peak_amplitude(motion, valid, some, length)
                    begin = first - self.context + some
                    amplitude[touching(clipped, begin, begin + length)] = np.nan
                    part["amplitude_m_s"] = amplitude
                parts.append(part)
        if not parts:
            return tables.empty(PICKS)
        columns = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return self._frame(label, first - self.context, columns)

    def _part(
        self, row: int, phase: str, peaks: np.ndarray, curves: np.ndarray, motion: np.ndarray,
        valid: np.ndarray,
    ) -> dict[str, np.ndarray]:  # fmt: skip
        """Columns of the peaks of one phase, and their positions as `at`."""
        fits = normal_fits(curves[row], peaks, self._samples(_FIT_REACH_S))
        part = {
            "at": peaks,
            "phase": np.full(len(peaks), phase),
            "probability": np.minimum(curves[row][peaks], 1.0),
            "time_sigma_s": fits.sigma / self.origin.rate_hz,
            "fit_offset_s": fits.offset / self.origin.rate_hz,
            "fit_height": fits.height,
            "fit_residual": fits.residual,
            "snr_db": self._snr(motion, valid, peaks, phase),
            "amplitude_m_s": np.full(len(peaks), np.nan),
        }
        if self.rules.rule == "archive-scan":
            part[_LEADS] = self._leads(curves, row, peaks)
        return part

    def _samples(self, seconds: float) -> int:
        return round(seconds * self.origin.rate_hz)

    def _peaks(
        self, curve: np.ndarray, phase: str, valid: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Positions of the peaks that become picks, and seconds to the nearest gap of each."""
        distance = max(self._samples(self.rules.min_distance_s), 1)
        found = find_peaks(curve, self.rules.thresholds[phase], distance)
        found = found[(found >= self.context) & (found < len(curve) - self.context)]
        gaps = distance_to_edge(valid, found) / self.origin.rate_hz
        usable = valid[:, found].any(axis=0) & (gaps >= self.rules.gap_guard_s)
        return found[usable], gaps[usable]

    def _leads(self, curves: np.ndarray, row: int, peaks: np.ndarray) -> np.ndarray:
        """Whether a phase has the largest mean of all classes around each of its peaks."""
        rest = np.maximum(1 - curves.sum(axis=0, keepdims=True), 0)
        sums = np.pad(np.cumsum([*curves, *rest], axis=1, dtype=np.float64), ((0, 0), (1, 0)))
        half = self._samples(_LEAD_S)
        means = sums[:, peaks + half] - sums[:, peaks - half]
        return np.asarray(means[row] >= means.max(axis=0))

    def _snr(
        self, motion: np.ndarray, valid: np.ndarray, peaks: np.ndarray, phase: str
    ) -> np.ndarray:
        """SNR on the phase's own components (Z for P, horizontals for S), else on all."""
        vertical = np.array([name == "Z" for name in self.components])
        own = vertical if phase == "P" else ~vertical
        noise = (self._samples(self.rules.noise_s[0]), self._samples(self.rules.noise_s[1]))
        signal = self._samples(self.rules.signal_s)
        ratio = snr_db(motion[own], valid[own], peaks, noise, signal)
        missing = np.isnan(ratio)
        ratio[missing] = snr_db(motion, valid, peaks[missing], noise, signal)
        return ratio

    def _frame(self, label: str, start: int, columns: dict[str, np.ndarray]) -> pd.DataFrame:
        """The rows of picks at positions `at`, counted from the sample `start`."""
        network, station, location, instrument = label.split(".")
        samples, phases = (start + columns.pop("at")).tolist(), columns.pop("phase").tolist()
        times = [sample_time(sample, self.origin.rate_hz) for sample in samples]
        texts = isos(times)
        return pd.DataFrame(
            {
                "pick_id": [f"{label}/{p}/{text}" for p, text in zip(phases, texts, strict=True)],
                "source": "waveform",
                "network": network,
                "station": station,
                "location": location,
                "instrument": instrument,
                "phase": phases,
                "time": pd.to_datetime(np.array(times, dtype=np.int64), unit="ns", utc=True),
                "model": self.origin.model,
                "weights_id": self.origin.weights_id,
                **columns,
            }
        )


def touching(runs: Clipped, begin: np.ndarray, end: np.ndarray) -> np.ndarray:
    """Whether each of the windows [begin, end) holds a sample of sorted, separate runs."""
    limits = np.asarray(runs, dtype=np.int64).reshape(-1, 2)
    ended = np.searchsorted(limits[:, 1], begin, side="right")
    started = np.searchsorted(limits[:, 0], end, side="left")
    return np.asarray(started > ended)


def joined(frames: list[pd.DataFrame], span: Span | None = None) -> pd.DataFrame:
    """All picks sorted by time, those outside the span left out; an empty table without any."""
    filled = [frame for frame in frames if len(frame)]
    if not filled:
        return tables.empty(PICKS)
    picks = pd.concat(filled, ignore_index=True)
    if _LEADS in picks:
        picks = _scanned(picks)
    if span:
        times = picks["time"].astype("int64")
        picks = picks[(times >= span.start_ns) & (times < span.end_ns)]
    return picks.sort_values(["time", "pick_id"], ignore_index=True)


def _scanned(picks: pd.DataFrame) -> pd.DataFrame:
    """The picks that the rule archive-scan leaves."""
    times = picks["time"].astype("int64")
    picks = picks.assign(_chunk=times // (_SCAN_S * SECOND)).sort_values("time", kind="stable")
    where = ["network", "station", "location", "instrument", "phase", "_chunk"]
    stay = [
        group.index[
            highest_apart(
                group["time"].astype("int64").to_numpy(),
                group["probability"].to_numpy(),
                _APART_S * SECOND,
            )
        ]
        for _, group in picks.groupby(where, sort=False)
    ]
    picks = picks.loc[np.concatenate(stay)]
    return picks[picks[_LEADS]].drop(columns=[_LEADS, "_chunk"])


def picks_of_curves(curves: Curves, motion: Any, rules: Settings, span: Span) -> pd.DataFrame:
    """Picks of a chunk from its probabilities and its store of waveforms (WAVEFORMS).

    Curves are read once, from the first instrument to the last and forward in time, so they may
    come from the network at that moment. Phases without a threshold in `rules` (the section `pick`)
    have that of the network's weights.
    """
    grid = curves.grid
    thresholds = {**curves.thresholds, **rules.thresholds}
    picker = BlockPicker(
        rules.model_copy(update={"thresholds": thresholds}),
        Origin(curves.model, curves.weights_id, curves.classes, grid.rate_hz),
        stores.labels_of(motion, "components"),
    )
    motion_start = stores.grid_of(motion).start_sample
    frames = []
    for index, label in enumerate(curves.instruments):
        units = str(motion.attrs["units"].get(label, "counts"))
        clipped = motion.attrs.get("clipped", {}).get(label, ())
        for first, last in _blocks(span, grid):
            wide = (first - picker.context, last + picker.context)
            curve, waves, mask = (
                Samples(_Row(array, index), start).cut(*wide)
                for array, start in (
                    (curves.probability, grid.start_sample),
                    (motion["data"], motion_start),
                    (motion["valid"], motion_start),
                )
            )
            frames.append(picker.pick(label, units, first, curve, waves, mask, clipped))
    return joined(frames, span)


class PickStream:
    """Makes picks while curves come in, piece by piece: no probabilities are stored.

    `waveforms` gives samples and mask of an instrument in the order of the picker's components;
    `labels`, `units` and `clipped` describe the instruments, as in the store WAVEFORMS; the last
    two may be filled while an instrument is read.
    """

    def __init__(
        self, picker: BlockPicker, waveforms: Waveforms, labels: list[str], units: dict[str, str],
        clipped: Mapping[str, Clipped] | None = None,
    ) -> None:  # fmt: skip
        self._picker, self._waveforms = picker, waveforms
        self._labels, self._units = labels, units
        self._clipped = {} if clipped is None else clipped
        self._instrument, self._first = -1, 0
        self._held = np.zeros((0, 0), dtype=np.float32)
        self.frames: list[pd.DataFrame] = []

    def add(self, instrument: int, start: int, curves: np.ndarray) -> None:
        """Take a piece (phases, n) that follows the last one of its instrument."""
        if instrument != self._instrument:
            self.close()
            self._instrument, self._first = instrument, start
            self._held = np.zeros((len(curves), self._picker.context), dtype=np.float32)
        self._held = np.concatenate([self._held, curves], axis=1)
        while self._held.shape[1] >= _BLOCK_SAMPLES + 2 * self._picker.context:
            self._make(_BLOCK_SAMPLES)

    def close(self) -> None:
        """Make the picks of what is still held; the curve ends there."""
        n = self._held.shape[1] - self._picker.context
        if n > 0:
            self._held = np.pad(self._held, ((0, 0), (0, self._picker.context)))
            self._make(n)
        self._held = self._held[:, :0]

    def _make(self, n: int) -> None:
        context = self._picker.context
        wide = self._first - context, self._first + n + context
        motion, valid = self._waveforms.read(self._instrument, *wide)
        label = self._labels[self._instrument]
        curves = self._held[:, : n + 2 * context]
        units = self._units.get(label, "counts")
        clipped = self._clipped.get(label, ())
        picks = self._picker.pick(label, units, self._first, curves, motion, valid, clipped)
        if len(picks):  # an empty table takes 40 kB
            self.frames.append(picks)
        self._held = self._held[:, n:]
        self._first += n


@dataclass(frozen=True)
class _Row:
    """One entry of the first dimension of a Zarr array, read only where it is sliced."""

    array: Any
    index: int

    @property
    def shape(self) -> tuple[int, ...]:
        return tuple(self.array.shape[1:])

    @property
    def dtype(self) -> Any:
        return self.array.dtype

    def __getitem__(self, key: Any) -> np.ndarray:
        return np.asarray(self.array[(self.index, *key)])


def _blocks(span: Span, grid: stores.Grid) -> Iterator[tuple[int, int]]:
    """Blocks of samples that cover the span, as far as the grid does."""
    first = max(int(span.start_ns * grid.rate_hz / SECOND) - 1, grid.start_sample)
    last = min(int(span.end_ns * grid.rate_hz / SECOND) + 2, grid.start_sample + grid.n_samples)
    for start in range(first, last, _BLOCK_SAMPLES):
        yield start, min(start + _BLOCK_SAMPLES, last)
