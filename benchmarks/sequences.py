"""Synthetic earthquake sequences with known truth: stations, events, and picks.

Picks are such as pickers make: errors that grow where the signal is weak, with heavy tails; stated
uncertainties that are not quite right; stations that miss an event; P taken for S; second picks in
the coda; false picks. `as_real` adds what the sets of benchmarks/real_catalogs.py have: no stated
errors, velocities that differ from side to side, clocks that are off, aftershocks, codas of large
events that are full of picks, and stations of which some are noisier than others.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from quakeline.core.geometry import LocalFrame
from quakeline.core.schemas import PICKS, STATIONS
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Domain, TravelTimes, VelocityModel
from quakeline.io.products import tables

START_NS = 1_588_291_200_000_000_000
CRUST = VelocityModel((-2.0, 3.0, 12.0, 28.0), (4.9, 5.8, 6.4, 7.8), (2.83, 3.35, 3.7, 4.5))


@dataclass(frozen=True)
class Plan:
    """What a sequence is like; lengths in km, times in s."""

    stations: int = 30
    radius_km: float = 60.0
    latitude: float = 38.0
    longitude: float = 21.0
    hours: float = 4.0
    events_per_hour: float = 10.0
    depth_km: tuple[float, float] = (2.0, 18.0)
    false_share: float = 0.3
    outlier_share: float = 0.06
    swap_share: float = 0.02
    coda_share: float = 0.03
    silent_share: float = 0.05
    sigma_s: tuple[float, float] = (0.03, 0.2)
    model: VelocityModel = field(default=CRUST)
    delay_s: float = 0.0
    stated: bool = True
    path_share: float = 0.0
    clock_share: float = 0.0
    clock_s: float = 0.3
    aftershock_share: float = 0.0
    coda_growth: float = 0.0
    uneven: float = 0.0
    seed: int = 1

    def side(self, number: int) -> np.random.Generator:
        """Random numbers of a part that plans need not have, which so changes no other part."""
        return np.random.default_rng([self.seed, number])


def as_real(plan: Plan) -> Plan:
    """A plan with what the real sets have.

    Half of their picks join events, residuals in the regional models are 0.1 to 0.25 s (3 % of the
    travel times), and none of their tables states errors.
    """
    return replace(
        plan,
        stated=False,
        path_share=0.03,
        delay_s=0.08,
        clock_share=0.05,
        aftershock_share=0.4,
        coda_growth=0.6,
        coda_share=0.1,
        false_share=0.4,
        uneven=1.0,
    )


@dataclass(frozen=True)
class Sequence:
    """STATIONS, PICKS, and the truth.

    `events` has event, time_ns, latitude, longitude, x, y, depth_km and magnitude; `owner` is the
    event of each pick_id, -1 for a false pick.
    """

    stations: pd.DataFrame
    picks: pd.DataFrame
    events: pd.DataFrame
    owner: pd.Series
    frame: LocalFrame


def make(plan: Plan) -> Sequence:
    """Make the sequence of a plan; the same plan gives the same sequence."""
    rng = np.random.default_rng(plan.seed)
    frame = LocalFrame(plan.latitude, plan.longitude)
    stations = _stations(plan, frame, rng)
    events = _events(plan, frame, rng)
    real = _arrivals(plan, stations, events, rng)
    false = _false(plan, len(real), stations, rng)
    rows = pd.concat([real, false], ignore_index=True)
    picks = _picks(plan, rows, stations)
    first = ~picks["pick_id"].duplicated().to_numpy()
    picks, rows = picks[first].reset_index(drop=True), rows[first].reset_index(drop=True)
    owner = pd.Series(rows["event"].to_numpy(), index=picks["pick_id"])
    conformed = tables.conform(picks.sort_values("time", ignore_index=True), PICKS).to_pandas()
    return Sequence(stations, conformed, events, owner, frame)


def _stations(plan: Plan, frame: LocalFrame, rng: np.random.Generator) -> pd.DataFrame:
    n = plan.stations
    angle = np.arange(n) * np.pi * (3 - np.sqrt(5)) + rng.normal(0, 0.15, n)
    radius = plan.radius_km * np.sqrt((np.arange(n) + rng.uniform(0.2, 0.8, n)) / n)
    latitude, longitude = frame.to_latlon(radius * np.cos(angle), radius * np.sin(angle))
    stations = pd.DataFrame(
        {
            "network": "SY",
            "station": [f"S{k:03d}" for k in range(n)],
            "location": "",
            "channel": None,
            "latitude": latitude,
            "longitude": longitude,
            "elevation_m": rng.uniform(0, 1400, n).round(),
            "depth_m": 0.0,
            "response": "none",
        }
    )
    return pd.DataFrame(tables.conform(stations, STATIONS).to_pandas())


def _events(plan: Plan, frame: LocalFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Half of the events in three clusters, the rest anywhere; magnitudes by Gutenberg-Richter."""
    n = max(1, round(plan.hours * plan.events_per_hour))
    seconds = np.sort(_after_the_first(plan, rng.uniform(0, plan.hours * 3600, n)))
    inner = 0.75 * plan.radius_km
    radius, angle = inner * np.sqrt(rng.uniform(0, 1, n)), rng.uniform(0, 2 * np.pi, n)
    xy = np.column_stack([radius * np.cos(angle), radius * np.sin(angle)])
    depth = rng.uniform(*plan.depth_km, n)
    centres = rng.uniform(-inner / 2, inner / 2, (3, 2))
    deep = rng.uniform(plan.depth_km[0] + 3, plan.depth_km[1] - 3, 3)
    which, clustered = rng.integers(0, 3, n), rng.uniform(0, 1, n) < 0.5
    xy = np.where(clustered[:, None], centres[which] + rng.normal(0, 2, (n, 2)), xy)
    depth = np.where(clustered, np.clip(deep[which] + rng.normal(0, 1, n), 1, None), depth)
    latitude, longitude = frame.to_latlon(xy[:, 0], xy[:, 1])
    return pd.DataFrame(
        {
            "event": np.arange(n),
            "time_ns": START_NS + np.round(seconds * 1e9).astype(np.int64),
            "latitude": latitude,
            "longitude": longitude,
            "x": xy[:, 0],
            "y": xy[:, 1],
            "depth_km": depth,
            "magnitude": np.minimum(0.8 + rng.exponential(1 / np.log(10), n), 5.0),
        }
    )


def _after_the_first(plan: Plan, seconds: np.ndarray) -> np.ndarray:
    """Times of which some follow one at a tenth of the span, by Omori's law (p = 1, c = 30 s)."""
    rng = plan.side(1)
    span = plan.hours * 3600
    late = rng.uniform(0, 1, len(seconds)) < plan.aftershock_share
    growth = np.log(1 + 0.9 * span / 30)
    return np.where(
        late, 0.1 * span + 30 * np.expm1(growth * rng.uniform(0, 1, len(late))), seconds
    )


def _sideways(plan: Plan, x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Shares by which travel times differ from the model's, at midpoints of paths in km.

    Sums of waves as long as the network is wide and half of it: neighbouring paths are alike.
    """
    rng = plan.side(2)
    total = np.zeros(np.shape(x))
    waves = 8
    for _ in range(waves):
        angle, shift = rng.uniform(0, 2 * np.pi, 2)
        number = 2 * np.pi / (plan.radius_km * rng.uniform(1, 2))
        total += np.cos(number * (x * np.cos(angle) + y * np.sin(angle)) + shift)
    return np.asarray(plan.path_share * np.sqrt(2 / waves) * total)


def _clocks(plan: Plan, count: int) -> np.ndarray:
    """By how many seconds the clock of each station is late."""
    rng = plan.side(3)
    off = rng.uniform(0, 1, count) < plan.clock_share
    return np.asarray(np.where(off, rng.normal(0, plan.clock_s, count), 0.0))


def _arrivals(
    plan: Plan, stations: pd.DataFrame, events: pd.DataFrame, rng: np.random.Generator
) -> pd.DataFrame:
    local = Sites.of(stations).local
    frame = LocalFrame(plan.latitude, plan.longitude)
    sx, sy = frame.to_xy(stations["latitude"].to_numpy(), stations["longitude"].to_numpy())
    level = local["depth_km"].to_numpy()
    reach = 2.2 * plan.radius_km
    domain = Domain(reach, float(level.min()) - 0.1, plan.depth_km[1] + 5)
    times = TravelTimes(plan.model, domain, level)
    distance = np.hypot(events["x"].to_numpy()[:, None] - sx, events["y"].to_numpy()[:, None] - sy)
    depth = events["depth_km"].to_numpy()[:, None]
    slant = np.hypot(distance, depth)
    # Attenuation of Hutton & Boore (1987), and a noise level of each station.
    decay = 1.11 * np.log10(slant) + 0.00189 * slant
    noise = rng.normal(0, 0.25, len(stations))
    snr = events["magnitude"].to_numpy()[:, None] - decay - noise + 1.0
    snr = snr + rng.normal(0, 0.15, snr.shape)
    alive = rng.uniform(0, 1, snr.shape) > plan.silent_share
    middle = [
        (events[name].to_numpy()[:, None] + side) / 2 for name, side in (("x", sx), ("y", sy))
    ]
    slower = 1 + _sideways(plan, *middle)
    clock = _clocks(plan, len(stations))
    parts = []
    for phase, gain, blur in (("P", 0.0, 1.0), ("S", -0.1, 1.6)):
        rows = times.rows(np.full(len(level), phase), level)
        travel = times.at(rows, distance, np.broadcast_to(depth, distance.shape))[0]
        delay = rng.normal(0, plan.delay_s * (1 if phase == "P" else 1.7), len(level))
        seen = alive & (rng.uniform(0, 1, snr.shape) < 1 / (1 + np.exp(-6 * (snr + gain))))
        low, high = plan.sigma_s
        sigma = np.clip(low * blur * 10 ** (-0.6 * (snr - 1.0)), low * blur, high * blur)
        event, station = np.nonzero(seen)
        parts.append(
            pd.DataFrame(
                {
                    "event": event,
                    "station": station,
                    "phase": phase,
                    "sigma": sigma[seen],
                    "ns": events["time_ns"].to_numpy()[event] - START_NS,
                    "travel": (travel * slower + delay + clock)[seen],
                    "magnitude": events["magnitude"].to_numpy()[event],
                }
            )
        )
    return _blurred(pd.concat(parts, ignore_index=True), plan, rng)


def _blurred(rows: pd.DataFrame, plan: Plan, rng: np.random.Generator) -> pd.DataFrame:
    """Errors, outliers, mistaken phases, picks in the coda, and what the picks say of it."""
    n = len(rows)
    sigma = rows["sigma"].to_numpy()
    error = rng.normal(0, sigma)
    wild = rng.uniform(0, 1, n) < plan.outlier_share
    error = np.where(wild, rng.laplace(0, 0.6, n), error)
    seconds = rows["ns"].to_numpy() / 1e9 + rows["travel"].to_numpy() + error
    swapped = rng.uniform(0, 1, n) < plan.swap_share
    phase = np.where(swapped, np.where(rows["phase"] == "P", "S", "P"), rows["phase"])
    found = pd.DataFrame(
        {
            "event": rows["event"],
            "station": rows["station"],
            "phase": phase,
            "seconds": seconds,
            "stated": sigma * rng.lognormal(0, 0.25, n),
            "probability": np.clip(rng.beta(6, 2, n), 0.3, 1.0),
        }
    )
    coda = found[rng.uniform(0, 1, n) < plan.coda_share]
    late = coda.assign(
        event=-1, seconds=coda["seconds"] + rng.exponential(3.0, len(coda)) + 0.5, probability=0.4
    )
    return pd.concat([found, late, _long_coda(plan, found, rows["magnitude"])], ignore_index=True)


def _long_coda(plan: Plan, found: pd.DataFrame, magnitude: pd.Series) -> pd.DataFrame:
    """Further picks behind those of large events, ten times as many for 1 / `coda_growth` units."""
    if not plan.coda_growth:
        return found[:0]
    rng = plan.side(4)
    most = plan.coda_share * 10 ** (plan.coda_growth * (magnitude.to_numpy() - 2.0))
    coda = found.loc[found.index.repeat(rng.poisson(np.minimum(most, 4.0)))]
    lasts = 3.0 + 2.0 * magnitude.loc[coda.index].to_numpy()
    return coda.assign(
        event=-1,
        phase=rng.choice(["P", "S"], len(coda)),
        seconds=coda["seconds"] + 0.5 + rng.exponential(lasts),
        probability=np.clip(rng.beta(3, 4, len(coda)), 0.3, 1.0),
    )


def _false(plan: Plan, real: int, stations: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n = round(real * plan.false_share / (1 - plan.false_share))
    return pd.DataFrame(
        {
            "event": -1,
            "station": _noisy(plan, rng.integers(0, len(stations), n), len(stations)),
            "phase": rng.choice(["P", "S"], n),
            "seconds": rng.uniform(0, plan.hours * 3600, n),
            "stated": rng.uniform(*plan.sigma_s, n),
            "probability": np.clip(rng.beta(2, 4, n), 0.3, 1.0),
        }
    )


def _noisy(plan: Plan, even: np.ndarray, count: int) -> np.ndarray:
    """Stations of false picks, of which some have many more than others where that is planned."""
    if not plan.uneven:
        return even
    rng = plan.side(5)
    rate = rng.gamma(1 / plan.uneven, size=count)
    return np.asarray(rng.choice(count, len(even), p=rate / rate.sum()))


def _picks(plan: Plan, rows: pd.DataFrame, stations: pd.DataFrame) -> pd.DataFrame:
    times = START_NS + (rows["seconds"] * 1e9).round().astype("int64")
    station = stations["station"].to_numpy()[rows["station"]]
    return pd.DataFrame(
        {
            "pick_id": "SY." + pd.Series(station) + "/" + rows["phase"] + "/" + times.astype(str),
            "source": "waveform",
            "network": "SY",
            "station": station,
            "location": "",
            "instrument": "HH",
            "phase": rows["phase"],
            "time": pd.to_datetime(times, unit="ns", utc=True),
            "time_sigma_s": rows["stated"] if plan.stated else np.nan,
            "probability": rows["probability"],
            "model": "synthetic",
            "weights_id": "0" * 12,
        }
    )
