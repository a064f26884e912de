"""The inversion for a 1D model: a synthetic truth, begun far from it."""

import numpy as np
import pandas as pd
import pytest
from synthetics import network

from quakeline.commands import tune_velocity
from quakeline.location import Locator, minimum1d
from quakeline.sites import Sites
from quakeline.velocity import Domain, TravelTimes, VelocityModel, load

TOPS = (-1.6, 0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 11.0)
VP = np.array([4.2, 4.6, 5.0, 5.3, 5.7, 5.95, 6.1, 6.25])
TRUE = VelocityModel(TOPS, tuple(VP), tuple(VP / 1.74))
NOISE_S = 0.02
LATE_S = 0.15


@pytest.fixture(scope="module")
def recorded():
    """A locator with a wrong model, and events, arrivals and picks of the true one."""
    stations, frame = network(n=11, radius_km=25.0)
    sites = Sites.of(stations)
    local = sites.local
    times = TravelTimes(TRUE, Domain(80, -1.6, 16), local["depth_km"].to_numpy())
    rng = np.random.default_rng(7)
    origin = pd.Timestamp("2020-05-01T00:00:00Z")
    events, arrivals, picks = [], [], []
    for k in range(35):
        x, y, z = rng.uniform(-15, 15), rng.uniform(-15, 15), rng.uniform(1, 13)
        latitude, longitude = frame.to_latlon(x, y)
        time = origin + pd.Timedelta(minutes=5 * k)
        events.append({"event_id": f"e{k}", "time": time, "latitude": latitude,
                       "longitude": longitude, "depth_km": z})  # fmt: skip
        x0, y0 = sites.frame.to_xy(latitude, longitude)
        for site in local.itertuples():
            for phase in "PS":
                away = np.hypot(site.x - x0, site.y - y0)
                travel = float(times(phase, site.depth_km, np.array([away]), np.array([z]))[0])
                late = LATE_S if site.Index == 3 else 0.0
                seconds = travel + late + rng.normal(0, NOISE_S)
                name = f"p{len(picks)}"
                picks.append({"pick_id": name, "network": site.network, "station": site.station,
                              "location": "", "time": time + pd.Timedelta(seconds=seconds),
                              "time_sigma_s": NOISE_S})  # fmt: skip
                arrivals.append({"event_id": f"e{k}", "pick_id": name, "phase": phase})
    wrong = VelocityModel((-1.6, 4.0), (5.8, 6.3), (3.2, 3.5))
    locator = Locator(sites, wrong, (-1.6, 16.0), threads=1)
    return locator, pd.DataFrame(events), pd.DataFrame(arrivals), pd.DataFrame(picks)


def test_a_true_model_is_found_from_a_wrong_start_and_written(recorded, tmp_path):
    locator, events, arrivals, picks = recorded
    material = minimum1d.material(locator, events, arrivals, picks, 35)
    assert (len(material.inverted), len(material.held)) == (28, 7)
    start = minimum1d.layered(locator.model, -1.6, 15.0)
    assert start.tops == TOPS
    result = minimum1d.inverted(locator, material, start)
    assert result.held_s[0] > 0.06
    assert result.held_s[1] < 1.4 * NOISE_S
    # The first two layers stay too fast: station terms explain the same delays.
    off = np.abs(np.array(result.model.vp) / VP - 1)
    assert off[2:].max() < 0.05
    assert off[4:].max() < 0.035
    assert (np.diff(result.model.vp) >= 0).all()
    assert result.terms_s[3, False] == pytest.approx(LATE_S, abs=0.06)
    tune_velocity._write(result, [result], locator, tmp_path)
    again = load(tmp_path / "velocity.csv", interpolation="layers")
    assert again.vp == pytest.approx(result.model.vp, abs=1e-3)
    assert len(pd.read_csv(tmp_path / "station_terms.csv")) == 22
    assert set(pd.read_csv(tmp_path / "velocity_quality.csv")) > {"vp_spread", "vs_resolution"}
