"""What miniSEED records say of their quality, all records of a file at once.

obspy and pymseed read them record by record, which takes minutes for a year of an ordinary station.
Layout of records: FDSN, SEED Reference Manual 2.4, chapter 8.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quakeline.io.codes import normal

#: A data record has one of these letters behind its number.
_KINDS = b"DRQM"
_HEADER = 48
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
    content = np.memmap(path, np.uint8, mode="r") if path.stat().st_size else np.empty(0, np.uint8)
    length = _record_length(content)
    if not length:
        return {}
    records = content[: len(content) // length * length].reshape(-1, length)
    heads = np.ascontiguousarray(records[:, :64])
    if not np.isin(heads[:, 6], list(_KINDS)).all():
        return {}
    quality = _qualities(records, heads, _order(heads[0]))
    names = heads[:, 8:20].copy().view("S12").ravel()
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


def _qualities(records: np.ndarray, heads: np.ndarray, order: str) -> np.ndarray:
    """Timing quality of each record, 255 where there is none."""
    quality = np.full(len(records), 255, np.uint8)
    at = heads[:, 46:48].copy().view(f"{order}u2").ravel().astype(np.int64)
    rows = np.arange(len(records))
    for _ in range(_MOST_BLOCKETTES):
        inside = (at >= _HEADER) & (at + 8 <= records.shape[1])
        rows, at = rows[inside], at[inside]
        if not len(rows):
            break
        start = records[rows[:, None], at[:, None] + np.arange(5)]
        kind, following = (
            np.ascontiguousarray(start[:, a : a + 2]).view(f"{order}u2").ravel().astype(np.int64)
            for a in (0, 2)
        )
        timed = kind == 1001
        quality[rows[timed]] = start[timed, 4]
        rows, at = rows[~timed], following[~timed]
    return quality


def _codes(name: bytes) -> str:
    text = name.ljust(12).decode("latin-1")
    station, location, channel, network = text[:5], text[5:7], text[7:10], text[10:12]
    return ".".join(map(normal, (network, station, location, channel)))
