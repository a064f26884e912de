"""What a raw file holds, channel by channel, read from its headers (any format of obspy)."""

from __future__ import annotations

import re
import warnings
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from glob import escape
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd
from obspy.io.mseed import InternalMSEEDError

from quakeline.errors import DataError
from quakeline.io import records

_RATES_HZ = (0.01, 10_000.0)
_RATE_TOLERANCE = 0.005


@dataclass(frozen=True)
class ChannelHeader:
    """One channel of a file: codes, times of the first and last sample (ns), rate, problems."""

    network: str
    station: str
    location: str
    channel: str
    start_ns: int
    end_ns: int
    rate_hz: float
    n_samples: int
    problem: str
    notes: str

    def row(self, problem: str, notes: str) -> dict[str, Any]:
        """The channel's row of MANIFEST, but for its file; unused where there is a problem."""
        return {
            "network": self.network,
            "station": self.station,
            "location": self.location,
            "channel": self.channel,
            "start": pd.Timestamp(self.start_ns, unit="ns", tz="UTC"),
            "end": pd.Timestamp(self.end_ns, unit="ns", tz="UTC"),
            "sampling_rate_hz": self.rate_hz,
            "n_samples": self.n_samples,
            "status": "unused" if problem else "data",
            "reason": problem or notes or None,
        }


def read_headers(path: Path) -> list[ChannelHeader]:
    """Channels of a file. Raises DataError with the reason for one that cannot be read."""
    stream, notes = read_stream(path, headonly=True)
    return headers_of(stream, "; ".join(filter(None, [records.missing(stream), notes])))


def headers_of(stream: Iterable[obspy.Trace], notes: str = "") -> list[ChannelHeader]:
    """Channels of traces; the notes go to each of them."""
    traces = defaultdict(list)
    for trace in stream:
        traces[trace.id].append(trace)
    return [_header(group, notes) for _, group in sorted(traces.items())]


def read_stream(path: Path, **options: Any) -> tuple[obspy.Stream, str]:
    """Read a file with obspy; also returns what obspy warned about, but for incomplete records.

    Of a damaged miniSEED file the records that can be decoded are returned. Raises DataError with
    the reason for a file that cannot be read.
    """
    _require_content(path)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            stream, damage = _read(path, options)
        except TypeError as error:
            reason = "" if str(error).startswith("Unknown format") else f": {_line(error)}"
            raise DataError(f"not a format that obspy reads{reason}") from error
        except Exception as error:  # readers of obspy raise many kinds for a damaged file
            if str(error).startswith("Cannot open file/files"):
                raise DataError("it holds no complete record") from error
            raise DataError(f"cannot be read: {_line(error)}") from error
    warned = {_line(w.message) for w in caught if not issubclass(w.category, DeprecationWarning)}
    notes = _summed_up(note for note in warned if not note.startswith(records.LOST))
    return stream, "; ".join(filter(None, [damage, *notes]))


def _summed_up(notes: Iterable[str]) -> list[str]:
    """One of several notes that differ in numbers alone, and how many more there are."""
    kinds: dict[str, list[str]] = {}
    for note in sorted(notes):
        kinds.setdefault(re.sub(r"\d+", "0", note), []).append(note)
    return [
        same[0] + (f" (and {len(same) - 1} more alike)" if len(same) > 1 else "")
        for same in kinds.values()
    ]


def _require_content(path: Path) -> None:
    try:
        size = path.stat().st_size
    except OSError as error:
        kind = "a link to a file that cannot be opened" if path.is_symlink() else "cannot be opened"
        raise DataError(f"{kind}: {error.strerror}") from error
    if size == 0:
        raise DataError("the file is empty")


def _read(path: Path, options: dict[str, Any]) -> tuple[obspy.Stream, str]:
    try:
        return obspy.read(escape(str(path)), **options), ""
    except InternalMSEEDError:
        if options.get("headonly"):
            raise
        return records.salvage(path, **options)


def _line(error: object) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__


def _header(traces: list[obspy.Trace], notes: str) -> ChannelHeader:
    traces = sorted(traces, key=lambda trace: trace.stats.starttime.ns)
    stats = traces[0].stats
    return ChannelHeader(
        network=stats.network,
        station=stats.station,
        location=stats.location,
        channel=stats.channel,
        start_ns=int(stats.starttime.ns),
        end_ns=max(int(trace.stats.endtime.ns) for trace in traces),
        rate_hz=float(stats.sampling_rate),
        n_samples=sum(int(trace.stats.npts) for trace in traces),
        problem=_problem(traces),
        notes=notes,
    )


def _problem(traces: list[obspy.Trace]) -> str:
    stats = traces[0].stats
    if not stats.station:
        return "the header has no station code"
    if not stats.channel:
        return "the header has no channel code"
    if stats.get("mseed", {}).get("encoding") == "ASCII":
        return "the records hold text, not samples"
    rate = float(stats.sampling_rate)
    if not _RATES_HZ[0] <= rate <= _RATES_HZ[1]:
        return f"the header's sampling rate is {rate:g} Hz; allowed: {_RATES_HZ[0]:g} to 10000"
    return _wrong_rate(traces, rate)


def _wrong_rate(traces: list[obspy.Trace], rate: float) -> str:
    """Compare the header's rate with what the times of successive records imply.

    A wrong rate leaves every record on its own; pieces of several records are parted by gaps.
    """
    alone = [trace.stats.get("mseed", {}).get("number_of_records") == 1 for trace in traces]
    if len(traces) < 4 or np.mean(alone) < 0.8:
        return ""
    starts = np.array([trace.stats.starttime.ns for trace in traces], dtype=float) / 1e9
    counts = np.array([trace.stats.npts for trace in traces[:-1]], dtype=float)
    steps = np.diff(starts)
    if (steps <= 0).any():
        return ""
    implied = counts / steps
    typical = float(np.median(implied))
    consistent = np.mean(np.abs(implied / typical - 1) < _RATE_TOLERANCE) > 0.8
    if consistent and abs(typical / rate - 1) > _RATE_TOLERANCE:
        return (
            f"the header's sampling rate is {rate:g} Hz, but the times of its {len(traces)} records"
            f" imply {typical:.4g} Hz"
        )
    return ""
