"""Synthetic networks and picks, with travel times from an independent solver."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
from scipy.optimize import brentq

from quakeline.core.geometry import LocalFrame
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS, STATIONS
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import Search
from quakeline.io.products import tables

ORIGIN_NS = 1_588_291_200_000_000_000
#: What makes an event of a network of ten stations or so.
SEARCH = Search(
    margin_km=10.0,
    depth_km=(0.0, 20.0),
    min_picks=8,
    min_p_picks=4,
    min_s_picks=2,
    min_p_and_s=2,
    tolerance_s=0.5,
    min_interevent_s=2.0,
    node_km=5.0,
)


def arrival(tops, speeds, one_km, other_km, distance_km):
    """First arrival in s between two depths in layers: every ray by itself, root by root."""
    tops, speeds = np.array(tops, float), np.array(speeds, float)
    bounds = np.r_[-np.inf, tops[1:], np.inf]
    top, bottom = min(one_km, other_km), max(one_km, other_km)

    def between(low, high):
        return np.clip(np.minimum(high, bounds[1:]) - np.maximum(low, bounds[:-1]), 0, None)

    def crossing(height, slowness):
        """Distance and time of a ray that crosses layers at a horizontal slowness."""
        used = height > 0
        h, v = height[used], speeds[used]
        cosine = np.sqrt(1 - (slowness * v) ** 2)
        return np.sum(h * slowness * v / cosine), np.sum(h / (v * cosine))

    candidates = []
    height = between(top, bottom)
    if not height.any():
        candidates.append(distance_km / speeds[np.searchsorted(bounds[1:], top, side="right")])
    elif distance_km == 0:
        candidates.append(np.sum(height / speeds))
    else:
        largest = (1 - 1e-15) / speeds[height > 0].max()
        if crossing(height, largest)[0] > distance_km:
            p = brentq(lambda p: crossing(height, p)[0] - distance_km, 0, largest, xtol=1e-17)
            candidates.append(crossing(height, p)[1])
    for k, bound in enumerate(bounds[1:-1]):
        for along, reached in ((k + 1, bound >= bottom), (k, bound <= top)):
            height = between(*sorted((top, bound))) + between(*sorted((bottom, bound)))
            if not reached or not (speeds[height > 0] < speeds[along]).all():
                continue
            critical, time = crossing(height, 1 / speeds[along])
            if distance_km >= critical:
                candidates.append(time + (distance_km - critical) / speeds[along])
    return min(candidates)


def network(latitude=48.0, longitude=11.0, n=10, radius_km=30.0, elevations=(0, 1500)):
    """A STATIONS table of stations spread evenly over a circle, and the frame around it."""
    frame = LocalFrame(latitude, longitude)
    angle = np.arange(n) * np.pi * (3 - np.sqrt(5))
    radius = radius_km * np.sqrt((np.arange(n) + 0.5) / n)
    latitudes, longitudes = frame.to_latlon(radius * np.cos(angle), radius * np.sin(angle))
    stations = pd.DataFrame(
        {
            "network": "XX",
            "station": [f"S{k:02d}" for k in range(n)],
            "location": "",
            "channel": None,
            "latitude": latitudes,
            "longitude": longitudes,
            "elevation_m": np.random.default_rng(1).uniform(*elevations, n).round(),
            "depth_m": 0.0,
            "response": "none",
        }
    )
    return tables.conform(stations, STATIONS).to_pandas(), frame


def picks_of(
    stations: pd.DataFrame,
    frame: LocalFrame,
    model: VelocityModel,
    source: tuple[float, float, float],
    *,
    seconds: float = 0.0,
    noise_s: float = 0.0,
    rng: np.random.Generator | None = None,
    phases: str = "PS",
) -> pd.DataFrame:
    """PICKS of an event at local (x, y, depth) in km, `seconds` after ORIGIN_NS."""
    x, y = frame.to_xy(stations["latitude"].to_numpy(), stations["longitude"].to_numpy())
    rows = []
    for k, station in enumerate(stations.itertuples()):
        distance = float(np.hypot(x[k] - source[0], y[k] - source[1]))
        height_km = -station.elevation_m / 1000
        for phase in phases:
            time = arrival(model.tops, model.speeds(phase), height_km, source[2], distance)
            time += seconds + (rng.normal(0, noise_s) if rng else 0.0)
            rows.append((station.network, station.station, station.location, phase, time))
    return pick_table(rows, noise_s or 0.02)


def pick_table(rows: list[tuple], sigma_s: float = 0.02) -> pd.DataFrame:
    """PICKS from rows of network, station, location, phase and seconds after ORIGIN_NS."""
    frame = pd.DataFrame(rows, columns=["network", "station", "location", "phase", "seconds"])
    times = ORIGIN_NS + (frame.pop("seconds") * 1e9).round().astype("int64")
    codes = frame["network"] + "." + frame["station"] + "." + frame["location"]
    frame = frame.assign(
        time=pd.to_datetime(times, unit="ns", utc=True),
        pick_id=codes + "/" + frame["phase"] + "/" + times.astype(str),
        source="waveform",
        instrument="HH",
        time_sigma_s=sigma_s,
        probability=0.9,
        model="phasenet",
        weights_id="0" * 12,
    )
    return tables.conform(frame, PICKS).to_pandas()


def event_table(rows: list[dict]) -> pd.DataFrame:
    """EVENTS with what an associator knows."""
    common = {"n_p": 1, "n_s": 1, "n_stations": 1, "associator": "test", "locator": "test"}
    frame = pd.DataFrame([{**common, "quality": "preliminary", **row} for row in rows])
    return tables.conform(frame, EVENTS).to_pandas()


def arrival_table(event_id: str, picks: pd.DataFrame) -> pd.DataFrame:
    """ARRIVALS that give all picks to one event."""
    frame = picks[["pick_id", "phase"]].assign(event_id=event_id)
    return tables.conform(frame, ARRIVALS).to_pandas()


def two_events(folder: Path) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Write stations.csv and velocity.csv of a network; its PICKS of two events, 6 and 11 km deep,
    and the least that a table of them must hold: station, phase, time.
    """
    stations, frame = network(n=10)
    columns = ["network", "station", "latitude", "longitude", "elevation_m"]
    stations[columns].to_csv(folder / "stations.csv", index=False)
    (folder / "velocity.csv").write_text("depth_km,vp,vp_vs\n0,5.8,1.7313\n")
    model = VelocityModel((0.0,), (5.8,), (3.35,))
    sources = {100.0: (5.0, -8.0, 6.0), 160.0: (-11.0, 9.0, 11.0)}
    events = [picks_of(stations, frame, model, one, seconds=at) for at, one in sources.items()]
    picks = pd.concat(events, ignore_index=True)
    simple = pd.DataFrame(
        {
            "station": picks["network"] + "." + picks["station"],
            "phase": picks["phase"],
            "time": picks["time"].dt.strftime("%Y-%m-%dT%H:%M:%S.%f"),
        }
    )
    return picks, simple
