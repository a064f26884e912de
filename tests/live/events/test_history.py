"""Delays of stations that are learnt from final events are those of an archive of the same ones.

Those of an archive hold velocities that are wrong as a whole, which differ from event to event: a
station's delay is their median.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from live_events import part_of

from quakeline.events.chain.locate import locator_of
from quakeline.events.chain.sections import Sections
from quakeline.events.chain.whole import made
from quakeline.live.events import history as events_history
from quakeline.live.events.history import History, learnt
from quakeline.live.events.updates import FINAL, PRELIMINARY, REVIEWED, WITHDRAWN, Update


@pytest.fixture(scope="module")
def catalog(shared):
    folder = shared / "data/picks/ridgecrest2019_pal_foreshocks"
    material = part_of(folder, "2019-07-04T18:00Z", 700.0)
    return material, made(material, Sections()).catalog


def history_of(catalog) -> History:
    history = History()
    for event in catalog.events.to_dict("records"):
        own = catalog.arrivals[catalog.arrivals["event_id"] == event["event_id"]]
        for status in (PRELIMINARY, FINAL):
            history.add([Update(1, status, event, own, 0, 0.0)], catalog.picks)
    return history


def part(found, ids):
    events = found.events[found.events["event_id"].isin(ids)]
    arrivals = found.arrivals[found.arrivals["event_id"].isin(ids)]
    return events, arrivals, found.picks[found.picks["pick_id"].isin(arrivals["pick_id"])]


@pytest.mark.parametrize("again", [0, 3])
def test_delays_of_past_and_window_are_those_of_the_archive(catalog, again):
    """Some events of the past may be in the window as well."""
    material, found = catalog
    assert len(found.events) >= 10
    ids = found.events["event_id"].tolist()
    half = len(ids) // 2
    begin = found.events["time"].iloc[half]
    past = history_of(found).before(begin.value)
    assert past is not None
    assert past[0]["event_id"].tolist() == ids[:half]
    locator = locator_of(Sections().locate, material.sites.with_picks(material.picks),
                         material.model)  # fmt: skip
    terms = learnt(locator, past, part(found, ids[half - again :]))
    arrivals = found.arrivals.merge(found.picks.drop(columns=["phase", "event_id"]), on="pick_id")
    got = terms.of(arrivals.assign(phase=arrivals["phase"].astype(str)))
    codes = ["network", "station", "location", "phase"]
    by_station = arrivals.groupby(codes, observed=True)["correction_s"]
    expected = by_station.transform("median").to_numpy(float)
    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(got, expected, atol=0.03)
    assert locator.knowing(terms).times is locator.times


def test_there_is_no_past_before_the_first_event(catalog):
    _, found = catalog
    assert history_of(found).before(found.events["time"].iloc[0].value) is None
    assert History().before(1 << 62) is None


def test_an_event_whose_picks_are_gone_is_left_out(catalog):
    _, found = catalog
    history = History()
    for event in found.events.to_dict("records"):
        own = found.arrivals[found.arrivals["event_id"] == event["event_id"]]
        history.add([Update(1, FINAL, event, own, 0, 0.0)], pd.DataFrame({"pick_id": []}))
    assert history.before(1 << 62) is None


def test_a_review_changes_and_takes_away_what_is_remembered(catalog):
    _, found = catalog
    history = history_of(found)
    before = history.before(1 << 62)
    assert before is not None
    withdrawn, moved = before[0].to_dict("records")[:2]
    own, other = (found.arrivals[found.arrivals["event_id"] == one["event_id"]]
                  for one in (withdrawn, moved))  # fmt: skip
    review = [
        Update(3, WITHDRAWN, withdrawn, own, 0, 0.0),
        Update(3, REVIEWED, {**moved, "depth_km": 9.0}, other.iloc[1:], 0, 0.0),
    ]
    history.add(review, found.picks)
    events, arrivals, _ = history.before(1 << 62) or before
    assert events["event_id"].tolist() == before[0]["event_id"].tolist()[1:]
    assert events["depth_km"].iloc[0] == 9.0
    assert (arrivals["event_id"] == moved["event_id"]).sum() == len(other) - 1


def test_the_latest_events_are_remembered_whenever_they_came(catalog, monkeypatch):
    _, found = catalog
    monkeypatch.setattr(events_history, "_MOST", 3)
    backward = replace(found, events=found.events.sort_values("time", ascending=False))
    past = history_of(backward).before(1 << 62)
    assert past is not None
    assert past[0]["event_id"].tolist() == found.events["event_id"].tolist()[-3:]
