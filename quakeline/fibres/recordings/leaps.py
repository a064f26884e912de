"""Files of a fibre that hold a leap second: what follows it in them is a second late.

The files after it begin at right times, and show by them that the clock leapt: the rule is that of
`quakeline.signal.leaps`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from quakeline.core.clock import STEP
from quakeline.core.leapseconds import within
from quakeline.core.timeline import SECOND
from quakeline.fibres.recordings.files import Stretch
from quakeline.signal.leaps import until_leap


def late(ordered: Sequence[Stretch]) -> dict[int, int]:
    """Numbers of stretches, in order of time, that are late after a leap second.

    The values are the midnights (ns) after it.
    """
    if not ordered:
        return {}
    starts = np.array([part.start_ns for part in ordered], np.int64)
    found: dict[int, int] = {}
    for after in within(ordered[0].start_ns - SECOND, max(part.end_ns for part in ordered)):
        for number, part in enumerate(ordered):
            if part.start_ns < after < part.end_ns - round(STEP * SECOND / part.rate_hz):
                row = until_leap(ordered, starts, number, certain=True)
                found.update(dict.fromkeys(row, after))
    return found


def without_leap_seconds(parts: Sequence[Stretch]) -> list[Stretch]:
    """Stretches in order of time, without leap seconds; what lies after one in UTC."""
    ordered = sorted(parts, key=lambda part: (part.start_ns, -part.n_samples))
    numbers = late(ordered)
    mended = [
        piece
        for number, part in enumerate(ordered)
        for piece in (_parted(part, numbers[number]) if number in numbers else [part])
    ]
    return sorted(mended, key=lambda part: (part.start_ns, -part.n_samples))


def shortened(part: Stretch, skip: int) -> Stretch:
    """A stretch without its first samples."""
    start = part.start_ns + round(skip * SECOND / part.rate_hz)
    known = None
    if part.known is not None:
        at, times = part.known.T
        start = round(float(np.interp(skip, at, (times - part.start_ns).astype(float))))
        start += part.start_ns
        later = part.known[at > skip] - np.array([skip, 0])
        known = np.append([[0, start]], later, axis=0)
    array = part.array.isel(time=slice(skip, None))
    return replace(part, array=array, start_ns=start, known=known)


def _parted(part: Stretch, after: int) -> list[Stretch]:
    """What lies before the leap second, and what lies after it a second earlier."""
    first, rest = _place(part, after), _place(part, after + SECOND)
    pieces = []
    if first > 0:
        known = None if part.known is None else part.known[part.known[:, 0] < first]
        array = part.array.isel(time=slice(None, first))
        pieces.append(replace(part, array=array, known=known))
    if rest < part.n_samples:
        piece = shortened(part, rest)
        known = None if piece.known is None else piece.known - np.array([0, SECOND])
        pieces.append(replace(piece, start_ns=piece.start_ns - SECOND, known=known))
    return pieces


def _place(part: Stretch, time_ns: int) -> int:
    """Number of the first sample of a stretch that is not before a time."""
    if part.known is None:
        place = (time_ns - part.start_ns) * part.rate_hz / SECOND
    else:
        at, times = part.known.T
        since = (times - part.start_ns).astype(float)
        place = float(np.interp(time_ns - part.start_ns, since, at, right=part.n_samples))
    return int(np.clip(np.ceil(place - 1e-6), 0, part.n_samples))
