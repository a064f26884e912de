"""One channel of a live session: its latest samples, and up to when it is known what it holds.

Samples that follow each other are known at once. A gap is waited for: until `patience` has passed,
by the arrivals of the instrument, since the first packet behind it came, and since the last one
before it did: a single packet of a wrong time ahead ends nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from quakeline.core.clock import EVEN
from quakeline.core.timeline import SECOND
from quakeline.signal.quality import integral
from quakeline.signal.segments import Segment

#: Samples that lie this close, in samples, are one and the same, or follow each other.
_NEAR = 0.5
#: Packets this close, in samples, to where the last one leads are joined to it.
_EXACT = 1e-5


@dataclass
class Taken:
    """Samples of a packet that are new, that were there already, and that came too late."""

    new: int = 0
    repeated: int = 0
    late: int = 0


@dataclass
class Channel:
    """The pieces of a channel and when they came; times are ns since 1970.

    `low`, `high` and `whole` (counts, no fractions) hold of all samples since it was first seen.
    """

    patience_ns: int
    pieces: list[Segment] = field(default_factory=list)
    low: float = np.inf
    high: float = -np.inf
    whole: bool = True
    end_ns: int = 0
    last_arrival_ns: int = 0
    _first_arrival_ns: int | None = None
    _done_ns: int | None = None
    _ahead: list[tuple[int, int, int]] = field(default_factory=list)
    _longest_ns: int = 0
    _moved_ns: int = 0

    def add(self, piece: Segment, arrived_ns: int, committed_ns: int | None) -> Taken:
        """Take a piece; samples before `committed_ns` are of no use any more."""
        n = len(piece.samples)
        if self._repeats(piece):
            return Taken(repeated=n)
        taken = Taken()
        if committed_ns is not None and piece.start_ns < committed_ns:
            quarter = round(0.25 * SECOND / piece.rate_hz)
            cut = min(max(_place(piece, committed_ns - quarter), 0), n)
            if cut:
                same = self._repeats(piece.part(0, cut))
                taken.repeated, taken.late = (cut, 0) if same else (0, cut)
                piece = piece.part(cut, n)
        taken.new = len(piece.samples)
        if taken.new:
            self._keep(piece, arrived_ns)
        return taken

    def _keep(self, piece: Segment, arrived_ns: int) -> None:
        if self._first_arrival_ns is None:
            self._first_arrival_ns = arrived_ns
        end_ns = piece.end_ns
        self.last_arrival_ns = arrived_ns
        self.end_ns = max(self.end_ns, end_ns)
        self._longest_ns = max(self._longest_ns, end_ns - piece.start_ns)
        self._ahead.append((piece.start_ns, end_ns, arrived_ns))
        finite = piece.samples[np.isfinite(piece.samples)]
        if len(finite):
            self.low = min(self.low, float(finite.min()))
            self.high = max(self.high, float(finite.max()))
        self.whole = self.whole and integral(piece.samples)
        last = self.pieces[-1] if self.pieces else None
        if last is not None and _leads_to(last, piece):
            samples = np.concatenate([last.samples, piece.samples])
            self.pieces[-1] = Segment(last.start_ns, last.rate_hz, samples)
        else:
            self.pieces.append(piece)

    def knows(self, low: float, high: float, whole: bool) -> None:
        """Add what is known of earlier samples."""
        self.low, self.high = min(self.low, low), max(self.high, high)
        self.whole = self.whole and whole

    def begin(self) -> bool:
        """Wait no longer for samples before the first ones; whether it did until now."""
        waits = self._done_ns is None and bool(self._ahead)
        if waits:
            self._done_ns = min(start for start, _, _ in self._ahead)
        return waits

    def _repeats(self, piece: Segment) -> bool:
        """Whether another piece holds the same samples already."""
        return any(_holds(one, piece) for one in reversed(self.pieces))

    def known_ns(self, clock_ns: int) -> int | None:
        """The time before which nothing will come any more; None: not known yet.

        `clock_ns` is the last arrival of any channel of the instrument. It and arrivals are told
        without the time of cuts of the whole instrument.
        """
        if self._first_arrival_ns is None:
            return None
        if self._done_ns is None:
            if clock_ns <= self._first_arrival_ns + self.patience_ns:
                return None
            self.begin()
        self._advance(clock_ns)
        done = self._done_ns
        if done is None or self._ahead:
            return done
        waited = clock_ns - self.last_arrival_ns - self.patience_ns - self._longest_ns
        return max(done, self.end_ns + waited)

    def _advance(self, clock_ns: int) -> None:
        """Go on to the end of what follows without a gap, and over gaps that were waited for."""
        done = self._done_ns
        if done is None:
            return
        half = round(_NEAR * SECOND / self.pieces[-1].rate_hz) if self.pieces else 0
        self._ahead.sort()
        while self._ahead:
            start, end, arrived = self._ahead[0]
            if start > done + half:
                since = min(arrived for _, _, arrived in self._ahead)
                if clock_ns <= max(since, self._moved_ns) + self.patience_ns:
                    break
            self._ahead.pop(0)
            self._moved_ns = max(self._moved_ns, arrived)
            done = max(done, end)
        self._done_ns = done

    @property
    def even(self) -> bool:
        """Whether every piece lies where the rate of its header leads from the first one."""
        if not self.pieces:
            return True
        first = self.pieces[0]
        off = [_off(first, piece) for piece in self.pieces if piece.rate_hz == first.rate_hz]
        near = [abs(one) for one in off if abs(one) < _NEAR]
        return all(one <= EVEN for one in near) and all(p.known is None for p in self.pieces)

    def drop(self, before_ns: int) -> None:
        """Forget samples before a time, but for those that may come a second time."""
        before_ns -= self.patience_ns + self._longest_ns
        kept = []
        for piece in self.pieces:
            if piece.end_ns <= before_ns:
                continue
            cut = _place(piece, before_ns)
            whole = cut < len(piece.samples) // 2  # copied in large steps, not for each packet
            kept.append(piece if whole else _copied(piece.part(cut, len(piece.samples))))
        self.pieces = kept


def _copied(piece: Segment) -> Segment:
    """With samples of its own, so that those that were cut off are given back."""
    return Segment(piece.start_ns, piece.rate_hz, piece.samples.copy(), piece.known)


def _place(piece: Segment, time_ns: int) -> int:
    """The first sample at or after a time."""
    return int(np.ceil((time_ns - piece.start_ns) * piece.rate_hz / SECOND - 1e-6))


def _off(one: Segment, other: Segment) -> float:
    """How far a piece lies from the sample times of another one of the same rate, in samples."""
    place = (other.start_ns - one.start_ns) * one.rate_hz / SECOND
    return place - round(place)


def _leads_to(one: Segment, other: Segment) -> bool:
    if one.rate_hz != other.rate_hz or one.samples.dtype != other.samples.dtype:
        return False
    if one.known is not None or other.known is not None:
        return False
    place = (other.start_ns - one.start_ns) * one.rate_hz / SECOND
    return abs(place - len(one.samples)) < _EXACT


def _holds(one: Segment, other: Segment) -> bool:
    """Whether all samples of a piece stand in another one, at the same times."""
    if one.rate_hz != other.rate_hz or not len(other.samples):
        return False
    place = (other.start_ns - one.start_ns) * one.rate_hz / SECOND
    at, n = round(place), len(other.samples)
    if abs(place - at) > _EXACT or at < 0 or at + n > len(one.samples):
        return False
    return bool(np.array_equal(one.samples[at : at + n], other.samples, equal_nan=True))
