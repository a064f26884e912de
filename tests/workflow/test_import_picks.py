"""A run that begins at a table of picks: no waveforms, no network, the same catalog."""

from __future__ import annotations

from pathlib import Path

import das_sequence
import numpy as np
import pandas as pd
import pytest
from runs import WIDE, refused
from synthetics import two_events
from workfolder import WorkFolder

from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.io.products import tables

OVERLAY = """\
run: {run}
time: {{start: 2020-05-01T00:00:00Z, end: 2020-05-01T01:00:00Z, chunk_h: 1}}
stations: {{table: stations.csv}}
import_picks: {{table: {table}}}
velocity: {{table: velocity.csv}}
associate: {{min_picks: 8}}
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    """Picks of two events in several forms, stations and a velocity model."""
    furnished = WorkFolder.furnished(tmp_path_factory.mktemp("given"))
    place = WorkFolder(furnished.folder, environment=WIDE)
    _, bare = two_events(place.folder)
    bare.to_csv(place.folder / "bare.csv", index=False)
    late = bare.assign(time=bare["time"].str.replace("2020-05-01", "2020-05-02"))
    strange = bare.head(3).assign(station="ZZ.OTHER")
    core = bare.head(1).assign(phase="PKP")
    full = pd.concat([bare, late, strange, core]).assign(probability=0.8, amplitude=1e-6)
    full.to_parquet(place.folder / "full.parquet")
    late.to_csv(place.folder / "late.csv", index=False)
    bare.assign(station="ZZ.OTHER").to_csv(place.folder / "strange.csv", index=False)
    bare.assign(phase="X").to_csv(place.folder / "phase.csv", index=False)
    return place


def made(place: WorkFolder, table: str) -> str:
    """What a run on a table of picks prints, in single spaces; the run is called as the table."""
    overlay = place.overlay(OVERLAY.format(table=table, run=table.partition(".")[0]))
    done = place.quakeline("run", overlay, "--cores", "1")
    assert done.returncode == 0, done.stdout + done.stderr
    return " ".join(done.stdout.split())


@pytest.mark.parametrize("table", ["bare.csv", "full.parquet"])
def test_a_run_begins_at_a_table_of_picks(place: WorkFolder, table: str) -> None:
    told = made(place, table)
    results = place.folder / "results" / table.partition(".")[0]
    catalog = results / "catalog"
    events = tables.read(catalog / "events.parquet", EVENTS)
    assert (events["depth_km"] - [6.0, 11.0]).abs().max() < 0.5
    assert len(tables.read(catalog / "arrivals.parquet", ARRIVALS)) == 40
    picks = tables.read(catalog / "picks.parquet", PICKS)
    own = picks[picks["network"] == "XX"]
    assert len(own) == 40
    assert own["probability"].eq(0.8 if table == "full.parquet" else 1.0).all()
    assert events["magnitude"].isna().all()
    assert (catalog / "ro-crate-metadata.json").exists()
    assert "events 2, 2020-05-01" in told
    assert not (results / "weights").exists()


def test_what_is_told_of_it_is_true(place: WorkFolder) -> None:
    """Neither the summary nor the report speak of data that nobody asked for."""
    told = made(place, "full.parquet")
    assert "stations 10 of 10 with picks" in told
    assert "of a table 43 picks at 11 stations" in told
    for word in ("with data", "chunks 0", "files 0"):
        assert word not in told
    assert "40 of 83 picks lie outside of the run's time" in told
    assert "3 picks are of ZZ.OTHER, a station without coordinates" in told
    assert "1 of 84 picks are left out, of phases that are no P or S of local" in told
    page = (place.folder / "results/full/report.html").read_text()
    assert "stations with picks" in page
    assert "The run began at a table of picks: it looked at no waveforms." in page
    assert "40 of 83 picks lie outside of the run&#39;s time" in page
    assert "The table does not say what made its picks." in page
    for phrase in (
        "Network table",
        "ask whoever made its weights",
        "stations with data",
        "data coverage",
        "did not keep its waveforms",
    ):
        assert phrase not in page


@pytest.mark.slow
def test_a_table_without_picks_in_the_time_is_no_error(place: WorkFolder) -> None:
    told = made(place, "late.csv")
    assert "No events. The table of picks has none within the run's time." in told
    assert "40 of 40 picks lie outside of the run's time" in told
    page = (place.folder / "results/late/report.html").read_text()
    assert "It holds none in the run&#39;s time." in page


def test_a_table_that_cannot_be_used_is_one_line(place: WorkFolder) -> None:
    def told(table: str, *words: str) -> None:
        overlay = place.overlay(OVERLAY.format(table=table, run="wrong"))
        refused(place.quakeline("run", overlay), *words)

    told("absent.csv", "import_picks.table: file 'absent.csv' does not exist")
    told("strange.csv", "no pick of strange.csv belongs to a station", "ZZ.OTHER", "XX.S00")
    told("phase.csv", "phase is 'X'; allowed: P or S")


def test_a_run_of_nothing_is_refused(place: WorkFolder) -> None:
    done = place.quakeline("run", place.overlay(OVERLAY.format(table="null", run="none")))
    refused(done, "not given: fetch.source (or fibres, or import_picks.table)")


def catalog_of(results: Path) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    tables_ = {"events": EVENTS, "arrivals": ARRIVALS, "picks": PICKS}
    events, arrivals, picks = (
        tables.read(results / f"catalog/{name}.parquet", table) for name, table in tables_.items()
    )
    return events, arrivals, picks


@pytest.mark.parametrize(
    "own",
    [
        pytest.param("[234]", id="one station from outside"),
        pytest.param("?", id="all twice", marks=pytest.mark.slow),
    ],
)
def test_picks_from_outside_join_those_of_the_run(
    demo_run: WorkFolder, tmp_path: Path, own: str
) -> None:
    """The demo with its picks from a table, for one station or all, gives the events of the demo.

    A pick that the table and the run both have counts once.
    """
    events, arrivals, picks = catalog_of(demo_run.folder / "results/unterhaching")
    outside = picks if own == "?" else picks[picks["station"] == "UH1"]
    columns = ["network", "station", "phase", "time", "probability", "time_sigma_s"]
    place = WorkFolder.furnished(tmp_path)
    outside[columns].to_csv(tmp_path / "outside.csv", index=False)
    pattern = f"signal/tests/data/BW.UH{own}._.?H?.D.2010.147.cut.slist.gz"
    overlay = place.demo_overlay(
        f"""
run: mixed
fetch: {{source: {{kind: package, package: obspy, files_in_package: ["{pattern}"]}}}}
import_picks: {{table: outside.csv}}
"""
    )
    done = place.quakeline("run", overlay, "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert f"of a table {len(outside)} picks at {outside['station'].nunique()} station" in told
    assert "with data" in told
    found, joined, _ = catalog_of(tmp_path / "results/mixed")
    assert found["event_id"].tolist() == events["event_id"].tolist()
    assert len(joined) == len(arrivals)
    apart = (found["time"] - events["time"]).dt.total_seconds().abs()
    assert apart.max() < 0.01
    assert found["magnitude"].isna().tolist() == events["magnitude"].isna().tolist()


@pytest.mark.slow
def test_picks_from_outside_join_those_of_a_fibre(tmp_path: Path) -> None:
    """Stations have no data, only a table, which also names a channel of the fibre."""
    place = WorkFolder.furnished(tmp_path)
    overlay = Path(das_sequence.furnish(place))
    for file in (tmp_path / "data").glob("*.mseed"):
        file.unlink()
    rows = []
    start = pd.Timestamp(das_sequence.START.datetime, tz="UTC")
    end_of_cable = das_sequence.FIBRE[0], das_sequence.FIBRE[1]
    for name, (x, y) in {**das_sequence.STATIONS, "CABLE.00000": end_of_cable}.items():
        for source in das_sequence.SOURCES:
            for phase, came in das_sequence.delays(np.array([x]), np.array([y]), source).items():
                time = (start + pd.Timedelta(seconds=float(came[0]))).isoformat()
                rows.append({"station": name, "phase": phase, "time": time})
    pd.DataFrame(rows).to_csv(tmp_path / "outside.csv", index=False)
    text = overlay.read_text()
    fetched = "fetch: {source: {kind: files, paths: [data/*.mseed]}}"
    assert fetched in text
    overlay.write_text(text.replace(fetched, "fetch: null\nimport_picks: {table: outside.csv}"))
    done = place.quakeline("run", str(overlay), "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    told = " ".join(done.stdout.split())
    assert f"of a table {len(rows)} picks at {len(das_sequence.STATIONS) + 1} stations" in told
    assert "without coordinates" not in told
    events, arrivals, picks = catalog_of(tmp_path / "results/sequence")
    assert len(events) == len(das_sequence.SOURCES)
    used = picks[picks["pick_id"].isin(arrivals["pick_id"])]
    assert (used["source"] == "das").sum() >= 8
    assert set(used.loc[used["source"] != "das", "station"]) >= {*das_sequence.STATIONS}
