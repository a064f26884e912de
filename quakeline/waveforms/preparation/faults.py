"""Faults of the raw samples of a channel: found, mended where that is safe, and said."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import numpy as np

from quakeline.core.clock import drift_notes
from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND, first_sample
from quakeline.signal.gaps import runs_of
from quakeline.signal.quality import clipped, glitches, idle, integral, jumps
from quakeline.signal.segments import Segment

#: Equal samples in a row for so long are no signal: a filled gap, or a sensor that is off.
_CONSTANT_S = 5.0
#: Clipped samples spoil amplitudes this far around them, in seconds.
CLIPPED_GUARD_S = 1.0
#: Pieces that lie a part of a sample off the times that the last one leads to.
_SLIP_SAMPLES = 1.5
#: Slips below this, in seconds, round off in headers.
_SLIP_S = 0.0002


@dataclass
class Faults:
    """What was found: notes, times of clipped samples in ns, (m, 2), why it cannot be used."""

    notes: list[Reason] = field(default_factory=list)
    clipped_ns: np.ndarray = field(default_factory=lambda: np.zeros((0, 2), dtype=np.int64))
    unused: Reason | None = None

    def clipped(self, start: int, rate_hz: float) -> np.ndarray:
        """Runs of grid samples, counted from `start`, with a guard around clipped ones, (m, 2)."""
        guard = round(CLIPPED_GUARD_S * SECOND)
        runs = [
            (
                first_sample(begin - guard, rate_hz) - start,
                first_sample(end + guard, rate_hz) - start,
            )
            for begin, end in self.clipped_ns.tolist()
        ]
        return np.array(runs, dtype=np.int64).reshape(-1, 2)


def mended(
    segments: Sequence[Segment], spikes: bool = True, whole: bool | None = None
) -> tuple[list[Segment], Faults]:
    """Bridge spikes of one sample by a line, if asked to; everything else stays, and is noted.

    Clipped samples stay: a large event is no gap. `whole` says whether the channel gives counts,
    whole numbers; None: as these segments say.
    """
    faults, result = Faults(), []
    lone = steps = short = 0
    clipped_s = constant_s = 0.0
    runs_ns: list[np.ndarray] = []
    if whole is None:
        whole = all(integral(one.samples) for one in segments)
    for segment in segments:
        samples, rate = segment.samples, segment.rate_hz
        alone, levels = jumps(samples, whole)
        lone, steps = lone + len(alone), steps + len(levels)
        short += len(glitches(samples, whole))
        result.append(_bridged(segment, alone) if spikes and len(alone) else segment)
        runs = clipped(samples, rate, whole)
        clipped_s += float((runs[:, 1] - runs[:, 0]).sum()) / rate
        runs_ns.append(segment.start_ns + np.round(runs * (SECOND / rate)).astype(np.int64))
        constant_s += _constant_s(samples, rate)
    faults.clipped_ns = np.concatenate(runs_ns) if runs_ns else faults.clipped_ns
    low, high = _extremes(segments)
    found = (
        (lone, Reason.of(Code.SPIKES_BRIDGED if spikes else Code.SPIKES, lone)),
        (short, Reason.of(Code.GLITCHES, short)),
        (steps, Reason.of(Code.STEPS, steps)),
        (clipped_s, Reason.of(Code.CLIPPED, seconds=clipped_s)),
        (constant_s * (low < high), Reason.of(Code.CONSTANT, seconds=constant_s)),
    )
    faults.notes = [note for much, note in found if much]
    faults.notes += _slips(segments) + drift_notes(segment.clock for segment in segments)
    if idle(low, high, whole):
        faults.unused = Reason.of(Code.IDLE, low=low, high=high)
    return result, faults


def _bridged(segment: Segment, alone: np.ndarray) -> Segment:
    samples = segment.samples.astype(float)
    samples[alone] = (samples[alone - 1] + samples[alone + 1]) / 2
    return replace(segment, samples=samples)


def _constant_s(samples: np.ndarray, rate_hz: float) -> float:
    """Seconds of equal samples in runs of `_CONSTANT_S` or more."""
    step = max(round(_CONSTANT_S * rate_hz) // 2, 1)
    at = np.arange(0, len(samples) - step, step)
    equal = (samples[at] == samples[at + step]) & (samples[at] == samples[at + 1])
    if not equal.any():  # a long run has two of these samples
        return 0.0
    runs = runs_of(samples[1:] == samples[:-1])
    lengths = runs[:, 1] - runs[:, 0]
    return float(lengths[lengths >= _CONSTANT_S * rate_hz].sum()) / rate_hz


def _slips(segments: Sequence[Segment]) -> list[Reason]:
    """A note on gaps and overlaps of about a sample: corrections of a clock."""
    slips = []
    for one, other in pairwise(segments):
        late_s = (other.start_ns - one.end_ns) / SECOND
        if one.rate_hz == other.rate_hz and _SLIP_S < abs(late_s) < _SLIP_SAMPLES / one.rate_hz:
            slips.append(late_s)
    if not slips:
        return []
    largest, total = 1000 * max(map(abs, slips)), 1000 * sum(slips)
    return [Reason.of(Code.CLOCK_SLIPS, len(slips), largest_ms=largest, total_ms=total)]


def _extremes(segments: Sequence[Segment]) -> tuple[float, float]:
    """Smallest and largest sample; equal where all are one value, or there are none."""
    filled = [one.samples for one in segments if len(one.samples)]
    if not filled:
        return 0.0, 0.0
    return min(float(one.min()) for one in filled), max(float(one.max()) for one in filled)
