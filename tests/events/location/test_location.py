import numpy as np
import pandas as pd
import pytest
from synthetics import ORIGIN_NS, arrival_table, event_table, network, pick_table, picks_of

from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.location import Locator
from quakeline.io.products import tables

HOMOGENEOUS = VelocityModel((0.0,), (5.8,), (3.35,))
LAYERED = VelocityModel((-2.0, 4.0, 12.0), (4.8, 5.9, 6.6), (2.75, 3.4, 3.8))
MODELS = pytest.mark.parametrize("model", [HOMOGENEOUS, LAYERED], ids=["homogeneous", "layered"])


def locator(stations, model, **options):
    settings = {"depth_km": (0.0, 20.0), "model_error_s": 0.02, "model_error_share": 0.0}
    return Locator(Sites.of(stations), model, **{**settings, **options})


def start(frame, about, event_id="e"):
    """What an associator knows: a few km and half a second off."""
    latitude, longitude = frame.to_latlon(about[0] + 3.0, about[1] - 2.0)
    return {
        "event_id": event_id,
        "time": pd.Timestamp(ORIGIN_NS + 500_000_000, tz="UTC"),
        "latitude": float(latitude),
        "longitude": float(longitude),
        "depth_km": 8.0,
    }


def located(finder, frame, picks, about):
    """Locate one event from near its source: its row of EVENTS and its ARRIVALS."""
    events, arrivals = finder.locate(
        event_table([start(frame, about)]), arrival_table("e", picks), picks
    )
    tables.conform(events, EVENTS)
    tables.conform(arrivals, ARRIVALS)
    return events.iloc[0], arrivals


def error(frame, row, source):
    """East, north, depth in km and time in s: found minus true."""
    x, y = frame.to_xy(row["latitude"], row["longitude"])
    seconds = (row["time"].value - ORIGIN_NS) / 1e9
    return np.array([x - source[0], y - source[1], row["depth_km"] - source[2], seconds])


def test_the_error_of_each_pick_is_told_as_it_was_used():
    stations, frame = network()
    source = (5.0, -8.0, 6.0)
    picks = picks_of(stations, frame, HOMOGENEOUS, source).reset_index(drop=True)
    picks["time_sigma_s"] = 0.1
    picks.loc[0, "time_sigma_s"] = 0.004
    picks.loc[1, "time_sigma_s"] = np.nan
    _, arrivals = located(locator(stations, HOMOGENEOUS), frame, picks, source)
    used = arrivals.set_index("pick_id").loc[picks["pick_id"], "pick_sigma_s"].to_numpy()
    assert used[0] == 0.02  # the least that a pick is given
    assert np.all(used[2:] == 0.1)
    # None is stated: that of the pick at least and of the model, as exact picks shrink them.
    assert 0.015 < used[1] < np.hypot(0.02, 0.02)


@MODELS
@pytest.mark.parametrize("source", [(5.0, -8.0, 6.0), (-12.0, 3.0, 11.9), (0.0, 20.0, 14.0)])
def test_exact_picks_give_the_hypocentre_back(model, source):
    stations, frame = network()
    row, arrivals = located(
        locator(stations, model), frame, picks_of(stations, frame, model, source), source
    )
    assert np.abs(error(frame, row, source)).max() < 0.02
    assert row["rms_s"] < 0.004
    assert arrivals["weight"].min() > 0.9
    assert arrivals["residual_s"].abs().max() < 0.01
    assert (row["quality"], row["locator"]) == ("good", "robust-1d")
    x, y = frame.to_xy(stations["latitude"].to_numpy(), stations["longitude"].to_numpy())
    distances = np.hypot(x - source[0], y - source[1])
    assert row["min_distance_km"] == pytest.approx(distances.min(), abs=0.03)
    assert arrivals["distance_km"].max() == pytest.approx(distances.max(), abs=0.05)


@pytest.mark.parametrize(("latitude", "longitude"), [(70.0, 25.0), (-17.0, 179.95), (65.0, -180.0)])
def test_high_latitudes_and_the_date_line(latitude, longitude):
    stations, frame = network(latitude, longitude)
    stations["longitude"] = (stations["longitude"] + 180) % 360 - 180
    source = (9.0, 4.0, 7.0)
    picks = picks_of(stations, frame, LAYERED, source)
    row, _ = located(locator(stations, LAYERED), frame, picks, source)
    assert np.abs(error(frame, row, source)).max() < 0.02
    assert -180 <= row["longitude"] <= 180


@MODELS
def test_sigmas_are_honest(model):
    """Of 100 events with normal errors 50 to 90 % lie within one sigma (68 % would be exact)."""
    stations, frame = network(n=8, elevations=(400, 400))
    finder = locator(stations, model, model_error_s=0.01)
    rng = np.random.default_rng(5)
    sources = [(*rng.uniform(-18, 18, 2), rng.uniform(3, 15)) for _ in range(100)]
    picks, arrivals = [], []
    for n, source in enumerate(sources):
        some = picks_of(stations, frame, model, source, noise_s=0.05, rng=rng)
        some["pick_id"] = f"{n}/" + some["pick_id"]
        picks.append(some)
        arrivals.append(some[["pick_id", "phase"]].assign(event_id=str(n)))
    starts = [start(frame, source, str(n)) for n, source in enumerate(sources)]
    events, _ = finder.locate(event_table(starts), pd.concat(arrivals), pd.concat(picks))
    sigmas = events[["horizontal_sigma_km"] * 2 + ["depth_sigma_km", "time_sigma_s"]].to_numpy(
        float
    )
    found = [
        error(frame, row, source)
        for (_, row), source in zip(events.iterrows(), sources, strict=True)
    ]
    misses = np.array(found) / sigmas
    within = (np.abs(misses) < 1).mean(axis=0)
    assert ((within > 0.5) & (within < 0.9)).all(), within
    assert (np.abs(misses) < 3).mean() > 0.97


@MODELS
@pytest.mark.parametrize("n", [6, 10])
def test_one_wrong_pick_moves_the_event_by_less_than_a_kilometre(model, n):
    stations, frame = network(n=n)
    finder = locator(stations, model)
    rng = np.random.default_rng(2)
    for k in range(12):
        source = (*rng.uniform(-15, 15, 2), rng.uniform(3, 12))
        picks = picks_of(stations, frame, model, source, noise_s=0.02, rng=rng)
        right, _ = located(finder, frame, picks, source)
        wrong = picks.copy()
        at = k % len(picks)
        wrong.loc[at, "time"] += pd.Timedelta(seconds=2 if k % 2 else -2)
        row, arrivals = located(finder, frame, wrong, source)
        moved = error(frame, row, source) - error(frame, right, source)
        assert np.hypot(*moved[:2]) < 1.0
        assert abs(moved[2]) < 2.0
        hit = arrivals.set_index("pick_id").loc[picks.loc[at, "pick_id"]]
        assert hit["weight"] < 0.05
        assert abs(hit["residual_s"]) > 1.5


def test_a_larger_pick_error_counts_less():
    stations, frame = network(n=6)
    source = (2.0, 3.0, 8.0)
    picks = picks_of(stations, frame, HOMOGENEOUS, source)
    picks.loc[0, "time"] += pd.Timedelta(seconds=0.3)
    moves = []
    for sigma in (0.02, 1.0):
        picks.loc[0, "time_sigma_s"] = sigma
        row, _ = located(locator(stations, HOMOGENEOUS, model_error_s=0.2), frame, picks, source)
        moves.append(np.linalg.norm(error(frame, row, source)[:3]))
    assert moves[1] < 0.3 * moves[0]


def test_a_pick_without_sigma_has_the_smallest_one():
    stations, frame = network(n=6)
    source = (2.0, 3.0, 8.0)
    picks = picks_of(stations, frame, HOMOGENEOUS, source)
    rows = []
    for sigma in (0.02, None, 0.001):
        picks["time_sigma_s"] = np.float32(np.nan if sigma is None else sigma)
        rows.append(located(locator(stations, HOMOGENEOUS), frame, picks, source)[0])
    assert rows[0]["time_sigma_s"] == rows[1]["time_sigma_s"] == rows[2]["time_sigma_s"]


def test_what_limits_a_location_is_said():
    stations, frame = network(n=8)
    finder = locator(stations, HOMOGENEOUS)

    def quality(source, picks):
        return located(finder, frame, picks, source)[0]

    outside = (80.0, 0.0, 8.0)
    row = quality(outside, picks_of(stations, frame, HOMOGENEOUS, outside))
    assert row["quality"] == "arrivals from one side only"
    assert row["azimuthal_gap_deg"] > 180
    inside = (0.0, 0.0, 8.0)
    assert (
        quality(inside, picks_of(stations, frame, HOMOGENEOUS, inside, phases="P"))["quality"]
        == "no S arrival"
    )
    deep = (0.0, 0.0, 26.0)
    row = quality(deep, picks_of(stations, frame, HOMOGENEOUS, deep))
    assert "depth at the limit of the search" in row["quality"]
    assert row["depth_km"] == pytest.approx(20.0, abs=0.01)
    four = picks_of(stations, frame, HOMOGENEOUS, inside).iloc[:4].reset_index(drop=True)
    assert "no redundancy" in quality(inside, four)["quality"]


def test_events_are_located_one_by_one_and_in_their_order():
    stations, frame = network(n=8)
    sources = {"b": (5.0, 5.0, 6.0), "a": (-9.0, 2.0, 10.0)}
    picks, arrivals, starts = [], [], []
    for n, (name, source) in enumerate(sources.items()):
        some = picks_of(stations, frame, LAYERED, source, seconds=30.0 * n)
        picks.append(some)
        arrivals.append(arrival_table(name, some))
        latitude, longitude = frame.to_latlon(source[0] + 2, source[1])
        starts.append(
            {
                "event_id": name,
                "time": pd.Timestamp(ORIGIN_NS + round((30.0 * n + 1) * 1e9), tz="UTC"),
                "latitude": float(latitude),
                "longitude": float(longitude),
                "depth_km": 5.0,
            }
        )
    events, residuals = locator(stations, LAYERED).locate(
        event_table(starts), pd.concat(arrivals[::-1]), pd.concat(picks)
    )
    assert events["event_id"].tolist() == ["b", "a"]
    assert residuals["event_id"].tolist() == ["b"] * 16 + ["a"] * 16
    for n, (source, (_, row)) in enumerate(zip(sources.values(), events.iterrows(), strict=True)):
        found = error(frame, row, source) - [0, 0, 0, 30.0 * n]
        assert np.abs(found).max() < 0.02


def test_no_events_give_empty_tables():
    stations, _ = network(n=4)
    empty = tables.empty(EVENTS), tables.empty(ARRIVALS), tables.empty(PICKS)
    events, arrivals = locator(stations, LAYERED).locate(*empty)
    assert (len(events), len(arrivals)) == (0, 0)
    tables.conform(events, EVENTS)
    assert len(pick_table([])) == 0


def many(stations, frame, delays, n=60, noise_s=0.03):
    """Starts, arrivals and picks of events recorded with a delay of each station."""
    rng = np.random.default_rng(7)
    starts, arrivals, picks, sources = [], [], [], []
    for k in range(n):
        source = (*rng.uniform(-15, 15, 2), rng.uniform(4, 12))
        later = 300.0 * k
        some = picks_of(
            stations, frame, HOMOGENEOUS, source, seconds=later, noise_s=noise_s, rng=rng
        )
        some["time"] += pd.to_timedelta(some["station"].map(delays), unit="s").dt.round("ns")
        some["pick_id"] = f"{k}/" + some["pick_id"]
        starts.append(start(frame, source, str(k)))
        arrivals.append(some[["pick_id", "phase"]].assign(event_id=str(k)))
        picks.append(some)
        sources.append(source)
    return event_table(starts), pd.concat(arrivals), pd.concat(picks, ignore_index=True), sources


@pytest.mark.parametrize("kind", ["static", "ssst"])
def test_station_terms_take_out_delays(kind):
    stations, frame = network(n=9, elevations=(0, 0))
    given = np.random.default_rng(3).normal(0, 0.15, 9)
    delays = dict(zip(stations["station"], given, strict=True))
    tables_in = many(stations, frame, delays)
    before, _ = locator(stations, HOMOGENEOUS).locate(*tables_in[:3])
    after, arrivals = locator(stations, HOMOGENEOUS, station_terms=kind).locate(*tables_in[:3])
    assert after["rms_s"].median() < 0.5 * before["rms_s"].median()
    codes = arrivals["pick_id"].str.extract(r"XX\.(\w+)\.")[0]
    found = arrivals["correction_s"].groupby(codes).mean().reindex(stations["station"])
    assert np.corrcoef(found, given)[0, 1] > 0.85
    tables.conform(arrivals, ARRIVALS)
    tables.conform(after, EVENTS)


@pytest.mark.parametrize(("kind", "share"), [("static", "auto"), ("static", 0.0), ("ssst", "auto")])
def test_station_terms_leave_the_errors_that_origins_have_taken_up(kind, share):
    """Delays move the origins, too: small residuals after the terms do not make these right."""
    stations, frame = network(n=9, elevations=(0, 0))
    given = np.random.default_rng(3).normal(0, 0.15, 9)
    *material, sources = many(stations, frame, dict(zip(stations["station"], given, strict=True)))
    before, after = (
        locator(
            stations,
            HOMOGENEOUS,
            model_error_s="auto",
            model_error_share=share,
            station_terms=terms,
        ).locate(*material)[0]
        for terms in ("none", kind)
    )
    assert after["rms_s"].median() < 0.5 * before["rms_s"].median()
    rows = after.set_index("event_id").loc[[str(n) for n in range(len(sources))]]
    off = np.abs(
        [error(frame, row, s)[:3] for (_, row), s in zip(rows.iterrows(), sources, strict=True)]
    )
    in_95 = np.hypot(off[:, 0], off[:, 1]) < 2.45 * rows["horizontal_sigma_km"]
    assert in_95.mean() > 0.9
    assert (off[:, 2] < 2 * rows["depth_sigma_km"]).mean() > 0.9


def test_an_error_of_all_velocities_is_in_the_ellipsoid():
    stations, frame = network(n=8)
    source = (12.0, 3.0, 8.0)
    picks = picks_of(stations, frame, HOMOGENEOUS, source)
    sure, _ = located(locator(stations, HOMOGENEOUS), frame, picks, source)
    unsure, _ = located(
        locator(stations, HOMOGENEOUS, model_error_share=0.03), frame, picks, source
    )
    wrong = VelocityModel((0.0,), (5.8 * 1.03,), (3.35 * 1.03,))
    off, _ = located(locator(stations, wrong), frame, picks, source)
    moved = np.abs(error(frame, off, source))
    assert moved[2] > 3 * sure["depth_sigma_km"]
    assert moved[2] < 2 * unsure["depth_sigma_km"]


def test_a_start_far_away_does_not_matter():
    stations, frame = network(n=8)
    source = (12.0, 3.0, 8.0)
    picks = picks_of(stations, frame, LAYERED, source)
    row, _ = located(locator(stations, LAYERED), frame, picks, (150.0, -90.0, 0.0))
    assert np.abs(error(frame, row, source)).max() < 0.03


def test_a_pole_turns_the_ellipse_to_east_and_north():
    """Two rows of stations along a meridian at 85 N: the error is larger across than along."""
    stations, frame = network(85.0, 30.0, n=8)
    x, y = np.repeat([-100.0, 100.0], 4), np.tile([-60.0, -20.0, 20.0, 60.0], 2)
    latitude, longitude = frame.to_latlon(np.where(x > 0, 100.0, 98.0), y)
    stations = stations.assign(latitude=latitude, longitude=longitude)
    far = stations.iloc[:1].assign(station="FAR", latitude=84.0, longitude=-60.0)
    both = pd.concat([stations, far], ignore_index=True)
    east, north = frame.to_xy(stations["latitude"].mean(), stations["longitude"].mean())
    source = (float(east) + 5.0, float(north), 10.0)
    picks = picks_of(stations, frame, HOMOGENEOUS, source)
    alone, _ = located(locator(stations, HOMOGENEOUS), frame, picks, source)
    row, _ = located(locator(both, HOMOGENEOUS), frame, picks, source)
    for name in ("cov_ee_km2", "cov_en_km2", "cov_nn_km2", "cov_dd_km2"):
        assert row[name] == pytest.approx(alone[name], rel=0.1, abs=3e-4)
    assert row["cov_ee_km2"] > row["cov_nn_km2"]


def errors_of(stations, frame, finder, sources, noise_s, model=HOMOGENEOUS):
    """What a catalog's residuals tell of the errors of the locator's model, and its events."""
    rng = np.random.default_rng(11)
    starts, arrivals, picks = [], [], []
    for k, source in enumerate(sources):
        some = picks_of(stations, frame, model, source, noise_s=noise_s, rng=rng)
        some["pick_id"] = f"{k}/" + some["pick_id"]
        starts.append(start(frame, source, str(k)))
        arrivals.append(some[["pick_id", "phase"]].assign(event_id=str(k)))
        picks.append(some)
    return finder.locate(
        event_table(starts), pd.concat(arrivals), pd.concat(picks, ignore_index=True)
    )[0]


@pytest.mark.parametrize("wrong", [1.0, 1.04])
def test_the_errors_of_the_model_follow_from_the_residuals(wrong, caplog):
    """S velocities that are right leave small ellipsoids; those that are 4 % off do not."""
    stations, frame = network(n=12)
    rng = np.random.default_rng(6)
    sources = [(*rng.uniform(-15, 15, 2), rng.uniform(4, 14)) for _ in range(40)]
    told = VelocityModel((0.0,), (5.8,), (3.35 * wrong,))
    finder = locator(stations, told, model_error_s="auto", model_error_share="auto")
    with caplog.at_level("INFO", logger="quakeline"):
        events = errors_of(stations, frame, finder, sources, 0.03)
    (text,) = (line for line in caplog.messages if "errors of the model" in line)
    each_s, share = float(text.split()[5]), float(text.split()[10])
    assert each_s <= 0.03
    assert share <= 40 * each_s + 0.01 if wrong == 1.0 else 1.0 <= share <= 4.0
    found = np.array(
        [error(frame, row, s) for (_, row), s in zip(events.iterrows(), sources, strict=True)]
    )
    assert (np.abs(found[:, 2]) < 3 * events["depth_sigma_km"]).mean() > 0.9


def test_a_few_events_do_not_tell_of_the_model():
    stations, _ = network(n=8)
    finder = locator(stations, LAYERED, model_error_s="auto", model_error_share="auto")
    assert (finder.expected.each_s, finder.expected.share) == (0.05, 0.02)
    given = locator(stations, LAYERED, model_error_s=0.3, model_error_share=0.01).expected
    assert (given.each_s, given.share) == (0.3, 0.01)
