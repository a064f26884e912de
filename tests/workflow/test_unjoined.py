"""Why picks join no event: the numbers, and the setting that would change it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from quakeline.workflow.unjoined import grouped, sentences

T0 = pd.Timestamp("2024-01-01", tz="UTC")
RULES: dict[str, Any] = {
    "min_picks": 6,
    "min_p_picks": 2,
    "min_s_picks": 0,
    "min_p_and_s": 1,
    "tolerance_s": 0.5,
    "max_distance_km": float("inf"),
}


def stations(n: int, step_deg: float = 0.1) -> pd.DataFrame:
    """Stations in a line to the north, 11.1 km from each other by default."""
    names = [f"S{k}" for k in range(n)]
    rows = {"network": "XX", "station": names, "latitude": 48 + step_deg * np.arange(n)}
    return pd.DataFrame({**rows, "longitude": 11.0})


def picks(*rows: tuple[float, int, str], event: str | None = None) -> pd.DataFrame:
    """Picks by seconds, number of the station and phase."""
    table = pd.DataFrame(rows, columns=["seconds", "number", "phase"])
    return pd.DataFrame(
        {
            "network": "XX",
            "station": [f"S{k}" for k in table["number"]],
            "phase": table["phase"],
            "time": T0 + pd.to_timedelta(table["seconds"], unit="s"),
            "event_id": event,
        }
    )


def test_groups_count_what_rules_count() -> None:
    table = picks((0, 0, "P"), (1, 0, "S"), (1.5, 0, "S"), (2, 1, "P"), (30, 1, "S"), (34, 2, "S"))
    found = grouped(table, 5.0)
    assert found["min_picks"].tolist() == [3, 2]
    assert found["min_p_picks"].tolist() == [2, 0]
    assert found["min_s_picks"].tolist() == [1, 2]
    assert found["min_p_and_s"].tolist() == [1, 0]


def test_each_group_is_told_at_the_first_rule_that_it_misses() -> None:
    few = picks(*[(100 * n, n % 4, "P") for n in range(5)])
    only_s = picks(*[(1000 + k, k, "S") for k in range(6)])
    whole = [(2000 + k, k, phase) for k in range(4) for phase in ("P", "S")]
    table = pd.concat([few, only_s, picks(*whole)], ignore_index=True)
    said = " ".join(sentences(table, stations(6), RULES))
    # five steps of 11.1 km at 3 km/s
    assert "19 of 19 picks join no event. They form 7 groups of at most 19 s" in said
    assert "5 have fewer than 6 picks (min_picks)" in said
    assert "1 have fewer than 2 P picks (min_p_picks)" in said
    assert "1 have enough, but no common origin within tolerance_s (0.5)" in said


def test_the_setting_that_decides_is_named() -> None:
    small = picks(*[(100 * n + k, k, "P") for n in range(9) for k in range(4)])
    said = list(sentences(small, stations(6), RULES))
    assert said[-1].startswith("The largest group has 4 picks: no setting but associate.min_picks")
    rows = [(100 * n + k, k, phase) for n in range(9) for k in range(4) for phase in ("P", "S")]
    said = list(sentences(picks(*rows), stations(6), RULES))
    assert "velocity model" in said[-1]


def test_stations_out_of_reach_are_told() -> None:
    table = picks(*[(100 * n + k, k, "P") for n in range(9) for k in range(6)])
    said = " ".join(sentences(table, stations(6), {**RULES, "max_distance_km": 12.0}))
    assert "Within associate.max_distance_km (12) of a station lie 3 stations" not in said
    said = " ".join(sentences(table, stations(6), {**RULES, "max_distance_km": 5.0}))
    assert "Within associate.max_distance_km (5) of a station lie 1 stations" in said


def test_nothing_is_said_where_most_picks_are_in_events() -> None:
    table = pd.concat([picks(*[(k, k, "P") for k in range(6)], event="e"), picks((50, 0, "P"))])
    assert list(sentences(table, stations(6), RULES)) == []
    assert list(sentences(table.iloc[-1:], stations(1), RULES)) == []
    assert list(sentences(table.iloc[-1:], stations(6), {})) == []
