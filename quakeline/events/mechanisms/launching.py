"""Where rays of polarities come from: stated in a file, from velocity models, or from a network.

Each kind tells how far the stations of polarities are (`placed`), and gives azimuths and take-off
angles of several trials (`rays`), whose first is the event as it is.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from quakeline.core.geometry import distance_azimuth
from quakeline.core.reasons import Code, Reason
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Model, Network, Times, TravelTimes
from quakeline.events.mechanisms import rays
from quakeline.events.mechanisms.polarities import PolarityEvent

#: Hypocentres stay so far inside the box of the travel times, in km.
_INSIDE_KM = 1e-3
#: The box reaches so many standard deviations, and km, beyond hypocentres.
_FAR_SIGMAS, _MARGIN_KM = 3.0, 1.0
_KEYS = ["network", "station"]


class Launch(Protocol):
    """A source of rays."""

    def refusal(self, event: PolarityEvent) -> Reason | None:
        """Why nothing is known of the event's rays; None where there is no such reason."""

    def placed(self, event: PolarityEvent) -> pd.DataFrame:
        """The event's polarities with `distance_km`, the epicentral one; NaN without a place."""

    def rays(
        self, event: PolarityEvent, polarities: pd.DataFrame, trials: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Azimuths and take-off angles (from down) in degrees, both (trials, polarities)."""


@dataclass(frozen=True)
class Stated:
    """Rays and their errors as a phase file states them."""

    def refusal(self, event: PolarityEvent) -> Reason | None:
        """None: rays are known of all events."""
        return None

    def placed(self, event: PolarityEvent) -> pd.DataFrame:
        """Polarities with the distances that are stated."""
        return event.polarities

    def rays(
        self, event: PolarityEvent, polarities: pd.DataFrame, trials: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Stated rays, moved by their errors but for the first trial."""
        moved = []
        for name in ("azimuth", "takeoff"):
            draws = rng.normal(size=(trials, len(polarities)))
            draws[0] = 0.0
            sigma = polarities[f"{name}_sigma"].fillna(0.0).to_numpy()
            moved.append(polarities[name].to_numpy() + draws * sigma)
        azimuth, takeoff = moved
        over = (takeoff < 0) | (takeoff > 180)
        takeoff = np.where(takeoff < 0, -takeoff, np.where(takeoff > 180, 360 - takeoff, takeoff))
        return np.where(over, azimuth + 180, azimuth) % 360, takeoff


@dataclass(frozen=True)
class Layered:
    """Rays in one or several models of layers, tried in turn.

    `stations` has network, station, latitude, longitude, depth_km; a station is found by its code
    alone where the network is not that of the polarity, as in HASH.
    """

    times: Sequence[TravelTimes]
    stations: pd.DataFrame

    def refusal(self, event: PolarityEvent) -> Reason | None:
        """None: rays are known of all events."""
        return None

    def placed(self, event: PolarityEvent) -> pd.DataFrame:
        """Polarities with the places of those stations that are listed."""
        by_code = self.stations.drop_duplicates("station").set_index("station")
        listed = self.stations.drop_duplicates(_KEYS)
        both = event.polarities.merge(listed, on=_KEYS, how="left")
        for name in ("latitude", "longitude", "depth_km"):
            both[name] = both[name].fillna(both["station"].map(by_code[name]))
        return _apart(event, both)

    def rays(
        self, event: PolarityEvent, polarities: pd.DataFrame, trials: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rays from the hypocentre moved within its errors, one model after the other."""
        place = (event.latitude, event.longitude, event.depth_km)
        sigma = (event.horizontal_sigma_km, event.depth_sigma_km)
        return rays.leaving(self.times, polarities, place, sigma, trials, rng)


@dataclass(frozen=True)
class InNetwork:
    """First arrivals in the velocity model of a catalog, of any kind, from its own hypocentres.

    `box` are the least and largest x, y and depth in km that `times` knows, shape (2, 3); `outside`
    are ids of events whose epicentres the model does not hold.
    """

    times: Times
    sites: Sites
    box: np.ndarray
    outside: frozenset[str] = frozenset()

    @classmethod
    def of(cls, sites: Sites, model: Model, events: pd.DataFrame) -> InNetwork:
        """First arrivals between the sites and all hypocentres of EVENTS, with their errors."""
        local = sites.local
        x, y = sites.frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
        wide, deep = (
            _FAR_SIGMAS * events[name].fillna(0.0).max() + _MARGIN_KM
            for name in ("horizontal_sigma_km", "depth_sigma_km")
        )
        depth = events["depth_km"]
        low = [min(v.min(), local[n].min()) - wide for v, n in ((x, "x"), (y, "y"))]
        high = [max(v.max(), local[n].max()) + wide for v, n in ((x, "x"), (y, "y"))]
        top = min(depth.min(), local["depth_km"].min())
        box = np.array([[*low, top], [*high, depth.max() + deep]])
        held = model.holds(events["latitude"].to_numpy(), events["longitude"].to_numpy())
        outside = frozenset(events.loc[~held, "event_id"].astype(str))
        return cls(model.times(Network(sites.frame, local, box)), sites, box, outside)

    def refusal(self, event: PolarityEvent) -> Reason | None:
        """That the epicentre is outside the velocity model."""
        return Reason.of(Code.OUTSIDE_MODEL) if event.event_id in self.outside else None

    def placed(self, event: PolarityEvent) -> pd.DataFrame:
        """Polarities with the coordinates that stations had at the event's time."""
        time = pd.Series([pd.Timestamp(event.time or 0)] * len(event.polarities))
        polarities = event.polarities.reset_index(drop=True).assign(time=time)
        site = self.sites.find(polarities)
        places = self.sites.table[["latitude", "longitude", "depth_km"]].reindex(site)
        return _apart(event, polarities.assign(site=site).join(places.reset_index(drop=True)))

    def rays(
        self, event: PolarityEvent, polarities: pd.DataFrame, trials: int, rng: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """Rays from the hypocentre moved within its ellipsoid of errors."""
        frame = self.sites.frame
        x, y = frame.to_xy(np.array([event.latitude]), np.array([event.longitude]))
        turned = frame.turned(float(x[0]), float(y[0]))
        moved = rng.multivariate_normal(np.zeros(3), event.covariance_km2, trials, method="eigh")
        moved[0] = 0.0
        source = np.array([x[0], y[0], event.depth_km]) + moved @ turned
        source = np.clip(source, self.box[0] + _INSIDE_KM, self.box[1] - _INSIDE_KM)
        site = polarities["site"].to_numpy()
        local = self.sites.local.loc[site, ["x", "y"]].to_numpy()
        east, north = (source[:, axis, None] - local[:, axis] for axis in (0, 1))
        rows = self.times.rows_of(np.full(len(site), "P"), site)
        depth = np.broadcast_to(source[:, 2:], east.shape)
        _, slopes = self.times.sloped(rows, east, north, depth)
        # A source that moves along the ray is nearer in time: the ray leaves against the slopes.
        leaving = -np.asarray(slopes) @ turned.T
        level = np.hypot(leaving[..., 0], leaving[..., 1])
        azimuth = np.degrees(np.arctan2(leaving[..., 0], leaving[..., 1])) % 360
        return azimuth, np.degrees(np.arctan2(level, leaving[..., 2]))


def _apart(event: PolarityEvent, polarities: pd.DataFrame) -> pd.DataFrame:
    """Polarities with their epicentral distances."""
    places = polarities["latitude"].to_numpy(float), polarities["longitude"].to_numpy(float)
    distance, _ = distance_azimuth(event.latitude, event.longitude, *places)
    return polarities.assign(distance_km=distance)
