"""Numbers of spreadsheets that write commas where others write decimal points."""

from __future__ import annotations

import re

import pandas as pd

#: What to add to a message about a number with a comma that was not read as a decimal point.
HINT = (
    "; a comma is read as a decimal point only in tables parted by semicolons, tabs or bars, where"
    " coordinates have it and no number has a point"
)
_COMMA = re.compile(r"^([+-]?\d+),(\d+)$")
_POINT = re.compile(r"\d\.|\.\d")


def with_points(cells: pd.DataFrame, numeric: list[str], degrees: list[str]) -> pd.DataFrame:
    """Cells of a table, as text, whose numbers have decimal points.

    A comma is decimal where coordinates have it and no number of the table has a point: elsewhere
    it may part thousands, as in 1,500 m, and stays. `numeric` are the columns of numbers, `degrees`
    those of them that are coordinates.
    """
    has_points = cells[numeric].apply(lambda column: column.str.contains(_POINT))
    has_commas = cells[degrees].apply(lambda column: column.str.fullmatch(_COMMA))
    if has_points.any(axis=None) or not has_commas.any(axis=None):
        return cells
    points = {name: cells[name].str.replace(_COMMA, r"\1.\2", regex=True) for name in numeric}
    return cells.assign(**points)
