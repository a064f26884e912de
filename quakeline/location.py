"""Absolute location in a 1D model: robust least squares with a full covariance.

Arrival times t_i are explained by an origin (x, y, z, t0): the sum of rho(r_i / sigma_i) is
minimised, first with rho the smooth L1 loss, then with Cauchy's, so that single wrong picks do not
pull. sigma_i joins the pick's own uncertainty and the error of the model. The covariance is the
inverse of the weighted normal matrix at the solution, enlarged by the misfit where that exceeds
what sigma_i explain.
Source: Geiger, L. (1912), Bull. St. Louis Univ. 8, 60-71; Lomax, A. et al. (2009), Earthquake
location, direct, global-search methods, Springer.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
from scipy.optimize import OptimizeResult, least_squares

from quakeline.geometry import azimuthal_gap, distance_azimuth
from quakeline.io import tables
from quakeline.schemas import ARRIVALS, EVENTS
from quakeline.sites import Sites
from quakeline.timeline import SECOND
from quakeline.velocity import Domain, TravelTimes, VelocityModel

_STARTS = 5
#: Residual over sigma at which an arrival has half its weight; 95 % efficient for normal errors.
_CAUCHY = 2.385
_REACH_KM = 100.0
_LARGE_GAP_DEG = 180.0
_NEAR_BOUND_KM = 0.05
#: Solutions closer than this, in km and s, are one.
_SAME = 0.2


@dataclass(frozen=True)
class Observations:
    """Arrivals of one event, arrays in one order.

    Row numbers of sites and their local x, y in km, times in s after `zero_ns`, sigmas in s.
    `groups` are the phases and station depths that occur, each with the arrivals it holds for.
    """

    site: np.ndarray
    phase: np.ndarray
    x: np.ndarray
    y: np.ndarray
    time_s: np.ndarray
    sigma_s: np.ndarray
    zero_ns: int
    groups: list[tuple[str, float, np.ndarray]]


@dataclass(frozen=True)
class Locator:
    """Locates events of a network in a 1D model; fields as in the section `locate`."""

    sites: Sites
    model: VelocityModel
    depth_km: tuple[float, float]
    model_error_s: float
    min_pick_sigma_s: float

    def locate(
        self, events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Relocate events (EVENTS) from their arrivals (ARRIVALS) and PICKS; same tables out."""
        if events.empty:
            return tables.empty(EVENTS), tables.empty(ARRIVALS)
        columns = ["pick_id", "network", "station", "location", "time", "time_sigma_s"]
        joined = arrivals.merge(picks[columns], on="pick_id", validate="one_to_one")
        located, residuals = [], []
        for event in events.itertuples():
            rows = joined[joined["event_id"] == event.event_id].sort_values(["time", "pick_id"])
            solution, weighted = self._event(event, rows)
            located.append(solution)
            residuals.append(weighted)
        kept = events.drop(columns=list(located[0]))
        new = pd.DataFrame(located, index=events.index)
        return pd.concat([kept, new], axis=1), pd.concat(residuals, ignore_index=True)

    def _event(self, event: Any, rows: pd.DataFrame) -> tuple[dict[str, Any], pd.DataFrame]:
        seen = self._observations(rows)
        x, y = self.sites.frame.to_xy(event.latitude, event.longitude)
        start = np.array(
            [float(x), float(y), event.depth_km, (event.time.value - seen.zero_ns) / SECOND]
        )
        fit = self._fit(seen, start)
        residual = -fit.fun * seen.sigma_s
        row = self._origin(fit, seen, residual)
        distance, azimuth = self._paths(row["latitude"], row["longitude"], seen)
        weight = _weights(fit)
        arrivals = rows[["event_id", "pick_id", "phase"]].assign(
            residual_s=residual, distance_km=distance, azimuth_deg=azimuth, weight=weight
        )
        row |= {
            "azimuthal_gap_deg": azimuthal_gap(azimuth),
            "min_distance_km": float(distance.min()),
        }
        return {**row, "quality": self._quality(fit, row, seen)}, arrivals

    def _observations(self, rows: pd.DataFrame) -> Observations:
        times = rows["time"].astype("int64").to_numpy()
        picked = rows["time_sigma_s"].astype(float).fillna(self.min_pick_sigma_s).to_numpy()
        sigma = np.hypot(np.maximum(picked, self.min_pick_sigma_s), self.model_error_s)
        zero = int(times.min())
        site, phase = self.sites.find(rows), rows["phase"].to_numpy()
        local = self.sites.local.iloc[site]
        depth = local["depth_km"].to_numpy()
        groups = [
            (name, at, (phase == name) & (depth == at))
            for name, at in sorted(set(zip(phase.tolist(), depth.tolist(), strict=True)))
        ]
        return Observations(
            site,
            phase,
            local["x"].to_numpy(),
            local["y"].to_numpy(),
            (times - zero) / SECOND,
            sigma,
            zero,
            groups,
        )

    def _fit(self, seen: Observations, start: np.ndarray) -> OptimizeResult:
        """The best of several solutions that start at different depths.

        `fun` and `jac` of the result are residuals over sigma and their plain derivatives.
        """
        low = np.array([-np.inf, -np.inf, self.depth_km[0], -np.inf])
        high = np.array([np.inf, np.inf, self.depth_km[1], np.inf])
        options: dict[str, Any] = {"bounds": (low, high), "x_scale": [1.0, 1.0, 1.0, 0.2]}

        def misfit(point: np.ndarray) -> np.ndarray:
            return np.asarray((self._predict(point, seen) - seen.time_s) / seen.sigma_s)

        inner = np.linspace(*self.depth_km, _STARTS + 2)[1:-1]
        rough: list[np.ndarray] = []
        for depth in [np.clip(start[2], *self.depth_km), *inner]:
            first = np.array([start[0], start[1], depth, start[3]])
            point = least_squares(misfit, first, loss="soft_l1", ftol=1e-3, **options).x
            if all(np.abs(point - other).max() > _SAME for other in rough):
                rough.append(point)
        fits = [
            least_squares(misfit, point, loss="cauchy", f_scale=_CAUCHY, **options)
            for point in rough
        ]
        best = min(fits, key=lambda fit: round(float(fit.cost), 9))
        return least_squares(misfit, best.x, max_nfev=1, **options)

    @cached_property
    def _times(self) -> TravelTimes:
        local = self.sites.local
        extent = float(np.hypot(np.ptp(local["x"]), np.ptp(local["y"]))) + _REACH_KM
        top = min(self.depth_km[0], float(local["depth_km"].min()))
        return TravelTimes(self.model, Domain(extent, top, self.depth_km[1]))

    def _predict(self, point: np.ndarray, seen: Observations) -> np.ndarray:
        """Arrival times in s after `zero_ns` for an origin (x, y, z, t0)."""
        distance = np.hypot(seen.x - point[0], seen.y - point[1])
        travel = np.empty(len(distance))
        for phase, station_km, rows in seen.groups:
            here = distance[rows]
            travel[rows] = self._times(phase, station_km, here, np.full(len(here), point[2]))
        return np.asarray(point[3] + travel)

    def _origin(
        self, fit: OptimizeResult, seen: Observations, residual: np.ndarray
    ) -> dict[str, Any]:
        latitude, longitude = self.sites.frame.to_latlon(fit.x[0], fit.x[1])
        covariance = _covariance(fit)
        horizontal = float(np.sqrt(np.linalg.eigvalsh(covariance[:2, :2])[-1]))
        origin_ns = seen.zero_ns + round(fit.x[3] * SECOND)
        return {
            "time": pd.Timestamp(origin_ns, unit="ns", tz="UTC"),
            "time_sigma_s": float(np.sqrt(covariance[3, 3])),
            "latitude": float(latitude),
            "longitude": float(longitude),
            "depth_km": float(fit.x[2]),
            "horizontal_sigma_km": horizontal,
            "depth_sigma_km": float(np.sqrt(covariance[2, 2])),
            "rms_s": float(np.sqrt(np.mean(residual**2))),
            "locator": "least-squares",
        }

    def _paths(
        self, latitude: float, longitude: float, seen: Observations
    ) -> tuple[np.ndarray, np.ndarray]:
        places = self.sites.table.iloc[seen.site]
        return distance_azimuth(
            latitude, longitude, places["latitude"].to_numpy(), places["longitude"].to_numpy()
        )

    def _quality(self, fit: OptimizeResult, row: dict[str, Any], seen: Observations) -> str:
        """What limits the location, or "good"."""
        limits = []
        if np.min(np.abs(fit.x[2] - np.array(self.depth_km))) < _NEAR_BOUND_KM:
            limits.append("depth at the limit of the search")
        if row["azimuthal_gap_deg"] > _LARGE_GAP_DEG:
            limits.append("outside the network")
        if len(seen.time_s) < 5:
            limits.append("no redundancy")
        if not (seen.phase == "S").any():
            limits.append("no S arrival")
        return "; ".join(limits) or "good"


def _weights(fit: OptimizeResult) -> np.ndarray:
    """Weights of the arrivals in the solution, 0 to 1."""
    return np.asarray(1 / (1 + (fit.fun / _CAUCHY) ** 2))


def _covariance(fit: OptimizeResult) -> np.ndarray:
    """Covariance (4, 4) of (x, y, z, t0) in km and s; directions without constraint get 100 km."""
    weight = _weights(fit)
    jacobian = fit.jac * np.sqrt(weight)[:, None]
    freedom = float(weight.sum()) - 4
    misfit = float(np.sum(weight * fit.fun**2)) / freedom if freedom > 0 else 1.0
    prior = np.diag([1e-4, 1e-4, 1e-4, 1e-4])
    return np.asarray(np.linalg.inv(jacobian.T @ jacobian + prior) * max(misfit, 1.0))
