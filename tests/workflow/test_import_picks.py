"""A run that begins at a table of picks: no waveforms, no network, the same catalog."""

from __future__ import annotations

import pandas as pd
import pytest
from runs import refused
from synthetics import two_events
from workfolder import WorkFolder

from quakeline.io import tables
from quakeline.schemas import ARRIVALS, EVENTS, PICKS

OVERLAY = """\
run: given
time: {{start: 2020-05-01T00:00:00Z, end: 2020-05-01T01:00:00Z, chunk_h: 1}}
stations: {{table: stations.csv, stationxml: []}}
fetch: null
import_picks: {{table: {table}}}
velocity: {{table: velocity.csv}}
associate: {{margin_km: auto, depth_km: auto, min_picks: 8, node_km: auto}}
locate: {{depth_km: auto}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    """Picks of two events in several forms, stations and a velocity model."""
    place = WorkFolder.furnished(tmp_path_factory.mktemp("given"))
    _, bare = two_events(place.folder)
    bare.to_csv(place.folder / "bare.csv", index=False)
    late = bare.assign(time=bare["time"].str.replace("2020-05-01", "2020-05-02"))
    full = pd.concat([bare, late]).assign(probability=0.8, amplitude=1e-6)
    full.to_parquet(place.folder / "full.parquet")
    bare.assign(station="ZZ.OTHER").to_csv(place.folder / "strange.csv", index=False)
    bare.assign(phase="X").to_csv(place.folder / "phase.csv", index=False)
    return place


@pytest.mark.parametrize("table", ["bare.csv", "full.parquet"])
def test_a_run_begins_at_a_table_of_picks(place: WorkFolder, table: str) -> None:
    overlay = place.overlay(OVERLAY.format(table=table))
    done = place.quakeline("run", overlay, "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    catalog = place.folder / "results/given/catalog"
    events = tables.read(catalog / "events.parquet", EVENTS)
    assert (events["depth_km"] - [6.0, 11.0]).abs().max() < 0.5
    assert len(tables.read(catalog / "arrivals.parquet", ARRIVALS)) == 40
    picks = tables.read(catalog / "picks.parquet", PICKS)
    assert len(picks) == 40
    assert picks["probability"].eq(0.8 if table == "full.parquet" else 1.0).all()
    assert events["magnitude"].isna().all()
    assert (catalog / "ro-crate-metadata.json").exists()
    assert "2 events" in " ".join(done.stdout.split()) or "events 2" in " ".join(
        done.stdout.split()
    )
    assert not (place.folder / "results/given/weights").exists()
    if table == "full.parquet":
        log = (place.folder / "results/given/logs/import_picks/all.log").read_text()
        assert "40 of 80 picks lie outside of the run's time" in log


def test_a_table_that_cannot_be_used_is_one_line(place: WorkFolder) -> None:
    def told(table: str, *words: str) -> None:
        refused(place.quakeline("run", place.overlay(OVERLAY.format(table=table))), *words)

    told("absent.csv", "import_picks.table: file 'absent.csv' does not exist")
    told("strange.csv", "no pick of strange.csv belongs to a station", "ZZ.OTHER", "XX.S00")
    told("phase.csv", "phase is 'X'; allowed: P or S")


def test_a_run_of_nothing_is_refused(place: WorkFolder) -> None:
    done = place.quakeline("run", place.overlay(OVERLAY.format(table="null")))
    refused(done, "nothing to work on: give fetch (seismometers), fibres, or import_picks.table")
