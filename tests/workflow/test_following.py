"""What of Snakemake's output a person sees while a run works."""

from __future__ import annotations

import copy
import io
import re
import time
from pathlib import Path

import pytest
from rich.console import Console

from quakeline.commands.phases import phases_shown
from quakeline.workflow.following import Follower, Steps
from quakeline.workflow.stages.table import TABLE


def test_progress_warnings_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output, seen = tmp_path / "snakemake.txt", []
    output.write_text("Building DAG of jobs...\n1 of 15 steps (7%) done\n2 of 15 st")
    follower = Follower(output, lambda steps: seen.append((steps.done, steps.total)))
    follower.look()
    assert seen == [(1, 15)]
    with output.open("a") as file:
        file.write("eps (13%) done\nWARNING fetch: odd\nWARNING fetch: odd\n  rule x:\n")
        file.writelines(f"WARNING pick: {n}\n" for n in range(12))
        file.write("Nothing to be done (all requested files are present and up to date).")
    follower.close()
    assert seen == [(1, 15), (2, 15)]
    said = capsys.readouterr().err.splitlines()
    assert said.count("WARNING fetch: odd") == 1
    assert sum(line.startswith("WARNING") for line in said) == 11
    assert "Nothing to be done" in said[-2]
    assert said[-1] == f"WARNING 3 more warnings: {output}"


SAID = """Job stats:
job          count
---------  -------
fetch            2
prepare          2
report           1
all              1
total            6

Select jobs to execute...
Job 5: fetch a
Finished jobid: 5 (Rule: fetch)
1 of 6 steps (17%) done
Job 6: fetch b
Job 7: prepare a
Finished jobid: 7 (Rule: prepare)
2 of 6 steps (33%) done
"""


def test_a_line_for_each_phase_fits_a_terminal(tmp_path: Path) -> None:
    output = tmp_path / "snakemake.txt"
    output.write_text(SAID)
    console = Console(file=io.StringIO(), force_terminal=True, width=80, color_system=None)
    seen: list[Steps] = []
    with phases_shown(console) as tell:

        def both(steps: Steps) -> None:
            tell(steps)
            seen.append(copy.deepcopy(steps))

        Follower(output, both).close()
        time.sleep(0.3)  # the display is drawn ten times a second
    last = seen[-1]
    assert list(last.phases()) == [
        ("data", ["fetch"]),
        ("picks", ["prepare"]),
        ("catalog", ["report"]),
    ]
    assert (last.done, last.total, last.finished) == (2, 6, {"fetch": 1, "prepare": 1})
    drawn = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", console.file.getvalue())  # type: ignore[attr-defined]
    lines = re.split(r"[\r\n]+", drawn)
    assert max(map(len, lines)) <= 80
    assert any(re.match(r"data .* 50 % .*fetch 1/2", line) for line in lines)
    assert any(re.match(r"picks .* 50 % .*prepare 1/2", line) for line in lines)
    assert any(re.match(r"catalog .* 0 % ", line) for line in lines)


def test_stages_of_training_and_of_events_have_their_phases() -> None:
    jobs = dict.fromkeys(
        ("stations", "dataset", "train", "annotate", "classify_windows", "associate"), 1
    )
    assert list(Steps(jobs=jobs).phases()) == [
        ("data", ["stations"]),
        ("train", ["dataset", "train"]),
        ("picks", ["annotate", "classify_windows"]),
        ("catalog", ["associate"]),
    ]


def test_what_works_on_chunks_is_no_part_of_the_catalog() -> None:
    """The catalog begins where chunks are joined: no bar of it may run while waveforms are read."""
    late = {stage.name for stage in TABLE if stage.scope != "run" and stage.phase == "catalog"}
    assert not late
