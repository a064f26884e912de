import logging

import numpy as np
import pandas as pd
import pytest
from synthetics import ORIGIN_NS, SEARCH, network, pick_table, picks_of

from quakeline.core.schemas import ARRIVALS, EVENT_IDS, EVENTS, PICKS
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import Search, associate
from quakeline.events.association.counted import CountedVotes
from quakeline.events.association.grid import Grid
from quakeline.events.association.ids import kept_ids, kept_of_all, new_ids, with_ledger
from quakeline.events.association.likelihood import Fits, evidence
from quakeline.events.association.rules import settled
from quakeline.events.association.stored import StoredVotes
from quakeline.events.location import Locator
from quakeline.io.products import tables

HOMOGENEOUS = VelocityModel((0.0,), (5.8,), (3.35,))
LAYERED = VelocityModel((-2.0, 4.0, 12.0), (4.8, 5.9, 6.6), (2.75, 3.4, 3.8))
SOURCES = {12.0: (5.0, -8.0, 6.0), 19.0: (-11.0, 9.0, 11.0)}


def search(**changes):
    return Search(**{**SEARCH.__dict__, **changes})


def noise(stations, n, rng, until_s=60.0):
    rows = [
        ("XX", rng.choice(stations["station"]), "", rng.choice(["P", "S"]), rng.uniform(0, until_s))
        for _ in range(n)
    ]
    return pick_table(rows)


def recorded(stations, frame, model, sources=None, n_noise=60):
    """Picks of the events with errors of 30 ms among picks of nothing."""
    rng = np.random.default_rng(4)
    events = [
        picks_of(stations, frame, model, source, seconds=at, noise_s=0.03, rng=rng)
        for at, source in (sources or SOURCES).items()
    ]
    picks = pd.concat([*events, noise(stations, n_noise, rng)], ignore_index=True)
    return tables.conform(picks.drop_duplicates("pick_id"), PICKS).to_pandas(), events


def associated(picks, stations, model=LAYERED, rules=SEARCH, threads=1):
    sites = Sites.of(stations)
    locator = Locator(sites, model, rules.depth_km)
    return associate(picks, sites, model, rules, threads, finder=locator)


def found_by(picks, stations, model, rules=SEARCH):
    events, arrivals = associated(picks, stations, model, rules)
    tables.conform(events, EVENTS)
    tables.conform(arrivals, ARRIVALS)
    return events, arrivals


def assert_two(events, arrivals, truth, frame, sources=None, depth_km=5.0):
    sources = sources or SOURCES
    assert len(events) == 2
    rows = zip(events.itertuples(), sources.items(), truth, strict=True)
    for event, (seconds, source), picks in rows:
        x, y = frame.to_xy(event.latitude, event.longitude)
        assert np.hypot(x - source[0], y - source[1]) < 3.0
        assert abs(event.depth_km - source[2]) < depth_km
        assert abs((event.time.value - ORIGIN_NS) / 1e9 - seconds) < 0.6
        own = arrivals[arrivals["event_id"] == event.event_id]
        hits = own["pick_id"].isin(picks["pick_id"])
        assert hits.sum() >= 0.85 * len(picks)
        assert (~hits).sum() <= 1
        assert (event.n_p, event.n_s) == tuple((own["phase"] == phase).sum() for phase in "PS")
        assert own["residual_s"].abs().max() <= SEARCH.tolerance_s
        assert event.associator == "stack"


@pytest.mark.parametrize("model", [HOMOGENEOUS, LAYERED], ids=["homogeneous", "layered"])
def test_two_events_among_noise_are_exactly_two(model):
    stations, frame = network(n=12)
    picks, truth = recorded(stations, frame, model)
    events, arrivals = found_by(picks, stations, model)
    assert_two(events, arrivals, truth, frame)
    assert arrivals["pick_id"].is_unique
    sites = arrivals["pick_id"].str.extract(r"XX\.(\w+)\.")[0]
    assert not pd.concat([arrivals[["event_id", "phase"]], sites], axis=1).duplicated().any()


@pytest.mark.parametrize(("latitude", "longitude"), [(70.0, 25.0), (-17.0, 180.0)])
def test_high_latitudes_and_the_date_line(latitude, longitude):
    stations, frame = network(latitude, longitude, n=12)
    stations["longitude"] = (stations["longitude"] + 180) % 360 - 180
    picks, truth = recorded(stations, frame, LAYERED)
    assert_two(*found_by(picks, stations, LAYERED), truth, frame)


def test_a_high_network_and_sources_above_sea_level():
    stations, frame = network(n=12, elevations=(2000, 2600))
    model = VelocityModel((-3.0, 2.0), (3.5, 5.5), (2.0, 3.1))
    sources = {12.0: (5.0, -8.0, -1.2), 22.0: (-11.0, 9.0, 3.0)}
    picks, truth = recorded(stations, frame, model, sources)
    events, arrivals = found_by(picks, stations, model, search(depth_km=(-3.0, 15.0)))
    assert_two(events, arrivals, truth, frame, sources)


def test_noise_alone_is_no_event():
    stations, _ = network(n=12)
    events, arrivals = found_by(noise(stations, 60, np.random.default_rng(1)), stations, LAYERED)
    assert (len(events), len(arrivals)) == (0, 0)


@pytest.mark.parametrize("n", [0, 1, 7])
def test_too_few_picks_are_no_event(n):
    stations, frame = network(n=12)
    picks = picks_of(stations, frame, LAYERED, SOURCES[12.0]).iloc[:n]
    events, arrivals = found_by(picks, stations, LAYERED)
    assert (len(events), len(arrivals)) == (0, 0)


def test_picks_of_stations_without_coordinates_are_reported_and_left_out(caplog):
    stations, frame = network(n=12)
    picks, truth = recorded(stations, frame, LAYERED)
    known = stations[stations["station"] != "S03"]
    with caplog.at_level(logging.WARNING, logger="quakeline"):
        _, arrivals = found_by(picks, known, LAYERED)
    lost = (picks["station"] == "S03").sum()
    assert f"{lost} picks of stations without coordinates: XX.S03" in caplog.text
    assert not arrivals["pick_id"].str.contains("S03").any()
    assert len(truth) == arrivals["event_id"].nunique()


def test_two_instruments_of_a_station_count_once():
    stations, frame = network(n=12)
    picks = picks_of(stations, frame, LAYERED, SOURCES[12.0])
    twins = picks.assign(
        pick_id="twin/" + picks["pick_id"],
        instrument="HN",
        probability=0.5,
        time=picks["time"] + pd.Timedelta(milliseconds=40),
    )
    both = tables.conform(pd.concat([picks, twins], ignore_index=True), PICKS).to_pandas()
    events, arrivals = found_by(both, stations, LAYERED)
    assert len(events) == 1
    assert len(arrivals) == len(picks)
    assert events["n_stations"].item() == 12


@pytest.mark.parametrize("late_s", [0.4, 0.9])
@pytest.mark.parametrize("codes", ["location", "network", "station"])
def test_instruments_at_one_place_never_vote_twice(codes, late_s):
    """A second sensor under any other code, whose picks are so late that they are other onsets."""
    stations, frame = network(n=12, elevations=(0, 0))
    second = {"location": "10", "network": "YY", "station": stations["station"] + "B"}[codes]
    both = pd.concat([stations, stations.assign(**{codes: second})], ignore_index=True)
    picks = picks_of(stations, frame, LAYERED, SOURCES[12.0])
    changed = {"location": "10", "network": "YY", "station": picks["station"] + "B"}[codes]
    late = picks.assign(
        pick_id="late/" + picks["pick_id"],
        probability=0.95,
        time=picks["time"] + pd.Timedelta(seconds=late_s),
        **{codes: changed},
    )
    twice = tables.conform(pd.concat([picks, late], ignore_index=True), PICKS).to_pandas()
    events, arrivals = found_by(twice, both, LAYERED)
    assert len(events) == 1
    assert events["n_stations"].item() == 12
    assert len(arrivals) == len(picks)
    assert (events["n_p"] + events["n_s"]).item() == len(picks)


def test_one_instrument_of_each_of_three_stations_is_no_event():
    """Four instruments at each of three places: twelve votes, three stations."""
    stations, frame = network(n=3, elevations=(0, 0))
    many = pd.concat(
        [stations.assign(location=code) for code in ("", "10", "20", "30")], ignore_index=True
    )
    picks = picks_of(many, frame, LAYERED, SOURCES[12.0])
    events, _ = found_by(picks, many, LAYERED)
    assert events.empty


def test_a_slice_without_picks_is_empty():
    """Twenty minutes of a block hold picks at its begin and its end only."""
    stations, frame = network(n=12)
    sources = {12.0: (5.0, -8.0, 6.0), 1150.0: (-11.0, 9.0, 11.0)}
    picks, truth = recorded(stations, frame, LAYERED, sources, n_noise=0)
    assert_two(*found_by(picks, stations, LAYERED), truth, frame, sources)
    sites = Sites.of(stations)
    grid = Grid(sites, SEARCH, Locator(sites, LAYERED, SEARCH.depth_km))
    none = pd.DataFrame({"site": [], "phase": [], "time": []}).astype({"site": int, "time": float})
    found, assigned = grid.associate(none, 0.0, 1200.0)
    assert (len(found), len(assigned)) == (0, 0)


def test_networks_with_one_phase_are_asked_for_what_they_have():
    from quakeline.events.association import suggested

    stations, frame = network(n=14)
    sites = Sites.of(stations)
    for phase in "PS":
        parts = [
            picks_of(stations, frame, LAYERED, source, seconds=at, phases=phase)
            for at, source in SOURCES.items()
        ]
        picks = pd.concat(parts, ignore_index=True)
        rules, _ = suggested({}, sites, LAYERED, picks)
        assert (rules.min_p_picks, rules.min_s_picks) == (2 if phase == "P" else 0, 0)
        events, arrivals = found_by(picks, stations, LAYERED, rules)
        assert len(events) == 2
        assert len(arrivals) == len(picks)


def pair(event, site, phase, residual, pick=None, probability=0.9):
    return {
        "event_idx": event,
        "place": site,
        "phase": phase,
        "residual": residual,
        "pick_id": pick or f"{event}/{site}/{phase}",
        "probability": probability,
    }


def test_a_pick_belongs_to_one_event_and_events_keep_what_they_need():
    rules = search(min_picks=3, min_p_picks=2, min_s_picks=1, min_p_and_s=1)
    assigned = [
        pair(0, 1, "P", 0.01, "shared"),
        pair(0, 1, "S", 0.0),
        pair(0, 2, "P", 0.0),
        pair(1, 1, "P", -0.3, "shared"),
        pair(1, 1, "S", 0.0),
        pair(1, 3, "P", 0.0),
    ]
    found = pd.DataFrame({"idx": [0, 1], "time": [0.0, 1.0]})
    events, kept = settled(found, pd.DataFrame(assigned), rules)
    assert events["idx"].tolist() == [0]
    assert sorted(kept["pick_id"]) == ["0/1/S", "0/2/P", "shared"]
    assigned.append(pair(1, 4, "P", 0.2))
    assigned.append(pair(1, 4, "S", 0.2))
    events, kept = settled(found, pd.DataFrame(assigned), rules)
    assert events["idx"].tolist() == [0, 1]
    assert kept["pick_id"].is_unique
    assert (kept["event_idx"] == 1).sum() == 4


def test_ids_come_from_the_origin_time_and_twins_get_letters():
    times = np.array([0, 9_999_999_999, 10_000_000_000, 19_000_000_000]) + ORIGIN_NS
    assert new_ids(times) == [
        "ql20200501T000000",
        "ql20200501T000000b",
        "ql20200501T000010",
        "ql20200501T000010b",
    ]
    many = new_ids(np.full(40, ORIGIN_NS), taken={"ql20200501T000000c"})
    assert len(set(many)) == 40
    assert "ql20200501T000000c" not in many


def test_results_do_not_depend_on_order_threads_or_what_lies_far_away():
    stations, frame = network(n=12)
    edge = {1197.2: (5.0, -8.0, 6.0), 1200.2: (-25.0, 20.0, 8.0), 1211.0: (-11.0, 9.0, 11.0)}
    picks, _ = recorded(stations, frame, LAYERED, edge, n_noise=0)
    rng = np.random.default_rng(8)
    false = noise(stations, 500, rng, until_s=2600.0)
    picks = pd.concat([picks, false], ignore_index=True).drop_duplicates("pick_id")
    events, arrivals = found_by(picks, stations, LAYERED)
    assert len(events) == 3
    assert arrivals["pick_id"].is_unique
    shuffled = picks.sample(frac=1, random_state=3)
    again = associated(shuffled, stations, threads=3)
    pd.testing.assert_frame_equal(events, again[0])
    pd.testing.assert_frame_equal(arrivals, again[1])
    # Data that are added before and after fall into other blocks.
    far = noise(stations, 300, rng, until_s=2000.0)
    later, earlier = (
        far.assign(time=far["time"] + shift, pick_id=f"{shift.total_seconds()}/" + far["pick_id"])
        for shift in (pd.Timedelta(seconds=3700), pd.Timedelta(seconds=-3300))
    )
    longer = pd.concat([earlier, picks, later], ignore_index=True)
    extended = associated(longer, stations, threads=2)
    # What the set tells of its picks' errors changes a little, and nothing else.
    assert extended[0]["event_id"].tolist() == events["event_id"].tolist()
    assert (extended[0]["time"] - events["time"]).abs().max() < pd.Timedelta(milliseconds=20)
    assert len(set(extended[1]["pick_id"]) ^ set(arrivals["pick_id"])) <= 1


def test_added_picks_do_not_change_ids():
    stations, frame = network(n=12)
    picks, truth = recorded(stations, frame, LAYERED)
    lost = {some.iloc[3]["pick_id"] for some in truth}
    before, _ = found_by(picks[~picks["pick_id"].isin(lost)], stations, LAYERED)
    after, _ = found_by(picks, stations, LAYERED)
    assert before["time"].tolist() != after["time"].tolist()
    assert before["event_id"].tolist() == after["event_id"].tolist()


def test_events_of_an_earlier_catalog_keep_their_ids():
    stations, frame = network(n=12)
    picks, _ = recorded(stations, frame, LAYERED)
    events, arrivals = found_by(picks, stations, LAYERED)
    old = dict(zip(events["event_id"], ["x1", "x2"], strict=True))
    known = events.assign(event_id=["x1", "x2"], time=events["time"] + pd.Timedelta(seconds=1))
    known_arrivals = arrivals.assign(event_id=arrivals["event_id"].map(old))
    assert kept_ids(events, arrivals, known, known_arrivals) == old
    # Other pick ids, as of another picker: then time and place decide.
    renamed = known_arrivals.assign(pick_id="y" + known_arrivals["pick_id"])
    assert kept_ids(events, arrivals, known, renamed) == old
    far = known.assign(latitude=known["latitude"] + 1)
    assert kept_ids(events, arrivals, far, renamed) == {}


def test_a_ledger_remembers_events_that_are_lost_for_a_while():
    stations, frame = network(n=12)
    picks, _ = recorded(stations, frame, LAYERED)
    events, arrivals = found_by(picks, stations, LAYERED)
    first, second = events["event_id"]
    ledger = with_ledger(tables.empty(EVENT_IDS), events, arrivals)
    assert len(ledger) == len(arrivals)
    only = events["event_id"] == second
    later = with_ledger(ledger, events[only], arrivals[arrivals["event_id"] == second])
    pd.testing.assert_frame_equal(later, ledger)
    # Provisional ids, as `associate` gives them where those of the ledger are taken.
    again = {first: "new1", second: "new2"}
    renamed = (frame.assign(event_id=frame["event_id"].map(again)) for frame in (events, arrivals))
    known = ledger.drop_duplicates("event_id"), ledger
    back = {"new1": first, "new2": second}
    found, grouped = renamed
    assert kept_of_all(found, grouped, [known]) == back
    # A catalog that the person names goes before the ledger, and no id is given twice.
    named = tuple(
        frame[frame["event_id"] == first].assign(event_id=second) for frame in (events, arrivals)
    )
    assert kept_of_all(found, grouped, [named, known]) == {"new1": second}
    assert kept_of_all(found, grouped, []) == {}


def test_settings_follow_from_the_network():
    from quakeline.events.association import suggested

    chosen = {}
    for name, radius, n in (("dense", 3.0, 60), ("local", 30.0, 12), ("regional", 400.0, 80)):
        stations, _ = network(n=n, radius_km=radius)
        rules, lines = suggested(
            {}, Sites.of(stations), LAYERED, noise(stations, 200, np.random.default_rng(0))
        )
        chosen[name] = rules
        assert any(line.startswith("tolerance_s") for line in lines)
    assert [r.margin_km for r in chosen.values()] == sorted(r.margin_km for r in chosen.values())
    tolerances = [rules.tolerance_s for rules in chosen.values()]
    assert tolerances == sorted(tolerances)
    assert chosen["dense"].node_km < chosen["regional"].node_km
    assert 600 <= chosen["regional"].max_distance_km < 2000
    assert chosen["local"].max_distance_km == np.inf
    assert chosen["local"].depth_km[0] < 0
    given = {"margin_km": 7.0, "min_picks": 9}
    rules, lines = suggested(given, Sites.of(network(n=12)[0]), LAYERED, tables.empty(PICKS))
    assert (rules.margin_km, rules.min_picks) == (7.0, 9)
    assert not any(line.startswith("margin_km") for line in lines)


@pytest.mark.parametrize(("radius", "n"), [(4.0, 25), (30.0, 12)])
def test_suggested_settings_find_the_events(radius, n):
    from quakeline.events.association import suggested

    stations, frame = network(n=n, radius_km=radius)
    sources = {12.0: (radius / 6, -radius / 4, 6.0), 22.0: (-radius / 3, radius / 3, 9.0)}
    picks, truth = recorded(stations, frame, LAYERED, sources, n_noise=20)
    rules, _ = suggested(
        {}, Sites.of(stations), LAYERED, noise(stations, 200, np.random.default_rng(0))
    )
    events, _ = found_by(picks, stations, LAYERED, rules)
    assert_two(*found_by(picks, stations, LAYERED, rules), truth, frame, sources)
    assert len(events) == 2


def crowd(stations, frame, n=12):
    """Events one after the other within the time that waves need to cross the network."""
    rng = np.random.default_rng(2)
    sources = {
        10 + 2.5 * k: (*rng.uniform(-25, 25, 2).tolist(), float(rng.uniform(4, 14)))
        for k in range(n)
    }
    return recorded(stations, frame, LAYERED, sources, n_noise=200)


def test_events_in_crowded_picks_are_all_found_and_no_others():
    stations, frame = network(n=16)
    picks, truth = crowd(stations, frame)
    sites = Sites.of(stations)
    locator = Locator(sites, LAYERED, SEARCH.depth_km)
    events, arrivals = associate(picks, sites, LAYERED, SEARCH, finder=locator)
    assert len(events) == len(truth)
    own = dict(zip(arrivals["pick_id"], arrivals["event_id"], strict=True))
    for event, theirs in zip(events["event_id"], truth, strict=True):
        assert theirs["pick_id"].map(own).eq(event).mean() > 0.8
    again = associate(
        picks.sample(frac=1, random_state=1), sites, LAYERED, SEARCH, threads=2, finder=locator
    )
    pd.testing.assert_frame_equal(events, again[0])


def test_far_stations_count_in_the_last_search_alone():
    inside, whole = SEARCH.steps()
    assert whole == SEARCH
    assert inside.margin_km == SEARCH.margin_km / 4
    wide = search(max_distance_km=600.0)
    steps = wide.steps()
    assert steps[-1] == wide
    assert [step.max_distance_km for step in steps] == [300, 300, 600]
    assert [step.margin_km for step in steps[1:]] == [SEARCH.margin_km] * 2


def test_grids_of_one_place_share_travel_times_and_nothing_that_differs():
    stations, _ = network(n=16)
    sites = Sites.of(stations)
    locator = Locator(sites, LAYERED, SEARCH.depth_km)
    near, far = search(max_distance_km=20.0), search(max_distance_km=60.0)
    first = Grid(sites, near, locator)
    second, alone = Grid(sites, far, locator, [first]), Grid(sites, far, locator)
    assert second._reach.travel is first._reach.travel
    for name in ("travel", "within", "near", "ends"):
        assert (getattr(second._reach, name) == getattr(alone._reach, name)).all()


def test_a_stack_does_not_count_stations_that_are_too_far():
    stations, frame = network(n=16)
    picks, _ = recorded(stations, frame, LAYERED, {12.0: SOURCES[12.0]}, n_noise=0)
    sites = Sites.of(stations)
    locator = Locator(sites, LAYERED, SEARCH.depth_km)
    table = pd.DataFrame(
        {
            "site": sites.find(picks),
            "phase": picks["phase"],
            "time": (picks["time"].astype("int64") - ORIGIN_NS) / 1e9,
        }
    )
    found, assigned = Grid(sites, SEARCH, locator).associate(table, 0.0, 60.0)
    assert len(found) == 1
    assert len(assigned) >= 28
    assert abs(found["time"].item() - 12.0) < 0.5
    assert np.hypot(found["x"] - 5, found["y"] + 8).item() < 3
    near = search(max_distance_km=20.0)
    found, assigned = Grid(sites, near, locator).associate(table, 0.0, 60.0)
    local = sites.local.iloc[assigned["site"]]
    assert len(found) == 1
    assert 8 <= len(assigned) < 28
    assert np.hypot(local["x"] - found["x"].item(), local["y"] - found["y"].item()).max() <= 20


def odds(n, residual_s=0.05, false=0, possible=20):
    """Evidence of an event with picks at n sites among false picks at each of them."""
    group = np.repeat(np.arange(n), false + 1)
    times = np.tile(np.r_[0.0, np.linspace(-59, 59, false)], n)
    order = np.argsort(times, kind="stable")
    rows = np.flatnonzero((np.tile(np.arange(false + 1), n) == 0)[order])
    fits = Fits(np.zeros(n, int), rows, np.full(n, residual_s), np.full(n, 0.1))
    ns = np.round(times[order] * 1e9).astype(np.int64)
    covariance = np.diag([1.0, 1.0, 4.0, 0.04])[None]
    return evidence(fits, group[order], ns, np.array([possible]), covariance, 1e5).item()


def test_the_odds_of_an_event_follow_from_its_picks_and_those_of_chance():
    assert odds(12) > odds(8) > odds(6)
    assert odds(12) > odds(12, residual_s=0.25)
    assert odds(12) > odds(12, false=10) > odds(12, false=30)
    assert odds(12) > odds(12, possible=40)
    assert odds(12) > np.log(100) > odds(6, false=40, possible=60)
    # One pick that surely is an event's, at its time to 0.1 s, in 120 s without others.
    certain = np.log(0.05 + 0.95 / np.sqrt(2 * np.pi) / 0.1 / (1 / 120))
    place = np.log(np.sqrt(np.linalg.det(2 * np.pi * np.diag([1.0, 1.0, 4.0, 0.04]))) / 1e5 / 120)
    assert odds(1, residual_s=0.0, possible=1) == pytest.approx(certain + place)


@pytest.mark.parametrize("form", [CountedVotes, StoredVotes])
@pytest.mark.parametrize("n", [200, 256, 400])
def test_votes_of_very_many_sites_are_all_counted(n, form, monkeypatch):
    """A ring of sites, one arrival at all of them: more votes in a bin than a byte holds."""
    stations, frame = network(n=12)
    angle = np.linspace(0, 2 * np.pi, n, endpoint=False)
    latitude, longitude = frame.to_latlon(3 * np.cos(angle), 3 * np.sin(angle))
    ring = pd.concat([stations.iloc[[0]]] * n, ignore_index=True).assign(
        station=[f"S{k:03d}" for k in range(n)],
        latitude=latitude,
        longitude=longitude,
        elevation_m=0.0,
    )
    picks = picks_of(ring, frame, LAYERED, (0.0, 0.0, 8.0), seconds=100.0, phases="P")
    counted = []

    class Seen(form):
        def score(self, every, near):
            counted.append(int(every.max()))
            return super().score(every, near)

    monkeypatch.setattr("quakeline.events.association.grid.form", lambda _: Seen)
    _, arrivals = associated(picks, ring, rules=search(min_s_picks=0, min_p_and_s=0))
    assert len(arrivals) == n
    assert max(counted) == n
