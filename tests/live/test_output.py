"""The folder of a session without an end: a folder for each day, and upgrades of the program."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from quakeline.core.errors import ConfigError
from quakeline.core.schemas import PICKS
from quakeline.io.products import provenance, tables
from quakeline.live.output import LINES, STATE, TABLE, Output
from quakeline.live.results import Picks

RECIPE = provenance.Record("live", 1, {"pick": {"P": 0.3}, "weights_id": "w"}, {"st.xml": "1"})
HOUR = pd.Timedelta("1h")


def picks(*times: str) -> Picks:
    """Picks of one station."""
    at = pd.to_datetime(list(times), utc=True, format="ISO8601")
    rows = {
        "pick_id": [f"XX.A./P/{time.value}" for time in at],
        "source": "waveform",
        "network": "XX",
        "station": "A",
        "location": "",
        "instrument": "HH",
        "phase": "P",
        "time": at,
        "probability": np.float32(0.5),
        "model": "phasenet",
        "weights_id": "w",
    }
    n = len(at)
    return Picks(pd.DataFrame(rows), np.array([one.value for one in at]), np.zeros(n))


def opened(folder: Path, recipe: provenance.Record = RECIPE, **more) -> Output:
    output = Output(folder, "live", recipe, by_day=True, **more)
    output.begin()
    return output


def written(output: Output) -> None:
    output.write({}, {}, {}, now=True)


def days(folder: Path) -> dict[str, int]:
    return {
        path.name: len(tables.read(path / TABLE, PICKS))
        for path in sorted(folder.iterdir())
        if path.is_dir()
    }


def test_picks_lie_in_the_folders_of_their_days(tmp_path):
    output = opened(tmp_path)
    output.add(picks("2024-01-01T23:59:59.9", "2024-01-02T00:00:00", "2024-01-02T12:00:00"))
    written(output)
    output.close()
    assert days(tmp_path) == {"2024-01-01": 1, "2024-01-02": 2}
    rows = (tmp_path / "2024-01-02" / LINES).read_text().splitlines()
    assert [json.loads(row)["time"][:10] for row in rows] == ["2024-01-02"] * 2


def test_months_take_the_memory_of_two_days(tmp_path):
    output = opened(tmp_path)
    for day in pd.date_range("2024-01-01", periods=40, tz="UTC"):
        output.add(picks(*[str(day + n * HOUR) for n in range(3)]))
        written(output)
        assert len(output.table()) <= 6
        assert len(json.loads((tmp_path / STATE).read_text())["said"]) <= 3
    output.close()
    assert list(days(tmp_path).values()) == [3] * 40


def test_a_pick_of_a_day_that_is_over_joins_it_and_comes_once(tmp_path):
    said: list[dict] = []
    output = opened(tmp_path, say=said.append)
    for day in range(1, 6):
        output.add(picks(f"2024-01-0{day}T01:00:00"))
        written(output)
    for _ in range(2):
        output.add(picks("2024-01-01T01:00:00", "2024-01-01T02:00:00"))
        written(output)
    output.close()
    assert days(tmp_path)["2024-01-01"] == 2
    assert len(said) == 6


def test_what_was_not_told_before_a_kill_is_told(tmp_path):
    said: list[dict] = []
    output = opened(tmp_path)
    output.add(picks("2024-01-01T01:00:00"))
    written(output)
    output.add(picks("2024-01-01T02:00:00", "2024-01-02T02:00:00"))
    output.close()  # no state says that they were told
    output = opened(tmp_path, say=said.append)
    output.close()
    assert sorted(row["time"] for row in said) == [
        "2024-01-01T02:00:00.000000Z",
        "2024-01-02T02:00:00.000000Z",
    ]


def test_another_version_goes_on_and_tables_name_both(tmp_path):
    output = opened(tmp_path, replace(RECIPE, quakeline="0.0.9"))
    output.add(picks("2024-01-01T01:00:00"))
    written(output)
    output.close()
    more = {"pick": {"P": 0.3, "new": 1}, "weights_id": "w"}
    for _ in range(2):
        output = opened(tmp_path, replace(RECIPE, config=more, stage_version=2))
        output.add(picks("2024-01-01T02:00:00"))
        written(output)
        output.close()
    assert days(tmp_path) == {"2024-01-01": 2}
    record = provenance.read(tmp_path / "2024-01-01" / TABLE)
    (earlier,) = record["config"]["earlier"]
    assert (earlier["quakeline"], earlier["stage_version"]) == ("0.0.9", 1)
    assert record["stage_version"] == 2


@pytest.mark.parametrize(
    "other",
    [
        {"config": {"pick": {"P": 0.4}, "weights_id": "w"}},
        {"config": {"pick": {"P": 0.3}}},
        {"inputs": {"st.xml": "2"}},
    ],
)
def test_another_version_with_other_settings_is_refused(tmp_path, other):
    output = opened(tmp_path)
    written(output)
    output.close()
    with pytest.raises(ConfigError, match="has not ended"):
        opened(tmp_path, replace(RECIPE, **other, stage_version=2))


def test_an_ended_session_makes_room_for_other_data_and_that_is_known(tmp_path):
    output = opened(tmp_path)
    assert not output.replaces
    output.write({}, {}, {}, ended=True, now=True)
    output.close()
    assert opened(tmp_path).ended
    assert not opened(tmp_path).replaces
    other = Output(tmp_path, "live", replace(RECIPE, inputs={"st.xml": "2"}), by_day=True)
    assert other.replaces
    other.close()


def test_a_session_with_an_end_does_not_change_the_program(tmp_path):
    for version, ends in ((1, True), (2, False)):
        recipe = replace(RECIPE, stage_version=version)
        if ends:
            output = Output(tmp_path, "live replay", recipe)
            output.begin()
            written(output)
            output.close()
        else:
            with pytest.raises(ConfigError, match="has not ended"):
                Output(tmp_path, "live replay", recipe)
