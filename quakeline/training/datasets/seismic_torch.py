"""SeismicTorch's data set of P, S and noise: windows of 2 s at 40 Hz of accelerometers.

Steps of Gauss963/SeismicTorch: counts to m/s2; records long and strong enough; without trend,
tapered, high-passed; behind P and S (header, or travel times) the largest vector amplitude; a
window around it, moved at random; another rate; amplitudes scaled at random; windows too small or
too large left out; over the largest value, as integers, and over it again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import scipy.signal
from pydantic import Field

from quakeline.core.errors import DataError
from quakeline.core.section import Section
from quakeline.signal.filters import butterworth, filtered
from quakeline.training.datasets import preparing
from quakeline.training.datasets.preparing import Rule
from quakeline.training.datasets.records import Dataset
from quakeline.training.datasets.writing import Writer

COMPONENTS = "ZNE"
_GAL = 0.01
_ORDER = 4


class Chain(Section):
    """The chain with what its authors chose."""

    factor: float = Field(0.01, gt=0, description="counts to m/s2")
    min_samples: int = Field(40_000, ge=1, description="shorter records are left out")
    min_pga_gal: float = Field(2.0, ge=0, description="smallest peak of the acceleration, gal")
    taper: float = Field(0.05, ge=0, le=0.5, description="share of a record tapered at each end")
    high_pass_hz: float = Field(0.5, gt=0, description="corner of the high-pass, Hz")
    search_s: float = Field(
        12.0, gt=0, description="time after an onset in which the largest amplitude is looked for"
    )
    guard_s: float = Field(1.0, ge=0, description="the search behind P ends so long before S, s")
    window_s: float = Field(2.0, gt=0, description="length of a window, s")
    rate_hz: float = Field(40.0, gt=0, description="rate of windows, Hz")
    max_shift: int = Field(80, ge=0, description="samples of a record by which a window is moved")
    shift_rate: float = Field(0.995, ge=0, le=1, description="share of windows that are moved")
    scale_rate: float = Field(
        0.3, ge=0, le=0.5, description="share of windows made larger, and of those made smaller"
    )
    min_amplitude: float = Field(
        preparing.SMALLEST, ge=0, description="windows without motion above it are left out, m/s2"
    )
    max_amplitude: float = Field(
        preparing.LARGEST, gt=0, description="windows with motion above it are left out, m/s2"
    )
    normalisation: Rule = Field(
        "absolute", description="over the largest absolute value; signed: the largest, as upstream"
    )
    quantised: bool = Field(True, description="whether windows are rounded to 16 bits on the way")
    seed: int = Field(0, ge=0, description="makes shifts and scales")


#: Why an onset gives no window.
_NO_ROOM = {
    "P": "P with an S too close behind, or at the end of the record",
    "S": "S at the end of the record",
}


@dataclass(frozen=True)
class Prepared:
    """How many windows there are by class, and records and windows left out by reason."""

    windows: Counter[str]
    left_out: Counter[str]


def write(
    dataset: Dataset, chain: Chain, folder: Path, notify: Callable[[float, float], None]
) -> Prepared:
    """Write the windows of all records of a data set in SeisBench's format.

    The onset of a window is its middle, as the class is what counts. The same records and seed give
    the same files. Raises DataError where no window is left.
    """
    done = Prepared(Counter(), Counter())
    with Writer(folder, COMPONENTS, chain.rate_hz, unit="1", measurement="acceleration") as writer:
        for row in range(len(dataset)):
            notify(row, len(dataset))
            if not any(dataset.onsets(row).values()):
                done.left_out["records without an onset"] += 1
                continue
            motion = _motion(dataset, row, chain, done.left_out)
            if motion is None:
                continue
            for kind, window in _windows(dataset, row, motion, chain, done.left_out):
                ready = _finished(window[None], chain)
                if not len(ready):
                    done.left_out["windows too small or too large"] += 1
                    continue
                writer.add(ready[0], _facts(dataset, row, kind, ready.shape[2]))
                done.windows[kind] += 1
        if not done.windows:
            said = ", ".join(f"{n} {reason}" for reason, n in done.left_out.items())
            raise DataError(f"{dataset.path} gives no windows: {said or 'no records'}")
    notify(len(dataset), len(dataset))
    return Prepared(done.windows, +done.left_out)


def _motion(dataset: Dataset, row: int, chain: Chain, left_out: Counter[str]) -> np.ndarray | None:
    """Acceleration of a record, (3, samples); None, and a reason, where it is left out."""
    record = dataset.table.iloc[row]
    data = dataset.read(row, COMPONENTS)
    if not np.isfinite(data).all():
        left_out["records without three components"] += 1
        return None
    if data.shape[1] < chain.min_samples:
        left_out["records that are too short"] += 1
        return None
    motion = preparing.detrend(data.astype(float) * chain.factor)
    if np.abs(motion).max() < chain.min_pga_gal * _GAL:
        left_out["records that are too weak"] += 1
        return None
    motion = preparing.taper(motion, 2 * chain.taper)
    sections = butterworth(chain.high_pass_hz, None, _ORDER, float(record["rate_hz"]))
    return filtered(motion, np.ones(motion.shape, bool), sections, zero_phase=False)


def _windows(
    dataset: Dataset, row: int, motion: np.ndarray, chain: Chain, left_out: Counter[str]
) -> Iterator[tuple[str, np.ndarray]]:
    """Class and samples of the windows of a record, at the rate of the chain."""
    rate = float(dataset.table["rate_hz"].iloc[row])
    half = round(chain.window_s * rate / 2)
    random = np.random.default_rng([chain.seed, row])
    for kind, middle in _middles(dataset.onsets(row), motion, chain, rate, left_out):
        window = preparing.shift_event(
            motion, chain.max_shift, chain.shift_rate, middle, half, random
        )
        window = preparing.scale_amplitude(
            _resampled(window, rate, chain), chain.scale_rate, random
        )
        yield kind, window


def _middles(
    onsets: dict[str, tuple[float, ...]],
    motion: np.ndarray,
    chain: Chain,
    rate: float,
    left_out: Counter[str],
) -> Iterator[tuple[str, int]]:
    """The largest vector amplitude behind P and S; noise well before the first onset.

    Without a P there is no noise: what comes before S may be the P. `left_out` counts onsets, and
    windows of noise, without one, by reason.
    """
    amplitude = np.sqrt((motion**2).sum(axis=0))
    half, guard = round(chain.window_s * rate / 2), round(chain.guard_s * rate)
    first_s = min(onsets["S"], default=float("inf"))
    for kind in ("P", "S"):
        for onset in onsets[kind][:1]:
            end = onset + chain.search_s * rate
            end = min(end, first_s - guard) if kind == "P" and first_s > onset else end
            begin, stop = max(int(onset), 0), min(int(end), len(amplitude))
            if begin < stop:
                yield kind, begin + int(amplitude[begin:stop].argmax())
            else:
                left_out[_NO_ROOM[kind]] += 1
        left_out["onsets behind the first one of their phase"] += len(onsets[kind][1:])
    if not onsets["P"]:
        left_out["windows of noise: the record has no P"] += 1
        return
    first = min(*onsets["P"], first_s)
    room = int(first) - guard - half - chain.max_shift
    if room > half:
        yield "N", (half + room) // 2
    else:
        left_out["windows of noise: too little before the first onset"] += 1


def _resampled(window: np.ndarray, rate_hz: float, chain: Chain) -> np.ndarray:
    ratio = Fraction(chain.rate_hz / rate_hz).limit_denominator(1000)
    if ratio == 1:
        return window
    made = scipy.signal.resample_poly(
        window, ratio.numerator, ratio.denominator, axis=-1, padtype="line"
    )
    return np.asarray(made[:, : round(chain.window_s * chain.rate_hz)])


def _finished(windows: np.ndarray, chain: Chain) -> np.ndarray:
    """Windows with a usable amplitude, normalised; those of one record or of many."""
    labels = np.zeros(len(windows))
    kept, labels = preparing.remove_small_amplitude(windows, labels, chain.min_amplitude)
    kept, _ = preparing.remove_large_amplitude(kept, labels, chain.max_amplitude)
    kept = preparing.normalize(kept, chain.normalisation)
    if chain.quantised:
        kept = preparing.normalize(preparing.quantize(kept).astype(float), chain.normalisation)
    return np.asarray(kept, np.float32)


def _facts(dataset: Dataset, row: int, kind: str, n: int) -> dict[str, object]:
    record = dataset.table.iloc[row]
    network, station, location = [*str(record["station"]).split("."), "", ""][:3]
    return {
        "source_id": record["event"],
        "station_network_code": network,
        "station_code": station,
        "station_location_code": location,
        "trace_start_time": record["start"],
        "trace_category": "noise" if kind == "N" else "earthquake",
        "split": record["split"],
        **{
            f"trace_{phase}_arrival_sample": n // 2 if phase == kind else None
            for phase in ("P", "S")
        },
    }
