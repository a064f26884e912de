"""Files that are looked at before anybody reads them: their names, and what they claim to hold.

Readers take a file's size for data and load it at once: a sparse file of a few kilobytes may claim
many gigabytes.
"""

from __future__ import annotations

import os
from pathlib import Path

from quakeline.core.errors import DataError

#: Files below this size are read whatever they hold.
_LARGE = 64 * 1024**2
#: Bytes at the beginning that are looked at, and records at even distances in the file.
_HEAD, _LOOKS = 1024**2, 256
_MIB = 1024**2
#: What of the memory of the machine one file may need.
_SHARE = 0.5
#: Behind the number of a miniSEED data record.
_KINDS = b"DRQM"
_LENGTHS = tuple(2**n for n in range(7, 17))


def shown(path: Path | str) -> str:
    """A path as text that every table and terminal takes: other bytes than UTF-8 as numbers."""
    return os.fsencode(path).decode("utf-8", "backslashreplace")


def require_name(path: Path) -> None:
    """Raise DataError for a file whose name is no UTF-8 text: no table could hold it."""
    if shown(path) != str(path):
        raise DataError("its name is no UTF-8 text: rename it")


def require_plausible(path: Path) -> None:
    """Raise DataError for a large file that is mostly empty, where it can be told from a few looks.

    These are files that begin with nothing but zeros, and miniSEED most of whose records are none.
    """
    size = path.stat().st_size
    if size < _LARGE:
        return
    with path.open("rb") as file:
        head = file.read(_HEAD)
        if not any(head):
            raise DataError(f"its {size // _MIB} MB begin with nothing but zeros")
        if not _is_record(head):
            return
        length = next((n for n in _LENGTHS if _is_record(head[n : n + 8])), 512)
        count = size // length
        good = 0
        for n in range(_LOOKS):
            file.seek(n * count // _LOOKS * length)
            good += _is_record(file.read(8))
    if good < _LOOKS // 2:
        raise DataError(
            f"most of its {size // _MIB} MB are no records: {good} of {_LOOKS} places that were"
            " looked at"
        )


def require_memory(path: Path) -> None:
    """Raise DataError for a file that would have to be loaded at once and is too large for that."""
    import psutil

    size, whole = path.stat().st_size, psutil.virtual_memory().total
    if size > _SHARE * whole:
        raise DataError(
            f"its {size // _MIB} MB would have to be loaded at once, more than half of the memory"
            f" of this machine ({whole // _MIB} MB)"
        )


def _is_record(head: bytes) -> bool:
    """Whether bytes begin as a record of miniSEED 2 or 3."""
    second = len(head) >= 8 and head[:6].isdigit() and head[6:7] in {bytes([k]) for k in _KINDS}
    return second or head[:3] == b"MS\x03"
