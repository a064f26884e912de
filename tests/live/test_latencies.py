"""Latencies by station: the last ones count, all are counted."""

from __future__ import annotations

import math
import tracemalloc

from quakeline.live.latencies import Latencies


def test_the_last_thousand_of_a_station_count():
    kept = Latencies()
    for n in range(2500):
        kept.add("XX.A", float(n), n / 1000)
    own = kept.plain()["XX.A"]
    assert own["picks"] == 2500
    assert own["data_s"] == {"median": 1999.5, "p99": 2489.01, "largest": 2499.0}
    kept.add("XX.A", 1e6, 0.0)
    assert kept.plain()["XX.A"]["data_s"]["largest"] == 1e6


def test_what_is_not_known_does_not_count():
    kept = Latencies()
    kept.add("XX.A", math.nan, 0.5)
    kept.add("XX.B", 30.0, 1.5)
    told = kept.plain()
    assert told["XX.A"]["data_s"] is None
    assert told["all"]["picks"] == 2
    assert told["all"]["data_s"]["median"] == 30.0
    assert told["all"]["computing_s"] == {"median": 1.0, "p99": 1.49, "largest": 1.5}


def test_nothing_is_said_of_no_picks():
    assert Latencies().plain() == {}


def test_memory_does_not_grow_with_picks():
    kept = Latencies()
    tracemalloc.start()
    for n in range(20_000):
        kept.add("XX.A", float(n), float(n))
    size, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size < 30_000
