"""Probabilities of all chunks to an obspy Stream."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field

import numpy as np
import obspy

from quakeline.core.timeline import first_sample, sample_time
from quakeline.inference.engine import Piece
from quakeline.models.cards import Card
from quakeline.picking.direct.work import Chunk

#: A longer hole, in seconds, parts the curve of an instrument into several traces.
_HOLE_S = 3600.0


@dataclass
class Curves:
    """Collects the probabilities of a network."""

    card: Card
    _pieces: dict[str, list[tuple[int, np.ndarray]]] = field(
        default_factory=lambda: defaultdict(list)
    )

    def add(self, chunk: Chunk, piece: Piece) -> None:
        """Take the samples of a piece that lie in its chunk; without any data they are NaN."""
        rate = self.card.sampling_rate_hz
        first = max(first_sample(chunk.span.start_ns, rate), piece.start)
        last = min(first_sample(chunk.span.end_ns, rate), piece.start + piece.curves.shape[1])
        if first < last:
            curves = piece.curves[:, first - piece.start : last - piece.start].copy()
            _, valid = chunk.motion.read(piece.instrument, first, last)
            curves[:, ~valid.any(axis=0)] = np.nan
            self._pieces[chunk.labels[piece.instrument]].append((first, curves))

    def stream(self) -> obspy.Stream:
        """All curves, sorted by their ids."""
        traces = []
        for label, pieces in sorted(self._pieces.items()):
            for start, curves in _whole(pieces, round(_HOLE_S * self.card.sampling_rate_hz)):
                for phase, curve in zip(self.card.phases, curves, strict=True):
                    traces.append(self._trace(f"{label}{phase}", start, curve))
        return obspy.Stream(traces)

    def _trace(self, code: str, start: int, curve: np.ndarray) -> obspy.Trace:
        rate = self.card.sampling_rate_hz
        header = dict(
            zip(("network", "station", "location", "channel"), code.split("."), strict=True)
        )
        gaps = np.isnan(curve)
        data = np.ma.masked_array(np.nan_to_num(curve), gaps) if gaps.any() else curve
        time = obspy.UTCDateTime(ns=sample_time(start, rate))
        return obspy.Trace(data, {**header, "starttime": time, "sampling_rate": rate})


def _whole(pieces: list[tuple[int, np.ndarray]], hole: int) -> list[tuple[int, np.ndarray]]:
    """Join pieces in order of time, parted at holes, from the first to the last sample."""
    groups: list[list[tuple[int, np.ndarray]]] = []
    for start, curves in pieces:
        known = np.flatnonzero(~np.isnan(curves[0]))
        if len(known) == 0:
            continue
        first = start + int(known[0])
        part = (first, curves[:, known[0] : known[-1] + 1])
        if groups and first - (groups[-1][-1][0] + groups[-1][-1][1].shape[1]) <= hole:
            groups[-1].append(part)
        else:
            groups.append([part])
    return [_joined(group) for group in groups]


def _joined(parts: list[tuple[int, np.ndarray]]) -> tuple[int, np.ndarray]:
    start, (last, tail) = parts[0][0], parts[-1]
    whole = np.full((len(tail), last + tail.shape[1] - start), np.nan, np.float32)
    for first, curves in parts:
        whole[:, first - start : first - start + curves.shape[1]] = curves
    return start, whole
