"""Parquet tables of anybody: whose they are, and their cells."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from quakeline.core.errors import DataError, why_unread

_BEGIN = b"PAR1"


def is_parquet(path: Path) -> bool:
    """Whether a file is Parquet, by its name or by how it begins."""
    if path.suffix == ".parquet":
        return True
    try:
        with path.open("rb") as file:
            return file.read(len(_BEGIN)) == _BEGIN
    except OSError:  # who reads it says why
        return False


def own_name(path: Path, what: str) -> str | None:
    """The name of the table that this program wrote to a file; None where it is not one of its own.

    Raises DataError, which calls the file `what`, where it is Parquet that cannot be read.
    """
    if not is_parquet(path):
        return None
    try:
        metadata = pq.read_schema(path).metadata or {}
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot read {what} {path}: {why_unread(error, path, what)}") from None
    name = metadata.get(b"quakeline_table")
    return None if name is None else name.decode()


def read_frame(path: Path, what: str) -> pd.DataFrame:
    """Read a Parquet table of anybody; column names are in lower case.

    Raises DataError, which calls the file `what`, where it cannot be read.
    """
    try:
        frame: pd.DataFrame = pq.read_table(path).to_pandas()
    except (OSError, pa.ArrowInvalid) as error:
        raise DataError(f"cannot read {what} {path}: {why_unread(error, path, what)}") from None
    return frame.rename(columns=lambda name: str(name).lower())


def as_text(frame: pd.DataFrame) -> pd.DataFrame:
    """The cells of a table as text, rows counted from 1; what is absent is empty."""
    cells = frame.reset_index(drop=True).astype(object)
    text = cells.map(lambda value: str(value).strip()).where(cells.notna(), "")
    return text.set_axis(range(1, len(text) + 1))
