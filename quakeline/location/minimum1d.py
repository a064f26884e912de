"""A minimum 1D model: layer velocities, station terms and hypocentres from the same picks.

Hypocentres are found in the present model (`locator`); what they cannot take up of the residuals is
explained by changes of the layers' velocities and by station terms, by damped least squares; then
hypocentres again, until little changes. This is the coupled problem of Kissling, E., Ellsworth,
W. L., Eberhart-Phillips, D. & Kradolfer, U. (1994), Initial reference models in local earthquake
tomography, J. Geophys. Res. 99, 19635-19646, with hypocentres taken out event by event (Pavlis,
G. L. & Booker, J. R., 1980, J. Geophys. Res. 85, 4801-4810). Events that are left out of the
inversion tell whether the model predicts or only fits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.optimize import isotonic_regression

from quakeline.location.locator import Locator
from quakeline.location.observations import Observations, gathered
from quakeline.location.posterior import Fit
from quakeline.velocity import Domain, TravelTimes, VelocityModel

#: Part of the events that is left out: every fifth.
_HELD_OUT = 5
_ITERATIONS = 12
#: A priori spreads: of velocities in km/s, of the difference of neighbouring layers' changes as a
#: share of that, of station terms in s and of their mean.
_VELOCITY_KM_S, _ROUGH, _TERM_S, _MEAN_S = 0.5, 0.4, 0.15, 0.005
#: Tops of layers, in km.
_TOPS = (0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 11.0, 15.0, 20.0, 26.0, 33.0, 45.0, 70.0, 120.0)
#: Largest change of a velocity in one step, as a share.
_STEP = 0.1
_PERTURBED = 0.01
#: An iteration that makes residuals smaller by less than this share is the last.
_ENOUGH = 0.002
_RATIOS = (1.45, 2.3)
_MAD = 1.4826
_LEAST_ARRIVALS = 6


@dataclass(frozen=True)
class Result:
    """A model, station terms in s by (site, phase is S), and what it leaves of the residuals.

    `rms_s` are robust sizes of residuals of the events inverted, `held_s` of those left out, each
    before and after; `resolution` is 0 to 1 for each velocity, P then S; `residual_history` the
    sizes after each iteration.
    """

    model: VelocityModel
    terms_s: dict[tuple[int, bool], float]
    rms_s: tuple[float, float]
    held_s: tuple[float, float]
    resolution: np.ndarray
    residual_history: tuple[float, ...]


@dataclass(frozen=True)
class Material:
    """Arrivals of events as the locator sees them: those inverted and those held out."""

    inverted: list[Observations]
    held: list[Observations]


def material(
    locator: Locator, events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame, most: int
) -> Material:
    """Well recorded events, `most` of them at most, evenly over the catalog.

    Parameters
    ----------
    locator
        Its stations and least errors of picks count.
    events, arrivals, picks
        EVENTS, ARRIVALS, PICKS.
    most
        Events that are used; every fifth of them is held out.
    """
    joined = locator.joined(events, arrivals, picks)
    seen = list(gathered(joined, locator.sites, locator.times, locator.min_pick_sigma_s))
    good = [some for some in seen if len(some) >= _LEAST_ARRIVALS]
    good = good[:: max(1, -(-len(good) // most))]
    held = good[_HELD_OUT // 2 :: _HELD_OUT]
    return Material([s for n, s in enumerate(good) if n % _HELD_OUT != _HELD_OUT // 2], held)


def layered(model: VelocityModel, top: float, bottom: float) -> VelocityModel:
    """A model in layers that are thin near the surface, each with the mean of the given velocities.

    `top` and `bottom` in km are those of the ways that picks tell of; interfaces below stay.
    """
    inside = [depth for depth in _TOPS if top < depth < bottom]
    below = [depth for depth in model.tops[1:] if depth >= bottom]
    tops = np.array([top, *inside, *below])
    ends = np.r_[tops[1:], tops[-1] + 1]
    share = np.linspace(0.01, 0.99, 50)
    depths = tops[:, None] + (ends - tops)[:, None] * share
    vp, vs = (1 / (1 / model.at(depths, phase)).mean(axis=1) for phase in ("P", "S"))
    top_km, p, s = (tuple(float(v) for v in values) for values in (tops, vp, vs))
    return VelocityModel(top_km, p, s)


def starts(model: VelocityModel) -> list[VelocityModel]:
    """Models to begin with: the given one, a slower and a faster one, and one less steep."""
    mean = float(np.mean(model.vp))
    flat = [(v + mean) / 2 / v for v in model.vp]
    shares = [np.ones(len(model.vp)), np.full(len(model.vp), 0.92), np.full(len(model.vp), 1.08)]
    return [scaled(model, share, share) for share in [*shares, np.array(flat)]]


def scaled(model: VelocityModel, p: np.ndarray, s: np.ndarray) -> VelocityModel:
    """Constant layers with velocities times shares."""
    vp = [float(v * share) for v, share in zip(model.vp, p, strict=True)]
    vs = [float(v * share) for v, share in zip(model.vs, s, strict=True)]
    return VelocityModel(model.tops, tuple(vp), tuple(vs))


def inverted(locator: Locator, material: Material, start: VelocityModel) -> Result:
    """Invert from one start; the locator gives stations, limits of depth and errors of picks."""
    own = replace(locator, model=start)
    terms: dict[tuple[int, bool], float] = {}
    before = _sizes(own, material, terms, None)
    fits, history = before[2], [before[0]]
    model, resolution = start, np.zeros(2 * len(start.vp))
    best = (model, terms, before)
    for _ in range(_ITERATIONS):
        step = _step(own, material.inverted, fits[: len(material.inverted)], terms)
        model = _moved(model, step.velocity)
        terms = step.terms
        own = replace(locator, model=model)
        now = _sizes(own, material, terms, fits)
        fits = now[2]
        history.append(now[0])
        if now[0] < best[2][0]:
            best, resolution = (model, terms, now), step.resolution
        if history[-2] - history[-1] < _ENOUGH * history[-2]:
            break
    model, terms, after = best
    return Result(
        model,
        terms,
        (before[0], after[0]),
        (before[1], after[1]),
        resolution,
        tuple(history),
    )


def sizes(locator: Locator, material: Material) -> tuple[float, float]:
    """Robust sizes of residuals in s of the events inverted and held out, in a locator's model."""
    inside, held, _ = _sizes(locator, material, {}, None)
    return inside, held


@dataclass(frozen=True)
class _Step:
    velocity: np.ndarray
    terms: dict[tuple[int, bool], float]
    resolution: np.ndarray


def _sizes(
    locator: Locator,
    material: Material,
    terms: dict[tuple[int, bool], float],
    fits: list[Fit] | None,
) -> tuple[float, float, list[Fit]]:
    """Robust sizes of residuals of inverted and held-out events, and the fits of both."""
    errors = locator.expected
    seen = [*material.inverted, *material.held]
    near = [None] * len(seen) if fits is None else [fit.point for fit in fits]
    found = [
        locator.fit(_seen_by(locator, some).shifted(_of(some, terms)), start, errors)
        for some, start in zip(seen, near, strict=True)
    ]
    count = len(material.inverted)
    return _size(found[:count]), _size(found[count:]), found


def _seen_by(locator: Locator, seen: Observations) -> Observations:
    """The same arrivals with the travel times of another locator."""
    depths = locator.sites.local["depth_km"].to_numpy()[seen.site]
    return replace(seen, table=locator.times.rows(np.where(seen.is_s, "S", "P"), depths))


def _size(fits: Sequence[Fit]) -> float:
    """A robust standard deviation of residuals, for the freedom that hypocentres take."""
    if not fits:
        return float("nan")
    residuals = np.concatenate([fit.residual_s for fit in fits])
    free = max(len(residuals) - 4 * len(fits), 1)
    return _MAD * float(np.median(np.abs(residuals))) * float(np.sqrt(len(residuals) / free))


def _of(seen: Observations, terms: dict[tuple[int, bool], float]) -> np.ndarray:
    keys = zip(seen.site.tolist(), seen.is_s.tolist(), strict=True)
    return np.array([terms.get(key, 0.0) for key in keys])


def _moved(model: VelocityModel, change: np.ndarray) -> VelocityModel:
    """Velocities changed a little at a time, with ratios that rocks have, never less with depth.

    A slow layer under a fast one fits nearly as well as the truth and is a trap for what follows;
    VELEST too forbids it unless it is asked for.
    """
    layers = len(model.vp)
    vp, vs = np.array(model.vp), np.array(model.vs)
    new_p = vp + np.clip(change[:layers], -_STEP * vp, _STEP * vp)
    new_s = vs + np.clip(change[layers:], -_STEP * vs, _STEP * vs)
    new_p, new_s = isotonic_regression(new_p).x, isotonic_regression(new_s).x
    new_s = np.clip(new_s, new_p / _RATIOS[1], new_p / _RATIOS[0])
    return scaled(model, new_p / vp, new_s / vs)


def _step(
    locator: Locator,
    seen: list[Observations],
    fits: list[Fit],
    terms: dict[tuple[int, bool], float],
) -> _Step:
    """Changes of velocities and terms that explain what hypocentres leave, damped."""
    layers = len(locator.model.vp)
    keys = sorted({key for some in seen for key in zip(some.site, some.is_s, strict=True)})
    place = {key: 2 * layers + n for n, key in enumerate(keys)}
    size = 2 * layers + len(keys)
    normal, right = np.zeros((size, size)), np.zeros(size)
    slopes = _Slopes(locator)
    scale = _size(fits)
    for some, fit in zip(seen, fits, strict=True):
        columns = np.zeros((len(some), size))
        columns[:, : 2 * layers] = slopes.of(some, fit.point)
        own = [place[key] for key in zip(some.site, some.is_s, strict=True)]
        columns[np.arange(len(some)), own] = 1.0
        weight = np.sqrt(np.clip(fit.weight, 0, 1)) / np.hypot(some.sigma_s, scale)
        # Terms are the whole delay, so residuals are those without them.
        residual = fit.residual_s + _of(some, terms)
        origin = slopes.of_origin(_seen_by(locator, some), fit.point) * weight[:, None]
        taken = np.linalg.qr(origin)[0]
        wanted = np.column_stack([columns, residual]) * weight[:, None]
        rest = wanted - taken @ (taken.T @ wanted)
        normal += rest[:, :-1].T @ rest[:, :-1]
        right += rest[:, :-1].T @ rest[:, -1]
    damped = normal + _damping(layers, np.array([key[1] for key in keys]))
    solved = np.linalg.solve(damped, right)
    resolution = np.diag(np.linalg.solve(damped, normal))[: 2 * layers]
    values = {key: float(solved[index]) for key, index in place.items()}
    return _Step(solved[: 2 * layers], values, np.clip(resolution, 0, 1))


def _damping(layers: int, is_s: np.ndarray) -> np.ndarray:
    """A priori information: changes are small, and alike in neighbouring layers."""
    terms = len(is_s)
    matrix = np.zeros((2 * layers + terms, 2 * layers + terms))
    rough = np.diff(np.eye(layers), axis=0)
    one = np.eye(layers) / _VELOCITY_KM_S**2 + rough.T @ rough / (_ROUGH * _VELOCITY_KM_S) ** 2
    matrix[:layers, :layers] = one
    matrix[layers : 2 * layers, layers : 2 * layers] = 3 * one
    # What all stations have in common is the model's, not the stations' (VELEST fixes one station).
    apart = np.not_equal.outer(is_s, is_s)
    common = np.where(apart, 0, 1 / (len(is_s) * _MEAN_S**2))
    matrix[2 * layers :, 2 * layers :] = np.eye(terms) / _TERM_S**2 + common
    return matrix


class _Slopes:
    """How predicted times change with hypocentres, and with each velocity by a small change of it.

    Differences of tables with coarse nodes are enough: they change slowly.
    """

    def __init__(self, locator: Locator) -> None:
        self._times = locator.times
        self._model = locator.model
        domain = locator.times.domain
        self._coarse = Domain(domain.reach, domain.top, domain.bottom, nodes=150)
        self._depths = np.round(locator.sites.local["depth_km"].to_numpy() * 4) / 4
        self._tables = [self._table(k, share) for k, share in self._cases()]
        self._plain = self._table(0, 0.0)

    def _cases(self) -> list[tuple[int, float]]:
        return [(k, _PERTURBED) for k in range(len(self._model.vp))]

    def _table(self, layer: int, share: float) -> TravelTimes:
        shares = np.ones(len(self._model.vp))
        shares[layer] += share
        return TravelTimes(scaled(self._model, shares, shares), self._coarse, self._depths)

    def of(self, seen: Observations, point: np.ndarray) -> np.ndarray:
        """Slopes over velocities, P then S, in s per km/s; shape (n, 2 layers)."""
        away = np.hypot(point[0] - seen.x, point[1] - seen.y)
        phases = np.where(seen.is_s, "S", "P")
        stations = self._depths[seen.site]

        def travel(table: TravelTimes) -> np.ndarray:
            return table.at(table.rows(phases, stations), away, np.asarray(point[2]))[0]

        plain = travel(self._plain)
        layers = len(self._tables)
        found = np.zeros((len(seen), 2 * layers))
        for k, table in enumerate(self._tables):
            change = travel(table) - plain
            found[:, k] = np.where(seen.is_s, 0, change / (_PERTURBED * self._model.vp[k]))
            found[:, layers + k] = np.where(seen.is_s, change / (_PERTURBED * self._model.vs[k]), 0)
        return found

    def of_origin(self, seen: Observations, point: np.ndarray) -> np.ndarray:
        """Slopes over x, y, z and origin time; shape (n, 4)."""
        east, north = point[0] - seen.x, point[1] - seen.y
        away = np.maximum(np.hypot(east, north), 1e-9)
        _, along, down = self._times.at(seen.table, away, np.asarray(point[2]))
        return np.column_stack(
            [along * east / away, along * north / away, down, np.ones(len(seen))]
        )
