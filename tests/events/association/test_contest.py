"""Candidates that share picks: which are made where events are, and which of them are events."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from synthetics import ORIGIN_NS, SEARCH, network, picks_of

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import contest, revision
from quakeline.events.association.associate import associate
from quakeline.events.association.contest import contested
from quakeline.events.association.network import Network
from quakeline.events.association.pick_errors import PickErrors
from quakeline.events.association.places import Places, candidates
from quakeline.events.association.revision import revised
from quakeline.events.location import Locator

MODEL = VelocityModel((0.0,), (5.8,), (3.35,))
#: Seconds and place; the last is at the place of the first.
SOURCES = ((0.0, (5.0, -8.0, 6.0)), (4.0, (-11.0, 9.0, 11.0)), (40.0, (5.0, -8.0, 6.0)))


@pytest.fixture(scope="module")
def scene():
    """Three events at ten stations: the network, its picks and their events."""
    stations, frame = network(n=10)
    sites = Sites.of(stations)
    rng = np.random.default_rng(3)
    parts = [
        picks_of(stations, frame, MODEL, source, seconds=at, noise_s=0.03, rng=rng).assign(event=n)
        for n, (at, source) in enumerate(SOURCES)
    ]
    rows = pd.concat(parts, ignore_index=True)
    rows["site"] = sites.find(rows)
    rows["time_ns"] = rows["time"].astype("int64")
    rows["sigma_s"] = 0.03
    locator = Locator(sites, MODEL, SEARCH.depth_km)
    net = Network(sites, SEARCH, locator, PickErrors.expected(len(sites.local)))
    return net, rows.sort_values("time_ns", ignore_index=True)


def events(net, *numbers):
    """Events as they are, under the numbers of a list."""
    _, frame = network(n=10)
    times = [ORIGIN_NS + round(SOURCES[n][0] * 1e9) for n in numbers]
    found = pd.DataFrame({"idx": np.arange(len(numbers)), "time_ns": times, "located": True})
    places = np.array([SOURCES[n][1] for n in numbers])
    found["x"], found["y"] = net.sites.frame.to_xy(*frame.to_latlon(*places[:, :2].T))
    found["z"] = places[:, 2]
    return found.assign(associator="stack")


def places(net):
    return Places.of(events(net, 0), net, (4.0, 8.0))


def test_events_are_those_of_the_best_odds_not_the_first_ones(scene):
    """A candidate has the near picks of two events: theirs are the better odds, and all picks."""
    net, table = scene
    table = table[table["event"] < 2].reset_index(drop=True)
    own = table["pick_id"]
    mixed = own[table["site"] < 6]
    sets = [mixed, own[table["event"] == 0], own[table["event"] == 1]]
    assigned = pd.DataFrame(
        {"event_idx": np.repeat([0, 1, 2], [len(s) for s in sets]), "pick_id": pd.concat(sets)}
    )
    found = events(net, 0, 0, 1)
    found.loc[0, ["time_ns", "x", "y"]] = ORIGIN_NS + 2_000_000_000, -3.0, 0.5
    made, picks = contested(found, assigned, table, net)
    assert len(made) == 2
    assert picks["pick_id"].is_unique
    owners = picks.merge(table[["pick_id", "event"]].rename(columns={"event": "true"}))
    assert owners.groupby("event_idx")["true"].nunique().tolist() == [1, 1]
    assert len(picks) > 0.9 * len(table)


def test_an_event_alone_stays_as_it_is(scene):
    net, table = scene
    own = table[table["event"] == 2]
    assigned = pd.DataFrame({"event_idx": 0, "pick_id": own["pick_id"]})
    made, picks = contested(events(net, 2), assigned, table, net)
    assert len(made) == 1
    assert set(picks["pick_id"]) == set(own["pick_id"])
    assert abs(made["time_ns"].item() - ORIGIN_NS - 40e9) < 0.1e9


def test_portions_of_time_give_the_same_events(scene, monkeypatch):
    """The first event has few picks of its own; portions end between events or within one."""
    net, table = scene
    own = table[(table["event"] > 0) | (table["site"] % 2 == 0)]
    assigned = own[["event", "pick_id"]].rename(columns={"event": "event_idx"})
    found = events(net, 0, 1, 2)
    whole = revised(found, assigned, table, net, (4.0, 8.0), 0.6, 12.0)
    monkeypatch.setattr(revision, "_PORTION", 4)
    portions = revision._portions(table["time_ns"].to_numpy())
    assert len(portions) > 2
    assert all(end == start for (_, end), (start, _) in pairwise(portions))
    asked = []

    def recorded(*given):
        made = contested(*given)
        asked.append((set(given[4]), set(made[1]["pick_id"]) if len(made[0]) else set()))
        return made

    monkeypatch.setattr(revision, "contested", recorded)
    parts = revised(found, assigned, table, net, (4.0, 8.0), 0.6, 12.0)
    # All portions are near each other here: no later one may have what any earlier one has.
    for number, (gone, _) in enumerate(asked):
        assert gone == set().union(*(made for _, made in asked[:number]))
    assert len(whole[0]) == len(parts[0]) == 3
    assert parts[1]["pick_id"].is_unique
    assert set(whole[1]["pick_id"]) == set(parts[1]["pick_id"])


@pytest.mark.parametrize("least", [3.0, 0.0, -8.0])
def test_lower_odds_are_enough_where_the_search_asks_for_less(scene, monkeypatch, least):
    net, table = scene
    own = table[table["event"] == 2].reset_index(drop=True)
    net = replace(net, search=replace(net.search, min_log_odds=least))
    assigned = pd.DataFrame({"event_idx": 0, "pick_id": own["pick_id"]})
    monkeypatch.setattr(contest, "log_odds", lambda *_: np.array([-5.0]))
    assert len(contested(events(net, 2), assigned, own, net)[0]) == (least < -5)


def test_events_stay_where_none_has_odds_that_are_good_enough(scene, monkeypatch):
    """Nothing is left to be revised: `associate` goes on with what the search gave."""
    net, table = scene
    stations, _ = network(n=10)
    picks = table.assign(time=pd.to_datetime(table["time_ns"], unit="ns", utc=True))
    monkeypatch.setattr(
        contest, "log_odds", lambda members, picks, origins, *_: -np.ones(len(origins[0]))
    )
    made, _ = associate(picks, Sites.of(stations), MODEL, net.search, finder=net.finder)
    assert len(made) == 3


def test_what_the_odds_speak_against_is_no_event(scene):
    """Six picks of nothing, whose times fit no origin."""
    net, table = scene
    rng = np.random.default_rng(1)
    false = table[table["event"] == 2].iloc[:6].copy()
    false["time_ns"] += np.round(rng.uniform(-5, 5, 6) * 1e9).astype(np.int64)
    false = false.sort_values("time_ns", ignore_index=True)
    assigned = pd.DataFrame({"event_idx": 0, "pick_id": false["pick_id"]})
    assert contested(events(net, 2), assigned, false, net)[0].empty


def test_an_event_that_was_missed_is_a_candidate_at_the_place_of_another(scene):
    net, table = scene
    known = table[table["event"] == 0]
    assigned = pd.DataFrame({"event_idx": 0, "pick_id": known["pick_id"]})
    found, picks = candidates(assigned, table, net, places(net), 0.6)
    missed = set(table["pick_id"][table["event"] == 2])
    sets = picks.groupby("event_idx")["pick_id"].agg(set)
    assert any(len(some & missed) > 0.9 * len(missed) for some in sets)
    # The known event itself is none, and each candidate brings something that no event has.
    own = set(known["pick_id"])
    assert all(some - own for some in sets)
    assert len(found) == len(sets)
    assert np.allclose(found[["x", "y", "z"]], events(net, 0)[["x", "y", "z"]])


def test_without_further_picks_there_are_no_candidates(scene):
    net, table = scene
    known = table[table["event"] == 0].reset_index(drop=True)
    assigned = pd.DataFrame({"event_idx": 0, "pick_id": known["pick_id"]})
    found, picks = candidates(assigned, known, net, places(net), 0.6)
    assert found.empty
    assert picks.empty
    assert len(contested(events(net, 0), assigned, known, net)[0]) == 1


def test_candidates_grow_with_the_picks_not_with_their_square():
    """Events everywhere, many at once: a few candidates for each, however many there are."""
    stations, _ = network(n=30)
    sites = Sites.of(stations)
    net = Network(
        sites,
        replace(SEARCH, min_picks=6),
        Locator(sites, MODEL, SEARCH.depth_km),
        PickErrors.expected(len(sites.local)),
    )
    counts = []
    for n in (25, 100):
        found, assigned, table = dense(sites, n)
        made, _ = candidates(assigned, table, net, Places.of(found, net, (2.0, 4.0)), 0.5)
        counts.append(len(made))
    assert counts[0] > 25
    assert counts[1] < 6 * counts[0]


def dense(sites, n):
    """Events 10 s apart at random places, all with their own picks and with some of none."""
    rng = np.random.default_rng(4)
    local = sites.local[["x", "y"]].to_numpy()
    xyz = rng.uniform((-20, -20, 2), (20, 20, 15), (n, 3))
    event, site = (grid.ravel() for grid in np.indices((n, len(local))))
    distance = np.linalg.norm(np.c_[local[site], np.zeros(len(site))] - xyz[event], axis=1)
    parts = [
        pd.DataFrame({"event": event, "site": site, "phase": phase, "s": 10 * event + distance / v})
        for phase, v in (("P", 5.8), ("S", 3.35))
    ]
    stray = parts[0].assign(event=-1, s=rng.uniform(0, 10 * n, len(site)))
    table = pd.concat([*parts, stray]).sort_values("s", ignore_index=True)
    table["time_ns"] = ORIGIN_NS + np.round(table["s"] * 1e9).astype(np.int64)
    table = table.assign(pick_id=np.arange(len(table)), sigma_s=0.05)
    own = table[table["event"] >= 0]
    found = pd.DataFrame(xyz, columns=["x", "y", "z"]).assign(idx=np.arange(n))
    assigned = own[["event", "pick_id"]].rename(columns={"event": "event_idx"})
    return found, assigned, table
