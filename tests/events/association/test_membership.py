"""Which picks belong to which located events."""

import numpy as np
import pandas as pd
import pytest
from synthetics import ORIGIN_NS, SEARCH, network, picks_of

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association.membership import _parts, refined, repeated
from quakeline.events.association.network import Network
from quakeline.events.association.pick_errors import PickErrors
from quakeline.events.association.state import State
from quakeline.events.location import Locator

MODEL = VelocityModel((0.0,), (5.8,), (3.35,))
SOURCES = {0: (0.0, (5.0, -8.0, 6.0)), 1: (4.0, (-11.0, 9.0, 11.0))}


@pytest.fixture(scope="module")
def scene():
    """Two events four seconds apart at ten stations: the network, its picks and their events."""
    stations, frame = network(n=10)
    sites = Sites.of(stations)
    rng = np.random.default_rng(3)
    parts = []
    for event, (seconds, source) in SOURCES.items():
        own = picks_of(stations, frame, MODEL, source, seconds=seconds, noise_s=0.03, rng=rng)
        parts.append(own.assign(event=event))
    rows = pd.concat(parts, ignore_index=True)
    rows["site"] = sites.find(rows)
    rows["time_ns"] = rows["time"].astype("int64")
    rows["sigma_s"] = 0.03
    table = rows.sort_values("time_ns", ignore_index=True)
    locator = Locator(sites, MODEL, SEARCH.depth_km)
    return Network(sites, SEARCH, locator, PickErrors.expected(len(sites.local))), table


def members(table, changes=()):
    """The true events of the picks as an associator's assignment, but for some rows."""
    event = table["event"].to_numpy().copy()
    for row, other in changes:
        event[row] = other
    named = table.assign(event_idx=event)[["event_idx", "pick_id"]]
    found = pd.DataFrame({"idx": np.unique(event[event >= 0])})
    # As an associator's: a few km and tenths of a second off; further events begin like the first.
    seconds, places = zip(*(SOURCES.get(n, SOURCES[0]) for n in found["idx"]), strict=True)
    found["time_ns"] = ORIGIN_NS + np.round((np.array(seconds) + 0.3) * 1e9).astype(np.int64)
    found[["x", "y", "z"]] = np.array(places) + np.array((2.0, -2.0, 3.0))
    return found, named[named["event_idx"] >= 0]


def owners(result, table):
    """The event of each pick of the scene by the origin nearest in time; -1 for none."""
    found, assigned = result
    number = {
        idx: round((time - ORIGIN_NS) / 4e9)
        for idx, time in zip(found["idx"], found["time_ns"], strict=True)
    }
    own = dict(zip(assigned["pick_id"], assigned["event_idx"].map(number), strict=True))
    return table["pick_id"].map(own).fillna(-1).astype(int)


def test_picks_of_the_other_event_and_of_none_find_their_own(scene):
    net, table = scene
    lost = [(2, -1), (9, -1)]
    swapped = [(row, 1 - table["event"][row]) for row in (5, 12, 20)]
    result, _ = refined(*members(table, lost + swapped), table, net)
    assert (owners(result, table) == table["event"]).all()
    found, assigned = result
    assert assigned["residual"].abs().max() < 0.15
    assert found["time_ns"].tolist() == sorted(found["time_ns"])


def test_a_pick_that_fits_no_event_is_left_out(scene):
    net, table = scene
    late = table.copy()
    late.loc[7, "time_ns"] += round(1.2 * SEARCH.tolerance_s * 1e9)
    result, _ = refined(*members(late), late.sort_values("time_ns", ignore_index=True), net)
    assert len(result[1]) == len(table) - 1
    assert late["pick_id"][7] not in set(result[1]["pick_id"])


def test_an_event_that_is_another_one_again_goes(scene):
    net, table = scene
    own = np.flatnonzero(table["event"] == 0)
    result, _ = refined(*members(table, [(row, 2) for row in own[::2]]), table, net)
    assert len(result[0]) == 2
    assert (owners(result, table) == table["event"]).all()


def test_an_event_needs_what_the_rules_ask_for(scene):
    net, table = scene
    own = np.flatnonzero(table["event"] == 1)
    few = table.drop(index=own[7:]).reset_index(drop=True)
    (found, assigned), _ = refined(*members(few), few, net)
    assert len(found) == 1
    assert set(assigned["pick_id"]) == set(few["pick_id"][few["event"] == 0])


def test_halves_of_a_large_event_are_one(scene):
    """An associator gave the near stations to one event, the far ones to another, 1.5 s apart."""
    net, table = scene
    own = table[table["event"] == 0].reset_index(drop=True)
    event = (own["site"] % 2).to_numpy()
    named = own.assign(event_idx=event)[["event_idx", "pick_id"]]
    found = pd.DataFrame({"idx": [0, 1], "time_ns": ORIGIN_NS + np.array([0, 1_500_000_000])})
    found[["x", "y", "z"]] = [[2.0, -5.0, 9.0], [9.0, -12.0, 3.0]]
    (events, assigned), _ = refined(found, named, own, net)
    assert len(events) == 1
    assert set(assigned["pick_id"]) == set(own["pick_id"])
    _, frame = network(n=10)
    x, y = net.sites.frame.to_xy(*frame.to_latlon(5.0, -8.0))
    assert np.hypot(events["x"].item() - x, events["y"].item() - y) < 0.5


@pytest.mark.parametrize("apart_s", [0.3, 1.2, 2.6])
def test_parts_with_their_own_origins_are_joined_by_their_odds(scene, apart_s):
    """Halves whose delays move their origins apart, beyond the least time between events or not."""
    net, table = scene
    own = table[table["event"] == 0].reset_index(drop=True)
    event = (own["site"] % 2).to_numpy()
    members = pd.DataFrame({"event": event, "row": np.arange(len(own)), "residual": 0.0})
    members = members.sort_values(["event", "row"], ignore_index=True)
    picks = net.undelayed(own)
    times = ORIGIN_NS + np.array([0, round(apart_s * 1e9)])
    places = np.array([[4.0, -8.0, 6.0], [6.0, -8.0, 6.0]])
    origins = times, places, np.array([np.diag([0.01, 0.01, 0.04, 0.0004])] * 2), np.ones(2)
    state = State(members, (times, places[None]), np.array(["stack"] * 2), origins)
    assert _parts(state, picks, net).tolist() == [[0, 1]]


def test_two_events_side_by_side_are_not_joined(scene):
    """Two events 2.5 s and 4 km apart, recorded everywhere, stay two."""
    net, _ = scene
    stations, frame = network(n=10)
    rng = np.random.default_rng(5)
    sources = {0: (0.0, (5.0, -8.0, 6.0)), 1: (2.5, (8.0, -6.0, 7.0))}
    rows = pd.concat(
        [
            picks_of(stations, frame, MODEL, source, seconds=at, noise_s=0.03, rng=rng).assign(
                event=number
            )
            for number, (at, source) in sources.items()
        ],
        ignore_index=True,
    )
    rows["site"] = net.sites.find(rows)
    rows["time_ns"] = rows["time"].astype("int64")
    rows["sigma_s"] = 0.03
    rows = rows.sort_values("time_ns", ignore_index=True)
    named = rows.assign(event_idx=rows["event"])[["event_idx", "pick_id"]]
    found = pd.DataFrame({"idx": [0, 1], "time_ns": ORIGIN_NS + np.array([0, 2_500_000_000])})
    found[["x", "y", "z"]] = [source for _, source in sources.values()]
    (events, assigned), _ = refined(found, named, rows, net)
    assert len(events) == 2
    owner = dict(zip(assigned["pick_id"], assigned["event_idx"], strict=True))
    assert (rows["pick_id"].map(owner) == rows["event"]).mean() > 0.95


def test_origins_agree_within_both_uncertainties():
    times = np.array([0, 100_000_000, 100_000_000])
    places = np.array([[0.0, 0.0, 5.0], [0.5, 0.0, 5.0], [0.5, 0.0, 5.0]])
    wide = np.diag([0.25, 0.25, 1.0, 0.01])
    sizes = np.array([9, 12, 5])

    def found(scale):
        return repeated((times, places, np.array([wide * scale] * 3), np.ones(3)), sizes).tolist()

    assert found(1.0) == [True, False, True]
    assert found(0.01) == [False, False, True]


def test_delays_of_stations_are_learnt_from_events_and_do_not_jump(scene):
    """Sites that are late by 0.2 s: fourteen events leave small residuals.

    One pick less changes no delay by more than a few hundredths of a second.
    """
    net, _ = scene
    stations, frame = network(n=10)
    rng = np.random.default_rng(2)
    late_s = dict(zip(stations["station"], rng.normal(0, 0.2, len(stations)), strict=True))
    sources = np.column_stack([rng.uniform(-15, 15, (14, 2)), rng.uniform(3, 12, 14)])
    rows = pd.concat(
        [
            picks_of(stations, frame, MODEL, tuple(source), seconds=20.0 * n, noise_s=0.03, rng=rng)
            .assign(event_idx=n)
            for n, source in enumerate(sources)
        ],
        ignore_index=True,
    )  # fmt: skip
    rows["site"] = net.sites.find(rows)
    own_ns = (rows["station"].map(late_s) * 1e9).round().astype("int64")
    rows["time_ns"] = rows["time"].astype("int64") + own_ns
    rows["sigma_s"] = 0.03
    rows = rows.sort_values("time_ns", ignore_index=True)
    found = pd.DataFrame({"idx": range(14), "time_ns": ORIGIN_NS + np.arange(14) * 20_000_000_000})
    found[["x", "y", "z"]] = sources
    (_, assigned), errors = refined(found, rows[["event_idx", "pick_id"]], rows, net)
    assert len(assigned) == len(rows)
    # 14 of 18 parts of a delay are taken off.
    assert np.sqrt(np.mean(assigned["residual"] ** 2)) < 0.08
    less = rows.drop(rows.index[40]).reset_index(drop=True)
    _, other = refined(found, less[["event_idx", "pick_id"]], less, net)
    assert np.abs(other.delay_s - errors.delay_s).max() < 0.03
