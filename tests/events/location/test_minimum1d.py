"""The inversion for a 1D model: a synthetic truth, begun far from it."""

import numpy as np
import pandas as pd
import pytest
from synthetics import ORIGIN_NS, arrival_table, event_table, network, pick_table
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.commands import tune_velocity
from quakeline.core.errors import ConfigError
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS, STATIONS
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Domain, TravelTimes, VelocityModel, load
from quakeline.events.location import minimum1d, terms
from quakeline.io.products import tables

TOPS = (-1.6, 0.0, 1.0, 2.0, 4.0, 6.0, 8.0, 11.0)
VP = np.array([4.2, 4.6, 5.0, 5.3, 5.7, 5.95, 6.1, 6.25])
TRUE = VelocityModel(TOPS, tuple(VP), tuple(VP / 1.74))
NOISE_S = 0.02
LATE_S = 0.15


@pytest.fixture(scope="module")
def recorded():
    """STATIONS, EVENTS, ARRIVALS and PICKS in a true model; one station is late."""
    stations, frame = network(n=11, radius_km=25.0)
    local = Sites.of(stations).local
    times = TravelTimes(TRUE, Domain(80, -1.6, 16), local["depth_km"].to_numpy())
    x, y = frame.to_xy(local["latitude"].to_numpy(), local["longitude"].to_numpy())
    rng = np.random.default_rng(7)
    events, arrivals, picks = [], [], []
    for k in range(35):
        source = rng.uniform(-15, 15), rng.uniform(-15, 15), rng.uniform(1, 13)
        latitude, longitude = map(float, frame.to_latlon(*source[:2]))
        time = pd.Timestamp(ORIGIN_NS, unit="ns", tz="UTC") + pd.Timedelta(minutes=5 * k)
        events.append({"event_id": f"e{k}", "time": time, "latitude": latitude,
                       "longitude": longitude, "depth_km": source[2]})  # fmt: skip
        rows = []
        for site in local.itertuples():
            away = np.array([np.hypot(x[site.Index] - source[0], y[site.Index] - source[1])])
            late = 300.0 * k + (LATE_S if site.Index == 3 else 0.0)
            for phase in "PS":
                travel = float(times(phase, site.depth_km, away, np.array([source[2]]))[0])
                seconds = travel + late + rng.normal(0, NOISE_S)
                rows.append((site.network, site.station, "", phase, seconds))
        own = pick_table(rows, NOISE_S)
        picks.append(own)
        arrivals.append(arrival_table(f"e{k}", own))
    joined = (pd.concat(parts, ignore_index=True) for parts in (arrivals, picks))
    return stations, (event_table(events), *joined)


@pytest.fixture(scope="module")
def results(recorded):
    """What the inversion makes of a start that knows of no layers near the surface."""
    stations, catalog = recorded
    seen = minimum1d.material(Sites.of(stations), catalog, (-1.6, 16.0), 0.02, 35)
    assert (seen.events, seen.held.events) == (28, 7)
    wrong = VelocityModel((-1.6, 4.0), (5.8, 6.3), (3.2, 3.5))
    start = minimum1d.layered(wrong, -1.6, 15.0)
    assert start.tops == TOPS
    found = [minimum1d.inverted(seen, one) for one in minimum1d.starts(start)]
    return found, minimum1d.inverted(seen, start, frozen=True)


def test_a_true_model_is_found_from_a_wrong_start(results):
    found, given = results
    best = minimum1d.best(found)
    assert given.held_s[0] > 0.06
    assert best.held_s[1] < 1.4 * NOISE_S
    assert best.held_s[1] < 0.6 * given.held_s[1]
    speeds, true = np.array([*best.model.vp, *best.model.vs]), np.r_[VP, VP / 1.74]
    off = np.abs(speeds / true - 1)
    assert off[best.resolution > 0.8].max() < 0.03
    assert off.max() < 0.15
    assert (np.abs(speeds - true) < 3 * best.error_km_s).all()
    assert (np.diff(best.model.vp) > 0).all()


def test_the_resolution_tells_what_picks_tell_nothing_of(results):
    best = minimum1d.best(results[0])
    # Rays from below cross the two layers that hold the stations steeply, and station terms
    # explain the same delays; below no source and no head wave is the last.
    assert best.resolution[:2].max() < 0.6
    assert best.resolution[3:6].min() > 0.8
    assert best.error_km_s[:2].min() > 2 * best.error_km_s[3:6].max()


def test_station_terms_are_found(results):
    best = minimum1d.best(results[0])
    assert best.terms_s[3, False] == pytest.approx(LATE_S, abs=0.04)
    assert best.terms_s[3, True] == pytest.approx(LATE_S, abs=0.04)
    others = [abs(value) for (site, _), value in best.terms_s.items() if site != 3]
    assert max(others) < 0.06


def test_a_frozen_model_keeps_its_velocities(results):
    _, given = results
    assert given.model.vp[:4] == pytest.approx([5.8, 5.83, 5.86, 5.89], abs=0.1)
    assert given.held_s[1] < given.held_s[0]


def test_what_is_written_is_read(results, recorded, tmp_path):
    best = minimum1d.best(results[0])
    tune_velocity._write(best, Sites.of(recorded[0]), tmp_path / "out")
    again = load(tmp_path / "out" / "velocity.csv")
    assert "8 constant layers" in again.reading
    assert again.doubts == ()
    assert load(tmp_path / "out" / "velocity.csv", interpolation="layers").doubts == ()
    assert again.vp == pytest.approx(best.model.vp, abs=1e-3)
    layers = len(best.model.vp)
    assert again.vp_error == pytest.approx(best.error_km_s[:layers], abs=1e-3)
    assert again.vs_error == pytest.approx(best.error_km_s[layers:], abs=1e-3)
    assert "states errors" in again.reading
    quality = pd.read_csv(tmp_path / "out" / "velocity_quality.csv")
    assert {"vp_error", "vs_error", "vp_resolution", "vs_resolution"} < set(quality)
    given = terms.GivenTerms.read(tmp_path / "out" / "station_terms.csv")
    arrivals = pd.DataFrame(
        {"network": "XX", "station": ["S03", "S03", "none"], "location": ["", "00", ""],
         "phase": ["P", "S", "P"]}
    )  # fmt: skip
    expected = [best.terms_s[3, False], best.terms_s[3, True], 0.0]
    assert given.of(arrivals) == pytest.approx(expected, abs=1e-4)


def test_events_are_taken_evenly_over_the_volume(recorded):
    stations, (events, arrivals, picks) = recorded
    sites = Sites.of(stations)
    few = minimum1d.material(sites, (events, arrivals, picks), (-1.6, 16.0), 0.02, 10)
    assert few.events + few.held.events == 10
    # An event whose picks are few is not among them.
    lost = arrivals[arrivals["event_id"] != "e0"]
    poor = pd.concat([lost, arrivals[arrivals["event_id"] == "e0"].head(5)])
    seen = minimum1d.material(sites, (events, poor, picks), (-1.6, 16.0), 0.02, 35)
    assert seen.events + seen.held.events == 34


def test_the_command_inverts_a_catalog(recorded, tmp_path):
    stations, catalog = recorded
    folder = tmp_path / "catalog"
    folder.mkdir()
    named = zip(("events", "arrivals", "picks", "stations"), (*catalog, stations), strict=True)
    schemas = {"events": EVENTS, "arrivals": ARRIVALS, "picks": PICKS, "stations": STATIONS}
    for name, frame in named:
        tables.write(frame, schemas[name], folder / f"{name}.parquet")
    (tmp_path / "given.csv").write_text("depth_km,vp,vs\n-1.6,5.8,3.2\n4,6.3,3.5\n")
    words = ["tune", "velocity", str(folder), "--velocity", str(tmp_path / "given.csv")]
    done = CliRunner().invoke(app, [*words, "-o", str(tmp_path / "out")], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    assert "events   28 inverted, 7 left out" in done.output
    assert "with station terms alone" in done.output
    assert "mostly that of the model begun with" in done.output
    assert "WARNING  the new velocities" not in done.output
    model, given = (tmp_path / "out" / name for name in ("velocity.csv", "station_terms.csv"))
    assert f"--velocity {model} --set locate.station_terms={given}\n" in done.output
    assert set(tune_velocity._FILES) < {path.name for path in (tmp_path / "out").iterdir()}
    with pytest.raises(ConfigError, match="a folder that holds other things"):
        CliRunner().invoke(app, [*words, "-o", str(folder)], catch_exceptions=False)
