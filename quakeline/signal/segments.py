"""Pieces of one channel, as files and records hold them, joined to gapless segments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np

from quakeline.core.clock import STEP, Clock, follows, same_rate, tolerance
from quakeline.core.timeline import SECOND
from quakeline.signal.gaps import Canvas, runs_of

#: Pieces that end this long before one begins cannot follow or overlap it, in seconds.
_PAST_S = 10


@dataclass(frozen=True)
class Segment:
    """Samples in a row: time of the first one (ns since 1970), rate in Hz, values.

    Values are int32 or float64. Segments share them with each other and with what was read:
    nobody writes into them. `known`, int64 of shape (m, 2), are samples, in their order, whose
    times (ns) are known: of a piece, the starts of its records, of a joined segment those of its
    clock. None: all follow from the first one and the rate.
    """

    start_ns: int
    rate_hz: float
    samples: np.ndarray
    known: np.ndarray | None = None

    @cached_property
    def clock(self) -> Clock:
        """When its samples were taken."""
        known = np.array([[0, self.start_ns]]) if self.known is None else self.known
        return Clock(self.rate_hz, known[:, 0], known[:, 1])

    @property
    def seconds(self) -> float:
        """Length in seconds, each sample counting one interval of the header's rate."""
        return len(self.samples) / self.rate_hz

    @property
    def end_ns(self) -> int:
        """Time of the sample that would follow."""
        return self.clock.time_ns(len(self.samples))

    def part(self, begin: int, end: int) -> Segment:
        """Samples [begin, end)."""
        known = None if self.known is None else self.known - np.array([begin, 0])
        return Segment(self.clock.time_ns(begin), self.rate_hz, self.samples[begin:end], known)

    def within(self, start_ns: int, end_ns: int) -> Segment:
        """The samples whose times lie in [start_ns, end_ns)."""
        n = len(self.samples)
        if self.known is None:
            begin, end = (
                int(np.clip(-(-(time - self.start_ns) * self.rate_hz // SECOND), 0, n))
                for time in (start_ns, end_ns)
            )
        else:
            since = np.clip(np.array([start_ns, end_ns]) - self.start_ns, -(1 << 52), 1 << 52)
            places = np.ceil(self.clock.places(since.astype(float), self.start_ns) - 1e-6)
            begin, end = (int(np.clip(place, 0, n)) for place in places)
        return self.part(begin, max(begin, end))


def join(pieces: Iterable[Segment]) -> tuple[list[Segment], float]:
    """Join pieces that follow or overlap each other; values that are not finite are gaps.

    Pieces may come in any order. Where overlapping pieces hold different samples there is a gap.
    Overlapping pieces whose sample times do not fit each other stay apart. A step of a fraction
    of a sample is no gap: times follow the starts of the pieces and of their records
    (`quakeline.core.clock`).

    Returns
    -------
    segments, conflict_s
        Gapless segments, sorted by time, and how many seconds of overlaps held different samples.
    """
    ordered = sorted(
        (piece for piece in pieces if len(piece.samples)),
        key=lambda piece: (piece.start_ns, piece.rate_hz),
    )
    before = _before(ordered)
    done: list[_Chain] = []
    current: list[_Chain] = []
    for number, piece in enumerate(ordered):
        past_ns = piece.start_ns - _PAST_S * SECOND
        done += [chain for chain in current if chain.end_ns < past_ns]
        current = [chain for chain in current if chain.end_ns >= past_ns]
        if not any(chain.takes(piece, before.get(number)) for chain in current):
            current.append(_Chain(piece))
    segments, conflict_s = [], 0.0
    for chain in done + current:
        joined, valid, conflicts = chain.joined()
        conflict_s += conflicts / joined.rate_hz
        runs = runs_of(valid)
        segments += [joined.part(int(begin), int(end)) for begin, end in runs]
    return sorted(segments, key=lambda part: part.start_ns), conflict_s


def records(piece: Segment) -> tuple[np.ndarray, np.ndarray]:
    """Starts in ns and numbers of samples of the records of a piece."""
    clock, n = piece.clock, len(piece.samples)
    inner = (clock.at > 0) & (clock.at < n)
    starts = np.append(clock.time_ns(0), clock.times_ns[inner])
    return starts, np.diff(np.concatenate([[0], clock.at[inner], [n]]))


def _before(ordered: list[Segment]) -> dict[int, Segment]:
    """The piece that each of some pieces in order of time follows without a gap, by its number."""
    found = {}
    for rate in {piece.rate_hz for piece in ordered}:
        own = [n for n, piece in enumerate(ordered) if piece.rate_hz == rate]
        parts = [records(ordered[n]) for n in own]
        starts, counts = (np.concatenate(list(some)) for some in zip(*parts, strict=True))
        joints = follows(starts, counts, rate)
        firsts = np.cumsum([len(some) for some, _ in parts])[:-1]
        for one, other, first in zip(own, own[1:], firsts.tolist(), strict=False):
            if joints[first - 1]:
                found[other] = ordered[one]
    return found


class _Chain:
    """Pieces without a gap between them, on sample times that a clock leads through."""

    def __init__(self, first: Segment) -> None:
        self.rate_hz = first.rate_hz
        self.length = 0
        self.end_ns = first.start_ns
        self._laid: list[tuple[int, np.ndarray]] = []
        #: What pieces brought that was new, and the index of its first sample.
        self._stretches: list[tuple[int, Segment]] = []
        self._last: Segment | None = None
        self._add(0, first)

    def takes(self, piece: Segment, before: Segment | None) -> bool:
        """Take a piece, none of which starts earlier than the chain, if it belongs to it.

        `before` is the piece that it follows, None where there is a gap before it.
        """
        if not same_rate(piece.rate_hz, self.rate_hz):
            return False
        late = (piece.start_ns - self.end_ns) * self.rate_hz / SECOND
        if abs(late) < STEP or (before is not None and before is self._last):
            position = self.length
        elif late > 0:
            return False
        else:
            place = self._place(piece.start_ns)
            position = round(place)
            if abs(place - position) > tolerance(self.rate_hz):
                return False
        self._add(position, piece)
        return True

    def _place(self, time_ns: int) -> float:
        """Where a time lies, in samples."""
        position, piece = next(
            (one for one in reversed(self._stretches) if one[1].start_ns <= time_ns),
            self._stretches[0],
        )
        return position + float(piece.clock.places(np.zeros(1), time_ns)[0])

    def _add(self, position: int, piece: Segment) -> None:
        self._laid.append((position, piece.samples))
        known = self.length - position
        if known >= len(piece.samples):
            return
        rest = piece.part(known, len(piece.samples)) if known else piece
        if self._stretches:  # its samples lie evenly until the next ones
            at, one = self._stretches[-1]
            led = np.append(self._known(one), [[self.length - at, rest.start_ns]], axis=0)
            self._stretches[-1] = at, replace(one, known=led)
        self._stretches.append((self.length, rest))
        self.length += len(rest.samples)
        self.end_ns, self._last = piece.end_ns, piece

    @staticmethod
    def _known(piece: Segment) -> np.ndarray:
        return np.array([[0, piece.start_ns]]) if piece.known is None else piece.known

    def joined(self) -> tuple[Segment, np.ndarray, int]:
        """The chain as one segment, which of its samples are valid, how many differ in pieces."""
        values = [samples for _, samples in self._laid]
        conflicts = 0
        if sum(map(len, values)) == self.length:
            samples = np.concatenate(values) if len(values) > 1 else values[0]
            valid = np.isfinite(samples)
        else:
            canvas = Canvas.blank(0, self.length, np.result_type(*values))
            for piece in self._laid:
                canvas.lay(*piece)
            conflicts = canvas.conflicts
            samples, valid = canvas.finish()
        rows = [records(piece) for _, piece in self._stretches]
        starts, counts = (np.concatenate(list(some)) for some in zip(*rows, strict=True))
        clock = Clock.of(starts, counts, self.rate_hz)
        known = None if clock.even else np.stack([clock.at, clock.times_ns], axis=1)
        return Segment(clock.time_ns(0), self.rate_hz, samples, known), valid, conflicts
