"""miniSEED files that are damaged: what is missing, and the records that can still be read."""

from __future__ import annotations

from io import BytesIO
from pathlib import Path
from typing import Any

import obspy
from obspy.io.mseed import InternalMSEEDError

from quakeline.core.reasons import Code, Reason
from quakeline.io.formats.quality_flags import lost_bytes

#: What obspy says, now and then, of bytes that are no complete record; `missing` says it always.
LOST = (
    "readMSEEDBuffer(): Unexpected end of file",
    "readMSEEDBuffer(): Last record only has",
    "readMSEEDBuffer(): Not a SEED record",
)


def missing(stream: obspy.Stream, path: Path) -> tuple[Reason, ...]:
    """Say how much of a miniSEED file is in no complete record; nothing for other formats.

    Only a file that its records do not seem to fill exactly is looked through: headers state one
    length of records for each trace, which may have several.
    """
    records = [trace.stats.get("mseed", {}) for trace in stream]
    if not records or not all("filesize" in record for record in records):
        return ()
    size, length = int(records[0]["filesize"]), int(records[0]["record_length"])
    lost = size - sum(int(r["number_of_records"] * r["record_length"]) for r in records)
    if not lost:
        return ()
    lost, cut = lost_bytes(path) or (lost, size % length > 0)
    if lost <= 0:
        return ()
    code = Code.RECORD_CUT if cut else Code.NO_RECORDS
    return (Reason.of(code, lost=lost, size=size),)


def salvage(path: Path, **options: Any) -> tuple[obspy.Stream, tuple[Reason, ...]]:
    """Read the records of a miniSEED file without those that cannot be decoded, and count these.

    Raises InternalMSEEDError where no record can be read.
    """
    headers = obspy.read(BytesIO(path.read_bytes()), format="MSEED", headonly=True)
    length = int(headers[0].stats.mseed["record_length"])
    stream, damaged = _readable(path.read_bytes(), length, options)
    if not stream and damaged:
        raise InternalMSEEDError(f"none of its {damaged} records can be decoded")
    return stream, (Reason.of(Code.RECORDS_DAMAGED, damaged),) if damaged else ()


def _readable(content: bytes, length: int, options: dict[str, Any]) -> tuple[obspy.Stream, int]:
    """Halve what cannot be read until only single records are left out."""
    try:
        return obspy.read(BytesIO(content), format="MSEED", **options), 0
    except (InternalMSEEDError, ValueError):
        if len(content) <= length:
            return obspy.Stream(), 1
    middle = len(content) // length // 2 * length or length
    first, lost_first = _readable(content[:middle], length, options)
    second, lost_second = _readable(content[middle:], length, options)
    return first + second, lost_first + lost_second
