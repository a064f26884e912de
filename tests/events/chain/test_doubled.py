"""Onsets that several instruments of a station picked, in tables that name channels or do not."""

from __future__ import annotations

import pandas as pd
import pytest

from quakeline.earth.sites import strongest
from quakeline.events.chain.associate import doubled
from quakeline.io.formats import pick_tables


def table(n: int, near: int, **more: object) -> pd.DataFrame:
    """So many picks at a station a minute apart, some of them again 0.2 s later."""
    begin = pd.Timestamp("2020-01-01", tz="UTC")
    first = [begin + pd.Timedelta(minutes=k) for k in range(n)]
    times = [*first, *(time + pd.Timedelta("200ms") for time in first[:near])]
    codes = {"network": "XX", "station": "A", "phase": "P"}
    return pd.DataFrame({**codes, "time": [f"{t:%Y-%m-%dT%H:%M:%S.%f}Z" for t in times], **more})


def test_channels_tell_that_two_picks_are_one_onset() -> None:
    channels = ["HHZ"] * 90 + ["ENZ"] * 20
    told = pick_tables.of_frame(table(90, 20, channel=channels), "it")
    assert told["instrument"].value_counts().to_dict() == {"HH": 90, "EN": 20}
    assert len(strongest(told, 0.3)) == 90
    assert doubled(told, 0.3) == ""


def test_without_channels_both_count_and_a_line_says_so() -> None:
    untold = pick_tables.of_frame(table(90, 20), "it")
    assert len(strongest(untold, 0.3)) == 110
    said = doubled(untold, 0.3)
    assert said.startswith("20 of 110 picks come within 0.3 s after another of their phase and")
    assert "give a column channel" in said
    assert doubled(untold, 0.1) == ""
    assert doubled(pick_tables.of_frame(table(90, 9), "it"), 0.3) == ""
    assert doubled(untold.iloc[:0], 0.3) == ""


@pytest.mark.parametrize(
    ("channel", "instrument"),
    [("HHZ", "HH"), ("EH", "EH"), ("bh?", "BH"), ("Z", ""), ("17", ""), ("", ""), ("vertical", "")],
)
def test_what_a_channel_tells(channel: str, instrument: str) -> None:
    (row,) = pick_tables.of_frame(table(1, 0, channel=channel), "it").to_dict("records")
    assert row["instrument"] == instrument


def test_ids_tell_more_than_columns() -> None:
    given = table(1, 0, channel="ENZ").drop(columns="network").assign(station="XX.A..HHZ")
    assert pick_tables.of_frame(given, "it")["instrument"].tolist() == ["HH"]
