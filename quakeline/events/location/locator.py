"""Absolute location of a catalog in a velocity model of layers or of a grid."""

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

from quakeline.core.schemas import ARRIVALS, EVENTS
from quakeline.core.timeline import SECOND
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Model, Network, Times, rounded
from quakeline.events.location import batch, mixed, modes, posterior, systematic, terms
from quakeline.events.location.errors import (
    Errors,
    estimated,
    looked_at,
    split,
    stretch,
    with_given_delays,
)
from quakeline.events.location.observations import Observations, gathered
from quakeline.events.location.outliers import Others
from quakeline.events.location.posterior import Solution
from quakeline.events.location.written import rows_of
from quakeline.io.products import provenance, tables

logger = logging.getLogger("quakeline")

_REACH_KM = 100.0
#: Errors of arrivals while it is not known yet which ones belong to an event, in s.
_ROUGH_S = 0.2
#: Depths at which every event is tried, as shares of the search.
_DEPTHS = (0.1, 0.35)
#: Times that errors and the weights under them are found in turn.
_TURNS = 5
#: Errors that change by less than this share have settled.
_SETTLED = 0.01
#: Events of one portion of work, and as many as are worth further processes.
_PORTION = 200
#: Arrivals whose residuals are computed at once.
_TOGETHER = 50_000
#: Times in ns, places in km, covariances and factors of the errors of arrivals of m events.
Origins = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]
#: EVENTS, ARRIVALS and PICKS.
Past = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]
_PLACES = ["event_id", "time", "latitude", "longitude", "depth_km"]
_PHASES = ["event_id", "pick_id", "phase"]


@dataclass(frozen=True)
class Locator:
    """Locates events of a network in a velocity model; fields as in the section `locate`.

    `interface_km` is how far interfaces of layers may be off: travel times are means over that.
    """

    sites: Sites
    model: Model
    depth_km: tuple[float, float]
    model_error_s: float | Literal["auto"] = "auto"
    min_pick_sigma_s: float = 0.02
    model_error_share: float | Literal["auto"] = "auto"
    station_terms: terms.Kind = "none"
    given_terms: terms.GivenTerms | None = None
    threads: int = 1
    interface_km: float = 0.0

    def locate(
        self,
        events: pd.DataFrame,
        arrivals: pd.DataFrame,
        picks: pd.DataFrame,
        past: Past | None = None,
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Relocate events (EVENTS) from their arrivals (ARRIVALS) and PICKS; same tables out.

        Arrivals of an event stand together, in the order of the events. `past` are further events
        with other ids and other picks: station terms and errors are those of all, and only the
        others are in the tables. Of its EVENTS only ids, times and places count, of its ARRIVALS
        ids and phases.
        """
        if events.empty:
            return tables.empty(EVENTS), tables.empty(ARRIVALS)
        known = (
            (events, arrivals, picks) if past is None else _with_past(events, arrivals, picks, past)
        )
        every = self._joined(*known)
        seen = list(gathered(every, self.sites, self.times, self.min_pick_sigma_s))
        given = self.given_terms.of(every) if self.given_terms else np.zeros(len(every))
        seen = _shifted(seen, given)
        others = Others.of(picks, self.sites)
        count = len(events)
        solutions, delays = self._solutions(seen, self._begun(known[0], seen), others, count)
        own = slice(sum(len(some) for some in seen[:count]))
        new, weighted = rows_of(self.sites, self._box, every[own], seen[:count], solutions)
        new = new.assign(locator=f"robust-{self.model.dimensions}d").set_axis(events.index)
        kept = events.drop(columns=[*set(new.columns) & set(events.columns)])
        if self.given_terms or self.station_terms != "none":
            weighted["correction_s"] = (given + delays)[own]
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

    def origins(self, members: pd.DataFrame, starts: tuple[np.ndarray, np.ndarray]) -> Origins:
        """Hypocentres of events whose arrivals may still change, near starts.

        Parameters
        ----------
        members
            Arrivals event by event: event, site (row of the sites), phase, time_ns, sigma_s (of
            the pick and of the model together).
        starts
            Origin times in ns, (m,), and x, y, z in km, (k, m, 3): of k starts the best counts.

        Returns
        -------
        Origin times in ns, (m,); x, y, z in km, (m, 3); covariances of x, y, z and time in km and
        s, (m, 4, 4); factors by which an event's residuals stretch the errors of its arrivals,
        (m,).
        """
        time_ns, places = starts
        arrivals = self._arrivals(members, time_ns)
        points = np.concatenate([places, np.zeros((*places.shape[:2], 1))], axis=2)
        fits = batch.fitted(arrivals, self.times, self._box, points)
        origin_ns = time_ns + np.round(fits.point[:, 3] * SECOND).astype(np.int64)
        return origin_ns, fits.point[:, :3], fits.spread, fits.stretch

    def static_terms(self, members: pd.DataFrame, origins: Origins) -> np.ndarray:
        """Terms in s of arrivals of events that `origins` has located, (n,): `terms.of_stations`.

        `members` are as there, with the terms so far, which `time_ns` is without, in `term_s`.
        """
        time_ns, places, _, stretched = origins
        arrivals = self._arrivals(members, time_ns)
        before = members["term_s"].to_numpy()
        group = 2 * members["site"].to_numpy() + (members["phase"] == "S").to_numpy()
        point = np.column_stack([places, np.zeros(len(places))])
        late = replace(arrivals, time_s=arrivals.time_s + before)
        left = self._left(late, group, before, point, stretched)
        return terms.of_stations(left)

    def _arrivals(self, members: pd.DataFrame, time_ns: np.ndarray) -> batch.Arrivals:
        """Arrivals of events that `origins` is given, in seconds after a time of each event."""
        site, event = (members[name].to_numpy() for name in ("site", "event"))
        local = self.sites.local
        return batch.Arrivals(
            event,
            self.times.rows_of(members["phase"].to_numpy(), site),
            local["x"].to_numpy()[site],
            local["y"].to_numpy()[site],
            (members["time_ns"].to_numpy() - time_ns[event]) / SECOND,
            members["sigma_s"].clip(lower=self.min_pick_sigma_s).to_numpy(),
        )

    def moved(
        self, site: np.ndarray, is_s: np.ndarray, time_s: np.ndarray, start: np.ndarray
    ) -> np.ndarray:
        """x, y, z, t0 in km and s that fit arrivals best, from a start (4,); all of shape (n,)."""
        rows, east, north = self._each_site
        arrivals = batch.Arrivals(
            np.zeros(len(site), dtype=np.int64),
            rows[is_s.astype(int), site],
            east[site],
            north[site],
            time_s - start[3],
            np.full(len(site), _ROUGH_S),
        )
        zero = np.r_[start[:3], 0.0]
        point = batch.moved(arrivals, self.times, self._box, zero[None])[0]
        return np.asarray(point + np.r_[0, 0, 0, start[3]])

    def _begun(self, events: pd.DataFrame, seen: list[Observations]) -> np.ndarray:
        """Points (k, m, 4) from which to locate: preliminary origins, at a few depths."""
        x, y = self.sites.frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
        zero_ns = np.array([some.zero_ns for some in seen])
        time_s = (events["time"].astype("int64").to_numpy() - zero_ns) / SECOND
        low, high = self._box[:, 2]
        depth = events["depth_km"].to_numpy(float)
        depths = [depth, *(np.full(len(depth), low + share * (high - low)) for share in _DEPTHS)]
        return np.array([np.column_stack([x, y, z, time_s]) for z in depths])

    def _solutions(
        self, seen: list[Observations], starts: np.ndarray, others: Others, count: int
    ) -> tuple[list[Solution], np.ndarray]:
        """Solutions of the first events and delays of all arrivals in s, zero without terms."""
        arrivals, first = self._without_terms(seen, starts)
        before = self._settled(seen, first)
        delays, fits, unknown = self._with_terms(seen, arrivals, first)
        sizes = np.cumsum([len(some) for some in seen])[:-1]
        seen = _shifted(seen, delays)
        left = np.split(fits.residual_s, sizes)
        rows = zip(seen, fits.point, left, fits.stretch, strict=True)
        seen = [self._among(others, *row) for row in rows]
        errors = self._stated(before, self._settled(seen, fits), arrivals, fits, unknown)
        shares = errors.shares(np.array([some.is_s.mean() for some in seen]))
        share = float(np.median(shares))
        logger.info(
            "locate: errors of the model: %g s of each arrival, %g %% of the velocities",
            errors.each_s,
            100 * share,
        )
        given = {"model_error_s": self.model_error_s, "model_error_share": self.model_error_share}
        used = {"model_error_s": errors.each_s, "model_error_share": share}
        provenance.chose("locate", given, used)
        arrivals, is_s = _together(seen, errors), np.concatenate([some.is_s for some in seen])
        common = systematic.common(arrivals, is_s, self.times, self._box, fits.point, shares)
        jobs = list(zip(seen, fits.point, common, strict=True))[:count]
        return self._each(partial(self.solution, errors), jobs), delays

    def _without_terms(
        self, seen: list[Observations], starts: np.ndarray
    ) -> tuple[batch.Arrivals, batch.Fits]:
        """Arrivals of all events with settled errors, and the hypocentres that fit them."""
        arrivals = _together(seen, self.expected)
        first = batch.fitted(arrivals, self.times, self._box, starts)
        arrivals = _together(seen, self._settled(seen, first))
        return arrivals, batch.fitted(arrivals, self.times, self._box, first.point[None])

    def _stated(
        self,
        before: Errors,
        after: Errors,
        arrivals: batch.Arrivals,
        fits: batch.Fits,
        unknown: float,
    ) -> Errors:
        """Errors that hypocentres are stated with, from those before and after station terms.

        `unknown` is the share by which velocities may be wrong after what the terms hold of it.
        """
        given = self.model_error_share != "auto"
        if self.station_terms == "none":
            if given or self.given_terms is None:
                return after
            return with_given_delays(
                after, len(fits.point), general=self.model.general, model=self._stated_share(fits)
            )
        # Terms take off what is left of the model's errors at the hypocentres; what these have
        # taken up stays in them, however small the residuals become.
        travel = arrivals.time_s - fits.point[arrivals.event, 3]
        return split(
            before,
            after,
            travel,
            unknown,
            given=given,
            events=len(fits.point),
            general=self.model.general,
            model=self._stated_share(fits),
        )

    def _stated_share(self, fits: batch.Fits) -> float:
        """The share by which the model says to be wrong between most stations and most events."""
        ends = self.sites.local["depth_km"].median(), np.median(fits.point[:, 2])
        return self.model.error_share(float(min(ends)), float(max(ends)))

    def _with_terms(
        self, seen: list[Observations], arrivals: batch.Arrivals, fits: batch.Fits
    ) -> tuple[np.ndarray, batch.Fits, float]:
        """Delays of all arrivals in s, the fits of what they leave, and the share of velocities.

        The share is its standard error, as in `terms.static`.
        """
        delays, unknown = np.zeros(len(arrivals.time_s)), 0.0
        if self.station_terms == "none":
            return delays, fits, unknown
        group = np.concatenate([some.site * 2 + some.is_s for some in seen])
        for iteration in range(terms.ITERATIONS):
            left = self._left(arrivals, group, delays, fits.point, fits.stretch)
            if self.station_terms == "static" or not iteration:
                delays, unknown = terms.static(left)
            else:
                radius = terms.radius_km(iteration, float(np.ptp(self._box, axis=0)[:2].max()))
                places = fits.point[arrivals.event, :3]
                delays, unknown = terms.source_specific(left, places, radius)
            shifted = replace(arrivals, time_s=arrivals.time_s - delays)
            fits = batch.fitted(shifted, self.times, self._box, fits.point[None])
        return delays, fits, unknown

    def _left(
        self,
        arrivals: batch.Arrivals,
        group: np.ndarray,
        delays: np.ndarray,
        points: np.ndarray,
        stretched: np.ndarray,
    ) -> mixed.Left:
        """What hypocentres leave of arrivals whose times hold the delays that were found so far.

        `points`, (m, 4), and factors of the errors, (m,), are those of the events.
        """
        count = len(arrivals.time_s)
        residual, travel, weight = np.empty(count), np.empty(count), np.empty(count)
        slopes = np.ones((count, 4))
        # In portions: what is computed on the way is several times as large as what is kept.
        for first in range(0, count, _TOGETHER):
            own = slice(first, first + _TOGETHER)
            event = arrivals.event[own]
            place = points[event]
            east, north = place[:, 0] - arrivals.x[own], place[:, 1] - arrivals.y[own]
            table = arrivals.table[own]
            travel[own], slopes[own, :3] = self.times.sloped(table, east, north, place[:, 2])
            scale = arrivals.scale_s[own] * stretched[event]
            residual[own] = arrivals.time_s[own] - place[:, 3] - travel[own]
            weight[own] = batch.weights((residual[own] - delays[own]) / scale) / scale**2
        return mixed.Left(arrivals.event, group, residual, travel, slopes, weight)

    def _among(
        self,
        others: Others,
        seen: Observations,
        point: np.ndarray,
        residual_s: np.ndarray,
        factor: float,
    ) -> Observations:
        """Arrivals of one event that know how many picks of something else there are."""
        scale = self._likelihood(seen, self.expected, factor).scale_s
        return others.among(seen, point[:2], residual_s, scale)

    def _settled(self, seen: list[Observations], fits: batch.Fits) -> Errors:
        """The errors of the model that the residuals tell of, where they are not given."""
        errors = self.expected
        if None not in self._given:
            return errors
        chosen = looked_at(len(seen))
        for _ in range(_TURNS):
            left = []
            for some, point in zip(seen[chosen], fits.point[chosen], strict=True):
                likelihood = self._likelihood(some, errors)
                left.append(likelihood.left(likelihood.at(point)[0]))
            before, errors = errors, estimated(left, *self._given)
            if np.isclose(errors.each_s, before.each_s, rtol=_SETTLED):
                break
        return errors

    @property
    def expected(self) -> Errors:
        """The errors of the model that are given, or expected before any residual was seen."""
        return estimated([], *self._given)

    @property
    def _given(self) -> tuple[float | None, float | None]:
        each_s, share = self.model_error_s, self.model_error_share
        return (None if each_s == "auto" else each_s), (None if share == "auto" else share)

    def _each(self, work: Any, jobs: Sequence[tuple[Any, ...]]) -> list[Any]:
        """Do the same for all events, in several processes where there are many."""
        if self.threads < 2 or len(jobs) < 2 * _PORTION:
            return [work(*job) for job in jobs]
        self.times  # noqa: B018 - made once, before the processes copy it
        portions = [jobs[n : n + _PORTION] for n in range(0, len(jobs), _PORTION)]
        # The processes inherit the work: its travel times may be large, and are not sent to them.
        fork = get_context("fork")
        with ProcessPoolExecutor(self.threads, fork, initializer=_begin, initargs=(work,)) as pool:
            done = pool.map(_portion, portions)
            return [result for portion in done for result in portion]

    @cached_property
    def _box(self) -> np.ndarray:
        """Least and largest x, y, z of sources in local km, shape (2, 3)."""
        local = self.sites.local
        low, high = local[["x", "y"]].min().to_numpy(), local[["x", "y"]].max().to_numpy()
        margin = max(_REACH_KM, float(np.hypot(*(high - low))) / 2)
        return np.array([[*(low - margin), self.depth_km[0]], [*(high + margin), self.depth_km[1]]])

    @cached_property
    def times(self) -> Times:
        """Travel times between all sites and all sources."""
        network = Network(self.sites.frame, self.sites.local, self._box)
        return rounded(self.model.times(network, self.threads), self.interface_km)

    @cached_property
    def _each_site(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Rows of the travel times, P and S, (2, k), and local x and y in km of all sites, (k,)."""
        local = self.sites.local
        numbers = np.arange(len(local))
        rows = [self.times.rows_of(np.full(len(local), phase), numbers) for phase in "PS"]
        return np.array(rows), local["x"].to_numpy(), local["y"].to_numpy()

    def fit(
        self, seen: Observations, start: np.ndarray, errors: Errors
    ) -> tuple[posterior.Fit, list[posterior.Fit]]:
        """The most likely hypocentre of one event near a start, or at another depth.

        And the maxima at further depths, as `modes.others`.
        """
        likelihood = self._likelihood(seen, errors)
        first = posterior.most_likely(likelihood, np.asarray(start))
        factor = stretch(first.residual_s / likelihood.scale_s)
        stretched = self._likelihood(seen, errors, factor)
        again = posterior.most_likely(stretched, first.point)
        best, beside = modes.best(stretched, again)
        return replace(best, stretch=factor), beside

    def solution(
        self, errors: Errors, seen: Observations, start: np.ndarray, common: np.ndarray
    ) -> Solution:
        """The most likely hypocentre of one event near a start, and its covariance.

        `common`, (4, 4), is the covariance that errors of all velocities together make.
        """
        fit, beside = self.fit(seen, start, errors)
        likelihood = self._likelihood(seen, errors, fit.stretch)
        here, _ = likelihood.at(fit.point)
        sides = systematic.sides(likelihood, here, errors.sides)
        relative = modes.spread(likelihood, here, beside)
        return Solution(fit, relative + common + sides, relative)

    def _likelihood(
        self, seen: Observations, errors: Errors, factor: float = 1.0
    ) -> posterior.Likelihood:
        scale = factor * np.hypot(seen.sigma_s, errors.each_s)
        return posterior.Likelihood(seen, self.times, scale, self._box[0], self._box[1])


def _with_past(
    events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame, past: Past
) -> Past:
    """The same, and behind them what is known of events of the past."""
    return (
        pd.concat([events[_PLACES], past[0][_PLACES]], ignore_index=True),
        pd.concat([arrivals[_PHASES], past[1][_PHASES]], ignore_index=True),
        pd.concat([picks, past[2]], ignore_index=True).drop_duplicates("pick_id"),
    )


def _shifted(seen: list[Observations], delays: np.ndarray) -> list[Observations]:
    """Arrivals of events with the terms of all of them, in s, taken off."""
    ends = np.cumsum([len(some) for some in seen])[:-1]
    return [some.shifted(part) for some, part in zip(seen, np.split(delays, ends), strict=True)]


def _together(seen: Sequence[Observations], errors: Errors) -> batch.Arrivals:
    """Arrivals of all events as one."""

    def of(name: str) -> np.ndarray:
        return np.concatenate([getattr(some, name) for some in seen])

    event = np.repeat(np.arange(len(seen)), [len(some) for some in seen])
    sigma = np.hypot(of("sigma_s"), errors.each_s)
    return batch.Arrivals(event, of("table"), of("x"), of("y"), of("time_s"), sigma)


#: What a process of `Locator._each` does.
_work: list[Any] = []


def _begin(work: Any) -> None:
    _work[:] = [work]


def _portion(jobs: Iterable[tuple[Any, ...]]) -> list[Any]:
    return [_work[0](*job) for job in jobs]
