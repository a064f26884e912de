"""Pairs of events that are one."""

import pandas as pd
import pytest
from synthetics import arrival_table, event_table, network, picks_of

from quakeline.earth.velocity import VelocityModel
from quakeline.events.comparison.twins import twins, without_twins

MODEL = VelocityModel((0.0,), (5.8,), (3.35,))


def catalog(rows):
    """Events (seconds, degrees north, number of stations) with picks at the first stations."""
    stations, frame = network(n=10)
    events, arrivals, picks = [], [], []
    for number, (seconds, north, used) in enumerate(rows):
        name = f"e{number}"
        some = picks_of(stations.iloc[used], frame, MODEL, (0.0, 0.0, 8.0), seconds=seconds)
        some["pick_id"] = name + some["pick_id"]
        time = pd.Timestamp("2020-05-01", tz="UTC") + pd.Timedelta(seconds=seconds)
        events.append(
            {
                "event_id": name,
                "time": time,
                "latitude": 48.0 + north,
                "longitude": 11.0,
                "depth_km": 8.0,
            }
        )
        arrivals.append(arrival_table(name, some))
        picks.append(some)
    return event_table(events), pd.concat(arrivals), pd.concat(picks, ignore_index=True)


ALL, FIRST, LAST = slice(None), slice(0, 5), slice(5, 10)


@pytest.mark.parametrize(
    ("other", "same"),
    [
        ((1.0, 0.0, FIRST), True),
        ((1.9, 0.04, FIRST), True),
        ((2.1, 0.0, FIRST), False),
        ((1.0, 0.05, FIRST), False),
    ],
)
def test_twins_are_close_in_time_and_space_and_share_stations(other, same):
    tables = catalog([(0.0, 0.0, ALL), other, (50.0, 0.0, ALL)])
    assert twins(*tables, 2.0) == ([("e0", "e1")] if same else [])
    events, arrivals = without_twins(*tables, 2.0)
    assert events["event_id"].tolist() == (["e0", "e2"] if same else ["e0", "e1", "e2"])
    assert set(arrivals["event_id"]) == set(events["event_id"])
    assert twins(events, arrivals, tables[2], 2.0) == []


def test_events_of_other_stations_are_no_twins():
    assert twins(*catalog([(0.0, 0.0, FIRST), (1.0, 0.0, LAST)]), 2.0) == []


def test_of_a_chain_the_largest_stay():
    tables = catalog([(0.0, 0.0, FIRST), (1.5, 0.0, ALL), (3.0, 0.0, FIRST)])
    events, _ = without_twins(*tables, 2.0)
    assert events["event_id"].tolist() == ["e1"]
