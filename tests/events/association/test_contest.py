"""Candidates that share picks: which are made where events are, and which of them are events."""

import numpy as np
import pandas as pd
import pytest
from synthetics import ORIGIN_NS, SEARCH, network, picks_of

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import contest
from quakeline.events.association.contest import contested
from quakeline.events.association.network import Network
from quakeline.events.association.pick_errors import PickErrors
from quakeline.events.association.places import candidates
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


def test_candidates_in_portions_give_the_same_events(scene, monkeypatch):
    """Each event stands twice, with half of its picks; portions end between them, or not."""
    net, table = scene
    halves = [
        table["pick_id"][(table["event"] == n) & (table["site"] % 2 == odd)]
        for n in range(3)
        for odd in (0, 1)
    ]
    assigned = pd.DataFrame(
        {"event_idx": np.repeat(range(6), [len(s) for s in halves]), "pick_id": pd.concat(halves)}
    )
    found = events(net, 0, 0, 1, 1, 2, 2)
    whole = contested(found, assigned, table, net)
    monkeypatch.setattr(contest, "_PORTION", 1)
    assert [len(part) for part in contest._portions(found["time_ns"].to_numpy())] == [2, 2, 2]
    parts = contested(found, assigned, table, net)
    assert len(whole[0]) == len(parts[0]) == 3
    assert set(whole[1]["pick_id"]) == set(parts[1]["pick_id"])


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
    found, picks = candidates(events(net, 0), assigned, table, net, (4.0, 8.0), 0.6)
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
    found, picks = candidates(events(net, 0), assigned, known, net, (4.0, 8.0), 0.6)
    assert found.empty
    assert picks.empty
    assert len(contested(events(net, 0), assigned, known, net)[0]) == 1
