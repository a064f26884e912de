"""miniSEED through pymseed, where it gives what obspy would give, in half of the time.

Measured in benchmarks/miniseed_reading.py. What is out of the ordinary is left to obspy, whose
warnings and errors the rest of quakeline knows: damaged records, text, full SEED volumes, bytes
between records.
"""

from __future__ import annotations

import mmap
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import obspy
from pymseed import MiniSEEDError, MS3TraceList, get_error_messages, sourceid2nslc

from quakeline.core.clock import EVEN
from quakeline.core.errors import DataError
from quakeline.core.timeline import SECOND
from quakeline.io.formats import starts

#: Encodings of libmseed whose samples obspy reads as well, by their number in SEED.
_ENCODINGS = {1: "INT16", 3: "INT32", 4: "FLOAT32", 5: "FLOAT64", 10: "STEIM1", 11: "STEIM2"}
_DTYPES = {"i": np.int32, "f": np.float32, "d": np.float64}
_QUALITIES = b"DRQM"
_LEAST = 128
#: miniSEED 3 begins so; obspy does not read it.
_THIRD = b"MS\x03"


class Unusual(Exception):
    """A file that obspy should read instead."""


def is_miniseed(content: bytes | mmap.mmap) -> bool:
    """Whether bytes begin like a data record of miniSEED 2 or 3."""
    if len(content) < _LEAST:
        return False
    if content[:3] == _THIRD:
        return True
    sequence, codes = content[:6], content[8:20]
    return content[6] in _QUALITIES and not sequence.strip(b"0123456789 \0") and codes.isascii()


def read(
    path: Path,
    starttime: obspy.UTCDateTime | None = None,
    endtime: obspy.UTCDateTime | None = None,
    headonly: bool = False,
) -> obspy.Stream:
    """Read a file as `obspy.read` does, with the same samples, times and gaps.

    Records that came out of order may be one trace where obspy has several that touch, and a record
    without samples is no trace. Of
    `stats.mseed` traces have what quakeline uses: encoding, record_length, number_of_records,
    filesize, and the `starts` of their records (`quakeline.io.formats.starts`).

    Raises
    ------
    Unusual
        It is no miniSEED, or miniSEED 2 that obspy should read.
    DataError
        It is miniSEED 3 that cannot be read.
    """
    with path.open("rb") as file:
        try:
            content = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ)
        except (ValueError, OSError) as error:  # empty, or no file that can be mapped
            raise Unusual(str(error)) from error
    # The mapping is not closed here: the list of records holds it until that is gone.
    if not is_miniseed(content):
        raise Unusual("no data record at the beginning")
    third = content[:3] == _THIRD
    try:
        stream = _read(content, starttime, endtime, headonly)
    except Unusual as error:
        if third:
            raise DataError(f"miniSEED 3 that cannot be read: {error}") from error
        raise
    starts.mark(stream, path)
    if starttime is not None or endtime is not None:
        return obspy.Stream([one for one in stream if _trimmed(one, starttime, endtime)])
    if third:  # its records have the length that they need
        return stream
    facts = [trace.stats.mseed for trace in stream]
    if sum(one["number_of_records"] * one["record_length"] for one in facts) != len(content):
        raise Unusual("bytes in no record, or records of several lengths")
    return stream


def _read(
    content: mmap.mmap,
    starttime: obspy.UTCDateTime | None,
    endtime: obspy.UTCDateTime | None,
    headonly: bool,
) -> obspy.Stream:
    listed = MS3TraceList()
    try:
        listed.add_buffer(
            content,
            starttime=None if starttime is None else str(starttime),
            endtime=None if endtime is None else str(endtime),
            record_list=True,
            split_version=True,
        )
        _require_silence()
        traces = list(_traces(listed, len(content), headonly))
    except MiniSEEDError as error:
        raise Unusual(str(error)) from error
    finally:
        listed.close()
    return obspy.Stream(traces)


def _trimmed(
    trace: obspy.Trace, starttime: obspy.UTCDateTime | None, endtime: obspy.UTCDateTime | None
) -> bool:
    """Cut a trace to a span of time, and say whether anything is left.

    One whose records do not keep the header's rate keeps its first and last record whole.
    """
    known, begin = starts.of(trace), int(trace.stats.starttime.ns)
    rate = float(trace.stats.sampling_rate)
    late = (known[:, 1] - begin) * (rate / SECOND) - known[:, 0]
    if np.ptp(late) > EVEN:
        return True
    trace.trim(starttime, endtime)
    cut = round((int(trace.stats.starttime.ns) - begin) * rate / SECOND)
    if "starts" in trace.stats.mseed:
        trace.stats.mseed["starts"] = known - np.array([cut, 0])
    return bool(trace.stats.npts)


def _require_order(segments: list[Any]) -> None:
    """Leave overlaps of miniSEED 2 to obspy: libmseed 3 sorts their records in another way."""
    if segments and next(iter(segments[0].recordlist)).record.formatversion > 2:
        return
    bounds = sorted((int(one.starttime), int(one.endtime)) for one in segments)
    if any(start <= end for (_, end), (start, _) in pairwise(bounds)):
        raise Unusual("records overlap")


def _require_silence() -> None:
    """Leave to obspy what libmseed has something to say about."""
    said = get_error_messages()
    if said:
        raise Unusual("; ".join(said))


def _traces(listed: MS3TraceList, size: int, headonly: bool) -> Iterator[obspy.Trace]:
    for one in listed:
        codes, segments = _codes(one.sourceid), list(one)
        _require_order(segments)
        for segment in segments:
            stats = {**codes, **_stats(segment, size)}
            data = np.array([]) if headonly else _samples(segment)
            yield obspy.Trace(data, stats)


def _codes(sourceid: str) -> dict[str, str]:
    """Codes of SEED; what libmseed had to make up for the sake of its own form is for obspy."""
    codes = sourceid2nslc(sourceid)
    plain = re.fullmatch(r"\w+", codes[1]) and re.fullmatch("[A-Za-z0-9]{3}", codes[3])
    if not plain or sourceid.count("_") != 5:
        raise Unusual(f"codes {sourceid}")
    return dict(zip(("network", "station", "location", "channel"), codes, strict=True))


def _stats(segment: Any, size: int) -> dict[str, Any]:
    first = next(iter(segment.recordlist)).record
    if first.encoding not in _ENCODINGS or not segment.samplecnt > 0 or not segment.samprate > 0:
        raise Unusual(
            f"encoding {first.encoding}, {segment.samplecnt} samples, {segment.samprate} Hz"
        )
    return {
        "starttime": obspy.UTCDateTime(ns=int(segment.starttime)),
        "sampling_rate": float(segment.samprate),
        "npts": int(segment.samplecnt),
        "mseed": {
            "number_of_records": len(segment.recordlist),
            "encoding": _ENCODINGS[first.encoding],
            "record_length": int(first.reclen),
            "filesize": size,
        },
    }


def _samples(segment: Any) -> np.ndarray:
    _, kind = segment.sample_size_type
    samples = np.empty(segment.samplecnt, _DTYPES[kind])
    decoded = segment.unpack_recordlist(samples)
    _require_silence()
    if decoded != len(samples):
        raise Unusual(f"{decoded} samples instead of {len(samples)}")
    return samples
