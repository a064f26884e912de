"""Hypocentres of many events at once, alone or together with something that they have in common.

What is common (velocities, station terms) is solved for in the part of the residuals that the
hypocentres cannot take up, event by event (Pavlis, G. L. & Booker, J. R., 1980, The mixed
discrete-continuous inverse problem, J. Geophys. Res. 85, 4801-4810); the hypocentres move with it.
Residuals weigh as under Student's t distribution, as in `posterior`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace

import numpy as np
import pandas as pd
from scipy import sparse

from quakeline.earth.sites import Sites
from quakeline.events.location.posterior import FREEDOM

_MAD = 1.4826
#: Weak prior, as of a hypocentre of which nothing is known: 1/km^2, 1/s^2.
_WEAK = 1e-6
#: Farthest that a hypocentre moves in one step, in km.
_FAR_KM = 10.0
_SMALL_KM = 1e-3


@dataclass(frozen=True)
class Arrivals:
    """Arrivals of events, which stand together; all arrays have shape (n,).

    `event` counts from 0 without a hole; `x`, `y`, `station_km` are the places of the stations in
    local km, `time_s` are seconds after a time of the event's own.
    """

    event: np.ndarray
    site: np.ndarray
    is_s: np.ndarray
    x: np.ndarray
    y: np.ndarray
    station_km: np.ndarray
    time_s: np.ndarray
    sigma_s: np.ndarray

    def __len__(self) -> int:
        return len(self.event)

    @property
    def events(self) -> int:
        """How many events they are of."""
        return int(self.event[-1]) + 1 if len(self.event) else 0

    def of(self, kept: np.ndarray) -> Arrivals:
        """Those of a mask, of events that keep their order and are counted anew."""
        part = {one.name: getattr(self, one.name)[kept] for one in fields(self)}
        part["event"] = np.unique(part["event"], return_inverse=True)[1]
        return Arrivals(**part)

    def shifted(self, terms_s: np.ndarray) -> Arrivals:
        """The same with station terms taken off the times."""
        return replace(self, time_s=self.time_s - terms_s)


def gathered(
    events: pd.DataFrame, joined: pd.DataFrame, sites: Sites, least_sigma_s: float
) -> tuple[Arrivals, np.ndarray]:
    """Arrivals (joined with their picks) of EVENTS, and where these are: x, y, z, t0, (m, 4).

    Times count from the events' origin times.
    """
    order = pd.Series(np.arange(len(events)), index=events["event_id"])
    rows = joined.assign(event=joined["event_id"].map(order)).sort_values("event", kind="stable")
    site = sites.find(rows)
    local = sites.local.iloc[site]
    origin = events["time"].iloc[rows["event"]].to_numpy()
    sigma = rows["time_sigma_s"].astype(float).fillna(least_sigma_s).to_numpy()
    arrivals = Arrivals(
        event=rows["event"].to_numpy(dtype=np.int64),
        site=np.asarray(site),
        is_s=(rows["phase"] == "S").to_numpy(),
        x=local["x"].to_numpy(),
        y=local["y"].to_numpy(),
        station_km=local["depth_km"].to_numpy(),
        time_s=pd.TimedeltaIndex(rows["time"].to_numpy() - origin).total_seconds().to_numpy(),
        sigma_s=np.maximum(sigma, least_sigma_s),
    )
    x, y = sites.frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
    places = np.column_stack([x, y, events["depth_km"].to_numpy(float), np.zeros(len(events))])
    return arrivals, places


@dataclass(frozen=True)
class Predicted:
    """Travel times in s, (n,), and their slopes over x, y, z in s/km, (n, 3)."""

    travel_s: np.ndarray
    slopes: np.ndarray


#: What predicts arrivals of hypocentres (x, y, z, t0), shape (m, 4).
Predict = Callable[[Arrivals, np.ndarray], Predicted]


def offsets(arrivals: Arrivals, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """From stations to sources: epicentral distance in km, and the unit vector's x and y; (n,)."""
    east = points[arrivals.event, 0] - arrivals.x
    north = points[arrivals.event, 1] - arrivals.y
    away = np.maximum(np.hypot(east, north), 1e-6)
    return away, east / away, north / away


@dataclass(frozen=True)
class State:
    """Hypocentres (m, 4), what is predicted there, residuals (n,) and each event's cost (m,)."""

    points: np.ndarray
    predicted: Predicted
    residual_s: np.ndarray
    cost: np.ndarray


def state(arrivals: Arrivals, points: np.ndarray, predict: Predict, scale_s: np.ndarray) -> State:
    """What hypocentres leave of the arrivals, under standard deviations of shape (n,)."""
    predicted = predict(arrivals, points)
    residual = arrivals.time_s - points[arrivals.event, 3] - predicted.travel_s
    cost = (FREEDOM + 1) / 2 * np.log1p((residual / scale_s) ** 2 / FREEDOM)
    return State(points, predicted, residual, np.bincount(arrivals.event, cost, arrivals.events))


def located(
    arrivals: Arrivals,
    points: np.ndarray,
    predict: Predict,
    scale_s: np.ndarray,
    depth_km: tuple[float, float],
    steps: int,
) -> State:
    """The nearest most likely hypocentres of all events, by damped Gauss-Newton steps."""
    now = state(arrivals, points, predict, scale_s)
    damping = np.full(arrivals.events, 1e-2)
    for _ in range(steps):
        system = System.of(arrivals, now, scale_s, depth_km, damping)
        moves = system.moves(np.zeros(0))
        new = state(arrivals, moved(now.points, moves, depth_km), predict, scale_s)
        better = new.cost < now.cost
        took = np.where(better[:, None], new.points, now.points)
        if np.abs(took - now.points).max(initial=0) < _SMALL_KM and better.any():
            break
        now = _merged(arrivals, better, new, now)
        damping = np.where(better, damping / 5, damping * 10)
        if (damping > 1e6).all():
            break
    return now


def _merged(arrivals: Arrivals, better: np.ndarray, new: State, old: State) -> State:
    """The new state of some events, the old one of the others."""
    row = better[arrivals.event]
    predicted = Predicted(
        np.where(row, new.predicted.travel_s, old.predicted.travel_s),
        np.where(row[:, None], new.predicted.slopes, old.predicted.slopes),
    )
    return State(
        np.where(better[:, None], new.points, old.points),
        predicted,
        np.where(row, new.residual_s, old.residual_s),
        np.where(better, new.cost, old.cost),
    )


def moved(points: np.ndarray, moves: np.ndarray, depth_km: tuple[float, float]) -> np.ndarray:
    """Hypocentres after moves, which are never far, within the limits of depth."""
    length = np.linalg.norm(moves[:, :3], axis=1, keepdims=True)
    new = points + moves * np.minimum(1, _FAR_KM / np.maximum(length, 1e-9))
    new[:, 2] = np.clip(new[:, 2], *depth_km)
    return np.asarray(new)


@dataclass(frozen=True)
class System:
    """Weighted normal equations of the events' hypocentres and of q common unknowns.

    `own` (m, 4, 4) and `pull` (m, 4) are those of the hypocentres, `cross` (m, 4, q) what these
    share with the common ones, `normal` (q, q) and `right` (q,) those of the common unknowns after
    the hypocentres have taken up what they can.
    """

    own: np.ndarray
    pull: np.ndarray
    cross: np.ndarray
    normal: np.ndarray
    right: np.ndarray

    @classmethod
    def of(
        cls,
        arrivals: Arrivals,
        now: State,
        scale_s: np.ndarray,
        depth_km: tuple[float, float],
        damping: np.ndarray | float = 0.0,
        columns: sparse.csr_matrix | None = None,
        target_s: np.ndarray | None = None,
    ) -> System:
        """The equations at a state; `columns` (n, q) are slopes over the common unknowns.

        `target_s`, (n,), are the residuals that the common unknowns explain where these are
        not the state's own.
        """
        many, event = arrivals.events, arrivals.event
        u = now.residual_s / scale_s
        weight = (FREEDOM + 1) / (FREEDOM + u**2) / scale_s**2
        slopes = np.column_stack([now.predicted.slopes, np.ones(len(event))])
        target = now.residual_s if target_s is None else target_s
        # A hypocentre at a limit of depth moves along it, unless it is drawn away from it.
        depth = now.points[:, 2]
        down = np.bincount(event, slopes[:, 2] * weight * target, many)
        at_top, at_bottom = depth <= depth_km[0] + 1e-9, depth >= depth_km[1] - 1e-9
        slopes[:, 2] *= ~((at_top & (down < 0)) | (at_bottom & (down > 0)))[event]
        first = np.searchsorted(event, np.arange(many))
        heavy = slopes * weight[:, None]
        own = np.add.reduceat(heavy[:, :, None] * slopes[:, None, :], first, axis=0)
        diagonal = np.einsum("mii->mi", own)
        diagonal += np.reshape(damping, (-1, 1)) * diagonal + _WEAK
        pull = np.add.reduceat(heavy * target[:, None], first, axis=0)
        if columns is None:
            empty = np.zeros((many, 4, 0)), np.zeros((0, 0)), np.zeros(0)
            return cls(own, pull, *empty)
        blocks = sparse.csr_matrix(
            (
                heavy.ravel(),
                (4 * event[:, None] + np.arange(4)).ravel(),
                np.arange(0, 4 * len(event) + 1, 4),
            ),
            shape=(len(event), 4 * many),
        )
        cross = (blocks.T @ columns).toarray().reshape(many, 4, -1)
        taken = np.linalg.solve(own, np.concatenate([cross, pull[:, :, None]], axis=2))
        flat = cross.reshape(4 * many, -1)
        weighted = columns.T @ sparse.diags(weight)
        normal = (weighted @ columns).toarray() - flat.T @ taken[:, :, :-1].reshape(4 * many, -1)
        right = weighted @ target - flat.T @ taken[:, :, -1].ravel()
        return cls(own, pull, cross, normal, right)

    def moves(self, change: np.ndarray) -> np.ndarray:
        """How hypocentres move when the common unknowns change; shape (m, 4)."""
        pull = self.pull - self.cross @ change
        return np.asarray(np.linalg.solve(self.own, pull[:, :, None])[:, :, 0])


def size(residual_s: np.ndarray, events: int) -> float:
    """A robust standard deviation of residuals, for the freedom that hypocentres take."""
    if not len(residual_s):
        return float("nan")
    free = max(len(residual_s) - 4 * events, 1)
    middle = float(np.median(np.abs(residual_s)))
    return _MAD * middle * float(np.sqrt(len(residual_s) / free))
