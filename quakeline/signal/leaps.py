"""Pieces that hold a leap second: what follows it in them is a second late by the rate alone.

The next piece has a right time of its own. Where it begins a second early, or nothing follows, the
leap second is taken out: ns since 1970 have no place for it. Where the next piece follows without
such a step the clock did not know of the leap second, and times stay as they are. A leap second
that headers announce and our table does not have is believed if the next piece begins a second
early.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Protocol

import numpy as np

from quakeline.core.clock import STEP
from quakeline.core.leapseconds import within
from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND, iso
from quakeline.signal.segments import Segment, records

#: Pieces this far before and behind a leap second are looked at record by record, in seconds.
_NEAR_S = 1200


class Piece(Protocol):
    """Samples in a row."""

    @property
    def start_ns(self) -> int:
        """Time of the first sample."""

    @property
    def end_ns(self) -> int:
        """Time of the sample that would follow."""

    @property
    def rate_hz(self) -> float:
        """Samples in a second."""


def without_leap_seconds(
    pieces: list[Segment], announced: Collection[int] = ()
) -> tuple[list[Segment], list[Reason]]:
    """Pieces of one channel without leap seconds, and what there is to say of these.

    `announced` are midnights (ns) after leap seconds by the headers of records.
    """
    filled = [piece for piece in pieces if len(piece.samples)]
    if not filled:
        return pieces, []
    first, last = min(one.start_ns for one in filled), max(one.end_ns for one in filled)
    known = within(first - SECOND, last)
    told: list[Reason] = []
    for after in sorted({*known, *(one for one in announced if first < one < last)}):
        pieces, found = _without(pieces, after, certain=after in known)
        told += [Reason.of(Code.LEAP_SECOND)] if found else []
        if after in announced and not (found and after in known):
            against = "which their starts do not show" if not found else "which no table has"
            told.append(Reason.of(Code.LEAP_DOUBTED, time=iso(after, 0), against=against))
    return pieces, list(dict.fromkeys(told))


def _without(pieces: Sequence[Segment], after: int, *, certain: bool) -> tuple[list[Segment], bool]:
    near = (after - _NEAR_S * SECOND, after + _NEAR_S * SECOND)
    touched = [one for one in pieces if one.start_ns < near[1] and one.end_ns > near[0]]
    rest = [one for one in pieces if not (one.start_ns < near[1] and one.end_ns > near[0])]
    parts = sorted((part for one in touched for part in _parted(one)), key=lambda p: p.start_ns)
    starts = np.array([part.start_ns for part in parts], np.int64)
    late: set[int] = set()
    for number, part in enumerate(parts):
        if part.start_ns < after < part.end_ns - round(STEP * SECOND / part.rate_hz):
            late.update(until_leap(parts, starts, number, certain=certain))
    if not late:
        return list(pieces), False
    mended = [
        piece
        for number, part in enumerate(parts)
        for piece in (_shifted(part, after) if number in late else [part])
    ]
    return rest + [piece for piece in mended if len(piece.samples)], True


def _parted(piece: Segment) -> list[Segment]:
    """The records of a piece as pieces of their own, which know nothing of each other."""
    starts, counts = records(piece)
    ends = np.cumsum(counts)
    return [
        Segment(int(start), piece.rate_hz, piece.samples[end - n : end])
        for start, n, end in zip(starts, counts, ends, strict=True)
    ]


def until_leap(
    parts: Sequence[Piece], starts: np.ndarray, number: int, *, certain: bool
) -> list[int]:
    """From a piece that holds a leap second on those until the clock leapt; none: it did not.

    `parts` are in order of their `starts` (ns). Of one that nothing follows it is taken for granted
    where the leap second is `certain`.
    """
    row = [number]
    while True:
        part = parts[row[-1]]
        half = round(STEP * SECOND / part.rate_hz)
        follows = _begins_at(starts, part.end_ns, half) - {*row}
        if _begins_at(starts, part.end_ns - SECOND, half) - {*row}:
            return row
        if not follows:
            return row if len(row) == 1 and certain else []
        row.append(min(follows))


def _begins_at(starts: np.ndarray, time_ns: int, half: int) -> set[int]:
    lo, hi = np.searchsorted(starts, [time_ns - half, time_ns + half])
    return set(range(int(lo), int(hi)))


def _shifted(part: Segment, after: int) -> list[Segment]:
    """What lies before the leap second, and what lies after it, in UTC."""
    before = part.within(part.start_ns, after)
    rest = part.within(after + SECOND, part.end_ns + SECOND)
    return [before, Segment(rest.start_ns - SECOND, rest.rate_hz, rest.samples)]
