"""Raw files of a chunk to gapless segments of one channel."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd

from quakeline.errors import DataError
from quakeline.io.headers import read_stream
from quakeline.signal.segments import Segment, join
from quakeline.timeline import Span

#: Files that stay in memory, so that one file of many channels is not read for each of them.
_FILES_HELD = 4


class RawFiles:
    """Reads the channels of a span of time from the files of a manifest."""

    def __init__(self, span: Span) -> None:
        self._limits = {
            "starttime": obspy.UTCDateTime(ns=span.start_ns),
            "endtime": obspy.UTCDateTime(ns=span.end_ns),
        }
        self._load = lru_cache(maxsize=_FILES_HELD)(self._read)

    def segments(self, rows: pd.DataFrame) -> tuple[list[Segment], list[str]]:
        """Gapless segments of one channel, joined across all its files, and what was found.

        `rows` are the rows of the manifest of that channel. What pieces and files the data came
        in, and in which order, makes no difference.
        """
        notes: list[str] = []
        pieces = [piece for row in rows.itertuples() for piece in self._pieces(row, notes)]
        lost = sum(int((~np.isfinite(piece.samples)).sum()) for piece in pieces)
        if lost:
            notes.append(f"{lost} samples are not finite: gaps")
        joined, conflict_s = join(pieces)
        if conflict_s:
            notes.append(f"overlaps with different samples became gaps: {conflict_s:.2f} s")
        return joined, notes

    def _pieces(self, row: Any, notes: list[str]) -> list[Segment]:
        try:
            stream, warned = self._load(str(row.path))
        except DataError as error:
            notes.append(f"{row.path}: {error}")
            return []
        if warned and warned not in str(row.reason):
            notes.append(f"{row.path}: {warned}")
        codes = (row.network, row.station, row.location, row.channel)
        return [_piece(trace) for trace in stream if _codes(trace) == codes]

    def _read(self, path: str) -> tuple[obspy.Stream, str]:
        return read_stream(Path(path), **self._limits)


def _codes(trace: obspy.Trace) -> tuple[str, str, str, str]:
    stats = trace.stats
    return (stats.network, stats.station, stats.location, stats.channel)


def _piece(trace: obspy.Trace) -> Segment:
    return Segment(
        int(trace.stats.starttime.ns),
        float(trace.stats.sampling_rate),
        np.ma.filled(trace.data.astype(float), np.nan),
    )
