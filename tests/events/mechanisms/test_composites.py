"""Composites of small events: which are joined, and what the tables say of each of them."""

from __future__ import annotations

from pathlib import Path

import pandas as pd

from quakeline.events.mechanisms import skhash_files
from quakeline.events.mechanisms.composites import clusters, with_members
from quakeline.events.mechanisms.hash_files import Reversals
from quakeline.events.mechanisms.launching import Stated
from quakeline.events.mechanisms.mechanisms import Rules, of_events
from quakeline.events.mechanisms.polarities import PolarityEvent

#: A degree of latitude in km, nearly.
DEGREE_KM = 111.2


def event(name: str, north_km: float, known: int, unknown: int = 0) -> PolarityEvent:
    signs = [1] * known + [0] * unknown
    rows = pd.DataFrame({"network": "XX", "station": "A", "polarity": signs, "weight": 1.0})
    time = pd.Timestamp("2020-05-01T00:00:00Z")
    return PolarityEvent(name, time, 47 + north_km / DEGREE_KM, 11.0, 5.0, 0.1, 0.1, rows)


def names(groups: list[list[PolarityEvent]]) -> list[list[str]]:
    return [[one.event_id for one in group] for group in groups]


def test_small_events_near_that_with_the_most_polarities_are_joined() -> None:
    """Not a chain of them: each lies within the distance of the first one."""
    row = [event("a", 0.0, 3), event("b", 0.8, 5), event("c", 1.6, 4), event("d", 2.4, 2)]
    assert names(clusters(row, 1.0, 8)) == [["b", "a", "c"], ["d"]]
    assert names(clusters(row, 0.5, 8)) == [["a"], ["b"], ["c"], ["d"]]
    assert names(clusters(row, None, 8)) == [["a"], ["b"], ["c"], ["d"]]
    assert clusters([], 1.0, 8) == []


def test_events_with_enough_polarities_or_none_stay_alone() -> None:
    row = [event("a", 0.0, 9), event("b", 0.1, 5), event("c", 0.2, 6, 9), event("d", 0.3, 0, 9)]
    assert names(clusters(row, 1.0, 8)) == [["a"], ["c", "b"], ["d"]]


def test_depths_count() -> None:
    deep = PolarityEvent(
        *list(vars(event("b", 0.0, 5)).values())[:4], 9.0, 0.1, 0.1, event("b", 0.0, 5).polarities
    )
    assert names(clusters([event("a", 0.0, 5), deep], 3.0, 8)) == [["a"], ["b"]]


def test_each_event_of_a_composite_has_a_row() -> None:
    groups = clusters([event("a", 0.0, 3), event("b", 0.1, 5)], 1.0, 8)
    rows = [event_.polarities for group in groups for event_ in group]
    for polarities in rows:
        polarities[["azimuth", "takeoff", "distance_km"]] = [10.0, 100.0, 5.0]
        polarities[["azimuth_sigma", "takeoff_sigma"]] = 1.0
    found = of_events(groups, Stated(), Reversals({}), Rules(3))
    table = with_members(found.mechanisms, groups).set_index("event_id")
    assert table.loc["b", "composite_of"] == "b a"
    assert table.loc["a", "note"] == "part of the composite of b"
    assert (table.loc["a", "polarities"], table.loc["b", "polarities"]) == (3, 2)


def test_a_composite_of_skhash_names_its_events(shared: Path) -> None:
    data = shared / "data/skhash_maacama/maacama/IN"
    (first, *_) = skhash_files.phases(data / "pol_consensus.csv")
    known = pd.read_csv(data / "pol_consensus.csv", dtype=str)
    ids = known.loc[known["event_id"] == "1", "event_id2"].drop_duplicates().tolist()
    assert [one.own_id for one in first] == ids
