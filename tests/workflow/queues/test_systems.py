"""What each batch system is told, how its answers are read, and how a job's end is known."""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from quakeline.core.errors import QuakelineError
from quakeline.core.installed import PROFILES
from quakeline.workflow.cluster import ClusterSite
from quakeline.workflow.queues import jobs
from quakeline.workflow.queues.__main__ import main
from quakeline.workflow.queues.systems import Job
from quakeline.workflow.queues.table import SYSTEMS

JOB = Job(
    "quakeline.annotate", 4, 3000, 90, "long", "seis", "smp", None, ("-l", "gpu=1"), Path("/logs")
)
SMALL = Job("quakeline.pick", 1, 500, 5, None, None, "smp", None, (), Path("/logs"))


def test_grid_engine_is_asked_in_seconds_and_free_memory() -> None:
    words = SYSTEMS["sge"].submission(JOB)
    assert "h_rt=5400,mem_free=3000M" in words
    assert words[words.index("-pe") : words.index("-pe") + 3] == ["-pe", "smp", "4"]
    assert words[-6:] == ["-q", "long", "-P", "seis", "-l", "gpu=1"]
    assert words[words.index("-S") + 1] == "/bin/sh"  # whatever shell a queue has
    small = SYSTEMS["sge"].submission(SMALL)
    assert not {"-pe", "-q", "-P"} & set(small)


def test_pbs_is_asked_for_one_chunk_on_one_host() -> None:
    words = SYSTEMS["pbs"].submission(JOB)
    assert {"select=1:ncpus=4:mem=3000mb", "walltime=01:30:00", "-A", "seis"} < set(words)
    assert words[words.index("-N") + 1] == "quakeline.annot"
    words = SYSTEMS["pbs"].submission(replace(JOB, gres="ngpus=1"))
    assert "select=1:ncpus=4:mem=3000mb:ngpus=1" in words


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
        ("kubernetes", "job.batch/quakeline-pick-x7k2p\n", "quakeline-pick-x7k2p"),
    ],
)
def test_ids_are_read_from_answers(system: str, answer: str, identifier: str) -> None:
    assert SYSTEMS[system].identifier(answer) == identifier
    with pytest.raises(QuakelineError, match="answered 'Welcome to the cluster'"):
        SYSTEMS[system].identifier("Welcome to the cluster\n")


@pytest.mark.parametrize(
    ("system", "code", "answer", "standing"),
    [
        ("sge", 0, "job_number: 7\n", "there"),
        ("sge", 0, "job_number: 7\nerror reason    1: can't chdir to /x\n", "stuck"),
        ("sge", 1, "Following jobs do not exist: \n7\n", "gone"),
        ("sge", 1, "error: unable to contact qmaster using port 6444\n", None),
        ("pbs", 0, "Job Id: 7.a\n    job_state = Q\n", "there"),
        ("pbs", 0, "Job Id: 7.a\n    job_state = H\n", "stuck"),
        ("pbs", 0, "Job Id: 7.a\n    job_state = F\n    Exit_status = 271\n", "gone"),
        ("pbs", 153, "qstat: Unknown Job Id 7.a\n", "gone"),
        ("pbs", 255, "Connection refused\nqstat: cannot connect to server a (errno=15010)\n", None),
        ("lsf", 0, "RUN\n", "there"),
        ("lsf", 0, "PEND\n", "there"),
        ("lsf", 0, "PSUSP\n", "stuck"),
        ("lsf", 0, "EXIT\n", "gone"),
        ("lsf", 255, "Job <7> is not found\n", "gone"),
        ("lsf", 255, "LSF is down. Please wait ...\n", None),
        ("kubernetes", 0, "there ", "there"),
        ("kubernetes", 0, "there Suspended", "stuck"),
        ("kubernetes", 0, "there SuccessCriteriaMet Complete", "gone"),
        ("kubernetes", 0, "there FailureTarget Failed", "gone"),
        ("kubernetes", 1, 'Error from server (NotFound): jobs.batch "a" not found\n', "gone"),
        ("kubernetes", 1, "The connection to the server 10.0.0.1 was refused\n", None),
    ],
)
def test_what_systems_say_of_a_job(
    system: str, code: int, answer: str, standing: str | None
) -> None:
    assert SYSTEMS[system].standing(code, answer) == standing


@pytest.fixture
def stand_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of a run, and `qstat` that says what a file of it holds."""
    programs = tmp_path / "bin"
    programs.mkdir()
    qstat = programs / "qstat"
    qstat.write_text("#!/bin/sh\ncat said >&2\nexit 1\n")
    qstat.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / jobs.FOLDER
    folder.mkdir(parents=True)
    (folder / "3.a.token").write_text("abc")
    return tmp_path


def state(folder: Path, said: str) -> str:
    (folder / "said").write_text(said)
    return jobs.state(SYSTEMS["pbs"], "3.a", pytest.fail)


UNKNOWN, SILENT, THERE = "qstat: Unknown Job Id 3.a", "cannot connect to server", "job_state = R"


def test_the_exit_code_that_a_job_left_is_its_state(stand_in: Path) -> None:
    (stand_in / jobs.FOLDER / "3.a.exit").write_text("0")  # of another job with this id
    assert state(stand_in, THERE) == "running"
    for code, ended in (("0", "success"), ("137", "failed")):
        (stand_in / jobs.FOLDER / "abc.exit").write_text(code + "\n")
        assert state(stand_in, THERE) == ended


def test_a_job_that_vanished_without_a_word_has_failed_after_a_while(stand_in: Path) -> None:
    assert state(stand_in, UNKNOWN) == "running"
    gone = stand_in / jobs.FOLDER / "3.a.gone"
    before = time.time() - jobs.PATIENCE_S - 1
    os.utime(gone, (before, before))
    assert state(stand_in, UNKNOWN) == "failed"
    assert state(stand_in, SILENT) == "running"
    assert not gone.exists()


def test_a_job_that_waits_for_a_person_is_told_once(stand_in: Path) -> None:
    told: list[str] = []
    (stand_in / "said").write_text("job_state = H")
    for _ in range(2):
        assert jobs.state(SYSTEMS["pbs"], "3.a", told.append) == "running"
    assert told == ["job 3.a does not run until its error or hold is cleared"]


def test_a_missing_program_is_one_line(
    stand_in: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert main(["state", "lsf", "3.a"]) == 2
    assert capsys.readouterr().err == "bjobs is not installed on this machine\n"


def test_a_queue_of_one_name_has_other_options_for_networks() -> None:
    site = ClusterSite.model_validate(
        {"cpu": {"partition": "a"}, "gpu": {"partition": "a", "options": ["-l", "gpu=1"]}}
    )
    found = {kind: site.queue(kind) for kind in ("cpu", "gpu")}  # type: ignore[arg-type]
    assert found["cpu"] is not None
    assert found["gpu"] is not None
    assert (found["cpu"].options, found["gpu"].options) == ([], ["-l", "gpu=1"])
    assert site.resources("gpu", 1, 1)["queue"] == "gpu"
    assert "queue" not in site.resources("cpu", 1, 1)


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
    assert found.options or found.gres
