"""Settings of association side by side: what they state of false events."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from synthetics import SEARCH, network, picks_of

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import blocks
from quakeline.events.association.compare import Trial, _shifted, trials, variants
from quakeline.events.association.grid import Grid
from quakeline.events.association.votes import Reach
from quakeline.events.location import Locator

SOME = Trial("given", 40, 400, 0.1, 0.2, 3, 0.5)


def test_the_rate_of_false_events_is_that_of_a_day_with_its_interval() -> None:
    """Three in half a day; 95 % limits of a Poisson count of 3 are 0.619 and 8.77."""
    rate, low, high = SOME.false_per_day
    assert (rate, low, high) == pytest.approx((6.0, 2 * 0.6187, 2 * 8.7673), rel=1e-3)


def test_no_false_event_is_not_a_rate_of_zero() -> None:
    """Of none seen, up to 3.69 are possible."""
    rate, low, high = replace(SOME, chance=0).false_per_day
    assert (rate, low) == (0.0, 0.0)
    assert high == pytest.approx(2 * 3.6889, rel=1e-3)


def test_stations_move_as_a_whole_and_by_five_minutes_at_most() -> None:
    """Differences of times within a station stay; each station has its own move."""
    times = pd.date_range("2020-01-01", periods=40, freq="37s", tz="UTC").astype(
        "datetime64[ns, UTC]"
    )
    station = np.array(["AA", "BB", "CC", "DD"])[np.arange(40) % 4]
    picks = pd.DataFrame({"network": "XX", "station": station, "time": times})
    moved = (_shifted(picks)["time"] - picks["time"]).dt.total_seconds().groupby(station)
    assert (moved.std() < 1e-6).all()
    assert moved.first().abs().max() <= 300
    assert moved.first().nunique() == 4


def test_travel_times_are_made_once_for_all_settings_of_one_search(monkeypatch) -> None:
    """Nine settings and shifted picks share two grids each, inside and whole, of two cells."""
    stations, frame = network(n=10)
    model = VelocityModel((0.0,), (5.8,), (3.35,))
    sites = Sites.of(stations)
    picks = picks_of(stations, frame, model, (5.0, -8.0, 6.0), seconds=20.0)
    made = []
    reached = Grid._reached

    def counted(grid: Grid, known: np.ndarray | None) -> Reach:
        made.append(known is None)
        return reached(grid, known)

    monkeypatch.setattr(Grid, "_reached", counted)
    locator = Locator(sites, model, SEARCH.depth_km)
    found = list(trials(picks, sites, model, variants(SEARCH), 1, locator))
    assert len(found) == len(variants(SEARCH)) >= 8
    assert found[0].events == 1
    assert sum(made) == 4


def test_blocks_that_settings_share_are_searched_once_with_the_same_results(monkeypatch) -> None:
    """Odds against chance come after the search: three settings of them search one time."""
    stations, frame = network(n=10)
    model = VelocityModel((0.0,), (5.8,), (3.35,))
    sites = Sites.of(stations)
    parts = [
        picks_of(stations, frame, model, (5.0 * n, -8.0, 6.0), seconds=20.0 + 40 * n)
        for n in range(3)
    ]
    picks = pd.concat(parts, ignore_index=True)
    picks = picks.assign(pick_id=[f"pick/{n}" for n in range(len(picks))])
    locator = Locator(sites, model, SEARCH.depth_km)
    searches = {f"odds {odds}": replace(SEARCH, min_log_odds=odds) for odds in (0.0, 3.0, 1e3)}
    searched = []
    search = blocks._block
    monkeypatch.setattr(blocks, "_block", lambda *given: searched.append(given) or search(*given))
    together = list(trials(picks, sites, model, searches, 1, locator))
    shared = len(searched)
    alone = [
        next(trials(picks, sites, model, {name: one}, 1, locator)) for name, one in searches.items()
    ]
    assert [trial.events for trial in together] == [3, 3, 0]
    # Text, since the RMS of no event is no number, which equals nothing.
    assert list(map(str, together)) == list(map(str, alone))
    assert shared < len(searched) - shared


def test_blocks_are_forgotten_when_no_later_setting_asks_for_them(monkeypatch) -> None:
    """Of real and of shifted picks: what the first setting made is held for the third alone."""
    stations, frame = network(n=10)
    model = VelocityModel((0.0,), (5.8,), (3.35,))
    sites = Sites.of(stations)
    picks = picks_of(stations, frame, model, (5.0, -8.0, 6.0), seconds=20.0)
    locator = Locator(sites, model, SEARCH.depth_km)
    other = replace(SEARCH, min_picks=SEARCH.min_picks + 2)
    searches = {"a": SEARCH, "b": other, "c": replace(SEARCH, min_log_odds=3.0)}
    held = []
    forget = blocks.Known.forget

    def counted(known: blocks.Known, needed: set[tuple[object, ...]]) -> None:
        forget(known, needed)
        held.append(len(known))

    monkeypatch.setattr(blocks.Known, "forget", counted)
    list(trials(picks, sites, model, searches, 1, locator))
    assert len(held) == 6
    assert held[0] > 0
    assert held[2:4] == held[:2]
    assert held[4:] == [0, 0]
