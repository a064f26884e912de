"""`kill -9` in the middle of `annotate`: the same command finishes, and the catalog is the same."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from catalogs import same_catalog
from runs import Finished, undo_after_prepare
from workfolder import QUAKELINE, WorkFolder

CHUNK = "20100527T162400_20100527T162800"
#: Windows so close that the network is busy for some seconds.
OVERLAY = "run: killed\nannotate: {hop_samples: 67, device: cpu}\n"


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Finished:
    def furnish(place: WorkFolder) -> str:
        return place.demo_overlay(OVERLAY)

    run = Finished.once(tmp_path_factory, worker_id, "uninterrupted", furnish)
    assert run.code == 0, run.out + run.err
    return run


@pytest.fixture
def prepared(uninterrupted: Finished, tmp_path: Path) -> WorkFolder:
    """A run whose next job is `annotate`."""
    place = uninterrupted.place.copied(tmp_path / "work")
    results = place.folder / "results/killed"
    for stage in undo_after_prepare(results, OVERLAY):
        for kind in ("logs", "benchmarks"):
            shutil.rmtree(results / kind / stage)
    return place


@contextlib.contextmanager
def annotating(place: WorkFolder) -> Iterator[subprocess.Popen[bytes]]:
    """The run in the middle of writing probabilities; what is left of it is killed at the end."""
    with (place.folder / "killed.log").open("wb") as log:
        process = subprocess.Popen(
            [QUAKELINE, "run", "overlay.yaml", "--cores", "2"],
            cwd=place.folder,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
    try:
        deadline = time.monotonic() + 120
        while not list((place.folder / "results/killed/probabilities").glob(f".{CHUNK}*.part/*")):
            assert process.poll() is None, "the run ended early"
            assert time.monotonic() < deadline, "annotate did not start"
            time.sleep(0.02)
        yield process
    finally:
        kill(session(process.pid))
        process.wait()


def session(leader: int) -> dict[str, list[int]]:
    """Processes of a session by their part: launcher, Snakemake, job."""
    found: dict[str, list[int]] = {"launcher": [], "Snakemake": [], "job": []}
    for process in psutil.process_iter(["cmdline"]):
        with contextlib.suppress(ProcessLookupError, psutil.Error):
            if os.getsid(process.pid) == leader:
                words = " ".join(process.info["cmdline"] or [])
                part = "Snakemake" if "-m snakemake" in words else "launcher"
                found["job" if ".snakemake/scripts" in words else part].append(process.pid)
    return found


def kill(parts: dict[str, list[int]]) -> None:
    for pid in [pid for pids in parts.values() for pid in pids]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


def made(place: WorkFolder) -> dict[str, int]:
    """Finished products and when they were written."""
    results = place.folder / "results/killed"
    found = [*results.rglob("*.parquet"), *results.rglob("*.zarr/zarr.json")]
    return {str(path): path.stat().st_mtime_ns for path in found if ".part" not in str(path)}


VICTIMS = {
    "everything": ("launcher", "Snakemake", "job"),
    "the job": ("job",),
    "Snakemake": ("Snakemake",),
    "all but the job": ("launcher", "Snakemake"),
}


@pytest.mark.parametrize(
    "victims",
    [pytest.param(name, marks=[] if name == "the job" else [pytest.mark.slow]) for name in VICTIMS],
)
def test_the_same_command_finishes_and_the_catalog_is_the_same(
    victims: str, prepared: WorkFolder, uninterrupted: Finished
) -> None:
    before = made(prepared)
    with annotating(prepared) as process:
        parts = session(process.pid)
        assert all(parts.values())
        kill({part: parts[part] for part in VICTIMS[victims]})
        process.wait(timeout=60)
        assert process.returncode == (-signal.SIGKILL if "launcher" in VICTIMS[victims] else 1)
        if victims != "all but the job":
            assert made(prepared) == before
        done = prepared.quakeline("run", "overlay.yaml", "--cores", "2")
        assert not any(session(process.pid).values())
    assert done.returncode == 0, done.stdout + done.stderr
    assert {path: made(prepared)[path] for path in before} == before
    assert not list((prepared.folder / "results").rglob("*.part"))
    same_catalog(prepared.folder / "results/killed", uninterrupted.results("killed"))
    said = (prepared.folder / "killed.log").read_text(encoding="utf-8")
    assert "Traceback" not in said + done.stdout + done.stderr
    if victims == "the job":
        last = said.splitlines()[-1]
        assert last.startswith(f"quakeline: annotate {CHUNK}: ended without a word")
        assert "the same command continues the run" in last
    if victims == "Snakemake":
        assert "quakeline: Snakemake was ended by SIGKILL; the same command" in said
