"""What became of the raw data of a run: why some were not used, and remarks on those that were.

The manifests of `fetch` say what came and why not, the coverage tables of `prepare` what was done
with it. The summary, the report and the error of a run without any usable data tell the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from quakeline.core.reasons import Code, Kind, Reason, reasons_in, text_of
from quakeline.core.schemas import COVERAGE, MANIFEST, Table
from quakeline.io.products import tables

#: Shown first: requests that failed; data that came and cannot be used; what never came; remarks.
_ORDER = ("failed", "unreadable", "unused", "no data", "used")
_NO_REASON = (Reason.of(Code.TEXT, text="no reason given"),)


@dataclass(frozen=True)
class Remark:
    """Something to know about data: status, reasons, where (files or channels), how many chunks.

    The status is `failed` (a download), `unreadable`, `unused`, `no data`, or `used` for a remark
    on data that serve.
    """

    status: str
    reasons: tuple[Reason, ...]
    where: tuple[str, ...]
    chunks: int

    @property
    def text(self) -> str:
        """The reasons in words, those of one of the places."""
        return text_of(self.reasons)

    def is_of(self, code: Code) -> bool:
        """Whether this is the only reason."""
        return all(one.code is code for one in self.reasons)


def read_chunks(paths: list[Path], table: Table) -> pd.DataFrame:
    """Tables of one schema in one frame, with the name of each file in a column `chunk`."""
    frames = [tables.read(path, table).assign(chunk=path.stem) for path in paths]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else tables.empty(table).assign(chunk="")


def collect(manifests: list[Path], coverage: list[Path]) -> list[Remark]:
    """Remarks of a run, those on data that could not be used first."""
    return gather(read_chunks(manifests, MANIFEST), read_chunks(coverage, COVERAGE))


def gather(manifest: pd.DataFrame, coverage: pd.DataFrame) -> list[Remark]:
    """Remarks in MANIFEST and COVERAGE, both with a column `chunk`; equal ones are one.

    Those that differ in numbers alone, of samples, bytes or seconds, are equal.
    """
    groups: dict[tuple[Any, ...], list[_Note]] = {}
    for note in (*_of_files(manifest), *_of_channels(coverage)):
        groups.setdefault((note.status, *(one.alike for one in note.reasons)), []).append(note)
    remarks = [
        Remark(
            status=same[0].status,
            reasons=same[0].reasons,
            where=tuple(sorted({note.where for note in same})),
            chunks=len({note.chunk for note in same}),
        )
        for same in groups.values()
    ]
    return sorted(remarks, key=lambda r: (_ORDER.index(r.status), -r.chunks, -len(r.where), r.text))


@dataclass(frozen=True)
class _Note:
    """What a row of a table says of a file or channel in a chunk."""

    status: str
    reasons: tuple[Reason, ...]
    where: str
    chunk: str


def lacking(events: pd.DataFrame, column: str) -> list[tuple[Reason, int]]:
    """Why events have no `magnitude` or `mw`, and how many: the most frequent reason first.

    Each reason counts once for an event, however many of its stations have it. Those that differ
    in numbers alone are one, told in the words that are most frequent.
    """
    pairs = zip(events[f"{column}_note"], events[f"{column}_note_codes"], strict=True)
    told = [{one.counted(None) for one in reasons_in(*pair)} for pair in pairs]
    kinds = Counter(kind for reasons in told for kind in {one.alike for one in reasons})
    words: dict[tuple[Any, ...], Counter[Reason]] = {}
    for one in (one for reasons in told for one in sorted(reasons, key=str)):
        words.setdefault(one.alike, Counter())[one] += 1
    counts = [(words[kind].most_common(1)[0][0], number) for kind, number in kinds.items()]
    return sorted(counts, key=lambda item: (-item[1], str(item[0])))


def some(names: Iterable[str], most: int) -> str:
    """List the first few different names and count the rest."""
    unique = sorted(set(names))
    rest = len(unique) - most
    shown = ", ".join(unique[:most])
    return f"{shown} and {rest} more" if rest > 0 else shown


def _of_files(manifest: pd.DataFrame) -> Iterator[_Note]:
    for row in manifest[(manifest["status"] != "data") | manifest["reason"].notna()].itertuples():
        place = f"{row.network}.{row.station}" if isinstance(row.station, str) else "?"
        yield _Note(
            status="used" if row.status == "data" else str(row.status),
            reasons=reasons_in(row.reason, row.reason_codes) or _NO_REASON,
            where=row.path if isinstance(row.path, str) else place,
            chunk=str(row.chunk),
        )


def _of_channels(coverage: pd.DataFrame) -> Iterator[_Note]:
    """Each note on a channel in use by itself; what is unused has all its reasons together."""
    for row in coverage.itertuples():
        reasons = reasons_in(row.notes, row.notes_codes)
        where = f"{row.network}.{row.station}.{row.location}.{row.channels}"
        parts = [reasons] if row.status == "unused" else [(one,) for one in reasons]
        for part in parts:
            if any(one.kind is not Kind.USUAL for one in part):
                absent = all(one.kind is Kind.NO_DATA for one in part)
                yield _Note("no data" if absent else str(row.status), part, where, str(row.chunk))
