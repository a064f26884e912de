"""Do stated errors hold what they say: picks of something else, and several depths that fit."""

import numpy as np
import pandas as pd
import pytest
from synthetics import (
    ORIGIN_NS,
    arrival_table,
    event_table,
    network,
    pick_table,
    picks_of,
)

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.location import Locator
from quakeline.events.location.observations import gathered
from quakeline.events.location.outliers import Others
from quakeline.events.location.posterior import density
from quakeline.io.formats.ellipsoids import covariance_of

LAYERED = VelocityModel((-2.0, 4.0, 12.0), (4.8, 5.9, 6.6), (2.75, 3.4, 3.8))
#: Quantiles of chi-squared with three degrees of freedom.
IN_68, IN_95 = 3.5059, 7.8147
NOISE_S, TAKEN_S, RATE_HZ, RECORDED = 0.05, 0.5, 0.3, 0.6


def locator(stations):
    return Locator(
        Sites.of(stations), LAYERED, (0.0, 20.0), model_error_s=0.02, model_error_share=0.0
    )


def start(frame, about, event_id):
    latitude, longitude = frame.to_latlon(about[0], about[1])
    return {
        "event_id": event_id,
        "time": pd.Timestamp(ORIGIN_NS, tz="UTC"),
        "latitude": float(latitude),
        "longitude": float(longitude),
        "depth_km": about[2],
    }


def among_others(stations, frame, source, later, rng):
    """Picks of an event and of nothing within a minute, and which of them an event would get."""
    seconds = later + rng.uniform(-60, 60)
    mine = picks_of(stations, frame, LAYERED, source, seconds=seconds, noise_s=NOISE_S, rng=rng)
    exact = picks_of(stations, frame, LAYERED, source, seconds=seconds)
    mine = mine[rng.uniform(size=len(mine)) < RECORDED]
    rows = [
        (row.network, row.station, row.location, row.phase, second)
        for row in exact.itertuples()
        for second in rng.uniform(later - 120, later + 120, rng.poisson(240 * RATE_HZ))
    ]
    others = pick_table(rows, NOISE_S)
    others["pick_id"] = "other/" + others["pick_id"]
    table = pd.concat([mine, others], ignore_index=True)
    exact = exact[["station", "phase", "time"]].rename(columns={"time": "expected"})
    table = table.merge(exact, on=["station", "phase"])
    away = (table["time"] - table["expected"]).abs().dt.total_seconds()
    near = table.assign(away=away)[away < TAKEN_S].sort_values("away")
    return table[mine.columns], near.drop_duplicates(["station", "phase"])[mine.columns]


def chi_squared(frame, events, sources):
    """Errors of hypocentres by their stated covariance."""
    x, y = frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
    error = np.column_stack([x, y, events["depth_km"]]) - np.array(sources)
    inverse = [np.linalg.inv(covariance_of(row)) for row in events.to_dict("records")]
    return np.einsum("ni,nij,nj->n", error, np.array(inverse), error)


@pytest.fixture(scope="module")
def crowd():
    """Stations, frame, sources, starts, arrivals and picks of 120 events in crowded picks."""
    stations, frame = network(n=16)
    rng = np.random.default_rng(5)
    sources = [(*rng.uniform(-15, 15, 2), rng.uniform(5, 11)) for _ in range(120)]
    made = [among_others(stations, frame, at, 600.0 * k, rng) for k, at in enumerate(sources)]
    starts = event_table([start(frame, at, str(k)) for k, at in enumerate(sources)])
    arrivals = [arrival_table(str(k), taken) for k, (_, taken) in enumerate(made)]
    picks = pd.concat([table for table, _ in made], ignore_index=True)
    return stations, frame, sources, starts, pd.concat(arrivals, ignore_index=True), picks


def test_how_many_arrivals_are_something_else_is_known(crowd):
    """But for some that errors with heavy tails explain; those made here have none."""
    stations, _, _, starts, arrivals, picks = crowd
    finder = locator(stations)
    joined = arrivals[["event_id", "pick_id"]].merge(
        picks.drop(columns="event_id"), on="pick_id", how="left"
    )
    others = Others.of(picks, finder.sites)
    probable, wrong = [], joined["pick_id"].str.startswith("other/").to_numpy()
    places = finder.sites.frame.to_xy(starts["latitude"].to_numpy(), starts["longitude"].to_numpy())
    every = gathered(joined, finder.sites, finder.times, 0.02)
    for x, y, depth, seen in zip(*places, starts["depth_km"], every, strict=True):
        travel = finder.times.at(seen.table, np.hypot(seen.x - x, seen.y - y), depth)[0]
        residual = seen.time_s - travel - np.median(seen.time_s - travel)
        scale = np.full(len(seen), NOISE_S)
        foreign = others.among(seen, np.array([x, y]), residual, scale).foreign_hz
        probable.append(foreign / (foreign + density(residual / scale) / scale))
    probable = np.concatenate(probable)
    assert 0.15 < wrong.mean() < 0.35
    assert 0.6 * wrong.mean() < probable.mean() < 1.1 * wrong.mean()
    sure, unsure = probable < 0.1, probable > 0.8
    assert wrong[sure].mean() < 0.1
    assert wrong[unsure].mean() > 0.75


def test_ellipsoids_hold_what_they_say_among_picks_of_something_else(crowd):
    stations, frame, sources, starts, arrivals, picks = crowd
    events, weighted = locator(stations).locate(starts, arrivals, picks)
    distance = chi_squared(frame, events, sources)
    assert np.mean(distance < IN_68) == pytest.approx(0.68, abs=0.12)
    assert np.mean(distance < IN_95) > 0.92
    wrong = weighted["pick_id"].str.startswith("other/")
    assert weighted["weight"][wrong].median() < 0.2
    assert weighted["weight"][~wrong].median() > 0.8


def test_picks_count_within_a_minute_and_only_those_of_the_same_station_and_phase():
    stations, frame = network(n=10)
    source = (5.0, -8.0, 6.0)
    picks = picks_of(stations, frame, LAYERED, source)[3:]
    arrivals, starts = arrival_table("e", picks), event_table([start(frame, source, "e")])
    own = picks.iloc[[0]]

    def sigma(seconds, **changed):
        shift = pd.to_timedelta(seconds, unit="s")
        more = [own.assign(time=own["time"] + s, pick_id=f"{s}", **changed) for s in shift]
        table = pd.concat([picks, *more], ignore_index=True)
        events, _ = locator(stations).locate(starts, arrivals, table)
        return events["depth_sigma_km"].iloc[0]

    alone, around = sigma([]), np.linspace(-59, 59, 300)
    assert sigma([-70, 70, 3600]) == alone
    assert sigma(around, station=stations["station"].iloc[0]) == alone
    assert sigma(around) > alone


def test_depths_that_explain_the_times_as_well_are_within_the_stated_error():
    """Outside the network, where a layer above or below the source has nearly the same times."""
    stations, frame = network(n=8)
    rng = np.random.default_rng(2)
    sources = [(rng.uniform(30, 45), rng.uniform(-5, 5), rng.uniform(2, 13)) for _ in range(120)]
    picks = [
        picks_of(stations, frame, LAYERED, at, seconds=600.0 * k, noise_s=0.1, rng=rng)
        for k, at in enumerate(sources)
    ]
    arrivals = [arrival_table(str(k), some) for k, some in enumerate(picks)]
    starts = event_table([start(frame, at, str(k)) for k, at in enumerate(sources)])
    events, _ = locator(stations).locate(starts, pd.concat(arrivals), pd.concat(picks))
    off = np.abs(events["depth_km"].to_numpy() - np.array(sources)[:, 2])
    assert np.mean(off < 1.96 * events["depth_sigma_km"]) > 0.9
