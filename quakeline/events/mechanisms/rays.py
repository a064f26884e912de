"""Directions in which P leaves hypocentres, from the travel times of velocity models."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from quakeline.core.geometry import LocalFrame
from quakeline.earth.velocity import Domain, TravelTimes, VelocityModel

#: Stations lie at levels so far apart, in km: angles hardly depend on it.
_LEVEL_KM = 1.0
#: Sources are searched so much deeper than the deepest hypocentre, in km.
_DEEPER_KM = 10.0
_NODES = 400


def times_of(
    models: Sequence[VelocityModel], stations: pd.DataFrame, deepest_km: float, reach_km: float
) -> list[TravelTimes]:
    """Travel times of P in each model, for all events of a file; `stations` with depth_km."""
    if not models or stations.empty:
        return []
    levels = _levels(stations)
    top = float(min(levels.min(), 0.0))
    domain = Domain(reach_km, top, deepest_km + _DEEPER_KM, nodes=_NODES)
    return [TravelTimes(model, domain, np.unique(levels)) for model in models]


def leaving(
    times: Sequence[TravelTimes],
    stations: pd.DataFrame,
    place: tuple[float, float, float],
    sigma_km: tuple[float, float],
    trials: int,
    rng: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray]:
    """Azimuths and take-off angles (from down) in degrees, both of shape (trials, stations).

    The first trial is the hypocentre itself in the first model; each other one has the hypocentre
    moved within its errors, and one of the models (HASH's perturbations).

    Parameters
    ----------
    times
        From `times_of`.
    stations
        latitude, longitude, depth_km (below sea level).
    place
        Latitude, longitude, depth in km of the hypocentre.
    sigma_km
        Standard deviations of the epicentre (along each axis) and of the depth.
    """
    frame = LocalFrame.around(np.array([place[0]]), np.array([place[1]]))
    x, y = frame.to_xy(stations["latitude"].to_numpy(), stations["longitude"].to_numpy())
    moved = rng.normal(size=(trials, 3)) * (sigma_km[0], sigma_km[0], sigma_km[1])
    moved[0] = 0.0
    east, north = x - moved[:, :1], y - moved[:, 1:2]
    distance = np.maximum(np.hypot(east, north), 1e-3)
    depth = np.broadcast_to(np.maximum(place[2] + moved[:, 2:], 0.0), distance.shape)
    takeoff = np.empty_like(distance)
    phases, levels = np.full(len(stations), "P"), _levels(stations)
    for number, table in enumerate(times):
        own = slice(number, None, len(times))
        rows = table.rows(phases, levels)
        _, along, down = table.at(rows, distance[own], depth[own])
        # A source that moves along the ray is nearer in time, so that the ray leaves against
        # slopes.
        takeoff[own] = np.degrees(np.arctan2(along, -down))
    return np.degrees(np.arctan2(east, north)) % 360, takeoff


def _levels(stations: pd.DataFrame) -> np.ndarray:
    depth = stations["depth_km"].to_numpy(float)
    return np.asarray(np.round(depth / _LEVEL_KM) * _LEVEL_KM)
