"""Single steps in memory give what `quakeline.catalog` gives of the same picks."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from synthetics import two_events

import quakeline
from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import MEASUREMENTS
from quakeline.io.products import tables


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Files of picks, stations and velocities of two events."""
    place = tmp_path_factory.mktemp("steps")
    _, simple = two_events(place)
    simple.to_csv(place / "picks.csv", index=False)
    return place


def test_steps_are_those_of_the_catalog(folder: Path) -> None:
    picks, stations, velocity = (folder / f"{n}.csv" for n in ("picks", "stations", "velocity"))
    whole = quakeline.catalog(picks, stations, velocity, threads=1)
    found = quakeline.associate(picks, stations, velocity, threads=1)
    assert len(found.events) == 2
    placed = quakeline.locate(*found, picks, stations, velocity, threads=1)
    columns = ["event_id", "time", "latitude", "longitude", "depth_km", "rms_s", "quality"]
    pd.testing.assert_frame_equal(placed.events[columns], whole.events[columns])
    keys = ["event_id", "pick_id", "residual_s"]
    pd.testing.assert_frame_equal(
        placed.arrivals[keys].sort_values(keys, ignore_index=True),
        whole.arrivals[keys].sort_values(keys, ignore_index=True),
    )
    none = tables.empty(MEASUREMENTS)
    sized = quakeline.magnitudes(*placed, picks, none, stations, velocity)
    assert sized.events["magnitude"].isna().all()
    assert sized.events["magnitude_note"].notna().all()


def test_settings_are_keys_of_the_section(folder: Path) -> None:
    files = [folder / f"{n}.csv" for n in ("picks", "stations", "velocity")]
    assert len(quakeline.associate(*files, threads=1, min_picks=500).events) == 0
    with pytest.raises(
        ConfigError, match=r"associate\.min_pick: unknown key; did you mean min_picks\? allowed: m"
    ):
        quakeline.associate(*files, min_pick=5)
    with pytest.raises(DataError, match="picks"):
        quakeline.associate(folder / "stations.csv", *files[1:])
