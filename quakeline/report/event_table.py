"""The table of events: its columns, and its rows as text and as data for the page's script."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from quakeline.report.formatting import number, utc
from quakeline.report.scripts import embedded

#: Events that the page holds; of more, those with the most arrivals.
MOST_EVENTS = 20_000


@dataclass(frozen=True)
class Column:
    """A column: its name in searches and on the page, decimals (None: text), and its rank.

    Where the table is too wide, columns of the highest rank leave first. `sigma` names the column
    of its standard deviation, which stands beside the value and has no place of its own.
    """

    key: str
    name: str
    title: str
    unit: str
    digits: int | None
    rank: int
    sigma: str = ""
    shown: bool = True
    needed: bool = True


COLUMNS = (
    Column("number", "No.", "number", "", 0, 0),
    Column("time", "Origin time (UTC)", "origin time (UTC)", "", None, 0, "time_sigma_s"),
    Column("time_sigma_s", "", "standard deviation of the time", "s", 2, 9, shown=False),
    Column("latitude", "Lat. (°)", "latitude", "°", 4, 3),
    Column("longitude", "Lon. (°)", "longitude", "°", 4, 3),
    Column("depth", "Depth (km)", "depth below sea level", "km", 2, 1, "depth_sigma_km"),
    Column("depth_sigma_km", "", "standard deviation of the depth", "km", 2, 9, shown=False),
    Column("horizontal", "± horiz. (km)", "horizontal standard deviation, larger half axis", "km",
           2, 5),
    Column("mag", "Mag.", "magnitude", "", 1, 0, needed=False),
    Column("magnitude_type", "Type", "type of the magnitude", "", None, 8, needed=False),
    Column("mw", "Mw", "moment magnitude", "", 1, 4, needed=False),
    Column("rms", "RMS (s)", "root mean square of the residuals", "s", 3, 5),
    Column("gap", "Gap (°)", "largest azimuthal gap between stations", "°", 0, 6),
    Column("p", "P", "P arrivals", "", 0, 4),
    Column("s", "S", "S arrivals", "", 0, 4),
    Column("stations", "Sta.", "stations with arrivals", "", 0, 6),
    Column("class", "Class", "class", "", None, 3, needed=False),
    Column("class_probability", "Prob.", "probability of the class", "", 2, 7, needed=False),
    Column("quality", "Quality", "quality", "", None, 2),
)  # fmt: skip
#: Columns of EVENTS whose names in the table are shorter.
_SOURCE = {
    "depth": "depth_km",
    "horizontal": "horizontal_sigma_km",
    "mag": "magnitude",
    "rms": "rms_s",
    "gap": "azimuthal_gap_deg",
    "p": "n_p",
    "s": "n_s",
    "stations": "n_stations",
    "class": "event_class",
    "class_probability": "event_class_probability",
}


@dataclass(frozen=True)
class Cell:
    """A cell of the table that needs no script: the value, its text and standard deviation."""

    value: Any
    text: str
    sigma: str
    number: bool


@dataclass(frozen=True)
class EventTable:
    """Columns, all rows as JSON, and those that stand in the page itself.

    `drawn` are the numbers of events that have a record section.
    """

    columns: list[Column]
    rows: list[list[Any]]
    printed: list[list[Cell]]
    drawn: list[int]
    left_out: int
    json: str

    @property
    def classes(self) -> bool:
        """Whether events have classes."""
        return any(column.key == "class" for column in self.columns)


def table(events: pd.DataFrame, drawn: Sequence[int], most_printed: int) -> EventTable:
    """Make the table of events.

    Parameters
    ----------
    events
        EVENTS with `number`, `time_ns` and `n_arrivals`.
    drawn
        Numbers of the events with a record section.
    most_printed
        Rows on paper, and in browsers that run no scripts: those with the most arrivals.
    """
    kept = _most_arrivals(events, MOST_EVENTS)
    columns = [c for c in COLUMNS if c.needed or kept[_SOURCE.get(c.key, c.key)].notna().any()]
    values = [_values(kept, column) for column in columns]
    rows = [list(row) for row in zip(*values, strict=True)]
    chosen = set(_most_arrivals(kept, most_printed)["number"])
    printed = [_cells(row, columns) for row in rows if row[0] in chosen]
    keys = [column.key for column in columns]
    described = [
        {
            "key": c.key,
            "name": c.name,
            "title": c.title,
            "unit": c.unit,
            "digits": c.digits,
            "rank": c.rank,
            "sigma": keys.index(c.sigma) if c.sigma else None,
            "shown": c.shown,
        }
        for c in columns
    ]
    data = {"columns": described, "rows": rows, "drawn": list(drawn), "printed": most_printed}
    left_out = len(events) - len(kept)
    return EventTable(columns, rows, printed, list(drawn), left_out, embedded(data))


def _most_arrivals(events: pd.DataFrame, most: int) -> pd.DataFrame:
    order = events.sort_values(["n_arrivals", "time_ns"], ascending=[False, True], kind="stable")
    return order.head(most).sort_values("time_ns", kind="stable")


def _values(events: pd.DataFrame, column: Column) -> list[Any]:
    if column.key == "time":
        return [utc(time, 2) for time in events["time_ns"]]
    values = events[_SOURCE.get(column.key, column.key)]
    if column.digits is None:
        return [None if pd.isna(value) else str(value) for value in values]
    return [None if pd.isna(value) else _rounded(value, column.digits) for value in values]


def _rounded(value: Any, digits: int) -> float | int:
    return round(float(value), digits) if digits else round(float(value))


def _cells(row: list[Any], columns: list[Column]) -> list[Cell]:
    by_key = {column.key: (column, value) for column, value in zip(columns, row, strict=True)}
    return [
        Cell(value, _text(column, value), _sigma(column, by_key), column.digits is not None)
        for column, value in by_key.values()
        if column.shown
    ]


def _text(column: Column, value: Any) -> str:
    if column.digits is None:
        return "–" if value is None else str(value)
    return number(value, column.digits)


def _sigma(column: Column, by_key: dict[str, tuple[Column, Any]]) -> str:
    if not column.sigma or by_key[column.sigma][1] is None:
        return ""
    return _text(*by_key[column.sigma])
