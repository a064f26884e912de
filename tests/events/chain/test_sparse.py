"""Networks that hardly record an event, or one kind of wave alone: found, and said how well."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from synthetics import ORIGIN_NS, network, picks_of

import quakeline
from quakeline.core.geometry import LocalFrame
from quakeline.core.schemas import FIBRE_CHANNELS
from quakeline.earth.velocity import VelocityModel
from quakeline.io.products import tables

MODEL = VelocityModel((0.0, 15.0, 35.0), (5.8, 6.6, 8.0), (3.35, 3.8, 4.5))


def recorded(
    stations: pd.DataFrame,
    frame: LocalFrame,
    source: tuple[float, float, float],
    seconds: float,
    phases: str = "PS",
) -> pd.DataFrame:
    """Picks with errors of 50 ms that no column states."""
    rng = np.random.default_rng(round(seconds))
    some = stations.reset_index(drop=True)
    picks = picks_of(some, frame, MODEL, source, seconds=seconds, noise_s=0.05, rng=rng,
                     phases=phases)  # fmt: skip
    return picks.assign(time_sigma_s=np.nan)


def off_km(
    row: pd.Series, frame: LocalFrame, source: tuple[float, float, float]
) -> tuple[float, float]:
    """Horizontally and in depth."""
    x, y = frame.to_xy(row["latitude"], row["longitude"])
    return float(np.hypot(x - source[0], y - source[1])), abs(row["depth_km"] - source[2])


def test_a_deep_event_of_four_stations_beside_a_dense_network_is_found_and_said_to_be_vague():
    """Three of the four are farther from it than stations of the network count at first."""
    stations, frame = network(n=40, radius_km=180)
    places = [(450.0, -150.0), (450.0, 150.0), (700.0, -150.0), (700.0, 150.0)]
    for row, place in zip(range(36, 40), places, strict=True):
        stations.loc[row, ["latitude", "longitude"]] = frame.to_latlon(*place)
    source = (780.0, 200.0, 138.0)
    parts = [recorded(stations[36:], frame, source, 200.0)]
    for seconds, place in {600.0: (20.0, -30.0, 10.0), 1000.0: (-60.0, 40.0, 8.0)}.items():
        x, y = frame.to_xy(stations["latitude"].to_numpy(), stations["longitude"].to_numpy())
        near = np.argsort(np.hypot(x - place[0], y - place[1]))[:12]
        parts.append(recorded(stations.iloc[np.sort(near)], frame, place, seconds))
    made = quakeline.catalog(pd.concat(parts, ignore_index=True), stations, MODEL, threads=1)
    assert made.chosen["associate.max_distance_km"] == 600
    assert len(made.events) == 3
    vague, *others = (row for _, row in made.events.sort_values("time").iterrows())
    across, down = off_km(vague, frame, source)
    assert across < 2 * vague["horizontal_sigma_km"]
    assert down < 2 * vague["depth_sigma_km"]
    assert vague["horizontal_sigma_km"] > 10
    assert "epicentre hardly resolved (1 sigma" in vague["quality"]
    assert all("resolved" not in row["quality"] for row in others)


SOURCES = {100.0: (5.0, -8.0, 6.0), 160.0: (-11.0, 9.0, 11.0), 220.0: (0.0, 4.0, 8.0)}


@pytest.mark.parametrize("kind", ["P alone", "S alone", "S of three stations alone"])
def test_networks_that_record_one_kind_of_wave_have_their_events(kind):
    """Verticals have no S; where a few stations have three components, they alone do."""
    stations, frame = network(n=12)
    parts = []
    for seconds, source in SOURCES.items():
        if kind != "S alone":
            parts.append(recorded(stations, frame, source, seconds, "P"))
        if kind != "P alone":
            some = stations if kind == "S alone" else stations[:3]
            parts.append(recorded(some, frame, source, seconds, "S"))
    picks = pd.concat(parts, ignore_index=True)
    made = quakeline.catalog(picks, stations, MODEL, threads=1)
    assert len(made.events) == len(SOURCES)
    assert len(made.arrivals) == len(picks)
    for (_, row), source in zip(made.events.iterrows(), SOURCES.values(), strict=True):
        across, down = off_km(row, frame, source)
        assert across < 3 * row["horizontal_sigma_km"]
        assert down < 3 * row["depth_sigma_km"]


def test_a_fibre_alone_has_its_events():
    """Channels 500 m apart along two sides of a field, S alone: what a cable records best."""
    _, frame = network()
    along = np.arange(0.0, 15.0, 0.5)
    x, y = np.r_[along, np.full(30, 15.0)], np.r_[np.zeros(30), along]
    latitude, longitude = frame.to_latlon(x, y)
    cable = pd.DataFrame(
        {
            "network": "CABLE",
            "station": [f"{n:05d}" for n in range(60)],
            "location": "",
            "latitude": latitude,
            "longitude": longitude,
            "elevation_m": 0.0,
        }
    )
    numbers = np.arange(60)
    channels = cable[["latitude", "longitude", "elevation_m"]].assign(
        fibre="CABLE", channel_index=numbers, distance_m=500.0 * numbers, used=True
    )
    sources = {100.0: (6.0, 5.0, 4.0), 130.0: (12.0, 8.0, 6.0)}
    picks = pd.concat(
        [recorded(cable, frame, source, at, "S") for at, source in sources.items()],
        ignore_index=True,
    )
    stations, _ = network(n=3)
    channels = tables.conform(channels, FIBRE_CHANNELS).to_pandas()
    made = quakeline.catalog(picks, stations, MODEL, channels=channels, threads=1)
    assert len(made.events) == 2
    assert made.events["n_s"].min() > 50
    for (_, row), (seconds, source) in zip(made.events.iterrows(), sources.items(), strict=True):
        assert abs((row["time"].value - ORIGIN_NS) / 1e9 - seconds) < 1
        assert off_km(row, frame, source)[0] < 3 * row["horizontal_sigma_km"]


def test_two_events_close_in_time_stay_two_in_a_wide_network():
    """Analysts tell them apart, however far the network's other stations are."""
    stations, frame = network(n=40, radius_km=250)
    x, y = frame.to_xy(stations["latitude"].to_numpy(), stations["longitude"].to_numpy())
    near = stations[np.hypot(x, y) < 120]
    sources = {200.0: (2.0, -1.0, 8.0), 202.0: (-4.0, 3.0, 6.0)}
    parts = [recorded(near, frame, source, at) for at, source in sources.items()]
    parts += [recorded(stations, frame, (30.0, -40.0, 9.0), 900.0)]
    made = quakeline.catalog(pd.concat(parts, ignore_index=True), stations, MODEL, threads=1)
    assert made.chosen["associate.tolerance_s"] > 1.5
    assert made.chosen["associate.min_interevent_s"] == 1.5
    seconds = (made.events["time"].astype("int64") - ORIGIN_NS) / 1e9
    assert sorted(seconds.round().astype(int)) == [200, 202, 900]
    assert made.events["n_stations"].min() == len(near)
