"""What became of the raw data of a run: why some were not used, and remarks on those that were.

The manifests of `fetch` say what came and why not, the coverage tables of `prepare` what was done
with it. The summary, the report and the error of a run without any usable data tell the same.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from quakeline.io import tables
from quakeline.schemas import COVERAGE, MANIFEST, Table

#: Remarks that are equal but for a number of samples, bytes or seconds are one.
_NUMBER = re.compile(r"(?<![\w.])\d+(\.\d+)?(?!\w)")
#: What `prepare` notes on channels that are as they should be.
_USUAL = "response removed"
_COLUMNS = ["status", "reason", "where", "chunk"]
#: Shown first: requests that failed; data that came and cannot be used; what never came; remarks.
_ORDER = ("failed", "unreadable", "unused", "no data", "used")


@dataclass(frozen=True)
class Remark:
    """Something to know about data: status, reason, where (files or channels), in how many chunks.

    The status is `failed` (a download), `unreadable`, `unused`, `no data`, or `used` for a remark
    on data that serve.
    """

    status: str
    reason: str
    where: tuple[str, ...]
    chunks: int


def read_chunks(paths: list[Path], table: Table) -> pd.DataFrame:
    """Tables of one schema in one frame, with the name of each file in a column `chunk`."""
    frames = [tables.read(path, table).assign(chunk=path.stem) for path in paths]
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else tables.empty(table).assign(chunk="")


def collect(manifests: list[Path], coverage: list[Path]) -> list[Remark]:
    """Remarks of a run, those on data that could not be used first."""
    return gather(read_chunks(manifests, MANIFEST), read_chunks(coverage, COVERAGE))


def gather(manifest: pd.DataFrame, coverage: pd.DataFrame) -> list[Remark]:
    """Remarks in MANIFEST and COVERAGE, both with a column `chunk`; equal ones are one."""
    notes = pd.concat([_of_files(manifest)[_COLUMNS], _of_channels(coverage)])
    notes["kind"] = notes["reason"].str.replace(_NUMBER, "0", regex=True)
    remarks = [
        Remark(
            status=str(status),
            reason=str(group["reason"].iloc[0]),
            where=tuple(sorted(set(group["where"]))),
            chunks=int(group["chunk"].nunique()),
        )
        for (status, _), group in notes.groupby(["status", "kind"], sort=True)
    ]
    return sorted(remarks, key=lambda r: (_ORDER.index(r.status), -r.chunks, -len(r.where)))


def some(names: Iterable[str], most: int) -> str:
    """List the first few different names and count the rest."""
    unique = sorted(set(names))
    rest = len(unique) - most
    shown = ", ".join(unique[:most])
    return f"{shown} and {rest} more" if rest > 0 else shown


def _of_files(manifest: pd.DataFrame) -> pd.DataFrame:
    noted = manifest[(manifest["status"] != "data") | manifest["reason"].notna()]
    station = noted["network"] + "." + noted["station"]
    return noted.assign(
        status=noted["status"].replace("data", "used"),
        reason=noted["reason"].fillna("no reason given").astype(object),
        where=noted["path"].fillna(station).fillna("?").astype(object),
    )


def _of_channels(coverage: pd.DataFrame) -> pd.DataFrame:
    """One row for each note on a channel in use; what is unused has one reason."""
    rows = [
        {
            "status": row.status,
            "reason": reason,
            "where": f"{row.network}.{row.station}.{row.location}.{row.channels}",
            "chunk": row.chunk,
        }
        for row in coverage.itertuples()
        for reason in ([row.notes] if row.status == "unused" else str(row.notes).split("; "))
        if reason not in ("", _USUAL)
    ]
    return pd.DataFrame(rows, columns=_COLUMNS)
