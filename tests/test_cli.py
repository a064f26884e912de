"""The command line, through the real program: one clear line for a mistake, exit code 2."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main
from typer.models import CommandInfo
from workfolder import QUAKELINE, REPOSITORY, WorkFolder

from quakeline import __version__, cli
from quakeline.core.installed import EXAMPLES

PRODUCT = "results/unterhaching/catalog/events.parquet"


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    """The command ended with exit code 2 and says these words, without a traceback."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    for word in words:
        assert word in done.stderr


def test_version(workdir: WorkFolder) -> None:
    assert workdir.quakeline("--version").stdout == f"quakeline {__version__}\n"


def test_a_shell_completes_commands(workdir: WorkFolder) -> None:
    asked = {
        "_QUAKELINE_COMPLETE": "complete_bash",
        "COMP_WORDS": "quakeline su",
        "COMP_CWORD": "1",
    }
    place = WorkFolder(workdir.folder, environment=asked)
    assert place.quakeline().stdout.split() == ["summary"]


@pytest.mark.parametrize("words", [["--help"], ["run", "-h"], ["config", "check", "-h"]])
def test_help(workdir: WorkFolder, words: list[str]) -> None:
    assert workdir.quakeline(*words).returncode == 0


def test_only_the_command_that_is_asked_for_is_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    """The options of all commands would take as long as loading the program; help needs them."""
    prepared = []
    make = typer.main.get_command_from_info

    def noted(command_info: CommandInfo, **settings: Any) -> object:
        made = make(command_info, **settings)
        prepared.append(made.name)
        return made

    monkeypatch.setattr(typer.main, "get_command_from_info", noted)
    for words, there, absent in (
        (["pick", "-h"], {"pick"}, {"run", "check"}),
        (["config", "-h"], {"check", "schema"}, {"run", "pick"}),
        (["-h"], {"pick", "check", "run"}, set()),
    ):
        prepared.clear()
        monkeypatch.setattr(sys, "argv", ["quakeline", *words])
        with pytest.raises(SystemExit):
            cli.main()
        assert there <= set(prepared)
        assert not absent & set(prepared)


@pytest.mark.parametrize("word", ["pic", "no_such", "--nothing"])
def test_an_unknown_command_is_told_the_known_ones(workdir: WorkFolder, word: str) -> None:
    done = workdir.quakeline(word)
    assert done.returncode == 2
    assert ("did you mean pick?" in done.stderr) == (word == "pic")
    assert ("; allowed: catalog, config, " in done.stderr) == (word == "no_such")


def test_check_shows_the_plan(workdir: WorkFolder) -> None:
    done = workdir.quakeline("config", "check")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.splitlines()
    assert lines[0] == "ok"
    assert "unterhaching" in lines[1]
    assert str(workdir.folder) in lines[1]
    assert "2010-05-27T16:24:00Z to 2010-05-27T16:28:00Z" in lines[2]


def test_check_takes_an_overlay_by_path_or_name(workdir: WorkFolder) -> None:
    path = workdir.demo_overlay("run: mine\ntime: {chunk_h: 0.025}\n", "config/runs/mine.yaml")
    for given in (path, "config/runs/mine.yaml", "mine"):
        done = workdir.quakeline("config", "check", given)
        assert done.returncode == 0, done.stderr
        assert "chunks  3 " in done.stdout
    assert "chunks  1 " in workdir.quakeline("config", "check", "unterhaching").stdout


def test_an_unknown_overlay_lists_the_known_ones(workdir: WorkFolder) -> None:
    workdir.demo_overlay("run: mine\n", "config/runs/mine.yaml")
    refused(workdir.quakeline("run", "nine"), "'nine'", "unterhaching", "mine")


def test_all_mistakes_are_shown_at_once(workdir: WorkFolder) -> None:
    overlay = workdir.demo_overlay("pick: {treshold: 1}\ntime: {chunk_h: -1}\nkeep: [all]\n")
    for command in (["config", "check"], ["run"]):
        done = workdir.quakeline(*command, overlay)
        refused(done, "3 mistakes", "pick.treshold:", "time.chunk_h:", "keep.0:")
        assert done.stdout == ""
    assert not (workdir.folder / ".snakemake").exists()
    assert not (workdir.folder / "results").exists()


def test_files_that_do_not_exist_are_mistakes(workdir: WorkFolder) -> None:
    overlay = workdir.demo_overlay("stations: {table: a.csv}\nvelocity: {table: b.csv}\n")
    refused(workdir.quakeline("run", overlay), "stations.table", "'a.csv'", "velocity.table")


def test_a_broken_overlay_is_one_line(workdir: WorkFolder) -> None:
    done = workdir.quakeline("run", workdir.overlay("run: [unclosed\n"))
    refused(done, "overlay.yaml")
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.parametrize("cores", ["0", "-1", "many", "1.5"])
def test_cores_must_be_a_number(workdir: WorkFolder, cores: str) -> None:
    refused(workdir.quakeline("run", "--cores", cores), "--cores")


def test_results_that_cannot_be_written_are_told_first(workdir: WorkFolder) -> None:
    (workdir.folder / "results").write_text("in the way", encoding="utf-8")
    done = workdir.quakeline("run")
    refused(done, "cannot write", "results/unterhaching")
    assert len(done.stderr.splitlines()) == 1


def test_an_unknown_run_has_no_summary(workdir: WorkFolder) -> None:
    done = workdir.quakeline("summary", "nosuch")
    refused(done, "nosuch")
    assert done.stdout == ""


def test_reference_and_schema_are_written_and_checked(workdir: WorkFolder) -> None:
    for command, name in (("reference", "README.md"), ("schema", "config.schema.json")):
        path = workdir.folder / "config" / name
        path.write_text(path.read_text(encoding="utf-8") + "\nold", encoding="utf-8")
        refused(workdir.quakeline("config", command, "--check"), name, "out of date")
        done = workdir.quakeline("config", command)
        assert (done.returncode, done.stdout) == (0, f"written  {path}\n")
        assert path.read_bytes() == (REPOSITORY / "config" / name).read_bytes()
        assert workdir.quakeline("config", command, "--check").returncode == 0


def test_a_folder_without_configuration_works_in_the_source_tree(tmp_path: Path) -> None:
    done = WorkFolder(tmp_path).quakeline("config", "check")
    assert str(REPOSITORY / "results") in done.stdout


def test_without_any_run_there_is_one_line(demo_tree: WorkFolder, tmp_path: Path) -> None:
    installed = WorkFolder(tmp_path / "elsewhere", environment=demo_tree.environment)
    installed.folder.mkdir()
    shutil.rmtree(demo_tree.folder / "config")
    done = installed.quakeline("run")
    refused(done, "no run in", str(installed.folder), "quakeline init")
    assert len(done.stderr.splitlines()) == 1


def test_an_overlay_without_a_folder_of_configuration_runs_where_it_is(tmp_path: Path) -> None:
    place = WorkFolder(tmp_path)
    place.demo_overlay("run: alone\nstations: {table: st.csv}\nvelocity: {table: iasp91}\n")
    shutil.copy(EXAMPLES / "unterhaching/stations.csv", tmp_path / "st.csv")
    done = place.quakeline("config", "check", "overlay.yaml")
    assert str(tmp_path / "results/alone") in done.stdout, done.stderr


def test_a_newer_script_of_the_jobs_runs_nothing_again(demo_tree: WorkFolder) -> None:
    (demo_tree.folder / "quakeline/workflow/dag/scripts/run_stage.py").touch()
    done = demo_tree.quakeline("run", "--", "--dry-run")
    assert "Nothing to be done" in done.stdout + done.stderr


def test_words_after_two_dashes_go_to_snakemake(workdir: WorkFolder) -> None:
    done = workdir.quakeline("run", "--cores", "1", "--", "--dry-run", "--quiet", "rules")
    assert done.returncode == 0, done.stderr
    assert "This was a dry-run" in done.stdout + done.stderr
    assert not (workdir.folder / PRODUCT).exists()


def test_running_again_does_nothing(demo_copy: WorkFolder) -> None:
    before = {p: p.stat().st_mtime_ns for p in (demo_copy.folder / "results").rglob("*.parquet")}
    done = demo_copy.quakeline("run", "unterhaching")
    assert done.returncode == 0, done.stderr
    assert "Nothing to be done" in done.stdout + done.stderr
    assert before == {p: p.stat().st_mtime_ns for p in before}


def test_a_mistake_found_by_a_job_ends_with_its_line(workdir: WorkFolder) -> None:
    overlay = workdir.demo_overlay(
        "run: bad\nfetch: {source: {kind: files, paths: [nothing/*.mseed]}}\n"
    )
    done = workdir.quakeline("run", overlay)
    refused(done, "fetch", "no file matches 'nothing/*.mseed'")
    own = [line for line in done.stderr.splitlines() if line.startswith("quakeline: ")]
    assert len(own) == 1
    assert own[0] == done.stderr.splitlines()[-1]
    assert len(done.stderr.splitlines()) < 12
    kept = workdir.folder / "results/bad/logs/snakemake.txt"
    assert "all that Snakemake said is in results/bad/logs/snakemake.txt" in done.stderr
    assert "fetch" in kept.read_text()
    loud = workdir.quakeline("run", overlay, "--verbose")
    assert len(loud.stderr.splitlines()) > 12
    assert loud.stderr.splitlines()[-1] == own[0]


def test_a_defect_of_the_program_names_its_log(demo_tree: WorkFolder) -> None:
    module = demo_tree.folder / "quakeline/workflow/stages/report.py"
    text = module.read_text(encoding="utf-8").replace("VERSION = ", "VERSION = 9")
    module.write_text(f"{text}\n\ndef run(config, **files):\n    raise RuntimeError('defect')\n")
    done = demo_tree.quakeline("run")
    assert done.returncode == 1, done.stdout + done.stderr
    assert "results/unterhaching/logs/report/all.log" in done.stderr.splitlines()[-1]


def locked(place: WorkFolder) -> Path:
    """Leave the lock of a Snakemake that was killed."""
    locks = place.folder / ".snakemake/locks"
    locks.mkdir(exist_ok=True)
    (locks / "0.output.lock").write_text(f"{PRODUCT}\n", encoding="utf-8")
    return locks


def test_a_stale_lock_is_removed(demo_copy: WorkFolder) -> None:
    locks = locked(demo_copy)
    done = demo_copy.quakeline("run")
    assert done.returncode == 0, done.stderr
    assert not list(locks.glob("*.lock"))


def test_a_lock_of_another_machine_stays(demo_copy: WorkFolder) -> None:
    locks = locked(demo_copy)
    log = demo_copy.folder / ".snakemake/log/2099-01-01T000000.snakemake.log"
    log.write_text("SNAKEMAKE\n=========\n  Host: node17\n", encoding="utf-8")
    refused(demo_copy.quakeline("run"), "node17", "--unlock")
    assert list(locks.glob("*.lock"))


@contextlib.contextmanager
def started(place: WorkFolder) -> Iterator[subprocess.Popen[bytes]]:
    """A run that has made its first product; whatever is left of it is killed at the end."""
    process = subprocess.Popen(
        [QUAKELINE, "run", "--cores", "1"],
        cwd=place.folder,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # a shell makes what it starts in the background deaf to interrupts, these tests too
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )
    try:
        deadline = time.monotonic() + 120
        while not (place.folder / "results/unterhaching/stations.parquet").exists():
            assert process.poll() is None, "the run ended early"
            assert time.monotonic() < deadline, "the run made nothing"
            time.sleep(0.05)
        yield process
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


@pytest.mark.slow
def test_a_killed_run_continues_and_a_live_one_is_left_alone(workdir: WorkFolder) -> None:
    stations = workdir.folder / "results/unterhaching/stations.parquet"
    with started(workdir):
        refused(workdir.quakeline("run"), "is being worked on", "process")
    made = stations.stat().st_mtime_ns
    assert list((workdir.folder / ".snakemake/locks").glob("*.lock"))
    done = workdir.quakeline("run", "--cores", "2")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (workdir.folder / PRODUCT).exists()
    assert stations.stat().st_mtime_ns == made


def test_an_interrupt_ends_the_run_and_frees_the_folder(workdir: WorkFolder) -> None:
    with started(workdir) as process:
        process.send_signal(signal.SIGINT)
        assert process.wait(timeout=60) == 130
    assert not list((workdir.folder / ".snakemake").glob("locks/*.lock"))
