"""Station terms: delays that the velocity model leaves at a station, from a catalog's residuals.

Static terms are one delay for each station and phase; source-specific ones (SSST) are delays of the
events near each event, in a neighbourhood that shrinks from one iteration to the next.
Source: Richards-Dinger, K. B. & Shearer, P. M. (2000), Earthquake locations in southern California
obtained using source-specific station terms, J. Geophys. Res. 105, 10939-10960.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from quakeline.core.errors import DataError
from quakeline.io.formats.csv_cells import read_cells

Kind = Literal["none", "static", "ssst"]
#: Columns of a table of terms; `location` may be absent, or empty for all of a station.
COLUMNS = ("network", "station", "location", "phase", "delay_s")

ITERATIONS = 5
#: Residuals that count at least against a term of zero: few residuals make a small term.
_SHRINK = 5.0
#: Variance of a median over that of a mean, and of normal errors over their mean size squared.
_MEDIAN = np.pi / 2
_LEAST_RADIUS_KM = 3.0
_NEIGHBOURS = 50


@dataclass(frozen=True)
class GivenTerms:
    """Terms in s that a table gives, by network, station, location and phase."""

    delays: Mapping[tuple[str, str, str, str], float] = field(default_factory=dict)

    @classmethod
    def read(cls, path: Path) -> GivenTerms:
        """Read a table (CSV) such as `quakeline tune velocity` writes.

        Raises DataError that names the column or the line which it cannot use.
        """
        frame = read_cells(path, "table of station terms").assign(location=lambda table: (
            table["location"].replace("--", "") if "location" in table else ""
        ))  # fmt: skip
        missing = [name for name in COLUMNS if name not in frame.columns]
        if missing:
            raise DataError(
                f"locate.station_terms: {path} has no column {', '.join(missing)}; needed are"
                " network, station, phase and delay_s"
            )
        found: dict[tuple[str, str, str, str], float] = {}
        for row in frame[list(COLUMNS)].itertuples():
            *key, delay = row[1:]
            seconds = pd.to_numeric(delay, errors="coerce")
            where = f"locate.station_terms: {path} line {row[0]}"
            if key[3] not in ("P", "S"):
                raise DataError(f"{where}: phase {key[3]!r} given; allowed: P, S")
            if not np.isfinite(seconds):
                raise DataError(f"{where}: delay_s {delay!r} given; needed is a number of seconds")
            if tuple(key) in found:
                raise DataError(f"{where}: {'.'.join(key[:3])} {key[3]} stands there twice")
            found[key[0], key[1], key[2], key[3]] = float(seconds)
        return cls(found)

    def of(self, arrivals: pd.DataFrame) -> np.ndarray:
        """Terms of arrivals with codes and phases; 0 for a station that the table does not name."""
        keys = arrivals[list(COLUMNS[:4])].itertuples(index=False, name=None)
        return np.array([self._of(*key) for key in keys], dtype=float)

    def _of(self, network: str, station: str, location: str, phase: str) -> float:
        everywhere = self.delays.get((network, station, "", phase), 0.0)
        return self.delays.get((network, station, location, phase), everywhere)


def static(group: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Terms in s of each arrival: the median residual of its group, shrunk where they are few.

    A median is shrunk towards zero by the variance of a group's residuals over that of the groups'
    true delays (James, W. & Stein, C., 1961, Estimation with quadratic loss, Proc. 4th Berkeley
    Symp. 1, 361-379): groups that differ no more than by chance have no terms.
    """
    groups = _groups(group)
    count = np.array([len(rows) for rows in groups])
    middle = np.array([np.median(residual[rows]) for rows in groups])
    terms = np.zeros(len(group))
    for rows, median in zip(groups, middle, strict=True):
        terms[rows] = median
    needed = _needed(residual - terms, count, middle)
    for rows in groups:
        terms[rows] *= len(rows) / (len(rows) + needed)
    return terms


def _needed(left: np.ndarray, count: np.ndarray, middle: np.ndarray) -> float:
    """Residuals that count against a term of zero, from what medians of groups leave, (n,)."""
    free = len(left) - len(count)
    if not free:
        return float("inf")
    within = _MEDIAN * float(np.abs(left).sum() / free) ** 2
    chance = _MEDIAN * within * len(count) / len(left)
    between = float(count @ middle**2) / len(left) - chance
    return max(_SHRINK, _MEDIAN * within / between) if between > 0 else float("inf")


def source_specific(
    group: np.ndarray, residual: np.ndarray, places: np.ndarray, radius_km: float
) -> np.ndarray:
    """Terms in s of each arrival: the static one and what nearby events add.

    What they add is the median within a radius of what the static terms leave, shrunk where they
    are few; at most the 50 nearest count. `places`, (n, 3), are the hypocentres of the arrivals'
    events in km.
    """
    terms = static(group, residual)
    left = residual - terms
    for rows in _groups(group):
        tree = cKDTree(places[rows])
        count = min(_NEIGHBOURS, len(rows))
        distance, index = tree.query(places[rows], k=count, distance_upper_bound=radius_km)
        near = np.isfinite(distance.reshape(len(rows), count))
        padded = np.append(left[rows], np.nan)[index.reshape(len(rows), count)]
        found = near.sum(axis=1)
        terms[rows] += np.nanmedian(padded, axis=1) * found / (found + _SHRINK)
    return terms


def radius_km(iteration: int, extent_km: float) -> float:
    """Radius of an iteration, 0 to ITERATIONS - 1: from a quarter of the network to 3 km."""
    first = max(extent_km / 4, _LEAST_RADIUS_KM)
    return float(first * (_LEAST_RADIUS_KM / first) ** (iteration / (ITERATIONS - 1)))


def _groups(group: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(group) else []
