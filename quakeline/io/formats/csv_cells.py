"""Tables that people write by hand (CSV): their cells as text, with line numbers."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from quakeline.core.errors import DataError, why_unread


def read_cells(path: Path, what: str) -> pd.DataFrame:
    """Read the cells of a CSV file (UTF-8) as stripped text; see `cells_of`.

    Tabs part the columns where they part the names of these, and commas do not.
    """
    text = text_of(path, what)
    names = next((line for line in text.splitlines() if line.strip(" \t,;|")), "")
    return cells_of(text, what, path, "\t" if "\t" in names and "," not in names else ",")


def text_of(path: Path, what: str) -> str:
    """The text of a table's file. Raises DataError where it cannot be read as UTF-8."""
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read {what} {path}: {why_unread(error, path, what)}") from None


def cells_of(text: str, what: str, path: Path, separator: str = ",") -> pd.DataFrame:
    """The cells of a table's text, stripped.

    `#` begins a comment; in text parted by bars, as that of FDSN services, at the start of a line
    only. Lines without content are left out. Short lines are filled with empty cells; column names
    are in lower case.

    Parameters
    ----------
    text
        What the file holds.
    what, path
        What the file is called in errors, e.g. "station table", and where it is.
    separator
        What parts the columns.

    Returns
    -------
    The cells; the index holds the numbers of the lines in the file.

    Raises
    ------
    DataError
        The file is empty, names a column twice or has a line that is too long.
    """
    lines = {number: _without_comment(line, separator) for number, line in _numbered(text)}
    cells = {
        number: [cell.strip() for cell in next(csv.reader([line], delimiter=separator))]
        for number, line in lines.items()
        if line.strip()
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


def _numbered(text: str) -> Iterator[tuple[int, str]]:
    return enumerate(text.splitlines(), 1)


def _without_comment(line: str, separator: str) -> str:
    if separator == "|":
        return "" if line.lstrip().startswith("#") else line
    return line.partition("#")[0]
