"""What was measured around picks that left the window, on disk until the review of their day."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from pathlib import Path

import pandas as pd
import pyarrow.parquet as pq

from quakeline.core.schemas import MEASUREMENTS
from quakeline.io.products import tables

#: The folder of the pieces, in that of the session.
FOLDER = "measured"
_PIECE = re.compile(r"(\d{6,})\.parquet")
#: What ids of picks of sessions end with.
_DAY = r"/(\d{4}-\d{2}-\d{2})T[^/]*$"
#: Rows are put into a piece as soon as there are so many.
_ROWS = 5000


class Pieces:
    """Tables of MEASUREMENTS in a folder; rows that are too few for one wait in memory."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder / FOLDER
        self._waiting: list[pd.DataFrame] = []

    def begin(self, *, anew: bool) -> None:
        """Remove what killed writers left; `anew`: all that an earlier session left."""
        for path in self._folder.glob(".*.part"):
            path.unlink()
        if anew:
            self.remove({one.name for one in self.paths()})

    def add(self, rows: list[pd.DataFrame]) -> None:
        """Take rows."""
        self._waiting += rows

    def write(self) -> pd.DataFrame:
        """Put rows on disk if there are enough for a piece; gives those that still wait."""
        if len(self._waiting) > 1:
            self._waiting = [pd.concat(self._waiting, ignore_index=True)]
        if self._waiting and len(self._waiting[0]) >= _ROWS:
            number = max((int(one.stem) for one in self.paths()), default=0) + 1
            tables.write(self._waiting[0], MEASUREMENTS, self._folder / f"{number:06d}.parquet")
            self._waiting = []
        return self._waiting[0] if self._waiting else tables.empty(MEASUREMENTS)

    def paths(self) -> list[Path]:
        """The pieces on disk, in the order in which they were written."""
        there = self._folder.iterdir() if self._folder.is_dir() else ()
        return sorted(one for one in there if _PIECE.fullmatch(one.name))

    def remove(self, names: Collection[str]) -> None:
        """Remove pieces that nobody needs any more, by their names."""
        for path in self.paths():
            if path.name in names:
                path.unlink()
        if self._folder.is_dir() and not any(self._folder.iterdir()):
            self._folder.rmdir()


def ids_of(path: Path) -> set[str]:
    """The picks of a table of MEASUREMENTS."""
    return set(pq.read_table(path, columns=["pick_id"])["pick_id"].to_pylist())


def newest_of(path: Path) -> str:
    """The time of the last pick of a table, as ids of picks of sessions end with it; `""`: none."""
    return max((one.rsplit("/", 1)[-1] for one in ids_of(path)), default="")


def days_of(rows: pd.DataFrame) -> pd.Series:
    """The day (UTC, `2024-01-31`) of the pick of each row of MEASUREMENTS, as its id says."""
    return rows["pick_id"].astype("string").str.extract(_DAY, expand=False)


def rows_of(path: Path) -> pd.DataFrame:
    """The rows of a table of MEASUREMENTS; none where it is not there."""
    return tables.read(path, MEASUREMENTS) if path.is_file() else tables.empty(MEASUREMENTS)


def joined(some: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """MEASUREMENTS of tables; each row once, the last one counts."""
    rows = [one for one in some if len(one)]
    whole = pd.concat(rows, ignore_index=True) if rows else tables.empty(MEASUREMENTS)
    whole = whole.drop_duplicates(["pick_id", "component"], keep="last")
    return whole.sort_values(["pick_id", "component"], ignore_index=True)
