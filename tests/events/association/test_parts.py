"""Long tables of picks are associated in parts of time."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pandas as pd
import pytest
from synthetics import SEARCH, network, picks_of

from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import associate, parts
from quakeline.events.association.parts import Part, parts_of, united
from quakeline.events.location import Locator
from quakeline.io.products import tables

MODEL = VelocityModel((-2.0, 4.0, 12.0), (4.8, 5.9, 6.6), (2.75, 3.4, 3.8))
BLOCK_S = 1200
P_ALONE = replace(SEARCH, min_picks=6, min_p_picks=0, min_s_picks=0, min_p_and_s=0)


def times_of(counts):
    """So many picks in each block."""
    blocks = np.repeat(np.arange(len(counts)), counts)
    return np.sort(
        blocks * BLOCK_S * SECOND + np.random.default_rng(1).integers(0, SECOND, len(blocks))
    )


def edges(found):
    return [(part.start_ns / SECOND / BLOCK_S, part.end_ns / SECOND / BLOCK_S) for part in found]


@pytest.mark.parametrize(
    ("counts", "cuts"),
    [
        ([50, 40], []),
        ([50, 40, 60, 30], [2]),
        ([50, 40, 60, 30, 10], [2]),  # too few for a part of their own
        ([50, 40, 60, 30, 25], [2, 4]),
        ([500, 40, 500], [1, 2]),
        ([0, 0, 90, 0, 0, 90], [5]),
    ],
)
def test_parts_are_whole_blocks(counts, cuts):
    found = parts_of(times_of(counts), 20.0, 100)
    ends = [-np.inf, *cuts, np.inf]
    assert edges(found) == list(pairwise(ends))


def test_parts_see_the_picks_of_their_margins():
    times = times_of([60, 60])
    times[60:] += np.arange(60) * SECOND
    first, second = parts_of(times, 10.0, 100)
    assert (first.rows.start, second.rows.stop) == (0, 120)
    assert (times[first.rows] <= (BLOCK_S + 30) * SECOND).all()
    assert first.rows.stop == 60 + np.count_nonzero(times[60:] < (BLOCK_S + 30) * SECOND)


def event(idx, time_s, rows, residual=0.1):
    found = pd.DataFrame({"idx": [idx], "time_ns": [int(time_s * SECOND)]})
    assigned = pd.DataFrame(
        {
            "event_idx": idx,
            "pick_id": rows,
            "place": np.asarray(rows) % 100,
            "phase": "P",
            "residual": residual,
        }
    )
    return found, assigned


def test_what_two_parts_report_is_there_once():
    same = [event(0, 100.0, range(8)), event(0, 100.2, range(9))]
    events, assigned = united(same, P_ALONE)
    assert events["time_ns"].tolist() == [int(100.2 * SECOND)]
    assert assigned["pick_id"].tolist() == list(range(9))


def test_a_pick_of_two_events_stays_where_it_fits_better():
    two = [event(0, 100.0, range(10), 0.2), event(0, 104.0, range(8, 20), 0.1)]
    events, assigned = united(two, P_ALONE)
    assert len(events) == 2
    assert assigned.groupby("event_idx")["pick_id"].size().tolist() == [8, 12]


def test_an_event_that_loses_its_picks_goes():
    two = [event(0, 100.0, range(6), 0.2), event(0, 104.0, range(4, 20), 0.1)]
    events, assigned = united(two, P_ALONE)
    assert len(events) == 1
    assert assigned["pick_id"].tolist() == list(range(4, 20))


def test_only_events_that_begin_in_a_part_are_its_own():
    part = Part(100 * SECOND, 200 * SECOND, slice(0, 0))
    found = pd.DataFrame({"idx": range(4), "time_ns": np.array([94, 96, 204, 206]) * SECOND})
    own, assigned = part.own(found, pd.DataFrame({"event_idx": [0, 1, 2, 3]}))
    assert own["idx"].tolist() == assigned["event_idx"].tolist() == [1, 2]


def test_events_are_those_of_the_whole_table(monkeypatch):
    """An event every 100 s, one of them on the edge of two parts; none is lost or there twice."""
    rng = np.random.default_rng(4)
    stations, frame = network()
    sources = [
        (at, (rng.uniform(-15, 15), rng.uniform(-15, 15), 8.0)) for at in range(5, 6000, 100)
    ]
    picks = pd.concat(
        [
            picks_of(stations, frame, MODEL, source, seconds=at, noise_s=0.03, rng=rng)
            for at, source in sources
        ],
        ignore_index=True,
    )
    picks = tables.conform(picks.drop_duplicates("pick_id"), PICKS).to_pandas()
    sites = Sites.of(stations)

    def found():
        locator = Locator(sites, MODEL, SEARCH.depth_km)
        return associate(picks, sites, MODEL, SEARCH, finder=locator)

    whole, picks_of_whole = found()
    monkeypatch.setattr(parts, "AT_MOST", len(picks) // 4)
    events, arrivals = found()
    assert len(whole) == len(events) == len(sources)
    assert arrivals["pick_id"].is_unique
    assert len(arrivals) > 0.99 * len(picks_of_whole)
    apart = np.abs(events["time"].to_numpy() - whole["time"].to_numpy())
    assert (apart < np.timedelta64(100, "ms")).all()
