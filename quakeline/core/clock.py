"""When samples were taken, where a clock does not keep the rate that headers name.

The start of every piece (a record, a file, a trace) is a time that is known. Between the starts of
pieces that follow each other the samples are spread evenly, so that a true rate of 99.95 Hz under
a header of 100 Hz shifts nothing. All rules are local, within `REACH_S` of a sample: times do not
depend on where reading began.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND

#: A step of less than this, in samples, between two pieces is the clock's and no gap.
STEP = 0.5
#: Longer pieces keep the header's rate, as what follows them may not be at hand, in seconds.
_LONGEST_S = 60.5
#: Starts are compared within whole multiples of this since 1970, in seconds.
_BLOCK_S = 60
#: Times may depend on pieces this far away, in seconds.
REACH_S = 120.0
#: Starts that differ by less than a share of a sample are the same, ...
_ALIGNMENT = 0.01
#: ... or by what rounds off in headers, in seconds, but at most a quarter of a sample.
_ALIGNMENT_S = 0.0002
#: No clock is worse; steps of long pieces in a row that are in proportion to them are its work.
_WORST = 0.002
#: Rates that differ by a smaller share are one rate, as in libmseed.
_SAME_RATE = 1e-4
#: Places of samples that differ by less are the same.
EVEN = 1 / 8192
#: Times are known to the nanosecond: deviations below this, in samples, are none.
_EXACT = 2e-6
#: Deviations from the header's rate beyond this, in samples, are a drift worth a remark.
_TOLD = 0.1


def tolerance(rate_hz: float) -> float:
    """By how much of a sample times may differ that are meant to be the same."""
    return max(_ALIGNMENT, min(_ALIGNMENT_S * rate_hz, 0.25))


def same_rate(one_hz: float, other_hz: float) -> bool:
    """Whether two rates are one, apart from what is measured or rounded off."""
    return abs(one_hz - other_hz) <= _SAME_RATE * other_hz


def steps(starts_ns: np.ndarray, counts: np.ndarray, rate_hz: float) -> np.ndarray:
    """How late each piece but the first begins behind the end of the one before, in samples.

    `starts_ns` and `counts` (samples) are those of m pieces in order of time; shape (m - 1,).
    """
    return np.asarray(np.diff(starts_ns) * (rate_hz / SECOND) - counts[:-1])


def follows(starts_ns: np.ndarray, counts: np.ndarray, rate_hz: float) -> np.ndarray:
    """Whether each piece but the first follows the one before without a gap, shape (m - 1,).

    A step of less than half a sample is no gap. Neither is a longer one behind a long piece if the
    step before or after it is as long in proportion: one lost sample has no such neighbour.
    """
    late = steps(starts_ns, counts, rate_hz)
    n = counts[:-1]
    near = (np.abs(late) <= _WORST * n + STEP) & (n <= _LONGEST_S * rate_hz)
    share = np.where(near, late / np.maximum(n, 1), np.nan)
    alike = np.zeros(len(late), bool)
    for neighbour in (np.r_[np.nan, share[:-1]], np.r_[share[1:], np.nan]):
        alike |= np.abs(late - neighbour * n) < STEP  # never where there is none
    return np.asarray((np.abs(late) < STEP) | (near & alike))


@dataclass(frozen=True, eq=False)
class Clock:
    """Times of samples that are counted from 0.

    They are known at the samples `at` (int64, rising, perhaps outside of what there is) as
    `times_ns`, lie evenly between these, and at the header's rate beyond them.
    """

    rate_hz: float
    at: np.ndarray
    times_ns: np.ndarray

    @classmethod
    def of(cls, starts_ns: np.ndarray, counts: np.ndarray, rate_hz: float) -> Clock:
        """The clock of pieces that follow each other; their samples are counted from the first.

        Starts that jitter by what rounds off in headers count as one within each minute.
        """
        first = np.cumsum(counts) - counts
        late = (starts_ns - starts_ns[0]) * (rate_hz / SECOND) - first
        late = _steadied(late, starts_ns, rate_hz)
        long = counts > _LONGEST_S * rate_hz
        long[-1] = False  # nothing follows
        at = np.concatenate([first, (first + counts - 1)[long]])
        late = np.concatenate([late, late[long]])
        order = np.argsort(at, kind="stable")
        at, late = _ended(at[order], late[order], int(counts.sum()), rate_hz)
        kept = _bends(at, late)
        times = starts_ns[0] + np.round((at + late)[kept] * (SECOND / rate_hz)).astype(np.int64)
        return cls(rate_hz, at[kept], times)

    @property
    def late(self) -> np.ndarray:
        """How late the known times are against the first one and the header's rate, in samples."""
        lasted = (self.times_ns - self.times_ns[0]) * (self.rate_hz / SECOND)
        return np.asarray(lasted - (self.at - self.at[0]))

    @property
    def even(self) -> bool:
        """Whether the header's rate holds throughout."""
        return len(self.at) < 2 or bool(np.ptp(self.late) <= _EXACT)

    def time_ns(self, index: int) -> int:
        """Time of a sample."""
        near = max(int(np.searchsorted(self.at, index, "right")) - 1, 0)
        at, time = int(self.at[near]), int(self.times_ns[near])
        if index < at or near + 1 == len(self.at):
            return time + round((index - at) * SECOND / self.rate_hz)
        lasted = int(self.times_ns[near + 1]) - time
        return time + round((index - at) * lasted / (int(self.at[near + 1]) - at))

    def places(self, times_ns: np.ndarray, since_ns: int) -> np.ndarray:
        """Where times lie among the samples, in samples; `times_ns` count from `since_ns`."""
        known = (self.times_ns - since_ns).astype(float)
        # what is interpolated is small, so that places are exact where the rate holds
        nominal = (times_ns - known[0]) * (self.rate_hz / SECOND) + self.at[0]
        return np.asarray(nominal - np.interp(times_ns, known, self.late))

    def after(self, begin: int) -> Clock:
        """The same, samples counted from `begin` on."""
        return Clock(self.rate_hz, self.at - begin, self.times_ns)

    def drift(self) -> tuple[float, float] | None:
        """True rate in Hz and by how many seconds the clock left the header's; None: it did not.

        The rate is that of the straight line through the known times.
        """
        late = self.late
        if len(late) < 2 or np.ptp(late) < max(_TOLD, 2 * tolerance(self.rate_hz)):
            return None
        slope = np.polyfit((self.at - self.at[0]).astype(float), late, 1)[0]
        return self.rate_hz / (1 + float(slope)), float(np.ptp(late)) / self.rate_hz


def clocks_of(starts_ns: np.ndarray, counts: np.ndarray, rate_hz: float) -> list[Clock]:
    """A clock for each row of pieces, in order of time, that follow each other."""
    breaks = np.flatnonzero(~follows(starts_ns, counts, rate_hz)) + 1
    return [
        Clock.of(starts, n, rate_hz)
        for starts, n in zip(np.split(starts_ns, breaks), np.split(counts, breaks), strict=True)
        if len(starts)
    ]


def drift_notes(clocks: Iterable[Clock]) -> list[Reason]:
    """A remark where clocks leave the rate of the header: on the one that leaves it farthest."""
    found = [(one.drift(), one.rate_hz) for one in clocks]
    drifts = [(drift, rate_hz) for drift, rate_hz in found if drift]
    if not drifts:
        return []
    (true_hz, lasts_s), rate_hz = max(drifts, key=lambda one: one[0][1])
    ppm = 1e6 * (true_hz / rate_hz - 1)
    told = {"rate_hz": rate_hz, "true_hz": true_hz, "ppm": ppm, "drift_ms": 1000 * lasts_s}
    return [Reason.of(Code.CLOCK_DRIFTS, **told)]


def _steadied(late: np.ndarray, starts_ns: np.ndarray, rate_hz: float) -> np.ndarray:
    """Deviations in samples; those of a minute that differ by rounding alone are their median."""
    if np.ptp(late) <= _EXACT:
        return np.full(len(late), late[0])
    blocks = starts_ns // (_BLOCK_S * SECOND)
    begins = np.flatnonzero(np.r_[True, blocks[1:] != blocks[:-1]])
    result = late.copy()
    for begin, end in zip(begins, np.r_[begins[1:], len(late)], strict=True):
        own = late[begin:end]
        if np.ptp(own) <= tolerance(rate_hz):
            result[begin:end] = np.median(own)
    return result


def _ended(
    at: np.ndarray, late: np.ndarray, count: int, rate_hz: float
) -> tuple[np.ndarray, np.ndarray]:
    """With a deviation at the end as that of the last minute leads to it, where it grew."""
    recent = int(np.searchsorted(at, at[-1] - _BLOCK_S * rate_hz))
    if count - at[-1] > _LONGEST_S * rate_hz or at[recent] == at[-1]:
        return at, late
    slope = (late[-1] - late[recent]) / (at[-1] - at[recent])
    more = slope * (count - at[-1])
    if abs(late[-1] - late[recent]) <= tolerance(rate_hz):
        return at, late
    if abs(slope) > _WORST and abs(more) >= STEP:
        return at, late
    return np.append(at, count), np.append(late, late[-1] + more)


def _bends(at: np.ndarray, late: np.ndarray) -> np.ndarray:
    """Which known samples are needed: not those within a stretch at the header's rate."""
    same = np.abs(np.diff(late)) <= 1e-9
    inside = np.r_[False, same] & np.r_[same, False]
    return np.asarray(~inside)
