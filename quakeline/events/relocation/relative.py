"""Hypocentres relative to each other, by double differences.

Errors of the velocities are nearly the same for neighbouring events, so that differences of their
arrival times at a station tell where they lie relative to each other far better than the times
themselves (Waldhauser, F. & Ellsworth, W. L., 2000, A double-difference earthquake location
algorithm, Bull. Seismol. Soc. Am. 90, 1353-1368). The hypocentres of all events are those at which
observed and predicted differences agree best under errors with heavy tails, by least squares with
iterated weights, each step by conjugate gradients that know what every event would do alone.
Every event stays tied to its absolute origin, as weakly as that is known, so that no cluster drifts
and events without neighbours stay.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from scipy.sparse import csr_array, vstack
from scipy.sparse.csgraph import connected_components
from scipy.sparse.linalg import LinearOperator, cg

from quakeline.earth.velocity import Times
from quakeline.events.location.errors import stretch
from quakeline.events.location.observations import Observations
from quakeline.events.location.posterior import FREEDOM
from quakeline.events.relocation.differences import Links
from quakeline.io.formats.channel_codes import rows
from quakeline.io.formats.ellipsoids import covariance_of

_ROUNDS, _HALVINGS = 20, 6
_EXACT, _CG_STEPS = 1e-8, 1000
_STILL_KM, _LONGEST_KM = 1e-3, 2.0
#: Ties hold an event by so many standard deviations of its absolute origin.
_LOOSE = 3.0
#: Where an event states no errors: km and s.
_UNKNOWN_KM, _UNKNOWN_S = 5.0, 1.0
#: Variances are this at least, in km^2 and s^2.
_LEAST = 1e-6
#: Error of differences with the distance of two events, as a share of the travel time between them.
_SHARE = 0.02
#: An event is lost where half of its links (those from waveforms if it has any) weigh less; how
#: often such events are put among their neighbours.
_LOST, _RESTARTS = 0.75, 3


@dataclass(frozen=True)
class Solved:
    """Hypocentres x, y, z, t0, shape (m, 4), in km and s, and how well links fit.

    `before_s` and `after_s` are residuals of the links, shape (k,).
    """

    points: np.ndarray
    before_s: np.ndarray
    after_s: np.ndarray


@dataclass(frozen=True)
class Arrivals:
    """Arrivals of all events, one behind the other; `event` is the event of each."""

    seen: Observations
    event: np.ndarray

    @classmethod
    def of(cls, seen: list[Observations]) -> Arrivals:
        """Those of each event; times count from the event's own zero."""
        names = ("site", "table", "is_s", "x", "y", "time_s", "sigma_s", "foreign_hz")
        columns: dict[str, Any] = {
            name: np.concatenate([getattr(some, name) for some in seen]) for name in names
        }
        event = np.repeat(np.arange(len(seen)), [len(s) for s in seen])
        return cls(replace(seen[0], **columns), event)

    def residuals(self, points: np.ndarray, times: Times) -> tuple[np.ndarray, np.ndarray]:
        """Observed minus predicted times in s, (n,), and slopes of the predicted, (n, 4)."""
        x, y, z, zero = points[self.event].T
        travel, slopes = times.sloped(self.seen.table, x - self.seen.x, y - self.seen.y, z)
        left = self.seen.time_s - zero - travel
        return left, np.column_stack([slopes, np.ones(len(travel))])


def ties(events: pd.DataFrame) -> np.ndarray:
    """Square roots of the inverse covariances of absolute origins, (m, 4, 4), made weak."""
    roots = np.zeros((len(events), 4, 4))
    for n, row in enumerate(rows(events)):
        space = covariance_of(row)
        covariance = np.eye(4) * _UNKNOWN_KM**2
        if space is not None:
            covariance[:3, :3] = space
        time = row["time_sigma_s"]
        covariance[3, 3] = (_UNKNOWN_S if pd.isna(time) else time) ** 2
        loose = _LOOSE**2 * covariance + _LEAST * np.eye(4)
        roots[n] = np.linalg.cholesky(np.linalg.inv(loose)).T
    return roots


@dataclass(frozen=True)
class Problem:
    """What is to be solved.

    `start` are the absolute hypocentres (m, 4), `tie` what holds them, from `ties`; `depth_km` the
    shallowest and deepest source.
    """

    arrivals: Arrivals
    links: Links
    start: np.ndarray
    tie: np.ndarray
    times: Times
    depth_km: tuple[float, float]

    @property
    def events(self) -> np.ndarray:
        """The one and the other event of each link, (2, k)."""
        return np.asarray(self.arrivals.event[np.stack([self.links.one, self.links.other])])

    def left(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """What links leave over in s, (k,), and slopes of the one and the other, (k, 2, 4)."""
        residual, slopes = self.arrivals.residuals(points, self.times)
        one, other = self.links.one, self.links.other
        left = residual[one] - residual[other] + self.links.shift_s
        return left, np.stack([slopes[one], -slopes[other]], axis=1)

    def costs(self, points: np.ndarray, sigma: np.ndarray) -> np.ndarray:
        """Negative logarithm of the probability, but for a constant, shared by the events, (m,).

        Of a link each of its two events has half.
        """
        u = self.left(points)[0] / sigma
        halves = np.tile((FREEDOM + 1) / 4 * np.log1p(u**2 / FREEDOM), 2)
        robust = np.bincount(self.events.ravel(), halves, minlength=len(points))
        return np.asarray(robust + (self.away(points).reshape(-1, 4) ** 2).sum(axis=1) / 2)

    def away(self, points: np.ndarray) -> np.ndarray:
        """From points back to the absolute hypocentres, over what the ties allow, (4 m,)."""
        return np.asarray(np.einsum("mij,mj->mi", self.tie, self.start - points).ravel())

    def step(
        self, left: np.ndarray, slopes: np.ndarray, sigma: np.ndarray, away: np.ndarray
    ) -> np.ndarray:
        """The step of weighted least squares, (m, 4), that takes `left` and `away` away."""
        root = np.sqrt(robust(left / sigma)) / sigma
        links = _matrix(slopes * root[:, None, None], self.events, len(self.start))
        whole = vstack([links, _blocks(self.tie)], format="csr")
        right = whole.T @ np.r_[root * left, away]
        normal = (whole.T @ whole).tocsr()
        found, _ = cg(normal, right, rtol=_EXACT, maxiter=_CG_STEPS, M=_own_blocks(normal))
        return np.asarray(found.reshape(-1, 4))


def solve(problem: Problem) -> Solved:
    """Hypocentres at which the differences of the links agree best."""
    points = _settled(problem, problem.start)
    for _ in range(_RESTARTS):
        sigma = errors(*problem.left(points), problem.links)
        moved = _among_neighbours(problem, points, sigma)
        if moved is None:
            break
        again = _settled(problem, moved)
        if problem.costs(again, sigma).sum() >= problem.costs(points, sigma).sum():
            break
        points = again
    return Solved(points, problem.left(problem.start)[0], problem.left(points)[0])


def groups(links: np.ndarray, n: int) -> np.ndarray:
    """Number of the group of linked events of each event, (n,); links as `Problem.events`."""
    graph = csr_array((np.ones(links.shape[1]), tuple(links)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1])


def centred(problem: Problem, points: np.ndarray) -> np.ndarray:
    """Points of which each group of linked events lies where its absolute hypocentres do.

    Differences hardly tell where a group is as a whole: events as far apart as links reach would
    move it by what the velocities are wrong.
    """
    group = groups(problem.events, len(points))
    moved = pd.DataFrame(points - problem.start).groupby(group).transform("median").to_numpy()
    there = np.asarray(points - moved)
    there[:, 2] = np.clip(there[:, 2], *problem.depth_km)
    return there


def _settled(problem: Problem, points: np.ndarray) -> np.ndarray:
    """Least squares with iterated weights, until the hypocentres move no more."""
    for _ in range(_ROUNDS):
        sigma = errors(*problem.left(points), problem.links)
        new = _better(problem, points, sigma)
        moved = np.abs(new - points)[:, :3].max(initial=0)
        points = new
        if moved < _STILL_KM:
            break
    return points


def _better(problem: Problem, points: np.ndarray, sigma: np.ndarray) -> np.ndarray:
    """Points after a step, shorter for events that it makes worse; as they were if it is no good.

    At an interface a derivative may tell of a step that leads far away.
    """
    step = problem.step(*problem.left(points), sigma, problem.away(points))
    length = np.linalg.norm(step[:, :3], axis=1, keepdims=True)
    step = step * np.minimum(1.0, _LONGEST_KM / np.maximum(length, 1e-9))
    before = problem.costs(points, sigma)
    best, least = points, before.sum()
    share = np.ones(len(points))
    for _ in range(_HALVINGS):
        new = np.asarray(points + share[:, None] * step)
        new[:, 2] = np.clip(new[:, 2], *problem.depth_km)
        after = problem.costs(new, sigma)
        if after.sum() < least:
            best, least = new, after.sum()
        worse = after > before
        if not worse.any():
            break
        share[worse] /= 2
    return best


def _among_neighbours(problem: Problem, points: np.ndarray, sigma: np.ndarray) -> np.ndarray | None:
    """Points of which those that fit none of their neighbours lie among these; None: all fit.

    Such an event is caught on the wrong side of an interface, or was far off.
    """
    weight = robust(problem.left(points)[0] / sigma) * FREEDOM / (FREEDOM + 1)
    pair, waves = problem.events, problem.links.correlated
    both = pd.DataFrame(
        {
            "own": pair.ravel(),
            "partner": pair[::-1].ravel(),
            "weight": np.tile(weight, 2),
            "correlated": np.tile(waves, 2),
        }
    )
    told = both[both["correlated"] == both.groupby("own")["correlated"].transform("max")]
    fit = told.groupby("own")["weight"].median().reindex(range(len(points)))
    lost = (fit < _LOST).to_numpy()
    told = told[lost[told["own"]] & ~lost[told["partner"]]]
    if told.empty:
        return None
    moved = points.copy()
    for event in told["own"].unique():
        partners = told.loc[told["own"] == event, "partner"].unique()
        moved[event, :3] = np.median(points[partners, :3], axis=0)
    residual, _ = problem.arrivals.residuals(moved, problem.times)
    late = pd.Series(residual).groupby(problem.arrivals.event).median().to_numpy()
    moved[:, 3] += np.where(lost, late, 0.0)
    return moved


def apart_errors(slopes: np.ndarray, links: Links) -> np.ndarray:
    """Errors of differences in s that grow with the distance of the two events."""
    slowness = np.linalg.norm(slopes[:, 0, :3], axis=1)
    return np.asarray(_SHARE * slowness * links.apart_km)


def errors(left: np.ndarray, slopes: np.ndarray, links: Links) -> np.ndarray:
    """Standard deviations of the links in s: as stated, and as their residuals say."""
    sigma = np.hypot(links.sigma_s, apart_errors(slopes, links))
    for kind in (links.correlated, ~links.correlated):
        sigma[kind] *= stretch(left[kind] / sigma[kind])
    return np.asarray(sigma)


def robust(u: np.ndarray) -> np.ndarray:
    """Weights of residuals over their standard deviations under a t distribution."""
    return np.asarray((FREEDOM + 1) / (FREEDOM + u**2))


def _matrix(slopes: np.ndarray, events: np.ndarray, n: int) -> csr_array:
    """Links over the unknowns of all events."""
    k = len(slopes)
    columns = 4 * events.T[:, :, None] + np.arange(4)
    row = np.broadcast_to(np.arange(k)[:, None, None], (k, 2, 4))
    return csr_array((slopes.ravel(), (row.ravel(), columns.ravel())), shape=(k, 4 * n))


def _blocks(square: np.ndarray) -> csr_array:
    """Matrices (m, 4, 4) along the diagonal of one."""
    m = len(square)
    first = 4 * np.arange(m)[:, None, None]
    row = np.broadcast_to(first + np.arange(4)[:, None], square.shape)
    columns = np.broadcast_to(first + np.arange(4), square.shape)
    return csr_array((square.ravel(), (row.ravel(), columns.ravel())), shape=(4 * m, 4 * m))


def _own_blocks(normal: csr_array) -> LinearOperator:
    """The inverse of a matrix of which only the blocks (4, 4) along its diagonal are kept."""
    m = normal.shape[0] // 4
    blocks = np.empty((m, 4, 4))
    for row in range(4):
        for column in range(4):
            place = np.arange(0, 4 * m, 4)
            blocks[:, row, column] = normal[place + row, place + column]
    inverse = np.linalg.inv(blocks)

    def apply(vector: np.ndarray) -> np.ndarray:
        return np.asarray(np.einsum("mij,mj->mi", inverse, vector.reshape(m, 4)).ravel())

    return LinearOperator(normal.shape, matvec=apply, dtype=float)
