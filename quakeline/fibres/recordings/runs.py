"""Files of a fibre that follow each other, as one virtual array with a clock."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from quakeline.core.clock import STEP, Clock, follows
from quakeline.core.timeline import SECOND
from quakeline.fibres.recordings import xdas_core as xdas
from quakeline.fibres.recordings.files import Stretch
from quakeline.fibres.recordings.joining import joined
from quakeline.fibres.recordings.leaps import shortened, without_leap_seconds
from quakeline.fibres.recordings.virtual_files import Members

#: Of a file whose own rate is not that of the run a time is taken so often, in seconds.
_EVERY_S = 30.0
#: Rates of files that follow each other differ by less than this share.
_MEASURED_RATE = 0.005


@dataclass(frozen=True)
class Run:
    """Stretches that follow each other without a gap: one virtual array (time, distance).

    `clock` says when its samples were taken; the start of every file is known.
    """

    array: xdas.DataArray
    clock: Clock

    @property
    def rate_hz(self) -> float:
        """The rate that the first file states."""
        return self.clock.rate_hz

    @property
    def start_ns(self) -> int:
        """Time of the first sample."""
        return self.clock.time_ns(0)

    @property
    def end_ns(self) -> int:
        """Time of the last sample."""
        return self.clock.time_ns(self.n_samples - 1)

    @property
    def n_samples(self) -> int:
        """Samples of each channel."""
        return int(self.array.sizes["time"])

    @cached_property
    def members(self) -> Members:
        """Its samples, read file by file."""
        return Members(self.array.data, self.array.dims.index("time"))


def runs(parts: list[Stretch]) -> list[Run]:
    """Join stretches to gapless runs; of overlaps the earlier samples stay.

    A step of a part of a sample between two files is no gap, nor is a clock that drifts: times
    follow the starts of the files (`quakeline.core.clock`), and leap seconds are left out
    (`quakeline.fibres.recordings.leaps`).
    """
    ordered = without_leap_seconds(parts)
    direct = _direct(ordered)
    groups: list[list[Stretch]] = []
    last = -1
    for number, part in enumerate(ordered):
        before = groups[-1][-1] if groups else None
        led = number in direct and last == number - 1
        if before and part.start_ns < before.end_ns and not led:
            skip = int(np.ceil((before.end_ns - part.start_ns) * part.rate_hz / SECOND - STEP))
            part = shortened(part, skip)
            if part.n_samples < 1:
                continue
        if before and _alike(part, before) and (led or _close(part, before)):
            groups[-1].append(part)
        else:
            groups.append([part])
        last = number
    return [Run(joined([part.array for part in group]), _clock(group)) for group in groups]


def _direct(ordered: Sequence[Stretch]) -> set[int]:
    """Numbers of stretches that follow the one before, by the starts of several in a row."""
    found: set[int] = set()
    for rate in {part.rate_hz for part in ordered}:
        own = [n for n, part in enumerate(ordered) if part.rate_hz == rate]
        starts = np.array([ordered[n].start_ns for n in own], np.int64)
        counts = np.array([ordered[n].n_samples for n in own], np.int64)
        joints = follows(starts, counts, rate).tolist()
        pairs = zip(own, own[1:], joints, strict=False)
        found.update(other for one, other, joint in pairs if joint and other == one + 1)
    return found


def _alike(part: Stretch, before: Stretch) -> bool:
    """Whether two stretches can be one array.

    Rates that are measured, as Terra15's from GPS times, differ between short files.
    """
    same = part.array.dtype == before.array.dtype and part.engine == before.engine
    rates = abs(part.rate_hz / before.rate_hz - 1) <= _MEASURED_RATE
    return same and rates and part.array.dims == before.array.dims


def _close(part: Stretch, before: Stretch) -> bool:
    return abs(part.start_ns - before.end_ns) * part.rate_hz / SECOND <= STEP


def _clock(group: Sequence[Stretch]) -> Clock:
    """The clock of stretches that follow each other, at the rate of the first."""
    rate = group[0].rate_hz
    rows = [row for part in group for row in _known(part, rate)]
    starts, counts = np.array(rows, np.int64).T
    return Clock.of(starts, counts, rate)


def _known(part: Stretch, rate_hz: float) -> list[tuple[int, int]]:
    """Times in a stretch, each with the number of samples up to the next one."""
    n = part.n_samples
    if part.known is not None:
        counts = np.diff(np.append(part.known[:, 0], n))
        return list(zip(part.known[:, 1].tolist(), counts.tolist(), strict=True))
    if part.rate_hz == rate_hz:
        return [(part.start_ns, n)]
    firsts = np.append(np.arange(0, n, max(round(_EVERY_S * part.rate_hz), 1)), n)
    times = part.start_ns + np.round(firsts * (SECOND / part.rate_hz)).astype(np.int64)
    return list(zip(times[:-1].tolist(), np.diff(firsts).tolist(), strict=True))
