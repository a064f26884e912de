"""Pieces of one channel, as files and records hold them, joined to gapless segments."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from quakeline.signal.gaps import Canvas, runs_of
from quakeline.timeline import SECOND

#: Pieces have the same sample times when these differ by less than a share of a sample ...
_ALIGNMENT = 0.01
#: ... or by what rounds off in headers, in seconds, but at most a quarter of a sample.
_ALIGNMENT_S = 0.0002


@dataclass(frozen=True)
class Segment:
    """Samples in a row: time of the first one (ns since 1970), rate in Hz, values.

    Values are int32 or float64. Segments share them with each other and with what was read:
    nobody writes into them.
    """

    start_ns: int
    rate_hz: float
    samples: np.ndarray

    @property
    def seconds(self) -> float:
        """Length in seconds, each sample counting one interval."""
        return len(self.samples) / self.rate_hz

    def part(self, begin: int, end: int) -> Segment:
        """Samples [begin, end)."""
        start_ns = self.start_ns + round(begin * SECOND / self.rate_hz)
        return Segment(start_ns, self.rate_hz, self.samples[begin:end])

    def within(self, start_ns: int, end_ns: int) -> Segment:
        """The samples whose times lie in [start_ns, end_ns)."""
        begin, end = (
            int(np.clip(-(-(time - self.start_ns) * self.rate_hz // SECOND), 0, len(self.samples)))
            for time in (start_ns, end_ns)
        )
        return self.part(begin, max(begin, end))


def join(pieces: Iterable[Segment]) -> tuple[list[Segment], float]:
    """Join pieces that follow or overlap each other; values that are not finite are gaps.

    Pieces may come in any order. Where overlapping pieces hold different samples there is a gap.
    Pieces whose sample times do not fit each other stay apart, even where they overlap.

    Returns
    -------
    segments, conflict_s
        Gapless segments, sorted by time, and how many seconds of overlaps held different samples.
    """
    chains: list[_Chain] = []
    for piece in sorted(pieces, key=lambda piece: (piece.start_ns, piece.rate_hz)):
        chain = next((chain for chain in chains if chain.takes(piece)), None)
        if chain:
            chain.add(piece)
        elif len(piece.samples):
            chains.append(_Chain(piece))
    segments, conflict_s = [], 0.0
    for chain in chains:
        joined, valid, conflicts = chain.joined()
        conflict_s += conflicts / joined.rate_hz
        runs = runs_of(valid)
        segments += [joined.part(int(begin), int(end)) for begin, end in runs]
    return sorted(segments, key=lambda part: part.start_ns), conflict_s


class _Chain:
    """Pieces on common sample times without a gap between them."""

    def __init__(self, first: Segment) -> None:
        self.first = first
        self.pieces = [(0, first.samples)]
        self.length = len(first.samples)

    def _position(self, piece: Segment) -> float:
        return (piece.start_ns - self.first.start_ns) * self.first.rate_hz / SECOND

    def takes(self, piece: Segment) -> bool:
        """Whether a piece, none of which starts earlier than the chain, belongs to it."""
        position = self._position(piece)
        tolerance = max(_ALIGNMENT, min(_ALIGNMENT_S * self.first.rate_hz, 0.25))
        aligned = abs(position - round(position)) <= tolerance
        return piece.rate_hz == self.first.rate_hz and aligned and round(position) <= self.length

    def add(self, piece: Segment) -> None:
        position = round(self._position(piece))
        self.pieces.append((position, piece.samples))
        self.length = max(self.length, position + len(piece.samples))

    def joined(self) -> tuple[Segment, np.ndarray, int]:
        """The chain as one segment, which of its samples are valid, how many differ in pieces."""
        values = [samples for _, samples in self.pieces]
        conflicts = 0
        if sum(map(len, values)) == self.length:
            samples = np.concatenate(values) if len(values) > 1 else values[0]
            valid = np.isfinite(samples)
        else:
            canvas = Canvas.blank(0, self.length, np.result_type(*values))
            for piece in self.pieces:
                canvas.lay(*piece)
            conflicts = canvas.conflicts
            samples, valid = canvas.finish()
        return Segment(self.first.start_ns, self.first.rate_hz, samples), valid, conflicts
