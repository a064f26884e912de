"""What a person reads when the workflow has ended."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest

from quakeline.workflow.outcome import INTERRUPTED, SHOWN, Outcome, explain


def job(root: Path, name: str, log: str = "INFO x: done\n", error: str | None = None) -> None:
    path = root / "results/logs" / f"{name}.log"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(log)
    if error is not None:
        path.with_suffix(".error").write_text(f"{error}\n")


def explained(root: Path, code: int = 1, start_ns: int = 0) -> Outcome:
    return explain(code, root / "results", root, start_ns)


def test_success_says_nothing(tmp_path: Path) -> None:
    assert explained(tmp_path, 0) == Outcome(0)


def test_an_interrupt_and_a_killed_snakemake_say_how_to_go_on(tmp_path: Path) -> None:
    for code, exit_code in ((INTERRUPTED, INTERRUPTED), (-signal.SIGKILL, 1)):
        outcome = explained(tmp_path, code)
        assert outcome.code == exit_code
        assert "the same command continues the run" in outcome.lines[0]


def test_a_mistake_of_one_job(tmp_path: Path) -> None:
    job(tmp_path, "stations/all", error="stations: no coordinates")
    job(tmp_path, "weights/all")
    assert explained(tmp_path) == Outcome(2, ("stations: no coordinates",))


def test_the_same_mistake_of_many_chunks_is_one_line(tmp_path: Path) -> None:
    for n in range(30):
        job(
            tmp_path, f"prepare/c{n}", error=f"prepare c{n}: cannot write waveforms/c{n}.zarr: full"
        )
    job(tmp_path, "weights/all", error="weights: cannot be fetched")
    assert explained(tmp_path) == Outcome(
        2,
        (
            "prepare c0: cannot write waveforms/c0.zarr: full (the same for 29 more chunks)",
            "weights: cannot be fetched",
        ),
    )


def test_many_mistakes_are_counted(tmp_path: Path) -> None:
    for n in range(SHOWN + 3):
        job(tmp_path, f"fetch/c{n}", error=f"fetch c{n}: reason {'x' * n}")
    lines = explained(tmp_path).lines
    assert len(lines) == SHOWN + 1
    assert lines[-1] == "and 3 more of this kind in the logs"


@pytest.mark.parametrize(
    ("log", "words"),
    [
        ("INFO pick c1: version 1\n", "ended without a word, as a job that is killed"),
        ("", "ended without a word"),
        ("ERROR pick c1: unexpected error\nTraceback\n", "ended with an error of the program"),
    ],
)
def test_jobs_that_left_no_line_name_their_log(tmp_path: Path, log: str, words: str) -> None:
    job(tmp_path, "fetch/c1")
    job(tmp_path, "pick/c1", f"2010 {log}" if log else log)
    outcome = explained(tmp_path)
    assert outcome.code == 1
    (line,) = outcome.lines
    assert line.startswith(f"pick c1: {words}")
    assert line.endswith("results/logs/pick/c1.log")


def test_a_mistake_beside_a_defect_tells_both(tmp_path: Path) -> None:
    job(tmp_path, "fetch/c1", error="fetch c1: empty")
    job(tmp_path, "weights/all", "INFO weights: version 1\n")
    outcome = explained(tmp_path)
    assert outcome.code == 1
    assert outcome.lines[0] == "fetch c1: empty"
    assert outcome.lines[1].startswith("weights: ended without a word")


def test_what_earlier_runs_left_does_not_count(tmp_path: Path) -> None:
    job(tmp_path, "fetch/c1", "", error="fetch c1: old")
    later = (tmp_path / "results/logs/fetch/c1.error").stat().st_mtime_ns + 1
    outcome = explained(tmp_path, start_ns=later)
    assert outcome.code == 1
    assert outcome.lines[0].startswith("the run did not finish (Snakemake's exit code: 1)")
