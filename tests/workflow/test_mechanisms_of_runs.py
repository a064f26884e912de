"""A run with the stage mechanism: polarities of a table, through the workflow to the catalog."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import obspy
import pytest
from runs import WIDE
from thrust import kagan, written
from workfolder import WorkFolder, demo_like

import quakeline
from quakeline.core.errors import ConfigError
from quakeline.core.schemas import MECHANISMS, POLARITIES
from quakeline.io.products import tables
from quakeline.workflow.stages.table import STAGES

OVERLAY = """\
run: thrust
time: {start: 2020-05-01T00:00:00Z, end: 2020-05-01T01:00:00Z, chunk_h: 1}
stations: {table: stations.csv}
import_picks: {table: picks.csv}
velocity: {table: velocity.csv}
"""
MECHANISM = "mechanism: {polarities: polarities.csv, max_takeoff_gap_deg: 90}\n"


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    """A finished run of one event, seen by 30 stations, with the polarities of a thrust."""
    furnished = WorkFolder.furnished(tmp_path_factory.mktemp("mechanisms"))
    place = WorkFolder(furnished.folder, environment=WIDE)
    _, _, polarities = written(place.folder)
    origin = "2020-05-01T00:01:40"
    polarities.assign(time=origin).to_csv(place.folder / "polarities.csv", index=False)
    outcome = place.quakeline("run", place.overlay(OVERLAY + MECHANISM), "--cores", "1")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    (place.folder / "told.txt").write_text(outcome.stdout)
    return place


@pytest.mark.slow
def test_the_catalog_has_the_mechanism(done: WorkFolder) -> None:
    catalog = done.folder / "results/thrust/catalog"
    (row,) = tables.read(catalog / "mechanisms.parquet", MECHANISMS).itertuples()
    assert kagan(row) < np.hypot(row.plane_1_sigma_deg, row.plane_2_sigma_deg)
    assert row.quality_class in "AB"
    polarities = tables.read(catalog / "polarities.parquet", POLARITIES)
    assert len(polarities) == row.polarities == 30
    (event,) = obspy.read_events(str(catalog / "catalog.qml"))
    focal = event.preferred_focal_mechanism()
    assert focal.nodal_planes.nodal_plane_1.strike == pytest.approx(row.strike_1_deg)
    assert len(focal.waveform_id) == 30
    assert focal.triggering_origin_id == event.preferred_origin_id
    assert len(event.picks) > 30


@pytest.mark.slow
def test_summary_and_crate_know_of_it(done: WorkFolder) -> None:
    told = " ".join((done.folder / "told.txt").read_text().split())
    assert "mechanisms 1 mechanisms (" in told
    assert "polarities 30 of 30 first motions" in told
    metadata = done.folder / "results/thrust/catalog/ro-crate-metadata.json"
    graph = json.loads(metadata.read_text())["@graph"]
    names = {str(entity["@id"]): entity for entity in graph}
    assert names["mechanisms.parquet"]["name"] == "focal mechanisms (MECHANISMS)"
    assert "polarities.csv" in {str(entity.get("name")) for entity in graph}


@pytest.mark.slow
def test_a_run_without_it_drops_its_tables(done: WorkFolder, tmp_path: Path) -> None:
    place = done.copied(tmp_path)
    again = place.quakeline("run", place.overlay(OVERLAY), "--cores", "1")
    assert again.returncode == 0, again.stdout + again.stderr
    catalog = tmp_path / "results/thrust/catalog"
    assert not (catalog / "mechanisms.parquet").exists()
    (event,) = obspy.read_events(str(catalog / "catalog.qml"))
    assert not event.focal_mechanisms


@pytest.mark.slow
def test_the_run_is_opened_in_python_and_exported(done: WorkFolder) -> None:
    opened = quakeline.open_run(done.folder / "results/thrust")
    assert len(opened.mechanisms) == 1
    assert len(opened.polarities) == 30
    assert len(opened.catalog()[0].focal_mechanisms) == 1
    exported = done.quakeline("export", "thrust", "-f", "skhash", "-o", "skhash")
    assert exported.returncode == 0, exported.stderr
    assert len((done.folder / "skhash/polarities.csv").read_text().splitlines()) == 31
    page = (done.folder / "results/thrust/report.html").read_text(encoding="utf-8")
    assert '<section id="mechanisms"' in page


def test_which_runs_have_the_stage() -> None:
    stage = STAGES["mechanism"]
    assert not stage.has(demo_like({}))
    assert stage.has(demo_like({"mechanism": {"polarities": "a.csv"}}))
    asked = demo_like({"mechanism": {"networks": ["a.onnx"]}, "keep": ["waveforms"]})
    assert stage.has(asked)
    assert "a.onnx" in asked.named_files()


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"networks": ["a.onnx"]}, "needed is keep: [waveforms]"),
        ({"networks": ["a.onnx"], "polarities": "b.csv"}, "both given; one of them is allowed"),
        ({"polarities": "b.csv", "worst_quality": "E"}, "mechanism.worst_quality: 'E' given"),
        ({"polarities": "b.csv", "min_polarities": 2}, "mechanism.min_polarities: 2 given"),
    ],
)
def test_settings_that_cannot_be(keys: dict[str, object], told: str) -> None:
    with pytest.raises(ConfigError, match=told.replace("[", r"\[").replace("]", r"\]")):
        demo_like({"mechanism": keys, "keep": []})


def test_a_comparison_of_mechanisms_needs_them() -> None:
    theirs = {"evaluate": {"mechanisms": "b.csv", "reference": "c.csv"}}
    with pytest.raises(ConfigError, match=r"evaluate\.mechanisms: given; needed are"):
        demo_like(theirs)
    run = demo_like({**theirs, "mechanism": {"polarities": "a.csv"}})
    assert {"a.csv", "b.csv", "c.csv"} <= set(run.named_files())


def test_exports_of_polarities_need_the_stage() -> None:
    with pytest.raises(ConfigError, match=r"merge\.exports: hash given, which hold polarities"):
        demo_like({"merge": {"exports": ["hash", "hypodd"]}})
    demo_like({"merge": {"exports": ["hash"]}, "mechanism": {"polarities": "a.csv"}})


@pytest.mark.slow
def test_networks_read_polarities_of_the_demo(demo_copy: WorkFolder, shared: Path) -> None:
    """Few stations: polarities are there, with reasons in place of mechanisms."""
    shutil.copy(shared / "weights/polarity/pnsn_polar.onnx", demo_copy.folder / "polar.onnx")
    overlay = demo_copy.demo_overlay("keep: [waveforms]\nmechanism: {networks: [polar.onnx]}\n")
    outcome = demo_copy.quakeline("run", overlay, "--cores", "2")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    catalog = demo_copy.folder / "results/unterhaching/catalog"
    found = tables.read(catalog / "mechanisms.parquet", MECHANISMS)
    assert len(found) == 2
    assert found["note"].str.contains("polarities, 8 are needed").all()
    polarities = tables.read(catalog / "polarities.parquet", POLARITIES)
    assert (polarities["polarity"] != 0).any()
    assert polarities["note"][polarities["polarity"] == 0].notna().all()
    known = polarities[polarities["polarity"] != 0]
    written = obspy.read_events(str(catalog / "catalog.qml"))
    told = [pick.polarity for event in written for pick in event.picks if pick.polarity]
    assert len(told) == len(known)
    assert set(told) <= {"positive", "negative"}
