"""Station terms: delays that the velocity model leaves at a station, from a catalog's residuals.

Static terms are one delay for each station and phase; source-specific ones (SSST) are delays of the
events near each event, in a neighbourhood that shrinks from one iteration to the next.
Source: Richards-Dinger, K. B. & Shearer, P. M. (2000), Earthquake locations in southern California
obtained using source-specific station terms, J. Geophys. Res. 105, 10939-10960.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd
from scipy.linalg import eigh
from scipy.sparse import csr_array, hstack
from scipy.spatial import cKDTree

from quakeline.core.errors import DataError
from quakeline.events.location.errors import EXPECTED_S, EXPECTED_SHARE, S_ALONE
from quakeline.io.formats.csv_cells import read_cells

Kind = Literal["none", "static", "ssst"]
#: Columns of a table of terms; `location` may be absent, or empty for all of a station.
COLUMNS = ("network", "station", "location", "phase", "delay_s")

ITERATIONS = 5
#: Residuals that count against what nearby events add.
_SHRINK = 5.0
#: Variances of terms that are tried, over that of their errors: least, largest, number.
_SIZES = (1e-2, 1e4, 60)
#: Residuals of the expected size that count beside those of the catalog.
_EXPECTED = 20.0
#: Shares by which all velocities, and those of S alone, may be wrong before any residual was seen.
_WRONG = 0.05 * np.array([1.0, S_ALONE])
#: Weak prior of hypocentres, 1/km2 and 1/s2.
_PRIOR = 1e-6
_LEAST_RADIUS_KM = 3.0
#: Decimals of terms in s.
_DIGITS = 6
_NEIGHBOURS = 50
#: Events whose normal equations are summed at once.
_BLOCK = 2000


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


@dataclass(frozen=True)
class Left:
    """What hypocentres leave of a catalog's arrivals, event by event; the terms are in it.

    `event` counts events from 0, `group` is twice the station's number, and one more for S;
    `residual_s`, `travel_s`, `weight` (in 1/s2) have shape (n,), `slopes`, (n, 4), are derivatives
    of the arrival times over x, y, z and t0.
    """

    event: np.ndarray
    group: np.ndarray
    residual_s: np.ndarray
    travel_s: np.ndarray
    slopes: np.ndarray
    weight: np.ndarray


def static(left: Left, *, velocities: bool = True) -> np.ndarray:
    """Terms in s of each arrival: one for each group, as far as the arrivals determine them.

    Terms, hypocentres and errors are one linear model with mixed effects (Patterson, H. D. &
    Thompson, R., 1971, Biometrika 58, 545-554): whatever hypocentres can take up is theirs, also a
    shift of all events together, and terms are random values about zero, larger where travel times
    are long, as errors of velocities make them. How large they are over the errors of the arrivals
    is what the residuals make most probable; a term, or a sum of terms, that the arrivals hardly
    determine is then small. Terms are whole microseconds: what linear algebra rounds otherwise on
    another processor, or with another order of stations, leaves no trace in them.

    With `velocities` the shares by which all velocities, and those of S alone, are wrong are two
    more random effects, and what they do to an arrival is part of its term. Without them terms,
    which are to be about zero, would have to stand for it.
    """
    numbers, which = np.unique(left.group, return_inverse=True)
    count = len(numbers)
    normal, side, misfit = _reduced(left, which, count, velocities)
    travel = np.bincount(which, left.travel_s) / np.bincount(which)
    each = np.hypot(travel, EXPECTED_S / EXPECTED_SHARE)
    # This driver of LAPACK needs half the memory of NumPy's.
    information = each[:, None] * normal[:count, :count] * each
    values, vectors = eigh(information, overwrite_a=True, check_finite=False, driver="evr")
    wrong = _WRONG if velocities else _WRONG[:0]
    equations = _Equations(
        np.clip(values, 0.0, None),
        vectors.T @ (each * side[:count]),
        vectors.T @ (each[:, None] * normal[:count, count:]) * wrong,
        normal[count:, count:] * wrong[:, None] * wrong,
        side[count:] * wrong,
        misfit,
        max(len(which) - 4 * (int(left.event.max()) + 1), 0),
    )
    found, shares = equations.solved(equations.size())
    late = (each * (vectors @ found))[which]
    if velocities:
        late = late + _late(left) @ (wrong * shares)
    return np.asarray(late.round(_DIGITS))


def _late(left: Left, rows: slice = slice(None)) -> np.ndarray:
    """Seconds by which arrivals are late for a unit of slowness, of all and of S alone: (n, 2)."""
    travel = left.travel_s[rows]
    return np.column_stack([travel, travel * (left.group[rows] % 2)])


def _reduced(
    left: Left, which: np.ndarray, count: int, velocities: bool
) -> tuple[np.ndarray, np.ndarray, float]:
    """Normal equations, (k, k) and (k,), and squared misfit, without what events take.

    Unknown are `count` terms, and with `velocities` two shares. Events are summed in blocks, so
    that memory grows with neither their number nor that of their arrivals.
    """
    events = int(left.event.max()) + 1
    bounds = np.searchsorted(left.event, np.arange(0, events + _BLOCK, _BLOCK))
    unknown = count + 2 * velocities
    information, pull, misfit = np.zeros((unknown, unknown)), np.zeros(unknown), 0.0
    for begin, end in pairwise(bounds):
        part = slice(begin, end)
        rows = np.arange(end - begin)
        effects = csr_array((np.ones(len(rows)), (rows, which[part])), shape=(len(rows), count))
        if velocities:
            effects = csr_array(hstack([effects, csr_array(_late(left, part))]))
        matrix, side, off = _of_block(
            left.event[part] - left.event[begin],
            left.slopes[part],
            left.residual_s[part],
            np.sqrt(left.weight[part]),
            effects,
        )
        information += matrix.toarray()
        pull += side
        misfit += off
    return information, pull, misfit


def _of_block(
    event: np.ndarray,
    slopes: np.ndarray,
    residual_s: np.ndarray,
    root: np.ndarray,
    effects: csr_array,
) -> tuple[csr_array, np.ndarray, float]:
    """What some events add to the normal equations; `root` is that of the weights."""
    rows = np.arange(len(root))
    terms = csr_array(effects.multiply(root[:, None]))
    seen = root * residual_s
    slopes = slopes * root[:, None]
    first = np.searchsorted(event, np.arange(int(event.max()) + 1))
    own = np.add.reduceat(slopes[:, :, None] * slopes[:, None, :], first, axis=0)
    # Half of each event's inverse on both sides: what is taken up is then a plain product.
    half = np.linalg.inv(np.linalg.cholesky(own + _PRIOR * np.eye(4)))
    turned = np.einsum("nij,nj->ni", half[event], slopes)
    columns = 4 * event[:, None] + np.arange(4)
    places = np.repeat(rows, 4), columns.ravel()
    taken = csr_array((turned.ravel(), places), shape=(len(rows), 4 * len(first)))
    shared, lost = taken.T @ terms, taken.T @ seen
    information = terms.T @ terms - shared.T @ shared
    return information, terms.T @ seen - shared.T @ lost, float(seen @ seen - lost @ lost)


@dataclass(frozen=True)
class _Equations:
    """Normal equations of terms, along whose eigenvectors they stand apart, and of shares.

    `values`, (k,), and `along`, (k,), are of terms; `cross`, (k, q), `own`, (q, q), and `side`,
    (q,), of shares, whose variance is one; `free` is the number of residuals that hypocentres
    leave.
    """

    values: np.ndarray
    along: np.ndarray
    cross: np.ndarray
    own: np.ndarray
    side: np.ndarray
    misfit: float
    free: int

    def size(self) -> float:
        """Variance of terms over that of errors, the most probable of residuals; 0 for none."""
        tried = np.r_[0.0, np.geomspace(*_SIZES)] / max(float(np.mean(self.values)), 1e-9)
        cost = [self._unlikely(size) for size in tried]
        return float(tried[int(np.argmin(cost))])

    def solved(self, size: float) -> tuple[np.ndarray, np.ndarray]:
        """Terms along the eigenvectors, (k,), and shares, (q,)."""
        kept = size / (1 + size * self.values)
        matrix, side = self._of_shares(kept)
        shares = np.linalg.solve(matrix, side)
        return kept * (self.along - self.cross @ shares), shares

    def _of_shares(self, kept: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What is left for the shares where terms take `kept` of what they could."""
        own = self.own - self.cross.T @ (self.cross * kept[:, None])
        return own + np.eye(len(own)), self.side - self.cross.T @ (kept * self.along)

    def _unlikely(self, size: float) -> float:
        """Negative logarithm of the restricted likelihood."""
        grown = 1 + size * self.values
        kept = size / grown
        matrix, side = self._of_shares(kept)
        taken = (kept * self.along**2).sum() + side @ np.linalg.solve(matrix, side)
        left = max(self.misfit - taken, 0.0) + _EXPECTED
        volume = np.log(grown).sum() + np.linalg.slogdet(matrix)[1]
        return float((self.free + _EXPECTED) * np.log(left) + volume)


def source_specific(left: Left, places: np.ndarray, radius_km: float) -> np.ndarray:
    """Terms in s of each arrival: the static one and what nearby events add.

    What they add is the median within a radius of what the static terms leave, shrunk where they
    are few; at most the 50 nearest count. Whole microseconds, as in `static`. `places`, (n, 3), are
    the hypocentres of the arrivals' events in km.
    """
    terms = static(left)
    rest = left.residual_s - terms
    for rows in _groups(left.group):
        tree = cKDTree(places[rows])
        count = min(_NEIGHBOURS, len(rows))
        distance, index = tree.query(places[rows], k=count, distance_upper_bound=radius_km)
        near = np.isfinite(distance.reshape(len(rows), count))
        padded = np.append(rest[rows], np.nan)[index.reshape(len(rows), count)]
        found = near.sum(axis=1)
        terms[rows] += np.nanmedian(padded, axis=1) * found / (found + _SHRINK)
    return terms.round(_DIGITS)


def radius_km(iteration: int, extent_km: float) -> float:
    """Radius of an iteration, 0 to ITERATIONS - 1: from a quarter of the network to 3 km."""
    first = max(extent_km / 4, _LEAST_RADIUS_KM)
    return float(first * (_LEAST_RADIUS_KM / first) ** (iteration / (ITERATIONS - 1)))


def _groups(group: np.ndarray) -> list[np.ndarray]:
    order = np.argsort(group, kind="stable")
    return np.split(order, np.flatnonzero(np.diff(group[order])) + 1) if len(group) else []
