"""Which jobs Snakemake plans: all of a new run, none of a finished one, what a change asks for."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from workfolder import WorkFolder, demo_like

from quakeline.workflow.stages import table as stages
from quakeline.workflow.stages.table import STAGES

#: The stages of the demo that work on what the one before made; `weights` joins at `annotate`.
CHAIN = tuple(stage.name for stage in stages.of(demo_like({})) if stage.name != "weights")


def from_on(stage: str) -> set[str]:
    """A stage and all that follow from it."""
    if stage == "weights":
        return {"weights", *from_on("annotate")}
    following = set(CHAIN[CHAIN.index(stage) :])
    return following - {"associate", "locate"} if stage == "measure" else following


@pytest.mark.parametrize(("overlay", "chunks"), [("{}", 1), ("time: {chunk_h: 0.025}", 3)])
def test_a_new_run_plans_every_job_once(workdir: WorkFolder, overlay: str, chunks: int) -> None:
    words = ("--configfile", workdir.demo_overlay(overlay)) if chunks > 1 else ()
    expected = {
        stage: chunks if STAGES[stage].scope == "chunk" else 1 for stage in (*CHAIN, "weights")
    }
    assert workdir.planned(*words) == expected


def test_a_finished_run_plans_nothing(demo_run: WorkFolder) -> None:
    assert demo_run.planned() == {}


@pytest.mark.parametrize(
    ("stage", "setting"),
    [
        ("fetch", "source: {files_in_package: ['signal/tests/data/BW.UH[123]*.147.*']}"),
        ("prepare", "bridge_gap_s: 0.2"),
        ("annotate", "batch: 8"),
        ("pick", "min_distance_s: 1.0"),
        ("associate", "min_picks: 6"),
        ("measure", "after_s: 20"),
        ("locate", "model_error_s: 0.1"),
        ("magnitude", "formula: iaspei_2013"),
        ("classify", "priors: {blast: 0.3}"),
        ("merge", "agency_id: somebody"),
        ("report", "max_events: 3"),
    ],
)
def test_a_changed_setting_asks_for_its_stage_and_what_follows(
    demo_run: WorkFolder, tmp_path: Path, stage: str, setting: str
) -> None:
    overlay = WorkFolder(tmp_path).demo_overlay(f"{stage}: {{{setting}}}\n")
    assert set(demo_run.planned("--configfile", overlay)) == from_on(stage)


@pytest.mark.parametrize("stage", ["weights", "stations", "prepare", "pick", "locate", "crate"])
def test_a_raised_version_asks_for_its_stage_and_what_follows(
    demo_tree: WorkFolder, stage: str
) -> None:
    place = "models/named" if stage == "weights" else f"workflow/stages/{stage}"
    module = demo_tree.folder / f"quakeline/{place}.py"
    text = module.read_text(encoding="utf-8")
    raised = re.sub(r"^VERSION = (\d+)$", r"VERSION = 99\1", text, flags=re.MULTILINE)
    assert raised != text
    module.write_text(raised, encoding="utf-8")
    assert set(demo_tree.planned()) == from_on(stage)


def test_a_copied_program_plans_nothing(demo_tree: WorkFolder) -> None:
    assert demo_tree.planned() == {}


def test_another_name_is_another_run(demo_run: WorkFolder, tmp_path: Path) -> None:
    overlay = WorkFolder(tmp_path).demo_overlay("run: other\n")
    assert set(demo_run.planned("--configfile", overlay)) == {*CHAIN, "weights"}


def test_stores_that_nobody_keeps_are_temporary(demo_copy: WorkFolder) -> None:
    words = ("--configfile", demo_copy.demo_overlay("keep: []\nreport: {max_rows: 7}\n"))
    assert set(demo_copy.planned(*words)) == {"report", "crate"}


def test_a_wrong_configuration_is_named_without_a_traceback(workdir: WorkFolder) -> None:
    overlay = workdir.demo_overlay("pick: {treshold: 1}\ntime: {chunk_h: -1}\n")
    done = workdir.snakemake("--dry-run", "--configfile", overlay)
    assert done.returncode != 0
    told = done.stdout + done.stderr
    assert "pick.treshold: unknown key" in told
    assert "time.chunk_h: -1 given" in told
    assert "Traceback" not in told
