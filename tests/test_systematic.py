"""Errors that all arrivals share: velocities wrong as a whole, and station terms by chance."""

import numpy as np
import pandas as pd
import pytest
from synthetics import ORIGIN_NS, event_table, network, pick_table

from quakeline.location import Locator, terms
from quakeline.location.errors import SIDES, Errors, split
from quakeline.sites import Sites
from quakeline.velocity import VelocityModel

LAYERED = VelocityModel((-2.0, 3.0, 6.0, 16.0), (4.8, 5.6, 6.1, 6.8), (2.75, 3.25, 3.5, 3.9))
EVENTS, SHARE, NOISE_S = 120, 0.06, 0.02


def finder(stations, share):
    return Locator(
        Sites.of(stations), LAYERED, (-1.5, 30.0), model_error_s=0.02, model_error_share=share
    )


def recorded(stations, frame, rng):
    """EVENTS, arrivals and PICKS of sources, each in velocities wrong by a share of its own."""
    locator = finder(stations, SHARE)
    local, n = locator.sites.local, len(stations)
    phases = np.repeat(["P", "S"], n)
    site = np.tile(np.arange(n), 2)
    tables = locator.times.rows_of(phases, site)
    codes = stations["station"].to_numpy()[site]
    starts, arrivals, picks, depths = [], [], [], []
    for k in range(EVENTS):
        x, y, z = *rng.uniform(-15, 15, 2), rng.uniform(4, 12)
        east, north = x - local["x"].to_numpy()[site], y - local["y"].to_numpy()[site]
        travel = locator.times.travel(tables, east[None], north[None], np.full((1, 1), z))[0]
        late = SHARE * rng.normal(size=2)
        travel = travel * (1 + late[0] + (phases == "S") * 0.25 * late[1])
        seconds = 600.0 * k + travel + rng.normal(0, NOISE_S, 2 * n)
        rows = zip(["XX"] * 2 * n, codes, [""] * 2 * n, phases, seconds, strict=True)
        some = pick_table([*rows], NOISE_S)
        latitude, longitude = map(float, frame.to_latlon(x + 1, y - 1))
        time = pd.Timestamp(ORIGIN_NS + int(600e9) * k, tz="UTC")
        starts.append(
            {"event_id": f"{k:03d}", "time": time, "latitude": latitude, "longitude": longitude,
             "depth_km": 8.0}
        )  # fmt: skip
        arrivals.append(some[["pick_id", "phase"]].assign(event_id=f"{k:03d}"))
        picks.append(some)
        depths.append(z)
    return event_table(starts), pd.concat(arrivals), pd.concat(picks, ignore_index=True), depths


def test_depths_are_as_uncertain_as_stated_where_velocities_are_wrong_as_a_whole():
    """Three standard deviations of the binomial distribution are allowed for."""
    stations, frame = network(n=10)
    *given, depths = recorded(stations, frame, np.random.default_rng(11))
    events, _ = finder(stations, SHARE).locate(*given)
    off = np.abs(events["depth_km"].to_numpy() - depths) / events["depth_sigma_km"].to_numpy()
    for inside, share in ((1.0, 0.683), (1.96, 0.95)):
        spread = 3 * np.sqrt(share * (1 - share) / EVENTS)
        assert np.mean(off < inside) == pytest.approx(share, abs=spread)
    sure, _ = finder(stations, 0.0).locate(*given)
    away = np.abs(sure["depth_km"].to_numpy() - depths) / sure["depth_sigma_km"].to_numpy()
    assert np.mean(away < 1.0) < 0.5


def test_what_terms_take_off_is_of_velocities_from_side_to_side():
    travel = np.full(4, 10.0)
    found = split(Errors(0.5, 0.2, 0.0), Errors(0.3, 0.02, 0.0), travel)
    assert found.each_s == 0.3
    assert found.sides == pytest.approx(1.6 * 0.04, rel=1e-3)
    assert found.share == pytest.approx(1.6 * 0.04 / SIDES, rel=1e-3)
    same = split(Errors(0.3, 0.12, 0.0), Errors(0.3, 0.02, 0.0), travel)
    assert (same.share, same.sides) == (0.02, pytest.approx(0.02 * SIDES))


@pytest.mark.parametrize("events", [3, 60])
def test_stations_that_differ_by_chance_have_no_terms(events):
    group, largest, kept = np.tile(np.arange(24), events), [], []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        chance, delays = rng.normal(0, 0.2, len(group)), rng.normal(0, 0.4, 24)
        largest.append(np.abs(terms.static(group, chance)).max())
        found = terms.static(group, delays[group] + chance)[:24]
        kept.append(found @ delays / (delays @ delays))
    assert np.median(largest) < 0.01
    assert max(largest) < 0.1
    assert np.allclose(kept, 0.4 if events == 3 else 0.925, atol=0.06)


def test_one_event_alone_has_no_terms():
    assert not terms.static(np.arange(12), np.linspace(-1, 1, 12)).any()
