"""Absolute location of a catalog in a 1D model."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from multiprocessing import get_context
from typing import Any, Literal

import numpy as np
import pandas as pd

from quakeline.geometry import azimuthal_gap, distance_azimuth
from quakeline.io import tables
from quakeline.location import modes, posterior, search, terms
from quakeline.location.errors import Errors, estimated, stretch
from quakeline.location.foreign import Others
from quakeline.location.observations import Observations, gathered, grouped
from quakeline.location.quality import limits_of
from quakeline.reasons import cells
from quakeline.schemas import ARRIVALS, EVENTS
from quakeline.sites import Sites
from quakeline.timeline import SECOND
from quakeline.velocity import Domain, TravelTimes, VelocityModel

logger = logging.getLogger("quakeline")

_REACH_KM = 100.0
#: Events of one portion of work, and as many as are worth further processes.
_PORTION = 200
_COVARIANCE = ("cov_ee_km2", "cov_en_km2", "cov_ed_km2", "cov_nn_km2", "cov_nd_km2", "cov_dd_km2")


@dataclass(frozen=True)
class Solution:
    """A located event: its most likely point, fit and covariance of (x, y, z, t0) in km and s."""

    fit: posterior.Fit
    covariance: np.ndarray


@dataclass(frozen=True)
class Locator:
    """Locates events of a network in a 1D model; fields as in the section `locate`."""

    sites: Sites
    model: VelocityModel
    depth_km: tuple[float, float]
    model_error_s: float | Literal["auto"] = "auto"
    min_pick_sigma_s: float = 0.02
    model_error_share: float | Literal["auto"] = "auto"
    station_terms: terms.Kind = "none"
    given_terms: terms.Given | None = None
    threads: int = 1

    def locate(
        self, events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Relocate events (EVENTS) from their arrivals (ARRIVALS) and PICKS; same tables out.

        Arrivals of an event stand together, in the order of the events.
        """
        if events.empty:
            return tables.empty(EVENTS), tables.empty(ARRIVALS)
        joined = self._joined(events, arrivals, picks)
        seen = list(gathered(joined, self.sites, self.times, self.min_pick_sigma_s))
        given = self.given_terms.of(joined) if self.given_terms else np.zeros(len(joined))
        seen = _shifted(seen, given)
        others = Others.of(picks, self.sites)
        solutions, delays = self._solutions(seen, joined["phase"].to_numpy(), others)
        located, residuals, first = [], [], 0
        for event, some, solution in zip(events.itertuples(), seen, solutions, strict=True):
            rows = joined.iloc[first : first + len(some)]
            row, weighted = self._tables(event, rows, some, solution)
            located.append(row)
            residuals.append(weighted)
            first += len(some)
        new = pd.DataFrame(located, index=events.index)
        kept = events.drop(columns=[*set(new.columns) & set(events.columns)])
        weighted = pd.concat(residuals, ignore_index=True)
        if self.given_terms or self.station_terms != "none":
            weighted["correction_s"] = given + delays
        return pd.concat([kept, new], axis=1), weighted

    def _joined(
        self, events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame
    ) -> pd.DataFrame:
        columns = ["pick_id", "network", "station", "location", "time", "time_sigma_s"]
        joined = arrivals[["event_id", "pick_id", "phase"]].merge(
            picks[columns], on="pick_id", validate="one_to_one"
        )
        order = pd.Series(np.arange(len(events)), index=events["event_id"])
        joined["_event"] = joined["event_id"].map(order)
        joined = joined.sort_values(["_event", "time", "pick_id"], ignore_index=True)
        return joined.drop(columns="_event")

    def origins(
        self, members: pd.DataFrame, starts: tuple[np.ndarray, np.ndarray]
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Hypocentres of events whose arrivals may still change.

        Parameters
        ----------
        members
            Arrivals event by event: event, site (row of the sites), phase, time_ns, sigma_s.
        starts
            Origin times in ns, (m,), and x, y, z in km, (m, 3), from which to go on; NaN: search.

        Returns
        -------
        Origin times in ns, (m,); x, y, z in km, (m, 3); covariances of x, y, z and time in km and
        s, (m, 4, 4); factors by which an event's residuals stretch the errors of its arrivals,
        (m,).
        """
        members = members.assign(sigma_s=members["sigma_s"].clip(lower=self.min_pick_sigma_s))
        seen = list(grouped(members, self.sites, self.times))
        jobs = [
            (some, None if np.isnan(place).any() else np.r_[place, (time - some.zero_ns) / SECOND])
            for some, time, place in zip(seen, *starts, strict=True)
        ]
        fits = self._each(partial(_fitted, self, self.expected), jobs)
        seconds = zip(seen, fits, strict=True)
        return (
            np.array([some.zero_ns + round(fit.point[3] * SECOND) for some, fit in seconds]),
            np.array([fit.point[:3] for fit in fits]),
            np.array([fit.spread for fit in fits]),
            np.array([fit.stretch for fit in fits]),
        )

    def _solutions(
        self, seen: list[Observations], phases: np.ndarray, others: Others
    ) -> tuple[list[Solution], np.ndarray]:
        """Solutions of all events and, with station terms, the delays of all arrivals in s."""
        fits = self._each(partial(_fitted, self, self.expected), [(s, None) for s in seen])
        seen = [self._among(others, *pair) for pair in zip(seen, fits, strict=True)]
        errors, fits = self._settled(seen, fits)
        delays = np.zeros(len(phases))
        if self.station_terms != "none":
            before = errors, [fit.stretch for fit in fits]
            for iteration in range(terms.ITERATIONS):
                delays = self._delays(iteration, seen, phases, fits, delays)
                shifted = _shifted(seen, delays)
                fits = self._again(_fitted, errors, shifted, fits)
            _, fits = self._settled(shifted, fits)
            return self._as_before(shifted, fits, *before), delays
        return self._again(_solved, errors, seen, fits), delays

    def _among(self, others: Others, seen: Observations, fit: posterior.Fit) -> Observations:
        """Arrivals of one event that know how many picks of something else there are."""
        scale = self._likelihood(seen, self.expected, fit.stretch).scale_s
        return others.among(seen, fit.point[:2], fit.residual_s, scale)

    def _settled(
        self, seen: list[Observations], fits: list[posterior.Fit]
    ) -> tuple[Errors, list[posterior.Fit]]:
        """The errors of the model that the residuals tell of, and fits under these errors."""
        for _ in range(2):
            errors = self._errors(seen, fits)
            fits = self._again(_fitted, errors, seen, fits)
        logger.info(
            "locate: errors of the model: %g s of each arrival, %g %% of the velocities",
            errors.each_s,
            100 * errors.share,
        )
        return errors, fits

    def _as_before(
        self,
        seen: list[Observations],
        fits: list[posterior.Fit],
        errors: Errors,
        stretches: list[float],
    ) -> list[Solution]:
        """Solutions whose covariances are those of the errors before the station terms.

        Terms take off what is left of the model's errors at the hypocentres; what these have taken
        up stays in them, however small the residuals become.
        """
        wide = zip(fits, stretches, strict=True)
        fits = [replace(fit, stretch=max(fit.stretch, factor)) for fit, factor in wide]
        return self._each(
            partial(Locator.solution, self, errors), list(zip(seen, fits, strict=True))
        )

    def _delays(
        self,
        iteration: int,
        seen: list[Observations],
        phases: np.ndarray,
        fits: list[posterior.Fit],
        delays: np.ndarray,
    ) -> np.ndarray:
        """Station terms of all arrivals in s after one more iteration."""
        group = np.concatenate([some.site for some in seen]) * 2 + (phases == "S")
        residual = np.concatenate([fit.residual_s for fit in fits]) + delays
        if self.station_terms != "ssst" or not iteration:
            return terms.static(group, residual)
        places = np.repeat([fit.point[:3] for fit in fits], [len(s) for s in seen], axis=0)
        radius = terms.radius_km(iteration, float(np.ptp(self._box, axis=0)[:2].max()))
        return terms.source_specific(group, residual, places, radius)

    def _again(
        self, work: Any, errors: Errors, seen: list[Observations], fits: list[posterior.Fit]
    ) -> list[Any]:
        """Go on from the fits, perhaps with other errors or times."""
        jobs = [(some, fit.point) for some, fit in zip(seen, fits, strict=True)]
        return self._each(partial(work, self, errors), jobs)

    @property
    def expected(self) -> Errors:
        """The errors of the model that are given, or expected before any residual was seen."""
        return estimated([], *self._given)

    @property
    def _given(self) -> tuple[float | None, float | None]:
        each_s, share = self.model_error_s, self.model_error_share
        return (None if each_s == "auto" else each_s), (None if share == "auto" else share)

    def _errors(self, seen: list[Observations], fits: list[posterior.Fit]) -> Errors:
        """The errors that the residuals of all events tell of, where they are not given."""
        each_s, share = self._given
        if each_s is not None and share is not None:
            return self.expected
        pairs = zip(seen, fits, strict=True)
        left = [self._likelihood(some, self.expected).left(fit) for some, fit in pairs]
        return estimated(left, each_s, share)

    def _each(self, work: Any, jobs: Sequence[tuple[Observations, Any]]) -> list[Any]:
        """Do the same for all events, in several processes where there are many."""
        if self.threads < 2 or len(jobs) < 2 * _PORTION:
            return [work(*job) for job in jobs]
        self.times  # noqa: B018 - made once, before the processes copy it
        portions = [jobs[n : n + _PORTION] for n in range(0, len(jobs), _PORTION)]
        with ProcessPoolExecutor(self.threads, mp_context=get_context("fork")) as pool:
            done = pool.map(partial(_portion, work), portions)
            return [result for portion in done for result in portion]

    @cached_property
    def _box(self) -> np.ndarray:
        """Least and largest x, y, z of sources in local km, shape (2, 3)."""
        local = self.sites.local
        low, high = local[["x", "y"]].min().to_numpy(), local[["x", "y"]].max().to_numpy()
        margin = max(_REACH_KM, float(np.hypot(*(high - low))) / 2)
        return np.array([[*(low - margin), self.depth_km[0]], [*(high + margin), self.depth_km[1]]])

    @cached_property
    def times(self) -> TravelTimes:
        """Travel times between all sites and all sources."""
        local = self.sites.local
        depth = local["depth_km"].to_numpy()
        xy = local[["x", "y"]].to_numpy()
        # From a corner of the box to the station that is farthest from it.
        away = np.maximum(xy.max(axis=0) - self._box[0, :2], self._box[1, :2] - xy.min(axis=0))
        top = min(self.depth_km[0], float(depth.min()))
        domain = Domain(float(np.hypot(*away)), top, self.depth_km[1], nodes=1000)
        return TravelTimes(self.model, domain, depth)

    def fit(self, seen: Observations, start: np.ndarray | None, errors: Errors) -> posterior.Fit:
        """The most likely hypocentre of one event, searched everywhere or from a start only."""
        likelihood = self._likelihood(seen, errors)
        starts = [start] if start is not None else self._starts(seen)
        fits = [posterior.most_likely(likelihood, np.asarray(point)) for point in starts]
        best = min(fits, key=lambda fit: round(fit.cost, 6))
        factor = stretch(best.residual_s / likelihood.scale_s)
        stretched = self._likelihood(seen, errors, factor)
        again = posterior.most_likely(stretched, best.point)
        return replace(modes.best(stretched, again), stretch=factor)

    def solve(self, seen: Observations, start: np.ndarray, errors: Errors) -> Solution:
        """The most likely hypocentre of one event near a start, and its covariance."""
        return self.solution(errors, seen, self.fit(seen, start, errors))

    def solution(self, errors: Errors, seen: Observations, fit: posterior.Fit) -> Solution:
        """A fit and its covariance under errors of the model and the fit's own factor of them."""
        likelihood = self._likelihood(seen, errors, fit.stretch)
        here, _ = likelihood.at(fit.point)
        common = likelihood.common_error(here, errors.share)
        return Solution(fit, modes.spread(likelihood, here) + common)

    def _starts(self, seen: Observations) -> np.ndarray:
        return search.candidates(seen, self.times, *self._box)

    def _likelihood(
        self, seen: Observations, errors: Errors, factor: float = 1.0
    ) -> posterior.Likelihood:
        scale = factor * np.hypot(seen.sigma_s, errors.each_s)
        return posterior.Likelihood(seen, self.times, scale, self._box[0], self._box[1])

    def _tables(
        self, event: Any, rows: pd.DataFrame, seen: Observations, solution: Solution
    ) -> tuple[dict[str, Any], pd.DataFrame]:
        """The columns of EVENTS that the location gives, and the event's ARRIVALS."""
        fit = solution.fit
        row = self._origin(seen, solution)
        places = self.sites.table.iloc[seen.site]
        distance, azimuth = distance_azimuth(
            row["latitude"],
            row["longitude"],
            places["latitude"].to_numpy(),
            places["longitude"].to_numpy(),
        )
        row |= {
            "azimuthal_gap_deg": azimuthal_gap(azimuth),
            "min_distance_km": float(distance.min()),
        }
        arrivals = rows[["event_id", "pick_id", "phase"]].assign(
            residual_s=fit.residual_s, distance_km=distance, azimuth_deg=azimuth, weight=fit.weight
        )
        limits = limits_of(fit.point, self._box, row, rows["phase"].to_numpy())
        told = cells("quality", limits)
        return {**row, **told, "quality": told["quality"] or "good"}, arrivals

    def _origin(self, seen: Observations, solution: Solution) -> dict[str, Any]:
        point = solution.fit.point
        latitude, longitude = self.sites.frame.to_latlon(point[0], point[1])
        covariance = solution.covariance
        turn = self.sites.frame.turned(point[0], point[1])
        space = turn @ covariance[:3, :3] @ turn.T
        horizontal = float(np.sqrt(np.linalg.eigvalsh(space[:2, :2])[-1]))
        origin_ns = seen.zero_ns + round(point[3] * SECOND)
        return {
            "time": pd.Timestamp(origin_ns, unit="ns", tz="UTC"),
            "time_sigma_s": float(np.sqrt(covariance[3, 3])),
            "latitude": float(latitude),
            "longitude": float(longitude),
            "depth_km": float(point[2]),
            "horizontal_sigma_km": horizontal,
            "depth_sigma_km": float(np.sqrt(covariance[2, 2])),
            **dict(zip(_COVARIANCE, space[np.triu_indices(3)], strict=True)),
            "rms_s": float(np.sqrt(np.mean(solution.fit.residual_s**2))),
            "locator": "robust-1d",
        }


def _shifted(seen: list[Observations], delays: np.ndarray) -> list[Observations]:
    """Arrivals of events with the terms of all of them, in s, taken off."""
    ends = np.cumsum([len(some) for some in seen])[:-1]
    return [some.shifted(part) for some, part in zip(seen, np.split(delays, ends), strict=True)]


def _fitted(
    locator: Locator, errors: Errors, seen: Observations, start: np.ndarray | None
) -> posterior.Fit:
    return locator.fit(seen, start, errors)


def _solved(locator: Locator, errors: Errors, seen: Observations, start: np.ndarray) -> Solution:
    return locator.solve(seen, start, errors)


def _portion(work: Any, jobs: Iterable[tuple[Observations, Any]]) -> list[Any]:
    return [work(*job) for job in jobs]
