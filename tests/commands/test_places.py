"""Runs, catalogs and sessions, however and from wherever they are named."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import pytest
from synthetics import network, pick_table
from typer.testing import CliRunner

from quakeline.cli import app
from quakeline.commands.evaluate_catalog import _file
from quakeline.commands.places import velocity_of
from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS, STATIONS
from quakeline.io.products import tables

TIME = pd.Timestamp("2020-05-01T12:00:00Z")


def write_catalog(folder: Path) -> None:
    """The tables of a catalog of one event."""
    event = {
        "event_id": "a", "time": TIME, "latitude": 48.0, "longitude": 11.0, "depth_km": 5.0,
        "n_p": 1, "n_s": 0, "n_stations": 1, "associator": "x", "locator": "y", "quality": "good",
    }  # fmt: skip
    picks = pick_table([("XX", "S00", "", "P", 0.0)], 0.03).assign(time=TIME)
    tables.write(tables.typed(pd.DataFrame([event]), EVENTS), EVENTS, folder / "events.parquet")
    tables.write(tables.empty(ARRIVALS), ARRIVALS, folder / "arrivals.parquet")
    tables.write(picks, PICKS, folder / "picks.parquet")


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a run, a catalog of a command among runs, and a live session of one day."""
    write_catalog(tmp_path / "results/own/catalog")
    write_catalog(tmp_path / "results/made")
    write_catalog(tmp_path / "live/own/2020-05-01")
    tables.write(network(n=3)[0], STATIONS, tmp_path / "live/own/stations.parquet")
    (tmp_path / "live/own/session.json").write_text("{}")
    (tmp_path / "live/own/config.yaml").write_text("velocity: {table: velocity.csv}\n")
    (tmp_path / "velocity.csv").write_text("top_km,vp,vs\n0,5,3\n10,6,3.5\n")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("at", "name", "title"),
    [
        (".", "own", "Run own"),
        ("results/own", ".", "Run own"),
        ("results/own", "../own", "Run own"),
        ("results/own/catalog", ".", "Run own"),
        (".", "made", "Catalog "),
        (".", "results/made", "Catalog results/made"),
        ("results/own", "../made", "Catalog ../made"),
        ("live/own/2020-05-01", ".", "Catalog ."),
    ],
)
def test_summary_tells_runs_and_catalogs_apart(place: Path, at: str, name: str, title: str) -> None:
    os.chdir(place / at)
    found = CliRunner().invoke(app, ["summary", name], catch_exceptions=False)
    assert found.exit_code == 0
    assert found.output.startswith(title)
    assert "events    1, 2020-05-01" in found.output


@pytest.mark.parametrize("name", ["own", "own/2020-05-01"])
def test_velocities_of_a_session_are_found_from_anywhere(place: Path, name: str) -> None:
    os.chdir(place / "live")
    assert velocity_of(Path(name), None)[0].reading.startswith("velocity.csv: 2 constant layers")


def test_data_with_the_name_of_a_run_are_no_reference(place: Path) -> None:
    (place / "own").mkdir()
    (place / "own/recordings.mseed").touch()
    assert _file("own", place / "results/made").resolve() == (place / "results/own").resolve()
    assert _file("velocity.csv", place / "live/own/2020-05-01") == Path("velocity.csv")
    os.chdir(place / "live")
    found = _file("results/made", place / "live/own/2020-05-01")
    assert found.resolve() == (place / "results/made").resolve()
