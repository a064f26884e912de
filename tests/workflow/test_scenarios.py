"""The ready runs of live data, on real records of the network that they are about."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
import obspy
import pandas as pd
import pytest
import yaml
from packets import stream_of
from recordings import picker_weights
from workfolder import REPOSITORY

import quakeline
from quakeline import cli
from quakeline.core.schemas import PICKS
from quakeline.io.products import tables
from quakeline.workflow.config import DEFAULT, read, read_yaml
from quakeline.workflow.launch import OVERLAYS

__all__ = ["picker_weights"]

SCENARIOS = (
    "full_array",
    "bremerton_6c",
    "gappy_data",
    "analogue_tohoku",
    "analogue_maule",
    "analogue_ridgecrest",
)
RECORDS = "data/pnsn/uw61965081_PortTownsend_M4.3.mseed"
STATIONS = "data/pnsn/uw61965081_Example_Stations.xml"


def overlay_of(name: str) -> dict[str, Any]:
    return read_yaml(REPOSITORY / OVERLAYS / f"{name}.yaml")


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_scenario_downloads_and_replays_its_own_archive(name: str) -> None:
    run = read(overlay_of(name), REPOSITORY / DEFAULT)
    assert run.run == name
    assert run.fetch is not None
    assert run.fetch.source.kind == "fdsn"
    assert run.live is not None
    assert run.live.feed.paths == [f"results/{name}/archive"]
    run.require_files()


def picked_live(
    name: str, shared: Path, records: Path, monkeypatch: pytest.MonkeyPatch, **feed: Any
) -> pd.DataFrame:
    """The picks of a scenario's section `live` on other records, in the present folder."""
    content = overlay_of(name)
    content["stations"] = {"stationxml": [str(shared / STATIONS)]}
    content["fetch"] = {"source": {"kind": "files", "paths": [str(records)]}}
    content["live"]["feed"] |= {"paths": [str(records)], "speed": "max", **feed}
    Path("own.yaml").write_text(yaml.safe_dump(content))
    monkeypatch.setattr(sys, "argv", ["quakeline", "live", "own.yaml", "--threads", "1"])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    assert not ended.value.code
    return tables.read(Path("live") / name / "picks.parquet", PICKS)


def seconds(picks: pd.DataFrame) -> np.ndarray:
    return picks["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 1e9


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_the_whole_array_live_has_the_picks_of_the_archive(
    shared, here, picker_weights, monkeypatch
):
    found = picked_live("full_array", shared, shared / RECORDS, monkeypatch)
    expected = quakeline.pick(
        [shared / RECORDS], weights=picker_weights, stationxml=[shared / STATIONS], threads=1
    )
    columns = ["pick_id", "phase", "time", "instrument"]
    pd.testing.assert_frame_equal(found[columns], expected[columns], check_exact=True)
    assert (found["probability"] - expected["probability"]).abs().max() < 1e-4
    assert found["fit_residual"].notna().any()
    assert found.groupby("station").ngroups >= 4


def test_broadband_and_accelerometer_of_a_station_pick_the_same_onset(
    shared, here, picker_weights, monkeypatch
):
    stream = obspy.read(str(shared / RECORDS)).select(station="HANS")
    stream.write("hans.mseed", format="MSEED")
    found = picked_live("bremerton_6c", shared, here / "hans.mseed", monkeypatch)
    for phase in ("P", "S"):
        own = found[found["phase"] == phase]
        assert set(own["instrument"]) == {"HH", "EN"}
        broadband, strong = (seconds(own[own["instrument"] == one]) for one in ("HH", "EN"))
        assert np.abs(broadband[:, None] - strong).min() < 0.3


def test_gappy_data_live_have_the_picks_of_an_archive_with_the_same_gaps(
    shared, here, picker_weights, monkeypatch
):
    stations = {"weights": picker_weights, "stationxml": [shared / STATIONS], "threads": 1}
    whole = quakeline.pick([shared / RECORDS], **stations)
    found = picked_live("gappy_data", shared, shared / RECORDS, monkeypatch)
    feed = read(read_yaml(Path("own.yaml")), REPOSITORY / DEFAULT).live.feed
    came = stream_of(packet for packet in feed.open().packets() if packet)
    gappy = quakeline.pick(came, **stations)
    assert found["pick_id"].tolist() == gappy["pick_id"].tolist()
    assert 0.3 * len(whole) < len(found)
    assert found["pick_id"].tolist() != whole["pick_id"].tolist()
    assert found["gap_distance_s"].min() >= 1.0
