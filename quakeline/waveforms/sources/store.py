"""The local archive of data that were downloaded: miniSEED records in SDS day files.

SDS is SeisComP's layout: YEAR/NET/STA/CHA.D/NET.STA.LOC.CHA.D.YEAR.DOY. A record belongs to the day
of its first sample. A record that is there already is not written twice.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fnmatch import fnmatchcase
from itertools import count
from pathlib import Path

from quakeline.core.timeline import SECOND, Span, to_datetime
from quakeline.io.products.atomic import replacing

logger = logging.getLogger(__name__)

#: A record may begin this long before the day that its last samples belong to.
_LONGEST_RECORD_S = 3600.0
_CODE = re.compile(r"[A-Za-z0-9-]*")


@dataclass(frozen=True)
class Record:
    """One miniSEED record: codes, times of the first and last sample (ns), rate (Hz), its bytes."""

    network: str
    station: str
    location: str
    channel: str
    start_ns: int
    end_ns: int
    rate_hz: float
    content: bytes

    @property
    def codes(self) -> tuple[str, str]:
        """Location and channel code."""
        return self.location, self.channel

    @property
    def path(self) -> str:
        """Path of the day file in the archive."""
        day = to_datetime(self.start_ns)
        name = f"{self.network}.{self.station}.{self.location}.{self.channel}.D"
        return f"{day:%Y}/{self.network}/{self.station}/{self.channel}.D/{name}.{day:%Y.%j}"


def split(content: bytes) -> tuple[list[Record], str]:
    """Split miniSEED (version 2 or 3) into records, and say what is wrong with the rest.

    Returns the records that are whole, and an empty text or the reason why there are no more.
    """
    from pymseed import MiniSEEDError, MS3Record, sourceid2nslc

    records: list[Record] = []
    try:
        for record in MS3Record.from_buffer(content):
            codes = sourceid2nslc(record.sourceid)
            if not all(_CODE.fullmatch(code) for code in codes):
                return records, f"a record has the codes {'.'.join(codes)!r}"
            rate, times = float(record.samprate), (int(record.starttime), int(record.endtime))
            records.append(Record(*codes, *times, rate, bytes(record.record)))
    except (MiniSEEDError, ValueError) as error:
        done = sum(len(record.content) for record in records)
        if not records:
            return [], f"it is not miniSEED but begins with {content[:24]!r}"
        return records, f"it breaks off after {done} of {len(content)} bytes ({_line(error)})"
    return records, ""


def add(folder: Path, records: Iterable[Record]) -> int:
    """Put records into the day files of an archive; returns the bytes of those that are new."""
    groups = defaultdict(list)
    for record in records:
        groups[record.path].append(record)
    return sum(_extend(folder / path, group) for path, group in sorted(groups.items()))


def _extend(path: Path, records: list[Record]) -> int:
    old, wrong = split(path.read_bytes()) if path.is_file() else ([], "")
    known = {record.content for record in old}
    new = [record for record in dict.fromkeys(records) if record.content not in known]
    if new:
        if wrong:
            kept = _set_aside(path)
            logger.warning("%s: %s; what it held is kept as %s", path, wrong, kept.name)
        with replacing(path) as temporary:
            ordered = sorted([*old, *new], key=lambda record: record.start_ns)
            temporary.write_bytes(b"".join(record.content for record in ordered))
    return sum(len(record.content) for record in new)


def _set_aside(path: Path) -> Path:
    """Copy a day file that cannot be read to its end, beside it, under a name not taken."""
    free = (path.with_name(f"{path.name}.damaged{n or ''}") for n in count())
    kept = next(place for place in free if not os.path.lexists(place))
    with replacing(kept) as temporary:
        shutil.copyfile(path, temporary)
    return kept


def holdings(
    folder: Path, station: tuple[str, str], span: Span, choice: Iterable[tuple[str, str]]
) -> list[Path]:
    """Day files of a station that may hold data of a span, of the wanted locations and channels.

    `choice` holds pairs of patterns, location and channel, with * and ?.
    """
    network, name = station
    pairs = list(choice)
    found = []
    for day in days_of(Span(span.start_ns - round(_LONGEST_RECORD_S * SECOND), span.end_ns)):
        place = folder / f"{day:%Y}" / network / name
        for path in place.glob(f"*.D/{network}.{name}.*.D.{day:%Y.%j}"):
            location, channel = path.name.split(".")[2:4]
            if any(fnmatchcase(location, x) and fnmatchcase(channel, y) for x, y in pairs):
                found.append(path)
    return sorted(found)


def days_of(span: Span) -> list[datetime]:
    """The days (UTC, midnight) that a span touches."""
    first = to_datetime(span.start_ns).replace(hour=0, minute=0, second=0, microsecond=0)
    last = to_datetime(max(span.end_ns - 1, span.start_ns))
    return [first.astimezone(UTC) + timedelta(days=n) for n in range((last - first).days + 1)]


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120]
