"""Station terms: delays that the velocity model leaves at a station, from a catalog's residuals.

Static terms are one delay for each station and phase, and what velocities that are wrong as a whole
do to each arrival; source-specific ones (SSST) add delays of the events near each event, in a
neighbourhood that shrinks from one iteration to the next.
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
from quakeline.events.location.mixed import Left, solved
from quakeline.io.formats.csv_cells import read_cells

Kind = Literal["none", "static", "ssst"]
#: Columns of a table of terms; `location` may be absent, or empty for all of a station.
COLUMNS = ("network", "station", "location", "phase", "delay_s")

ITERATIONS = 5
#: Residuals that count against what nearby events add.
_SHRINK = 5.0
_LEAST_RADIUS_KM = 3.0
#: Decimals of terms in s.
_DIGITS = 6
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


def static(left: Left) -> tuple[np.ndarray, float]:
    """Terms in s of each arrival, (n,), and the error of the share of velocities.

    Each is one delay of its group, and what velocities that are wrong by a share do to the arrival,
    which grows with its travel time: delays alone, which are to be about zero, could not stand for
    that. So arrivals of one group have different terms. A delay is as large as the arrivals
    determine it; what hypocentres can take up is theirs, also a shift of all events together. Terms
    are whole microseconds: what linear algebra rounds otherwise on another processor, or with
    another order of stations, leaves no trace in them.
    """
    found = solved(left)
    return found.late_s.round(_DIGITS), found.share_sigma


def of_stations(left: Left) -> np.ndarray:
    """Terms in s of each arrival as in `static`, of stations alone."""
    return solved(left, velocities=False).late_s.round(_DIGITS)


def source_specific(left: Left, places: np.ndarray, radius_km: float) -> tuple[np.ndarray, float]:
    """Terms in s of each arrival: the static one and what nearby events add; else as `static`.

    What they add is the median within a radius of what the static terms leave, shrunk where they
    are few; at most the 50 nearest count. Whole microseconds, as in `static`. `places`, (n, 3), are
    the hypocentres of the arrivals' events in km.
    """
    terms, share_sigma = static(left)
    rest = left.residual_s - terms
    for rows in _groups(left.group):
        tree = cKDTree(places[rows])
        count = min(_NEIGHBOURS, len(rows))
        distance, index = tree.query(places[rows], k=count, distance_upper_bound=radius_km)
        near = np.isfinite(distance.reshape(len(rows), count))
        padded = np.append(rest[rows], np.nan)[index.reshape(len(rows), count)]
        found = near.sum(axis=1)
        terms[rows] += np.nanmedian(padded, axis=1) * found / (found + _SHRINK)
    return terms.round(_DIGITS), share_sigma


def radius_km(iteration: int, extent_km: float) -> float:
    """Radius of an iteration, 0 to ITERATIONS - 1: from a quarter of the network to 3 km."""
    first = max(extent_km / 4, _LEAST_RADIUS_KM)
    return float(first * (_LEAST_RADIUS_KM / first) ** (iteration / (ITERATIONS - 1)))


def _groups(group: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(group) else []
