"""Catalogs of real picks: no event twice, and the references that others found.

The sets are not part of the repository: without the shared material these tests are skipped.
"""

from dataclasses import replace

import pandas as pd
import pytest

import quakeline
from benchmarks.real_catalogs import matched, window
from benchmarks.stated_errors import between, held
from quakeline.earth.sites import strongest
from quakeline.events.association import associate, depth_range, suggested
from quakeline.events.chain.material import read
from quakeline.events.comparison.twins import twins, without_twins
from quakeline.events.location import Locator

#: Set, begin and end of a part of it, and the recall that it has at least.
PARTS = {
    "two instruments a station": ("ridgecrest2019_rt20min", None, None, 0.7),
    "foreshocks": ("ridgecrest2019_pal_foreshocks", "2019-07-04T18:00Z", "2019-07-04T19:00Z", 0.3),
    "a swarm, a model too fast": (
        "westmorland2020",
        "2020-10-01T06:00Z",
        "2020-10-01T06:30Z",
        0.8,
    ),
    "P alone": ("calaveras_ncsn", "1984-01-01T00:00Z", "1984-08-01T00:00Z", 0.95),
}


def part(table: pd.DataFrame, start: str | None, end: str | None) -> pd.DataFrame:
    if start is None or end is None:
        return table
    inside = (table["time"] >= pd.Timestamp(start)) & (table["time"] < pd.Timestamp(end))
    return table[inside].reset_index(drop=True)


@pytest.mark.parametrize("name", PARTS)
def test_no_event_is_there_twice(name, shared):
    folder, start, end, recall = PARTS[name]
    files = [
        shared / "data/picks" / folder / f"{one}.csv" for one in ("picks", "stations", "velocity")
    ]
    material = read(*files)
    material = replace(material, picks=part(material.picks, start, end))
    sites, model, picks = material.sites, material.model, material.picks
    search, _ = suggested({}, sites, model, picks)
    locator = Locator(sites, model, depth_range(sites))
    distinct = strongest(picks, 0.3)
    found = associate(distinct, sites, model, search, 2, finder=locator)
    assert twins(*found, picks, search.min_interevent_s) == []
    events, arrivals = without_twins(*locator.locate(*found, picks), picks, search.min_interevent_s)
    assert twins(events, arrivals, picks, search.min_interevent_s) == []
    codes = arrivals.merge(picks[["pick_id", "network", "station"]], on="pick_id")
    assert not codes.duplicated(["event_id", "phase", "network", "station"]).any()
    reference = pd.read_csv(shared / "data/picks" / folder / "reference_events.csv")
    reference["time"] = pd.to_datetime(reference["time"], utc=True, format="ISO8601")
    reference = part(reference, start, end)
    assert len(matched(events, reference, 2.0, 5.0)) >= recall * len(reference)


def test_few_events_in_a_general_model_state_errors_that_hold_the_references(shared):
    """The first 300 picks of two sets in IASP91: 90 % of the references, and a sentence says so."""
    inside, count = 0.0, 0
    for name in ("westmorland2020", "ridgecrest2019_pal_foreshocks"):
        folder = shared / "data/picks" / name
        picks, reference = (
            between(folder / f"{one}.csv", None, None, pd.Timedelta(0))
            for one in ("picks", "reference_events")
        )
        picks = picks.sort_values("time", kind="stable").head(300)
        made = quakeline.catalog(picks, folder / "stations.csv", threads=1)
        events = made.events.reset_index(drop=True)
        # All of some minutes by day, or of picks of another program: neither makes a blast.
        assert (events["event_class"] == "earthquake").all()
        pairs = matched(events, reference, *window(folder / "stations.csv"))
        inside += len(pairs) * held(events, reference, pairs)["ellipsoid"][1]
        count += len(pairs)
        assert any("general one, not one of this region" in one for one in made.diagnosis.sentences)
    assert inside >= 0.9 * count


def test_one_pick_less_makes_no_other_catalog(shared):
    """The first 300 picks of a swarm in a model that does not fit it."""
    folder = shared / "data/picks/westmorland2020"
    material = read(folder / "picks.csv", folder / "stations.csv")
    sites, model = material.sites, material.model
    picks = material.picks.sort_values("time", kind="stable").head(300)
    search, _ = suggested({}, sites.with_picks(picks), model, picks)
    locator = Locator(sites, model, depth_range(sites))

    def events(some: pd.DataFrame) -> pd.DataFrame:
        found, _ = associate(strongest(some, 0.3), sites, model, search, 2, finder=locator)
        return found

    first = events(picks)
    for row in (17, 120, 255):
        less = events(picks.drop(picks.index[row]))
        assert abs(len(less) - len(first)) <= 1
        assert len(matched(less, first, 2.0, 5.0)) >= min(len(less), len(first)) - 1


@pytest.mark.slow
def test_depths_do_not_gather_at_an_interface(shared):
    """Two hours of foreshocks in layers, one of which begins at 5.5 km, where 16 of 121 lay."""
    folder = shared / "data/picks/ridgecrest2019_pal_foreshocks"
    hours = "2019-07-05T00:00Z", "2019-07-05T02:00Z"
    picks = between(folder / "picks.csv", *hours, pd.Timedelta("60s"))
    made = quakeline.catalog(picks, folder / "stations.csv", folder / "velocity.csv", threads=1)
    away = (made.events["depth_km"] - 5.5).abs()
    even = (away < 1.0).sum() / 10
    assert even > 2
    assert (away < 0.1).sum() < 2 * even
