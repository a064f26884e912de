"""The last versions of a day's events: what is written, and how much memory they take."""

from __future__ import annotations

import tracemalloc

import numpy as np
import pandas as pd
import pytest

from quakeline.core.schemas import ARRIVALS, EVENTS
from quakeline.io.products import tables
from quakeline.live.events.kept import Day
from quakeline.live.events.updates import Update, content

_MEMBERS = 12


def update(number: int, version: int = 1, status: str = "final") -> Update:
    name = f"ql{number:06d}"
    start = pd.Timestamp("2024-01-01", tz="UTC") + pd.Timedelta(seconds=47 * number)
    row = {one.name: None for one in EVENTS.columns} | {
        "event_id": name, "time": start, "latitude": 46.0, "longitude": 10.0, "depth_km": 5.0,
        "locator": "l1", "quality": "good", "n_p": _MEMBERS, "n_s": 0, "n_stations": _MEMBERS,
        "associator": "stack", "rms_s": float(version),
    }  # fmt: skip
    members = pd.DataFrame(
        {
            "event_id": name,
            "pick_id": [f"XX.S{n:04d}..HH/P/{number}" for n in range(_MEMBERS)],
            "phase": "P",
            "residual_s": np.linspace(-0.1, 0.1, _MEMBERS),
        }
    )
    return Update(version, status, row, tables.typed(members, ARRIVALS), 0, 0.0)


@pytest.fixture
def day() -> Day:
    return Day([update(1), update(0), update(2, status="withdrawn")])


def test_tables_are_sorted_and_without_what_was_withdrawn(day):
    events, arrivals = (one.to_pandas() for one in day.tables())
    assert list(events["event_id"]) == ["ql000000", "ql000001"]
    assert list(arrivals["event_id"].unique()) == ["ql000000", "ql000001"]
    assert len(arrivals) == 2 * _MEMBERS


def test_a_version_replaces_the_one_before(day):
    day.tables()
    day.put(update(1, version=2))
    day.drop("ql000000")
    assert day.is_new
    events, _ = day.tables()
    assert events["event_id"].to_pylist() == ["ql000001"]
    assert events["rms_s"].to_pylist() == [2.0]
    found = day.updates()
    assert {name: (one.version, one.status) for name, one in found.items()} == {
        "ql000001": (2, "final"),
        "ql000002": (1, "withdrawn"),
    }
    assert content(found["ql000001"]) == content(update(1, version=2))


def test_a_thousand_events_take_three_megabytes():
    day = Day(update(n) for n in range(10))
    day.tables()
    tracemalloc.start()
    for first in range(10, 1010, 50):
        for n in range(first, first + 50):
            day.put(update(n))
        day.tables()
    objects, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    columns = sum(one.nbytes for one in day.tables())
    assert objects + columns < 3e6
