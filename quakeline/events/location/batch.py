"""Hypocentres of many events at once, by the same likelihood as one event's.

Arrivals of all events stand in one array, event by event, so that one step of the damped
Gauss-Newton iteration of `posterior.most_likely` is a few operations on arrays, however many events
there are. Errors of arrivals follow Student's t distribution; see `posterior` for the sources.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields, replace

import numpy as np

from quakeline.earth.velocity import Times
from quakeline.events.location.errors import stretches
from quakeline.events.location.posterior import FREEDOM, PRIOR

_STEPS = 40
#: Arrivals of events that are fitted together: what an iteration holds then fits into a cache.
_PORTION = 4000
_SMALL_KM = 1e-3
_MOST_DAMPING = 1e6
_ROWS, _COLUMNS = np.triu_indices(4)


@dataclass(frozen=True)
class Arrivals:
    """Arrivals of many events; all have shape (n,) and stand event by event.

    `event` counts events from 0 without gaps; `table` are rows of the travel times; `x`, `y` are
    the sites' local coordinates in km; `time_s` are seconds after a time of the event's own;
    `scale_s` are the standard deviations of the residuals.
    """

    event: np.ndarray
    table: np.ndarray
    x: np.ndarray
    y: np.ndarray
    time_s: np.ndarray
    scale_s: np.ndarray

    def portions(self) -> Iterator[tuple[slice, Arrivals]]:
        """Events that stand together, and their arrivals; the events are counted anew."""
        ends = np.searchsorted(self.event, np.arange(int(self.event[-1]) + 1), side="right")
        first = start = 0
        while first < len(ends):
            last = max(int(np.searchsorted(ends, start + _PORTION, side="right")), first + 1)
            rows = slice(start, int(ends[last - 1]))
            yield slice(first, last), self._of(rows, self.event[rows] - first)
            first, start = last, rows.stop

    def of(self, chosen: np.ndarray) -> Arrivals:
        """Those of some events, given as m booleans; the events are counted anew."""
        rows = chosen[self.event]
        number = np.cumsum(chosen) - 1
        return self._of(rows, number[self.event[rows]])

    def _of(self, rows: slice | np.ndarray, event: np.ndarray) -> Arrivals:
        """Some rows, with the numbers of their events."""
        names = ("table", "x", "y", "time_s", "scale_s")
        return Arrivals(event, **{name: getattr(self, name)[rows] for name in names})


@dataclass(frozen=True)
class Fits:
    """Hypocentres (m, 4) of x, y, z, t0 in km and s; costs (m,); covariances (m, 4, 4).

    `residual_s` has the shape of the arrivals; `stretch`, (m,), are the factors by which an event's
    residuals enlarge or shrink its errors, which the covariances contain.
    """

    point: np.ndarray
    cost: np.ndarray
    residual_s: np.ndarray
    spread: np.ndarray
    stretch: np.ndarray


@dataclass(frozen=True)
class _State:
    """Costs, gradients and information of all events at their points."""

    cost: np.ndarray
    gradient: np.ndarray
    information: np.ndarray

    def of(self, chosen: np.ndarray) -> _State:
        """That of some events, given as m booleans."""
        return _State(self.cost[chosen], self.gradient[chosen], self.information[chosen])

    def or_other(self, other: _State, better: np.ndarray) -> _State:
        """For some events another state, for the rest this one."""
        if better.all():
            return other
        return _State(
            np.where(better, other.cost, self.cost),
            np.where(better[:, None], other.gradient, self.gradient),
            np.where(better[:, None, None], other.information, self.information),
        )


def fitted(arrivals: Arrivals, times: Times, box: np.ndarray, starts: np.ndarray) -> Fits:
    """The most likely hypocentres near starts, with errors that each event's residuals stretch.

    Parameters
    ----------
    arrivals, times
        What was seen and what predicts it.
    box
        Least and largest x, y, z in km, shape (2, 3).
    starts
        x, y, z in km and t0 in s, shape (k, m, 4): the best of k starts counts.
    """
    parts = [_fitted(own, times, box, starts[:, events]) for events, own in arrivals.portions()]
    names = [one.name for one in fields(Fits)]
    return Fits(**{n: np.concatenate([getattr(part, n) for part in parts]) for n in names})


def _fitted(arrivals: Arrivals, times: Times, box: np.ndarray, starts: np.ndarray) -> Fits:
    """`fitted` for events that are few enough to stand in arrays together."""
    tried = [_descended(arrivals, times, box, start) for start in starts]
    points = tried[0]
    if len(tried) > 1:
        cost = np.array([_at(arrivals, times, some)[0].cost for some in tried])
        best = cost.round(6).argmin(axis=0)
        points = np.array(tried)[best, np.arange(len(best))]
    _, residual = _at(arrivals, times, points)
    factor = stretches(residual / arrivals.scale_s, arrivals.event, len(points))
    wide = replace(arrivals, scale_s=arrivals.scale_s * factor[arrivals.event])
    points = _descended(wide, times, box, points)
    state, residual = _at(wide, times, points)
    spread = np.linalg.inv(state.information + PRIOR)
    return Fits(points, state.cost, residual, spread, factor)


def moved(arrivals: Arrivals, times: Times, box: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Hypocentres (m, 4) near starts, under the errors as they are."""
    return np.concatenate(
        [_descended(own, times, box, starts[some]) for some, own in arrivals.portions()]
    )


def weights(u: np.ndarray) -> np.ndarray:
    """Weights of residuals over their scale under Student's t distribution, shape (n,)."""
    return np.asarray((FREEDOM + 1) / (FREEDOM + u**2))


def _at(arrivals: Arrivals, times: Times, points: np.ndarray) -> tuple[_State, np.ndarray]:
    """The state of events at points, and the residuals of all arrivals in s."""
    place = points[arrivals.event]
    east, north = place[:, 0] - arrivals.x, place[:, 1] - arrivals.y
    travel, over_place = times.sloped(arrivals.table, east, north, place[:, 2])
    residual = arrivals.time_s - place[:, 3] - travel
    u = residual / arrivals.scale_s
    slopes = np.empty((len(u), 4))
    slopes[:, :3] = over_place
    slopes[:, 3] = 1.0
    slopes /= arrivals.scale_s[:, None]
    weight = weights(u)
    weighted = slopes * weight[:, None]
    count = len(points)
    first = np.searchsorted(arrivals.event, np.arange(count))
    parts = np.empty((len(u), 15))
    parts[:, 0] = (FREEDOM + 1) / 2 * np.log1p(u**2 / FREEDOM)
    parts[:, 1:5] = weighted * u[:, None]
    parts[:, 5:] = weighted[:, _ROWS] * slopes[:, _COLUMNS]
    sums = np.add.reduceat(parts, first, axis=0)
    information = np.empty((count, 4, 4))
    information[:, _ROWS, _COLUMNS] = information[:, _COLUMNS, _ROWS] = sums[:, 5:]
    return _State(sums[:, 0], -sums[:, 1:5], information), residual


def _descended(arrivals: Arrivals, times: Times, box: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Points of the nearest maxima of the likelihoods inside the box."""
    low, high = np.r_[box[0], -np.inf], np.r_[box[1], np.inf]
    points = np.clip(starts, low, high)
    damping = np.full(len(points), 1e-3)
    numbers, own = np.arange(len(points)), arrivals
    state, _ = _at(own, times, points)
    for _ in range(_STEPS):
        here = points[numbers]
        new = np.clip(here + _step(state, here, low, high, damping[numbers]), low, high)
        tried, _ = _at(own, times, new)
        better = tried.cost < state.cost
        moved = np.abs(new - here).max(axis=1)
        points[numbers[better]] = new[better]
        damping[numbers] *= np.where(better, 0.2, 5.0)
        busy = ~((better & (moved < _SMALL_KM)) | (damping[numbers] > _MOST_DAMPING))
        if not busy.any():
            break
        state = state.or_other(tried, better)
        if not busy.all():
            numbers, own, state = numbers[busy], own.of(busy), state.of(busy)
    return np.asarray(points)


def _step(
    state: _State, points: np.ndarray, low: np.ndarray, high: np.ndarray, damping: np.ndarray
) -> np.ndarray:
    """Damped steps, shape (m, 4); none across a limit."""
    gradient, matrix = state.gradient.copy(), state.information.copy()
    stuck = ((points <= low) & (gradient > 0)) | ((points >= high) & (gradient < 0))
    gradient[stuck] = 0.0
    matrix *= ~(stuck[:, :, None] | stuck[:, None, :])
    diagonal = np.arange(4)
    matrix[:, diagonal, diagonal] += damping[:, None] * matrix[:, diagonal, diagonal] + 1e-9
    matrix[:, diagonal, diagonal] += stuck
    return np.asarray(-np.linalg.solve(matrix, gradient[..., None])[..., 0])
