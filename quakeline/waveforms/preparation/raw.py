"""Raw samples of a chunk, from files or from memory, to gapless segments of one channel."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import obspy
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason, reasons_in
from quakeline.core.timeline import Span
from quakeline.io.formats import starts
from quakeline.io.formats.waveform_files import chosen, read_stream
from quakeline.signal.leaps import without_leap_seconds
from quakeline.signal.segments import Segment, join

_CODES = ("network", "station", "location", "channel")
#: Files that stay in memory, so that one file of many channels is not read for each of them.
_FILES_HELD = 4


class Source(Protocol):
    """Gives the raw samples of channels in a span of time."""

    def segments(self, rows: pd.DataFrame) -> tuple[list[Segment], list[Reason]]:
        """Gapless segments of one channel, joined across all its pieces, and what was found.

        `rows` are the rows of the manifest of that channel. What pieces the data came in, and in
        which order, makes no difference.
        """


#: Makes the source of a span of time.
Opener = Callable[[Span], Source]


class RawFiles:
    """Reads the channels of a span of time from the files of a manifest."""

    def __init__(self, span: Span) -> None:
        self._span, self._limits = span, _limits(span)
        self._held: dict[tuple[str, bool], tuple[obspy.Stream, tuple[Reason, ...]]] = {}

    def segments(self, rows: pd.DataFrame) -> tuple[list[Segment], list[Reason]]:
        """See `Source.segments`."""
        notes: list[Reason] = []
        leaps: set[int] = set()
        pieces = [piece for row in rows.itertuples() for piece in self._pieces(row, notes, leaps)]
        return _joined(pieces, self._span, notes, leaps)

    def pieces(self, rows: pd.DataFrame) -> tuple[list[Segment], list[Reason]]:
        """The pieces of one channel as the files hold them, not joined, and notes on the files.

        They may reach out of the span of time.
        """
        notes: list[Reason] = []
        found = [piece for row in rows.itertuples() for piece in self._pieces(row, notes, set())]
        return [piece for piece in found if len(piece.samples)], notes

    def stream(self, rows: pd.DataFrame) -> obspy.Stream:
        """Copies of the traces of channels within the span, with the codes of the manifest."""
        found = []
        limits = _limits(self._span)
        for row in rows.itertuples():
            for trace in self._traces(row)[0]:
                part = trace.slice(**limits).copy()
                part.stats.update(dict(zip(_CODES, _wanted(row), strict=True)))
                found += [part] if part.stats.npts else []
        return obspy.Stream(found)

    def _pieces(self, row: Any, notes: list[Reason], leaps: set[int]) -> list[Segment]:
        try:
            stream, warned = self._traces(row)
        except DataError as error:
            notes.append(Reason.of(Code.UNREADABLE, why=str(error)).at(row.path))
            return []
        known = reasons_in(row.reason, row.reason_codes)
        notes += [one.at(row.path) for one in warned if one not in known]
        leaps |= starts.announced(stream)
        return [_piece(trace, starts.of(trace)) for trace in stream]

    def _traces(self, row: Any) -> tuple[list[obspy.Trace], tuple[Reason, ...]]:
        """Traces of a channel and notes on its file; codes in the file may be others."""
        header_codes = row.header_codes
        if not isinstance(header_codes, str) or not header_codes:
            stream, warned = self._load(str(row.path), whole=False)
            return [trace for trace in stream if _codes(trace) == _wanted(row)], warned
        stream, warned = self._load(str(row.path), whole=True)
        return chosen(stream, header_codes), warned

    def _load(self, path: str, whole: bool) -> tuple[obspy.Stream, tuple[Reason, ...]]:
        """Read a file, or give it again; an lru_cache would keep this object alive for long.

        The whole file where the numbers of its traces count.
        """
        limits = {} if whole else self._limits
        found = self._held.pop((path, whole), None) or read_stream(Path(path), **limits)
        if not whole and len({trace.id for trace in found[0]}) < 2:
            return found  # no other channel will ask for it
        self._held[path, whole] = found  # the last in the order of use
        if len(self._held) > _FILES_HELD:
            self._held.pop(next(iter(self._held)))
        return found


class RawTraces:
    """Gives the channels of a span of time from traces in memory, which stay as they are."""

    def __init__(self, traces: Iterable[obspy.Trace], span: Span) -> None:
        self._traces, self._span = traces, span

    def segments(self, rows: pd.DataFrame) -> tuple[list[Segment], list[Reason]]:
        """See `Source.segments`."""
        named = {str(row.header_codes or ".".join(_wanted(row))) for row in rows.itertuples()}
        pieces = [_piece(trace) for trace in self._traces if trace.id in named]
        return _joined(pieces, self._span, [])


class RawPieces:
    """Gives channels from pieces in memory, by NET.STA.LOC.CHA, which stay as they are."""

    def __init__(self, pieces: Mapping[str, Sequence[Segment]], span: Span) -> None:
        self._pieces, self._span = pieces, span

    def segments(self, rows: pd.DataFrame) -> tuple[list[Segment], list[Reason]]:
        """See `Source.segments`."""
        columns = (rows[name].tolist() for name in ("network", "station", "location", "channel"))
        named = {".".join(codes) for codes in zip(*columns, strict=True)}
        return _joined([one for name in named for one in self._pieces[name]], self._span, [])


def _joined(
    pieces: list[Segment], span: Span, notes: list[Reason], leaps: Collection[int] = ()
) -> tuple[list[Segment], list[Reason]]:
    """Join what pieces hold of a span of time; `leaps` are announced leap seconds."""
    pieces, told = without_leap_seconds(pieces, leaps)
    notes += told
    parts = [piece.within(span.start_ns, span.end_ns + 1) for piece in pieces]
    pieces = [part for part in parts if len(part.samples)]
    values = [piece.samples for piece in pieces]
    lost = sum(len(one) - int(np.count_nonzero(np.isfinite(one))) for one in values)
    if lost:
        notes.append(Reason.of(Code.NOT_FINITE, lost))
    joined, conflict_s = join(pieces)
    if conflict_s:
        notes.append(Reason.of(Code.OVERLAPS_DIFFER, seconds=conflict_s))
    return joined, notes


def _limits(span: Span) -> dict[str, obspy.UTCDateTime]:
    return {
        "starttime": obspy.UTCDateTime(ns=span.start_ns),
        "endtime": obspy.UTCDateTime(ns=span.end_ns),
    }


def _wanted(row: Any) -> tuple[str, str, str, str]:
    return (row.network, row.station, row.location, row.channel)


def _codes(trace: obspy.Trace) -> tuple[str, str, str, str]:
    stats = trace.stats
    return (stats.network, stats.station, stats.location, stats.channel)


def _piece(trace: obspy.Trace, known: np.ndarray | None = None) -> Segment:
    """A trace, and samples in it whose times are known."""
    return Segment(
        int(trace.stats.starttime.ns),
        float(trace.stats.sampling_rate),
        _values(trace.data),
        known if known is not None and len(known) > 1 else None,
    )


def _values(samples: np.ndarray) -> np.ndarray:
    """Counts as int32 where that holds them, all else as float64, NaN where they are masked."""
    if not np.ma.is_masked(samples) and np.can_cast(samples.dtype, np.int32):
        return np.ma.getdata(samples).astype(np.int32, copy=False)
    return np.asarray(np.ma.filled(np.ma.asanyarray(samples).astype(float, copy=False), np.nan))
