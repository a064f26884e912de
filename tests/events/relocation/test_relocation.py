"""Events relative to each other: a cluster, with velocities that are wrong and station delays."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetics import arrival_table, event_table, network, picks_of
from workfolder import WorkFolder

from quakeline.core.geometry import distance_azimuth
from quakeline.core.schemas import ARRIVALS, DIFFERENTIALS, EVENTS, RELOCATIONS
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.location import Locator
from quakeline.events.relocation.relocate import NAME, relocated
from quakeline.io.products import provenance, tables

TRUE = VelocityModel((-2.0, 4.0, 12.0), (4.8, 5.9, 6.6), (2.75, 3.4, 3.8))
WRONG = VelocityModel(TRUE.tops, tuple(1.03 * v for v in TRUE.vp), tuple(1.02 * v for v in TRUE.vs))
N, CENTRE, SIZE_KM, PICK_S, WAVE_S = 30, (4.0, -6.0, 8.0), 0.4, 0.05, 0.001
NONE = tables.empty(DIFFERENTIALS)


@pytest.fixture(scope="module")
def cluster():
    """A locator, sources in its local km, a located catalog, and DIFFERENTIALS of its events."""
    rng = np.random.default_rng(3)
    stations, frame = network(n=12)
    delays = dict(zip(stations["station"], rng.normal(0, 0.05, len(stations)), strict=True))
    sources = np.array(CENTRE) + rng.normal(0, SIZE_KM, (N, 3))
    sources[-1] = (40.0, 30.0, 8.0)
    starts, arrivals, picks, errors = [], [], [], []
    for k, at in enumerate(sources):
        some = picks_of(stations, frame, TRUE, tuple(at), seconds=300.0 * k)
        some = some[rng.uniform(size=len(some)) < 0.85]
        error = rng.normal(0, PICK_S, len(some))
        shift = error + some["station"].map(delays).to_numpy()
        some["time"] += pd.to_timedelta(shift, unit="s").round("ns")
        some["pick_id"] = f"{k}/" + some["pick_id"]
        latitude, longitude = frame.to_latlon(at[0], at[1])
        about = {"latitude": float(latitude), "longitude": float(longitude), "depth_km": 8.0}
        starts.append({"event_id": f"e{k}", "time": some["time"].min(), **about})
        arrivals.append(arrival_table(f"e{k}", some))
        picks.append(some)
        errors.append(pd.Series(error, index=some["pick_id"]))
    picks = pd.concat(picks, ignore_index=True)
    locator = Locator(Sites.of(stations), WRONG, (0.0, 20.0))
    events, seen = locator.locate(event_table(starts), pd.concat(arrivals), picks)
    seen = tables.conform(seen, ARRIVALS).to_pandas()
    pairs = seen.merge(picks.drop(columns=["phase", "event_id"]), on="pick_id")
    true = np.column_stack(
        [*locator.sites.frame.to_xy(*frame.to_latlon(*sources[:, :2].T)), sources[:, 2]]
    )
    waves = correlated(pairs, pd.concat(errors), rng)
    return locator, true, tables.conform(events, EVENTS).to_pandas(), pairs, waves


def correlated(pairs, errors, rng):
    """DIFFERENTIALS of six of ten pairs of arrivals: what waveforms tell of the picks' errors."""
    codes = ["network", "station", "location", "phase"]
    own = pairs[["event_id", "pick_id", "instrument", *codes]]
    both = own.merge(own, on=codes, suffixes=("_1", "_2"))
    both = both[both["event_id_1"].str[1:].astype(int) < both["event_id_2"].str[1:].astype(int)]
    both = both[(rng.uniform(size=len(both)) < 0.6) & (both["event_id_2"] != f"e{N - 1}")]
    picked = errors[both["pick_id_1"]].to_numpy() - errors[both["pick_id_2"]].to_numpy()
    made = both.assign(
        instrument=both["instrument_1"],
        component="Z",
        shift_s=-picked + rng.normal(0, WAVE_S, len(both)),
        difference_s=0.0,
        correlation=0.9,
        apart_km=0.5,
    )
    return tables.conform(made[DIFFERENTIALS.names], DIFFERENTIALS).to_pandas()


def relative_errors(locator, events, true):
    """East, north, down in m of the cluster's events, against its middle."""
    x, y = locator.sites.frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
    off = (np.column_stack([x, y, events["depth_km"]]) - true)[:-1]
    return 1000 * (off - np.median(off, axis=0))


def rms(values):
    return np.sqrt((values**2).mean(axis=0))


def test_waveforms_bring_a_cluster_from_hundreds_of_metres_to_ten(cluster):
    locator, true, events, pairs, waves = cluster
    before = rms(relative_errors(locator, events, true))
    assert (before > [60, 60, 500]).all()
    done = relocated(locator, events, pairs, waves)
    assert (rms(relative_errors(locator, done.events, true)) < 20).all()
    moves = done.moves.set_index("event_id")
    assert (moves["misfit_after_s"] < 0.1 * moves["misfit_before_s"]).all()
    assert (moves["correlated_links"] > 0.3 * moves["links"]).all()


@pytest.mark.parametrize(("kind", "most_km"), [("waveforms", 0.003), ("picks", 0.3)])
def test_places_are_as_exact_as_they_say(cluster, kind, most_km):
    """Against each other, where the velocities are right."""
    locator, true, events, pairs, waves = cluster
    given = waves if kind == "waveforms" else NONE
    done = relocated(replace(locator, model=TRUE), events, pairs, given)
    sigma = done.moves[["east_sigma_km", "north_sigma_km", "down_sigma_km"]].to_numpy()
    off = np.abs(relative_errors(locator, done.events, true)) / 1000
    assert np.mean(off < sigma) == pytest.approx(0.68, abs=0.13)
    assert np.mean(off < 2 * sigma) > 0.88
    assert np.median(sigma) < most_km


def test_differences_may_name_events_in_any_order(cluster):
    locator, _, events, pairs, waves = cluster
    names = {f"{name}_{k}": f"{name}_{3 - k}" for name in ("event_id", "pick_id") for k in (1, 2)}
    turned = waves.rename(columns=names).assign(shift_s=-waves["shift_s"])[waves.columns]
    one, other = (relocated(locator, events, pairs, some, draws=2) for some in (waves, turned))
    pd.testing.assert_frame_equal(one.events, other.events)
    pd.testing.assert_frame_equal(one.moves, other.moves)


def test_picks_alone_bring_it_nearer(cluster):
    locator, true, events, pairs, _ = cluster
    before = rms(relative_errors(locator, events, true))
    done = relocated(locator, events, pairs, NONE)
    after = rms(relative_errors(locator, done.events, true))
    assert (after < 0.9 * before).all()
    assert (done.moves["correlated_links"] == 0).all()


def test_a_cluster_stays_where_its_absolute_places_are(cluster):
    locator, _, events, pairs, waves = cluster
    for some in (waves, NONE):
        moves = relocated(locator, events, pairs, some, draws=2).moves
        moved = moves[["east_km", "north_km", "down_km", "later_s"]]
        np.testing.assert_allclose(moved.median(), 0, atol=1e-5)
        assert (moved.abs().max() > [0.05, 0.05, 0.3, 0.01]).all()


def test_an_event_without_neighbours_stays_and_tables_keep_their_order(cluster):
    locator, _, events, pairs, waves = cluster
    done = relocated(locator, events, pairs, waves)
    tables.conform(done.events, EVENTS)
    tables.conform(done.arrivals[ARRIVALS.names], ARRIVALS)
    tables.conform(done.moves, RELOCATIONS)
    assert list(done.events["event_id"]) == list(events["event_id"])
    assert list(done.arrivals["pick_id"]) == list(pairs["pick_id"])
    pd.testing.assert_series_equal(done.events.iloc[-1], events.iloc[-1])
    assert len(done.moves) == N - 1
    assert set(done.events["locator"][:-1]) == {NAME}
    for name in ("cov_dd_km2", "horizontal_sigma_km", "time_sigma_s"):
        assert done.events[name].equals(events[name])
    row, arrival = done.events.iloc[3], done.arrivals[done.arrivals["event_id"] == "e3"]
    place = locator.sites.table.set_index("station").loc[arrival["station"]]
    there = place["latitude"].to_numpy(), place["longitude"].to_numpy()
    distance, _ = distance_azimuth(row["latitude"], row["longitude"], *there)
    np.testing.assert_allclose(arrival["distance_km"], distance, rtol=1e-4)
    assert row["rms_s"] == pytest.approx(rms(arrival["residual_s"].to_numpy()), rel=1e-4)


def test_few_differences_move_nothing(cluster):
    locator, _, events, pairs, _ = cluster
    few = pairs[pairs["station"].isin(["S00", "S01", "S02"])]
    done = relocated(locator, events, few, NONE)
    assert done.moves.empty
    pd.testing.assert_frame_equal(done.events, events)
    unknown = relocated(locator, events, pairs.assign(network="ZZ"), NONE)
    pd.testing.assert_frame_equal(unknown.events, events)


def test_the_events_of_the_demo_are_brought_together(demo_run: WorkFolder, tmp_path):
    """From 350 m to 20 m."""
    waves, out = tmp_path / "waves", tmp_path / "out"
    assert demo_run.quakeline("correlate", "unterhaching", "-o", str(waves)).returncode == 0
    given = ("--differentials", str(waves / "differentials.parquet"))
    done = demo_run.quakeline("relocate", "unterhaching", "-o", str(out), *given)
    assert done.returncode == 0, done.stderr
    assert "moved    2 of 2 events, by 7 differences of times (6 from waveforms)" in done.stdout
    events = tables.read(out / "events.parquet", EVENTS)
    one, other = events.to_dict("records")
    there = np.array([other["latitude"]]), np.array([other["longitude"]])
    assert distance_azimuth(one["latitude"], one["longitude"], *there)[0][0] < 0.03
    assert abs(one["depth_km"] - other["depth_km"]) < 0.05
    assert tables.read(out / "relocations.parquet", RELOCATIONS)["misfit_after_s"].max() < 1e-3
    assert (out / "catalog.qml").is_file()
    for path in (waves / "differentials.parquet", out / "relocations.parquet"):
        record = provenance.read(path)
        assert any(name.endswith("catalog/events.parquet") for name in record["inputs"])
    alone = demo_run.quakeline("relocate", "unterhaching", "-o", str(tmp_path / "alone"))
    assert "moved    0 of 2 events" in alone.stdout


def test_differences_of_other_picks_are_refused(demo_run: WorkFolder, cluster, tmp_path):
    """Also those of the same events after other picks: what waveforms say is said of picks."""
    tables.write(cluster[4], DIFFERENTIALS, tmp_path / "others.parquet")
    given = ("--differentials", str(tmp_path / "others.parquet"))
    done = demo_run.quakeline("relocate", "unterhaching", "-o", str(tmp_path / "out"), *given)
    assert done.returncode == 2
    assert "others.parquet: none of its picks is in the catalog of unterhaching" in done.stderr
    assert not (tmp_path / "out").exists()


def test_a_catalog_without_its_velocities_asks_for_them(demo_run: WorkFolder, tmp_path):
    out = tmp_path / "out"
    folder = tmp_path / "only"
    folder.mkdir()
    results = demo_run.folder / "results/unterhaching"
    for path in (*results.glob("catalog/*.parquet"), results / "stations.parquet"):
        (folder / path.name).write_bytes(path.read_bytes())
    done = demo_run.quakeline("relocate", str(folder), "-o", str(out))
    assert done.returncode == 2
    assert done.stderr.startswith("quakeline: --velocity: none given, and ")
    assert not out.exists()
    model = str(demo_run.folder / "config/unterhaching/velocity.csv")
    assert (
        demo_run.quakeline("relocate", str(folder), "-o", str(out), "--velocity", model).returncode
        == 0
    )
