"""Events of a window are located with the past as an archive of the same events locates them."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from live_events import part_of
from synthetics import ORIGIN_NS, arrival_table, event_table, network, picks_of

from quakeline.core.timeline import SECOND
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.chain.locate import locator_of
from quakeline.events.chain.sections import Sections
from quakeline.events.chain.whole import made
from quakeline.events.location.locator import Locator, Past
from quakeline.live.events import history as events_history
from quakeline.live.events.history import History, apart
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


@pytest.mark.parametrize("kind", ["static", "ssst"])
@pytest.mark.parametrize("again", [0, 3])
def test_a_window_with_its_past_is_located_as_the_archive_is(catalog, kind, again):
    """Some events of the past may be in the window as well."""
    material, found = catalog
    assert len(found.events) >= 10
    ids = found.events["event_id"].tolist()
    half = len(ids) // 2
    past = history_of(found).before(found.events["time"].iloc[half].value)
    assert past is not None
    assert past[0]["event_id"].tolist() == ids[:half]
    locator = locator_of(Sections().locate.model_copy(update={"station_terms": kind}),
                         material.sites.with_picks(material.picks), material.model)  # fmt: skip
    events, arrivals = locator.locate(found.events, found.arrivals, found.picks)
    # Picks of no event, which a window has as an archive does, tell how often chance puts one.
    window = (*part(found, ids[half - again :])[:2], found.picks)
    got, weighted = locator.locate(*window, apart(past, *window[:2]))
    assert got["event_id"].tolist() == ids[half - again :]
    pd.testing.assert_index_equal(got.index, window[0].index)
    expected = arrivals.set_index("pick_id").loc[weighted["pick_id"], "correction_s"]
    assert np.abs(expected).max() > 0.05
    np.testing.assert_allclose(weighted["correction_s"], expected, atol=1e-4)
    events = events[events["event_id"].isin(got["event_id"])]
    for name in ("depth_km", "horizontal_sigma_km", "depth_sigma_km"):
        np.testing.assert_allclose(got[name], events[name], rtol=1e-3)
    for name in ("latitude", "longitude"):
        np.testing.assert_allclose(got[name], events[name], rtol=0, atol=1e-5)


def test_a_window_in_a_model_that_is_wrong_is_located_as_right_as_the_archive():
    """Velocities are 5 % too high: what they do to arrivals differs from event to event."""
    stations, frame = network(n=12, radius_km=30.0)
    rng = np.random.default_rng(0)
    sources = np.column_stack([rng.uniform(-25, 25, (60, 2)), rng.uniform(4, 14, 60)])
    latitude, longitude = frame.to_latlon(*sources[:, :2].T)
    rows, members, picks = [], [], []
    for k, source in enumerate(sources):
        own = picks_of(stations, frame, VelocityModel((0.0,), (5.8,), (3.35,)), tuple(source),
                       seconds=60.0 * k, noise_s=0.03, rng=np.random.default_rng(k))  # fmt: skip
        time = pd.Timestamp(ORIGIN_NS + k * 60 * SECOND, unit="ns", tz="UTC")
        rows.append({"event_id": f"e{k:02d}", "time": time, "latitude": latitude[k],
                     "longitude": longitude[k], "depth_km": source[2]})  # fmt: skip
        members.append(arrival_table(f"e{k:02d}", own))
        picks.append(own)
    wrong = VelocityModel((0.0,), (5.8 * 1.05,), (3.35 * 1.05,))
    locator = Locator(Sites.of(stations), wrong, (0.0, 20.0), station_terms="static")

    def tables(events: slice) -> Past:
        return (event_table(rows[events]), pd.concat(members[events], ignore_index=True),
                pd.concat(picks[events], ignore_index=True))  # fmt: skip

    window, past = tables(slice(50, None)), tables(slice(50))
    archive, _ = locator.locate(*tables(slice(None)))
    live, _ = locator.locate(*window, apart(past, *window[:2]))

    def off(found: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """Errors of epicentres and of depths in km."""
        x, y = frame.to_xy(found["latitude"].to_numpy(), found["longitude"].to_numpy())
        true = sources[-len(found) :]
        return np.hypot(x - true[:, 0], y - true[:, 1]), found["depth_km"].to_numpy() - true[:, 2]

    for got, expected, most in zip(off(live), off(archive[-10:]), (0.15, 0.2), strict=True):
        assert np.abs(got).mean() < most
        np.testing.assert_allclose(got, expected, atol=0.01)


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
