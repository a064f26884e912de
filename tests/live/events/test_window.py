"""Events of a window that slides are those of the whole table of picks, with ids that stay."""

from __future__ import annotations

from collections import defaultdict

import numpy as np
import pandas as pd
import pytest
from live_events import Compared, compared, fed, give, looked, part_of, steps

from quakeline.events.chain.sections import Sections
from quakeline.events.chain.whole import made
from quakeline.live.events.chain import Chain
from quakeline.live.events.section import Events
from quakeline.live.events.updates import FINAL, PRELIMINARY, WITHDRAWN, Update, read
from quakeline.live.events.window import Window

#: Foreshocks of Ridgecrest: an event every half minute.
START, SECONDS, STEP_S = "2019-07-04T18:00Z", 420.0, 105.0


@pytest.fixture(scope="module")
def material(shared):
    return part_of(shared / "data/picks/ridgecrest2019_pal_foreshocks", START, SECONDS)


@pytest.fixture(scope="module")
def chain(material) -> Chain:
    return Chain(material.stations, material.model, Sections())


@pytest.fixture(scope="module")
def updates(material, chain) -> list[Update]:
    return fed(Window(chain, Events()), material.picks, STEP_S)


def near(found: Compared) -> None:
    """As docs/live_events.md states it."""
    assert found.all > 2
    assert found.both >= 0.9 * found.all
    assert found.more <= 0.1 * found.all
    assert np.median(found.apart_km) < 2.0
    assert np.percentile(found.apart_km, 90) < 4.0
    assert np.percentile(found.apart_s, 90) < 0.8


def test_final_events_are_those_of_the_whole_table(material, updates):
    near(compared(updates, made(material, Sections()).catalog))


def test_versions_count_and_nothing_follows_the_final_one(updates):
    by_id = defaultdict(list)
    for one in updates:
        by_id[one.event_id].append(one)
    assert len(by_id) > 2
    for versions in by_id.values():
        assert [one.version for one in versions] == list(range(1, len(versions) + 1))
        assert versions[-1].status in (FINAL, WITHDRAWN)
        assert FINAL not in [one.status for one in versions[:-1]]
    assert any(one.status == PRELIMINARY for one in updates)


def test_final_events_before_the_window_tell_of_delays_too(material, chain):
    window, final, lengths = Window(chain, Events(window_s=60, settle_s=0)), [], []
    for known_ns, new in steps(material.picks, STEP_S):
        give(window, new)
        ask = window.ask(known_ns)
        begin_ns = ask.job.picks["time"].min().value
        before = {one.event_id for one in final if one.time_ns < begin_ns}
        past = ask.job.past
        assert (set() if past is None else set(past[0]["event_id"])) == before
        lengths.append(len(before))
        made_now = window.take(ask, *chain.made(ask.job))
        final += [one for one in made_now if one.status == FINAL]
    assert lengths[-1] >= 3


def test_no_pick_is_in_two_final_events(updates):
    picks = [pick for one in updates if one.status == FINAL for pick in one.arrivals["pick_id"]]
    assert len(picks) == len(set(picks))


def test_an_event_keeps_its_id_while_picks_join(material, chain, updates):
    """The picks of one event come one by one; later ones move the origin, not the id."""
    largest = max(updates, key=lambda one: len(one.arrivals))
    own = material.picks[material.picks["pick_id"].isin(largest.arrivals["pick_id"])]
    window, found = Window(chain, Events()), []
    window.know(material.picks[["network", "station", "phase"]].itertuples(index=False, name=None))
    for first in range(0, len(own), 4):
        give(window, own.iloc[first : first + 4])
        found += looked(window, 0)
    assert len({one.event_id for one in found}) == 1
    sizes = [len(one.arrivals) for one in found]
    assert sizes == sorted(sizes)
    assert sizes[-1] >= 0.75 * len(own)  # one event alone does not tell delays of stations
    assert len(found) > 1


def test_a_window_that_is_made_anew_from_lines_goes_on(material, chain, updates):
    """As after a kill: picks of the last minutes and lines of updates are all that is left."""
    window, found, given = Window(chain, Events()), [], pd.DataFrame()
    for number, (known_ns, new) in enumerate(steps(material.picks, STEP_S)):
        if number % 2:
            final_ns, known = window.final_ns, window.known
            window = Window(chain, Events())
            window.restore([read(one.kept()) for one in found], final_ns, given)
            window.know(tuple(codes) for codes in known)
            give(window, given)
        give(window, new)
        given = pd.concat([given, new]) if len(given) else new
        found += looked(window, known_ns)
    found += looked(window, 1 << 62)
    final = {one.event_id for one in found if one.status == FINAL}
    expected = {one.event_id for one in updates if one.status == FINAL}
    assert len(final ^ expected) <= 1
    numbers = [(one.event_id, one.version) for one in found]
    assert len(numbers) == len(set(numbers))


def test_memory_is_that_of_the_window(material, chain):
    rules = Events(window_s=60, settle_s=0)
    window = Window(chain, rules)
    for known_ns, new in steps(material.picks, STEP_S):
        give(window, new)
        ask = window.ask(known_ns)
        window.take(ask, *chain.made(ask.job))
        times = ask.job.picks["time"]
        most_s = rules.window_s + 2 * STEP_S + 2 * chain.longest_s
        assert (times.max() - times.min()).total_seconds() < most_s


def test_a_late_station_is_waited_for_up_to_a_limit(material, chain):
    window = Window(chain, Events(wait_s=30, settle_s=0))
    known_ns, new = next(steps(material.picks, 105.0))
    give(window, new)
    looked(window, 0)
    reach_ns = round(chain.longest_s * 1e9)
    assert window.final_at(0) == window.newest_ns - 30 * 10**9 - reach_ns
    assert window.final_at(known_ns) == known_ns - reach_ns
    looked(window, known_ns)
    give(window, new.iloc[:3])
    assert window.late == 3
