"""Pairs of events and picks that fit: which of them are taken."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pandas.testing import assert_frame_equal
from synthetics import SEARCH, network

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import claims
from quakeline.events.association.claims import _best, _pairs
from quakeline.events.association.network import Network
from quakeline.events.association.pick_errors import PickErrors
from quakeline.events.location import Locator


def one_by_one(pairs, alone):
    """What the rule says: the next pair is taken unless its pick, or event and slot, has one.

    `alone`: a pick may have several events.
    """
    rows, slots, taken = set(), set(), []
    for number, (event, row, slot) in enumerate(pairs.itertuples(index=False)):
        if (alone or row not in rows) and (event, slot) not in slots:
            taken.append(number)
            rows.add(row)
            slots.add((event, slot))
    return pairs.iloc[taken]


@pytest.mark.parametrize("count", [0, 1, 2, 30, 3000])
@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("alone", [False, True])
def test_pairs_are_taken_as_one_after_the_other(count, seed, alone):
    rng = np.random.default_rng(seed)
    row = rng.integers(0, max(count // 4, 1), count)
    event = rng.integers(0, max(count // 40, 2), count)
    pairs = pd.DataFrame({"event": event, "row": row, "slot": row % 9})
    assert_frame_equal(_best(pairs, alone), one_by_one(pairs, alone))


@pytest.fixture(scope="module")
def crowd():
    """Twelve events in a minute at ten stations, some with few picks: members, picks, origins."""
    stations, _ = network(n=10)
    sites = Sites.of(stations)
    rng = np.random.default_rng(5)
    count = 600
    site, is_s = rng.integers(0, 10, count), rng.random(count) < 0.5
    table = pd.DataFrame(
        {
            "pick_id": np.arange(count),
            "site": site,
            "phase": np.where(is_s, "S", "P"),
            "time_ns": np.sort(rng.integers(0, 60_000_000_000, count)),
            "sigma_s": rng.uniform(0.02, 0.3, count),
        }
    )
    model = VelocityModel((0.0, 8.0), (5.4, 6.1), (3.1, 3.5))
    search = replace(SEARCH, max_distance_km=25.0)
    net = Network(sites, search, Locator(sites, model, search.depth_km), PickErrors.expected(10))
    net.errors.delay_s[:] = rng.normal(0, 0.1, 20)
    event = np.sort(rng.integers(0, 12, 60))
    members = pd.DataFrame({"event": event, "row": rng.integers(0, count, 60)})
    spread = rng.normal(size=(12, 4, 4)) * 0.2
    places = np.column_stack([rng.uniform(-30, 30, (12, 2)), rng.uniform(1, 18, 12)])
    times_ns = rng.integers(0, 50_000_000_000, 12)
    origins = times_ns, places, spread @ spread.transpose(0, 2, 1), rng.uniform(0.6, 2.0, 12)
    return members, net.undelayed(table), origins, rng.random(12) < 0.8, net


def each_by_itself(members, picks, origins, alive, net):
    """All pairs that fit, one after the other: event, row, residual and cost."""
    times_ns, places, covariances, stretch = origins
    xy = net.sites.local[["x", "y"]].to_numpy()
    most = net.search.reach_km(xy, places[:, :2])
    for event in np.flatnonzero(alive):
        rows = members["row"][members["event"] == event]
        there = [np.hypot(*(xy[picks["site"][row]] - places[event, :2])) for row in rows]
        reach = min(1.1 * max(there, default=0.0) + 3.0, most[event])
        for row, pick in picks.iterrows():
            away = places[event, :2] - xy[pick["site"]]
            table = net.finder.times.rows_of(np.array([pick["phase"]]), np.array([pick["site"]]))
            travel, slopes = net.finder.times.sloped(
                table, away[:1], away[1:], places[event : event + 1, 2]
            )
            late_s = (int(pick["time_ns"]) - times_ns[event]) / 1e9 - travel[0]
            slopes = np.append(slopes[0], 1.0)
            own = pick["sigma_s"] ** 2 + net.errors.sigma_s[int(pick["phase"] == "S")] ** 2
            variance = stretch[event] ** 2 * own + slopes @ covariances[event] @ slopes
            near = np.hypot(*away) <= reach and abs(late_s) <= net.search.tolerance_s
            if near and late_s**2 / variance <= 4.5**2:
                yield event, row, late_s, (late_s**2 / variance + np.log(variance)) / 2


@pytest.mark.parametrize("together", [1, 50, 200_000])
def test_pairs_are_those_of_each_event_and_pick_by_themselves(crowd, together, monkeypatch):
    monkeypatch.setattr(claims, "_TOGETHER", together)
    members, picks, origins, alive, net = crowd
    pairs = _pairs(members, picks, origins, alive, net.errors, net)
    expected = sorted(each_by_itself(members, picks, origins, alive, net), key=lambda p: p[3])
    assert len(expected) > 50
    assert list(zip(pairs["event"], pairs["row"], strict=True)) == [p[:2] for p in expected]
    assert pairs["residual"].to_numpy() == pytest.approx([p[2] for p in expected], abs=2e-9)
    assert (pairs["slot"] == picks["slot"].to_numpy()[pairs["row"]]).all()
