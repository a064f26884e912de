"""What miniSEED records say of their times and their quality, all records of a file at once.

obspy and pymseed read them record by record, which takes minutes for a year of an ordinary station.
Layout of records: FDSN, SEED Reference Manual 2.4, chapter 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from struct import unpack

import numpy as np

from quakeline.core.timeline import SECOND
from quakeline.io.formats.codes import normal

#: A data record has one of these letters behind its number.
_KINDS = b"DRQM"
#: Bit of the activity flags: the correction is in the start time already.
_CORRECTED = 0b10
#: Bits of the activity flags: a leap second, or a negative one, lies within the record.
_LEAPS = 0b110000
_HEADER, _THIRD_HEADER = 48, 40
#: Records are looked for at each so many bytes where there is none, and have at most so many.
_STEP, _LONGEST = 64, 1 << 20
_MOST_BLOCKETTES = 8
#: A quality is a percentage; other values say that there is none.
QUALITIES = 101


@dataclass(frozen=True)
class Records:
    """Records of a channel in a file.

    `flags`, int64 of shape (8,), counts those that set each bit of the data quality flags, the
    lowest first; `timing`, int64 of shape (101,), those of timing quality 0 %, 1 %, ... (blockette
    1001, which not all have).
    """

    count: int
    flags: np.ndarray
    timing: np.ndarray

    def __add__(self, other: Records) -> Records:
        return Records(
            self.count + other.count, self.flags + other.flags, self.timing + other.timing
        )


def records_of(path: Path) -> dict[str, Records]:
    """The records of each channel, NET.STA.LOC.CHA.

    None where the file is anything else than miniSEED 2 with records of one length.
    """
    records, heads = _records(_content(path))
    if not len(records):
        return {}
    quality = _timed(records, heads, _order(heads[0]))[:, 0]
    names = _names(heads)
    found: dict[str, Records] = {}
    for name in names[:1] if (names == names[0]).all() else np.unique(names):
        own = names == name
        timed = quality[own & (quality < QUALITIES)]
        records_of_name = Records(
            int(own.sum()),
            np.unpackbits(heads[own, 38:39], axis=1, bitorder="little").sum(axis=0, dtype=np.int64),
            np.bincount(timed, minlength=QUALITIES).astype(np.int64),
        )
        other = found.get(_codes(name))  # the same codes, written in another way
        found[_codes(name)] = other + records_of_name if other else records_of_name
    return found


def starts_of(path: Path) -> dict[bytes, tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Starts in ns since 1970 and numbers of samples of the records of each channel, as they come.

    The third array says whether a record announces a leap second.

    Keys are the 12 bytes of station, location, channel and network. Times are those of the header
    with its correction, and the microseconds of blockette 1001. None where the file is anything
    else than miniSEED 2 with records of one length.
    """
    records, heads = _records(_content(path))
    if not len(records):
        return {}
    order = _order(heads[0])
    counts = _number(heads, 30, f"{order}u2")
    day, fraction = _number(heads, 22, f"{order}u2"), _number(heads, 28, f"{order}u2")
    years = (_number(heads, 20, f"{order}u2") - 1970).astype("M8[Y]").astype("M8[D]")
    hour, minute, second = (heads[:, at].astype(np.int64) for at in (24, 25, 26))
    seconds = ((years.astype(np.int64) + day - 1) * 24 + hour) * 3600 + minute * 60 + second
    fraction += np.where(heads[:, 36] & _CORRECTED, 0, _number(heads, 40, f"{order}i4"))
    micro = _timed(records, heads, order)[:, 1].view(np.int8).astype(np.int64)
    starts = seconds * SECOND + fraction * 100_000 + micro * 1_000
    names = _names(heads)
    full, leaps = counts > 0, heads[:, 36] & _LEAPS > 0
    return {
        name: (starts[own], counts[own], leaps[own])
        for name in np.unique(names).tolist()
        if (own := (names == name) & full).any()
    }


def lost_bytes(path: Path) -> tuple[int, bool] | None:
    """Bytes of a miniSEED file that are in no whole record, and whether the last one is cut.

    Records may have different lengths. None where the file does not begin with a record that says
    how long it is.
    """
    content = _content(path)
    if content[:3].tobytes() == b"MS\x03":
        return _lost_of_third(content)
    if not _record_length(content):
        return None
    at = lost = 0
    while at < len(content):
        length = _record_length(content[at : at + _LONGEST]) if _begins(content, at) else 0
        if not length and len(content) - at < _LONGEST and _begins(content, at):
            return lost + len(content) - at, True
        lost += 0 if length else min(_STEP, len(content) - at)
        at += length or _STEP
    return lost, False


def _lost_of_third(content: np.ndarray) -> tuple[int, bool]:
    """The same of miniSEED 3, which is read up to the first byte that is in no record.

    Lengths of codes, further headers and samples stand behind byte 33 of each record.
    Source: FDSN, miniSEED 3 (2023).
    """
    at = 0
    while content[at : at + 3].tobytes() == b"MS\x03" and at + _THIRD_HEADER <= len(content):
        lengths = unpack("<BHI", content[at + 33 : at + _THIRD_HEADER].tobytes())
        following = at + _THIRD_HEADER + sum(lengths)
        if following > len(content):
            break
        at = following
    return len(content) - at, content[at : at + 3].tobytes() == b"MS\x03"


def _begins(content: np.ndarray, at: int) -> bool:
    """Whether bytes look like the begin of a record: its number, and its kind."""
    head = content[at : at + 7].tobytes()
    return len(head) == 7 and head[:6].isdigit() and head[6] in _KINDS


def _content(path: Path) -> np.ndarray:
    return np.memmap(path, np.uint8, mode="r") if path.stat().st_size else np.empty(0, np.uint8)


def _records(content: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Records (n, bytes) and their first 64 bytes; n = 0 where they are of several kinds."""
    length = _record_length(content)
    if not length:
        return np.empty((0, 0), np.uint8), np.empty((0, 64), np.uint8)
    records = content[: len(content) // length * length].reshape(-1, length)
    heads = np.ascontiguousarray(records[:, :64])
    if not np.isin(heads[:, 6], list(_KINDS)).all():
        return records[:0], heads[:0]
    return records, heads


def _names(heads: np.ndarray) -> np.ndarray:
    return np.asarray(heads[:, 8:20].copy().view("S12").ravel())


def _number(heads: np.ndarray, at: int, kind: str) -> np.ndarray:
    size = np.dtype(kind).itemsize
    return np.asarray(heads[:, at : at + size].copy().view(kind).ravel().astype(np.int64))


def _order(head: np.ndarray) -> str:
    """Byte order of a record's header, by its year."""
    return ">" if 1900 <= int(head[20]) << 8 | int(head[21]) <= 2100 else "<"


def _record_length(content: np.ndarray) -> int:
    """Bytes of the first record as its blockette 1000 says; 0 where there is none."""
    if len(content) < 128 or int(content[6]) not in _KINDS:
        return 0
    order = _order(content)
    at = int(content[46:48].view(f"{order}u2")[0])
    for _ in range(_MOST_BLOCKETTES):
        if not _HEADER <= at <= 120:
            return 0
        kind, following = (int(v) for v in content[at : at + 4].copy().view(f"{order}u2"))
        if kind == 1000:
            exponent = int(content[at + 6])
            length = 1 << exponent if 7 <= exponent <= 20 else 0
            return length if length <= len(content) else 0
        at = following
    return 0


def _timed(records: np.ndarray, heads: np.ndarray, order: str) -> np.ndarray:
    """Timing quality (255: none) and the byte of microseconds of each record, shape (n, 2)."""
    found = np.tile(np.array([255, 0], np.uint8), (len(records), 1))
    at = heads[:, 46:48].copy().view(f"{order}u2").ravel().astype(np.int64)
    rows = np.arange(len(records))
    for _ in range(_MOST_BLOCKETTES):
        inside = (at >= _HEADER) & (at + 8 <= records.shape[1])
        rows, at = rows[inside], at[inside]
        if not len(rows):
            break
        start = records[rows[:, None], at[:, None] + np.arange(6)]
        kind, following = (
            np.ascontiguousarray(start[:, a : a + 2]).view(f"{order}u2").ravel().astype(np.int64)
            for a in (0, 2)
        )
        timed = kind == 1001
        found[rows[timed]] = start[timed, 4:6]
        rows, at = rows[~timed], following[~timed]
    return found


def _codes(name: bytes) -> str:
    text = name.ljust(12).decode("latin-1")
    station, location, channel, network = text[:5], text[5:7], text[7:10], text[10:12]
    return ".".join(map(normal, (network, station, location, channel)))
