"""What `auto` became is noted by the stages and told by the run."""

from __future__ import annotations

from pathlib import Path

from workfolder import WorkFolder

from quakeline.core.schemas import EVENTS
from quakeline.io.products import provenance, tables
from quakeline.workflow.choices import product_paths, told

RECORD = provenance.Record("associate", 1, {})


def test_choices_travel_in_the_product(tmp_path: Path) -> None:
    path = tmp_path / "associations/events.parquet"
    path.parent.mkdir()
    given = {"min_picks": "auto", "node_km": 3, "depth_km": "auto", "far": "auto"}
    values = {"min_picks": 5, "node_km": 3, "depth_km": (-0.5, 15.0), "far": float("inf")}
    with provenance.recording(RECORD) as record:
        provenance.chose("associate", given, values)
        tables.write(tables.empty(EVENTS), EVENTS, path)
    assert product_paths(tmp_path) == [path]
    assert told({"time.margin_s": 45.0}, [path]) == {
        "time.margin_s": "45",
        "associate.min_picks": "5",
        "associate.depth_km": "-0.5 to 15",
        "associate.far": "unlimited",
    }
    assert provenance.read(path)["product_id"] == record.product_id


def test_a_mapping_that_names_some_phases_is_told_as_a_whole(tmp_path: Path) -> None:
    levels = {"P": 0.5, "S": 0.3}
    with provenance.recording(RECORD):
        provenance.chose("pick", {"thresholds": {"P": 0.5}}, {"thresholds": levels})
        assert provenance.current()["chosen"] == {"pick.thresholds": levels}
    with provenance.recording(RECORD):
        provenance.chose("pick", {"thresholds": levels}, {"thresholds": levels})
        assert "chosen" not in provenance.current()


def test_outside_a_stage_nothing_is_noted() -> None:
    provenance.chose("pick", {"thresholds": "auto"}, {"thresholds": {}})
    assert provenance.current() == {}


def test_summary_and_report_tell_of_the_same_choices(demo_run: WorkFolder) -> None:
    done = demo_run.quakeline("summary", "unterhaching")
    rows = dict(line.partition(" ")[::2] for line in done.stdout.splitlines())
    page = (demo_run.folder / "results/unterhaching/report.html").read_text(encoding="utf-8")
    for name, words in {
        "time.margin_s": "45",
        "annotate.hop_samples": "1489",
        "pick.thresholds": "P 0.3, S 0.3",
        "associate.min_picks": "5",
        "locate.depth_km": "-0.4 to 15",
    }.items():
        assert rows[name].strip() == words
        assert f"<td><code>{name}</code></td><td>{words}</td>" in page
    assert "velocity.table" not in rows
