"""Stations one by one: residuals of their arrivals, and picks that joined no event."""

from __future__ import annotations

import math
from dataclasses import dataclass

import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.report.catalog import Catalog
from quakeline.report.formatting import count

#: Columns of the strips at most, and how many seconds one may last; in long runs, whole days.
MOST_COLUMNS = 96
_COLUMN_S = (5, 10, 30, 60, 300, 600, 1800, 3600, 7200, 14_400, 43_200)
_DAY_S = 86_400
#: Makes the median absolute deviation of normal errors their standard deviation.
_NORMAL = 1.4826


@dataclass(frozen=True)
class Residuals:
    """Residuals of a station and phase in s: number, median, MAD as a standard deviation.

    The MAD is NaN where there is only one.
    """

    n: int
    median: float
    mad: float


@dataclass(frozen=True)
class StationResiduals:
    """Residuals of both phases; a phase without any has n 0."""

    site: str
    p: Residuals
    s: Residuals


def residuals(catalog: Catalog) -> list[StationResiduals]:
    """Residuals of every station that has some."""
    known = catalog.arrivals.dropna(subset=["residual_s", "label"])
    sites = known["label"].str.split(".").str[:2].str.join(".")
    found = []
    for site, part in known.assign(site=sites).groupby("site"):
        p, s = (_spread(part["residual_s"][part["phase"] == phase]) for phase in "PS")
        found.append(StationResiduals(str(site), p, s))
    return found


def _spread(values: pd.Series) -> Residuals:
    if not len(values):
        return Residuals(0, math.nan, math.nan)
    median = float(values.median())
    mad = _NORMAL * float((values - median).abs().median()) if len(values) > 1 else math.nan
    return Residuals(len(values), median, mad)


def residual_scale(rows: list[StationResiduals]) -> float:
    """Seconds to either side that hold all medians with their MAD; a tenth at least."""
    parts = [part for row in rows for part in (row.p, row.s) if part.n]
    reach = [abs(part.median) + (0.0 if math.isnan(part.mad) else part.mad) for part in parts]
    return max([0.1, *reach])


@dataclass(frozen=True)
class Strip:
    """Lone picks of a station: (column, opacity, what it says) of the columns that have some."""

    site: str
    lone: int
    picks: int
    cells: list[tuple[int, float, str]]


@dataclass(frozen=True)
class Lone:
    """Picks that joined no event, by station and time; a column is `column_s` seconds long."""

    strips: list[Strip]
    columns: int
    column_s: int
    most: int


def lone_picks(catalog: Catalog) -> Lone:
    """Count the picks that joined no event, by station and columns of time."""
    least = catalog.span.seconds / MOST_COLUMNS
    days = max(1, math.ceil(least / _DAY_S)) * _DAY_S
    column_s = next((length for length in _COLUMN_S if length >= least), days)
    columns = max(1, math.ceil(catalog.span.seconds / column_s))
    picks = catalog.picks
    place = (picks["time_ns"] - catalog.span.start_ns) // (column_s * SECOND)
    lone = picks.assign(column=place.clip(0, columns - 1))[~picks["associated"].astype(bool)]
    table: dict[str, dict[int, int]] = {}
    for site, column in zip(lone["site"], lone["column"], strict=True):
        counts = table.setdefault(str(site), {})
        counts[int(column)] = counts.get(int(column), 0) + 1
    most = max((n for counts in table.values() for n in counts.values()), default=0)
    strips = []
    for site, made in sorted(picks["site"].value_counts().to_dict().items()):
        counts = table.get(str(site), {})
        cells = [
            (column, round(0.15 + 0.85 * math.sqrt(n / most), 2), count(n, "pick"))
            for column, n in sorted(counts.items())
        ]
        strips.append(Strip(str(site), sum(counts.values()), int(made), cells))
    return Lone(strips, columns, column_s, most)
