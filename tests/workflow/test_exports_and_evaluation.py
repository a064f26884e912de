"""The demo with further formats and a reference: only what concerns them runs again."""

from __future__ import annotations

import json

import obspy
from workfolder import WorkFolder

from quakeline.core.schemas import MATCHES
from quakeline.io.products import tables

#: The events that the demo finds, as a list by hand, and one that it does not have.
REFERENCE = """time,lat,lon,depth,mag
2010-05-27T16:24:31.7,48.047,11.646,4.6,1.9
2010-05-27T16:27:29.0,48.047,11.646,4.6,2.1
2010-05-27T16:26:00.0,48.047,11.646,4.6,0.1
"""
OVERLAY = """merge: {exports: [hypodd, fdsn-text, nordic, nonlinloc]}
evaluate: {reference: reference.csv}
"""


def test_a_run_with_exports_and_a_reference(demo_copy: WorkFolder) -> None:
    (demo_copy.folder / "reference.csv").write_text(REFERENCE)
    overlay = demo_copy.demo_overlay(OVERLAY)
    words = ("--configfile", overlay)
    assert set(demo_copy.planned(*words)) == {"merge", "evaluate", "crate", "report"}
    own = demo_copy.folder / "results/unterhaching/catalog/hypodd/hypoDD.inp"
    own.parent.mkdir()
    own.write_text("of the user")
    done = demo_copy.quakeline("run", overlay, "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    results = demo_copy.folder / "results/unterhaching"
    summary = json.loads((results / "evaluation/evaluation.json").read_text())
    assert (summary["matched"], summary["missed"], summary["new"]) == (2, 1, 0)
    assert abs(summary["differences"]["time_s"]["median"]) < 0.2
    assert len(tables.read(results / "evaluation/matches.parquet", MATCHES)) == 3
    forms = {"hypodd/phase.dat": "HYPODDPHA", "catalog.txt": "EVENTTXT", "catalog.nordic": "NORDIC"}
    for name, form in forms.items():
        assert len(obspy.read_events(str(results / "catalog" / name), format=form)) == 2, name
    assert (results / "catalog/nonlinloc/catalog.obs").read_text().count("GAU") > 10
    assert 'id="reference"' in (results / "report.html").read_text(encoding="utf-8")
    assert own.read_text() == "of the user"
    assert demo_copy.planned(*words) == {}


def test_a_reference_that_is_not_there_is_named(workdir: WorkFolder) -> None:
    overlay = workdir.demo_overlay("evaluate: {reference: nothing.xml}\n")
    done = workdir.snakemake("--dry-run", "--configfile", overlay)
    assert done.returncode != 0
    assert "evaluate.reference: file 'nothing.xml' does not exist" in done.stdout + done.stderr
