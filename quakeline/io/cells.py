"""Tables that people write by hand (CSV): their cells as text, with line numbers."""

from __future__ import annotations

import csv
from pathlib import Path

import pandas as pd

from quakeline.errors import DataError


def read_cells(path: Path, what: str) -> pd.DataFrame:
    """Read the cells of a CSV file (UTF-8) as stripped text.

    `#` begins a comment; lines without content are left out. Short lines are filled with empty
    cells; column names are in lower case.

    Parameters
    ----------
    path
        The file.
    what
        What the file is called in errors, e.g. "station table".

    Returns
    -------
    The cells; the index holds the numbers of the lines in the file.

    Raises
    ------
    DataError
        The file cannot be read, is empty, names a column twice or has a line that is too long.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {what} {path}: {error}") from None
    cells = {
        number: [cell.strip() for cell in next(csv.reader([line.partition("#")[0]]))]
        for number, line in enumerate(text.splitlines(), 1)
        if line.partition("#")[0].strip()
    }
    if not cells:
        raise DataError(f"{what} {path} is empty")
    names = [name.lower() for name in cells.pop(min(cells))]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{what} {path}: column {', '.join(map(repr, twice))} is named twice")
    for number, row in cells.items():
        if any(row[len(names) :]):
            raise DataError(
                f"{what} {path}, line {number}: {len(row)} cells, but {len(names)} columns"
            )
    rows = [(row + [""] * len(names))[: len(names)] for row in cells.values()]
    return pd.DataFrame(rows, index=list(cells), columns=names, dtype=str)
