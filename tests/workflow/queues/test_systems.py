"""What each batch system is told, how its answers are read, and how a job's end is known."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest
import yaml

from quakeline.core.errors import QuakelineError
from quakeline.core.installed import PROFILES
from quakeline.workflow.cluster import ClusterSite
from quakeline.workflow.queues import jobs
from quakeline.workflow.queues.__main__ import main
from quakeline.workflow.queues.systems import SYSTEMS, Job

JOB = Job("quakeline.annotate", 4, 3000, 90, "long", "seis", "smp", ("-l", "gpu=1"), Path("/logs"))
SMALL = Job("quakeline.pick", 1, 500, 5, None, None, "smp", (), Path("/logs"))


def test_grid_engine_is_asked_in_seconds_and_free_memory() -> None:
    words = SYSTEMS["sge"].submission(JOB)
    assert "h_rt=5400,mem_free=3000M" in words
    assert words[words.index("-pe") : words.index("-pe") + 3] == ["-pe", "smp", "4"]
    assert words[-6:] == ["-q", "long", "-P", "seis", "-l", "gpu=1"]
    small = SYSTEMS["sge"].submission(SMALL)
    assert not {"-pe", "-q", "-P"} & set(small)


def test_pbs_is_asked_for_one_chunk_on_one_host() -> None:
    words = SYSTEMS["pbs"].submission(JOB)
    assert {"select=1:ncpus=4:mem=3000mb", "walltime=01:30:00", "-A", "seis"} < set(words)
    assert words[words.index("-N") + 1] == "quakeline.annot"


def test_lsf_is_asked_in_minutes_with_units_of_memory() -> None:
    words = SYSTEMS["lsf"].submission(JOB)
    assert words[words.index("-W") + 1] == "90"
    assert words[words.index("-M") + 1] == "3000MB"
    assert "span[hosts=1] rusage[mem=3000MB]" in words


@pytest.mark.parametrize(
    ("system", "answer", "identifier"),
    [
        ("sge", "warning: root's job is not allowed\n17\n", "17"),
        ("pbs", "1234.head-node\n", "1234.head-node"),
        ("lsf", "Job <99> is submitted to queue <normal>.\n", "99"),
    ],
)
def test_ids_are_read_from_answers(system: str, answer: str, identifier: str) -> None:
    assert SYSTEMS[system].identifier(answer) == identifier
    with pytest.raises(QuakelineError, match="answered 'Welcome to the cluster'"):
        SYSTEMS[system].identifier("Welcome to the cluster\n")


def test_an_ended_job_of_lsf_is_not_taken_for_one_that_runs() -> None:
    lsf = SYSTEMS["lsf"]
    assert [lsf.knows(0, said) for said in ("RUN\n", "PEND\n", "DONE\n", "EXIT\n", "")] == [
        True, True, False, False, False,
    ]  # fmt: skip
    assert not lsf.knows(255, "RUN\n")


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a run, and `qstat` that knows the jobs that a file of it lists."""
    programs = tmp_path / "bin"
    programs.mkdir()
    qstat = programs / "qstat"
    qstat.write_text('#!/bin/sh\ngrep -qx "$1" known 2> /dev/null\n')
    qstat.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    (tmp_path / jobs.FOLDER).mkdir(parents=True)
    return tmp_path


def test_the_exit_code_that_a_job_left_is_its_state(stand_in: Path) -> None:
    pbs = SYSTEMS["pbs"]
    (stand_in / "known").write_text("1.a\n2.a\n")
    assert jobs.state(pbs, "1.a") == "running"
    for code, state in (("0", "success"), ("137", "failed")):
        (stand_in / jobs.FOLDER / "2.a.exit").write_text(code + "\n")
        assert jobs.state(pbs, "2.a") == state


def test_a_job_that_vanished_without_a_word_has_failed_after_a_while(stand_in: Path) -> None:
    pbs = SYSTEMS["pbs"]
    assert jobs.state(pbs, "3.a") == "running"
    gone = stand_in / jobs.FOLDER / "3.a.gone"
    before = time.time() - jobs.PATIENCE_S - 1
    os.utime(gone, (before, before))
    assert jobs.state(pbs, "3.a") == "failed"
    (stand_in / "known").write_text("3.a\n")
    assert jobs.state(pbs, "3.a") == "running"
    assert not gone.exists()


def test_a_missing_program_is_one_line(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["state", "lsf", "1"]) == 2
    assert capsys.readouterr().err == "bjobs is not installed on this machine\n"


@pytest.mark.parametrize("name", SYSTEMS)
def test_profiles_and_their_example_sites_fit(name: str) -> None:
    profile = yaml.safe_load((PROFILES / name / "config.yaml").read_text(encoding="utf-8"))
    assert f"queues submit {name} " in profile["cluster-generic-submit-cmd"]
    assert profile["cluster-generic-status-cmd"].endswith(f"queues state {name}")
    text = (PROFILES / name / "site.example.yaml").read_text(encoding="utf-8")
    assert ClusterSite.model_validate(yaml.safe_load(text)).cpu
    shown = text.replace("gpu: null", "# gpu: null").replace("# gpu:\n", "gpu:\n")
    shown = shown.replace("#   ", "  ")
    found = ClusterSite.model_validate(yaml.safe_load(shown)).gpu
    assert found is not None
    assert len(found.options) == 2
