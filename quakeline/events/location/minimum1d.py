"""A minimum 1D model: layer velocities, station terms and hypocentres from the same picks.

Velocities of constant layers and station terms are changed to explain what hypocentres cannot take
up of the residuals, by damped least squares; hypocentres move with them, until little changes. This
is the coupled problem of Kissling, E., Ellsworth, W. L., Eberhart-Phillips, D. & Kradolfer, U.
(1994), Initial reference models in local earthquake tomography, J. Geophys. Res. 99, 19635-19646.
Changes are damped towards the starting model (Tarantola, A. & Valette, B., 1982, Generalized
nonlinear inverse problems solved using the least squares criterion, Rev. Geophys. 20, 219-232), so
that the resolution says which share of a result is the data's. Events that are left out of the
inversion tell whether the model predicts or only fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import sparse
from scipy.optimize import isotonic_regression, lsq_linear

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel, paths
from quakeline.events.location import coupled
from quakeline.events.location.coupled import Arrivals, Predicted, State, System

#: Part of the events that is left out: every fifth.
_HELD_OUT = 5
_ITERATIONS = 15
#: A priori spreads: of velocities in km/s, of the difference of neighbouring layers' changes as a
#: share of that, of what S velocities change beyond vp/vs as such a share too; of station terms
#: in s and of their mean.
_VELOCITY_KM_S, _ROUGH, _RATIO, _TERM_S, _MEAN_S = 1.0, 0.5, 0.3, 0.1, 0.005
#: The same spread where velocities are to stay.
_FROZEN_KM_S = 1e-4
#: Tops of layers, in km.
_TOPS = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0, 26.0, 33.0, 45.0, 70.0, 120.0)
#: Largest change of a velocity in one step, as a share.
_STEP = 0.1
#: An iteration that changes velocities by less, in km/s, is the last.
_ENOUGH_KM_S = 0.005
#: Least step of velocities from layer to layer: without any there are no head waves, and nothing
#: tells that there should be.
_RISE_KM_S = 0.03
_RATIOS = (1.45, 2.3)
#: Models are as good as the best one up to so many times its residuals of events left out.
_ALIKE = 1.1
#: Arrivals that an event which is inverted has at least.
LEAST_ARRIVALS = 6
#: Steps of hypocentres when they are first found in a model, and after each change of it.
_FOUND, _FOLLOWED = 25, 3
#: The steeper start: share of the velocity at the top, and how far down it differs, in km.
_STEEP, _STEEP_KM = 0.75, 8.0
#: Cells of the volume in km, horizontally and in depth, from each of which events are taken.
_CELL_KM, _CELL_DEPTH_KM = 5.0, 2.0


@dataclass(frozen=True)
class Result:
    """A model, station terms in s by (site, phase is S), and what it leaves of the residuals.

    `rms_s` are robust sizes of residuals of the events inverted, `held_s` of those left out, each
    before and after. For each velocity, P then S: `resolution`, the share that the data tell, 0 to
    1, and `error_km_s`, one standard deviation of what is left unknown.
    """

    model: VelocityModel
    terms_s: dict[tuple[int, bool], float]
    rms_s: tuple[float, float]
    held_s: tuple[float, float]
    resolution: np.ndarray
    error_km_s: np.ndarray


@dataclass(frozen=True)
class Material:
    """Arrivals and places (x, y, z, t0) of events that are inverted, and of those held out."""

    inverted: Arrivals
    places: np.ndarray
    held: Arrivals
    held_places: np.ndarray
    depth_km: tuple[float, float]

    @property
    def events(self) -> int:
        """How many events are inverted."""
        return self.inverted.events


def material(
    sites: Sites,
    catalog: tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame],
    depth_km: tuple[float, float],
    least_sigma_s: float,
    most: int,
) -> Material:
    """Well recorded events, `most` of them at most, evenly over the volume.

    Parameters
    ----------
    sites
        The stations.
    catalog
        EVENTS, ARRIVALS, PICKS.
    depth_km
        Limits of depth.
    least_sigma_s
        Least standard deviation of a pick.
    most
        Events that are used; every fifth of them is held out.
    """
    events, arrivals, picks = catalog
    columns = ["pick_id", "network", "station", "location", "time", "time_sigma_s"]
    joined = arrivals[["event_id", "pick_id", "phase"]].merge(
        picks[columns].drop_duplicates("pick_id"), on="pick_id"
    )
    joined = joined[sites.find(joined) >= 0]
    chosen = _chosen(sites, events, joined, most)
    seen, places = coupled.gathered(
        chosen, joined[joined["event_id"].isin(chosen["event_id"])], sites, least_sigma_s
    )
    held = np.arange(len(chosen)) % _HELD_OUT == _HELD_OUT // 2
    return Material(
        seen.of(~held[seen.event]),
        places[~held],
        seen.of(held[seen.event]),
        places[held],
        depth_km,
    )


def _chosen(sites: Sites, events: pd.DataFrame, joined: pd.DataFrame, most: int) -> pd.DataFrame:
    """The best recorded events of each cell of the volume, in turn, in the order of EVENTS."""
    count = events["event_id"].map(joined["event_id"].value_counts()).fillna(0)
    good = events[count >= LEAST_ARRIVALS].assign(count=count)
    x, y = sites.frame.to_xy(good["latitude"].to_numpy(), good["longitude"].to_numpy())
    cells = [
        np.floor(x / _CELL_KM),
        np.floor(y / _CELL_KM),
        np.floor(good["depth_km"].to_numpy() / _CELL_DEPTH_KM),
    ]
    good = good.sort_values("count", ascending=False, kind="stable")
    order = [pd.Series(cell, index=events.index[count >= LEAST_ARRIVALS]) for cell in cells]
    turn = good.groupby([cell.loc[good.index] for cell in order]).cumcount()
    kept = turn.sort_values(kind="stable").index[:most]
    return good.loc[kept].sort_index().drop(columns="count")


def layered(model: VelocityModel, top: float, bottom: float) -> VelocityModel:
    """A model in layers that are thin near the surface, each with the mean of the given velocities.

    `top` and `bottom` in km are those of the ways that picks tell of; interfaces below stay.
    Velocities never fall with depth.
    """
    inside = [depth for depth in _TOPS if top < depth < bottom]
    below = [depth for depth in model.tops[1:] if depth >= bottom]
    tops = np.array([top, *inside, *below])
    ends = np.r_[tops[1:], tops[-1] + 1]
    share = np.linspace(0.01, 0.99, 50)
    depths = tops[:, None] + (ends - tops)[:, None] * share
    vp, vs = (1 / (1 / model.at(depths, phase)).mean(axis=1) for phase in ("P", "S"))
    return _rising(tops, vp, vs)


def _rising(tops: np.ndarray, vp: np.ndarray, vs: np.ndarray) -> VelocityModel:
    """A model whose velocities grow at every interface; where they do not, by the least step."""
    least = _RISE_KM_S * np.arange(len(tops))
    p, s = (isotonic_regression(speeds - least).x + least for speeds in (vp, vs))
    return VelocityModel(tuple(tops.tolist()), tuple(p.tolist()), tuple(s.tolist()))


def starts(model: VelocityModel) -> list[VelocityModel]:
    """Models to begin with: the given one, a slower and a faster one, two with a slower top.

    Those that are too slow above find head waves on their way; those that are too fast may not.
    """
    vp, vs, tops = np.array(model.vp), np.array(model.vs), np.array(model.tops)
    steep = _STEEP + (1 - _STEEP) * np.clip((tops - tops[0]) / _STEEP_KM, 0, 1)
    shares = [1.0, 0.92, 1.08, steep, 0.92 * steep]
    return [_rising(tops, vp * share, vs * share) for share in shares]


@dataclass(frozen=True)
class Best:
    """The result that predicts the events left out best; errors hold what starts make differ."""

    model: VelocityModel
    terms_s: dict[tuple[int, bool], float]
    held_s: tuple[float, float]
    resolution: np.ndarray
    error_km_s: np.ndarray


def best(results: Sequence[Result]) -> Best:
    """The result whose residuals of events left out are smallest.

    Its errors are joined with the spread of the results that predict about as well.
    """
    one = min(results, key=lambda result: result.held_s[1])
    alike = [r for r in results if r.held_s[1] <= _ALIKE * one.held_s[1]]
    spread = np.array([[*r.model.vp, *r.model.vs] for r in alike]).std(axis=0)
    error = np.hypot(one.error_km_s, spread)
    return Best(one.model, one.terms_s, one.held_s, one.resolution, error)


def inverted(seen: Material, start: VelocityModel, *, frozen: bool = False) -> Result:
    """Invert from one start; `frozen` leaves its velocities and finds station terms alone."""
    terms = _Terms.of(seen.inverted)
    prior = _Prior(start, terms.is_s, _FROZEN_KM_S if frozen else _VELOCITY_KM_S)
    model, delays = start, np.zeros(terms.count)
    first = _located(seen.inverted, seen.places, seen.depth_km, model, _FOUND)
    held_first = _held_size(seen, model, terms, delays)
    before = now = coupled.size(first.residual_s, seen.events)
    here, best = first, (before, model, delays, np.zeros((2, 2 * len(model.vp))))
    for _ in range(_ITERATIONS):
        step = _step(seen, here, now, model, terms, delays, prior)
        change = np.abs(np.r_[step.model.vp, step.model.vs] - np.r_[model.vp, model.vs]).max()
        model, delays = step.model, step.delays
        shifted = seen.inverted.shifted(delays[terms.number])
        here = _located(shifted, step.points, seen.depth_km, model, _FOLLOWED)
        now = coupled.size(here.residual_s, seen.events)
        if now < best[0]:
            best = (now, model, delays, step.quality)
        if change < _ENOUGH_KM_S:
            break
    after, model, delays, quality = best
    held = _held_size(seen, model, terms, delays)
    return Result(
        model,
        dict(zip(terms.keys, delays.tolist(), strict=True)),
        (before, after),
        (held_first, held),
        quality[0],
        quality[1],
    )


@dataclass(frozen=True)
class _Terms:
    """The station terms: (site, phase is S) of each, and the number of that of each arrival."""

    keys: list[tuple[int, bool]]
    number: np.ndarray

    @classmethod
    def of(cls, arrivals: Arrivals) -> _Terms:
        code, number = np.unique(arrivals.site * 2 + arrivals.is_s, return_inverse=True)
        return cls([(int(key) // 2, bool(key % 2)) for key in code], number)

    @property
    def count(self) -> int:
        return len(self.keys)

    @property
    def is_s(self) -> np.ndarray:
        return np.array([is_s for _, is_s in self.keys], dtype=bool)

    def delays_of(self, arrivals: Arrivals, delays: np.ndarray) -> np.ndarray:
        """Terms in s of other arrivals; 0 where there is none."""
        known = dict(zip(self.keys, delays.tolist(), strict=True))
        keys = zip(arrivals.site.tolist(), arrivals.is_s.tolist(), strict=True)
        return np.array([known.get(key, 0.0) for key in keys])


@dataclass(frozen=True)
class _Step:
    """What one step leads to; `quality` are resolution and errors of the velocities, (2, 2k)."""

    model: VelocityModel
    delays: np.ndarray
    points: np.ndarray
    quality: np.ndarray


class _Prior:
    """What is known before: velocities near the start, alike in neighbours; terms small."""

    def __init__(self, start: VelocityModel, is_s: np.ndarray, spread_km_s: float) -> None:
        layers, terms = len(start.vp), len(is_s)
        rough = np.diff(np.eye(layers), axis=0)
        one = np.eye(layers) + rough.T @ rough / _ROUGH**2
        ratio = np.diag(np.array(start.vp) / np.array(start.vs))
        turn = np.block([[np.eye(layers), np.zeros((layers, layers))], [-np.eye(layers), ratio]])
        both = np.kron(np.diag([1, 1 / _RATIO**2]), one)
        self.matrix = np.zeros((2 * layers + terms, 2 * layers + terms))
        self.matrix[: 2 * layers, : 2 * layers] = turn.T @ both @ turn / spread_km_s**2
        # What all stations have in common is the model's, not the stations' (VELEST fixes one).
        apart = np.not_equal.outer(is_s, is_s)
        common = np.where(apart, 0, 1 / (max(terms, 1) * _MEAN_S**2))
        self.matrix[2 * layers :, 2 * layers :] = np.eye(terms) / _TERM_S**2 + common
        self._start, self._terms = np.array([*start.vp, *start.vs]), np.zeros(terms)

    def towards(self, model: VelocityModel) -> np.ndarray:
        """The right side of the equations: back to the start."""
        away = np.array([*model.vp, *model.vs]) - self._start
        return np.asarray(-self.matrix @ np.r_[away, self._terms])


def _held_size(seen: Material, model: VelocityModel, terms: _Terms, delays: np.ndarray) -> float:
    """Size of the residuals of the events held out, at hypocentres of their own."""
    shifted = seen.held.shifted(terms.delays_of(seen.held, delays))
    found = _located(shifted, seen.held_places, seen.depth_km, model, _FOUND)
    return coupled.size(found.residual_s, seen.held.events)


def _located(
    arrivals: Arrivals,
    points: np.ndarray,
    depth_km: tuple[float, float],
    model: VelocityModel,
    steps: int,
) -> State:
    """Hypocentres in a model; errors are those that the residuals tell of."""

    def predict(some: Arrivals, at: np.ndarray) -> Predicted:
        return _predicted(some, at, model)[0]

    if not len(arrivals):
        return coupled.state(arrivals, points, predict, arrivals.sigma_s)
    here = coupled.state(arrivals, points, predict, arrivals.sigma_s)
    scale = np.hypot(arrivals.sigma_s, coupled.size(here.residual_s, arrivals.events))
    return coupled.located(arrivals, points, predict, scale, depth_km, steps)


def _predicted(
    arrivals: Arrivals, points: np.ndarray, model: VelocityModel
) -> tuple[Predicted, np.ndarray]:
    """Travel times, and their slopes over the velocities of their own phase, (n, layers)."""
    away, east, north = coupled.offsets(arrivals, points)
    depth = points[arrivals.event, 2]
    travel, along, down = np.zeros((3, len(arrivals)))
    over_speed = np.zeros((len(arrivals), len(model.vp)))
    tops = np.array(model.tops)
    for phase, rows in (("P", ~arrivals.is_s), ("S", arrivals.is_s)):
        speeds = np.array(model.speeds(phase))
        found = paths.first(tops, speeds, arrivals.station_km[rows], depth[rows], away[rows])
        travel[rows], along[rows], down[rows] = (
            found.travel_s,
            found.over_distance,
            found.over_depth,
        )
        over_speed[rows] = found.over_speed
    return Predicted(travel, np.column_stack([along * east, along * north, down])), over_speed


def _step(
    seen: Material,
    here: State,
    size_s: float,
    model: VelocityModel,
    terms: _Terms,
    delays: np.ndarray,
    prior: _Prior,
) -> _Step:
    """Velocities and terms that explain what hypocentres leave, damped, and where these go."""
    arrivals, layers = seen.inverted, len(model.vp)
    _, over_speed = _predicted(arrivals, here.points, model)
    of_phase = sparse.hstack(
        [
            sparse.csr_matrix(over_speed * ~arrivals.is_s[:, None]),
            sparse.csr_matrix(over_speed * arrivals.is_s[:, None]),
            sparse.csr_matrix(
                (np.ones(len(arrivals)), (np.arange(len(arrivals)), terms.number)),
                shape=(len(arrivals), terms.count),
            ),
        ],
        format="csr",
    )
    # Terms are whole delays, not changes of them: they explain residuals from before them.
    target = here.residual_s + delays[terms.number]
    scale = np.hypot(arrivals.sigma_s, size_s)
    system = System.of(arrivals, here, scale, seen.depth_km, columns=of_phase, target_s=target)
    matrix, right = system.normal + prior.matrix, system.right + prior.towards(model)
    inverse = np.linalg.inv(matrix)
    known, rest = slice(0, 2 * layers), slice(2 * layers, None)
    quality = np.array(
        [
            np.clip(np.einsum("ij,ji->i", inverse, system.normal)[known], 0, 1),
            np.sqrt(np.diag(inverse)[known]),
        ]
    )
    # The velocities' equations without the terms, whose own follow from the velocities' changes.
    taken = np.linalg.solve(matrix[rest, rest], np.c_[matrix[rest, known], right[rest]])
    change = _risen(
        model,
        matrix[known, known] - matrix[known, rest] @ taken[:, :-1],
        right[known] - matrix[known, rest] @ taken[:, -1],
    )
    solved = np.r_[change, taken[:, -1] - taken[:, :-1] @ change]
    points = coupled.moved(here.points, system.moves(solved), seen.depth_km)
    return _Step(_moved(model, solved[known]), solved[2 * layers :], points, quality)


def _risen(model: VelocityModel, matrix: np.ndarray, right: np.ndarray) -> np.ndarray:
    """The changes of velocities that solve equations best among those with which none falls.

    A slow layer under a fast one fits nearly as well as the truth and is a trap for what follows;
    VELEST too forbids it unless it is asked for.
    """
    layers = len(model.vp)
    sums = np.kron(np.eye(2), np.tril(np.ones((layers, layers))))
    root = np.linalg.cholesky(matrix).T
    target = np.linalg.solve(root.T, right)
    least = _RISE_KM_S - np.diff(np.array([model.vp, model.vs]), prepend=0.0, axis=1).ravel()
    least[[0, layers]] *= 1 - _STEP
    rises = lsq_linear(root @ sums, target, (least, np.inf), method="bvls").x
    change = sums @ rises
    speeds = np.array([*model.vp, *model.vs])
    return np.asarray(change * min(1, _STEP / np.abs(change / speeds).max()))


def _moved(model: VelocityModel, change: np.ndarray) -> VelocityModel:
    """Velocities after changes, with ratios that rocks have."""
    vp, vs = np.split(np.array([*model.vp, *model.vs]) + change, 2)
    vs = np.maximum.accumulate(np.clip(vs, vp / _RATIOS[1], vp / _RATIOS[0]))
    return VelocityModel(model.tops, tuple(vp.tolist()), tuple(vs.tolist()))
