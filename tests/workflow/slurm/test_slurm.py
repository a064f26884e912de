"""The workflow on a real SLURM cluster, undisturbed and through faults.

Every drill ends in the same catalog as a run on one machine that nothing disturbed. The drills run
side by side: most of their time is waiting for SLURM.
"""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest
import slurmruns
from catalogs import same_catalog, same_tables
from runs import Finished, refused
from slurmcluster import Cluster
from slurmruns import TARGET
from workfolder import WorkFolder

pytestmark = pytest.mark.slurm

LONE = "cpu: {partition: lone, max_memory_mb: 3500}\ngroup_chunks: 1\n"
#: More than a hundred jobs of the workflow, ten chunks of 12 s in each SLURM job.
HUNDRED = "run: hundred\ntime: {chunk_h: 0.0033333333}\nannotate: {device: cpu}\n"
#: Steps are one SLURM job, but for networks.
ALONE = slurmruns.SITE + "group_chunks: 1\n"
TENS = "cpu: {partition: cpu, max_memory_mb: 3500}\ngroup_chunks: 10\n"
SUBMITTED = "has been submitted with SLURM jobid"


def started_twice(cluster: Cluster, finished: WorkFolder, folder: Path) -> str:
    """A second start refuses and the first goes on; networks go to the GPU partition."""
    place = slurmruns.prepared(finished, folder, slurmruns.SITE)
    with slurmruns.started(place, TARGET) as process:
        slurmruns.annotating(cluster, place, process)
        refused(slurmruns.run(place, TARGET), "is being worked on by process")
    said = _said(place, process)
    lines = cluster.squeue("--states", "all", "--format", "%P|%b|%Z|%k")
    mine = [line.split("|") for line in lines if str(folder) in line]
    places = {comment.split("_")[1]: (partition, gres) for partition, gres, _, comment in mine}
    assert places["annotate"] == ("gpu", "gres:gpu:1")
    assert {place for rule, place in places.items() if rule != "annotate"} == {("cpu", "N/A")}
    return said


def killed_snakemake(cluster: Cluster, finished: WorkFolder, folder: Path) -> str:
    """Kill -9 of the launcher and Snakemake: jobs live on, until the next start cancels them."""
    place = slurmruns.prepared(finished, folder)
    with slurmruns.started(place, TARGET) as process:
        job = slurmruns.annotating(cluster, place, process)
        slurmruns.kill_session(process.pid)
    said = _ended_well(slurmruns.run(place, TARGET))
    assert "cancelled jobs" in said
    assert job in said.split("cancelled jobs", 1)[1].splitlines()[0]
    return said


def killed_worker(cluster: Cluster, finished: WorkFolder, folder: Path) -> str:
    """Kill -9 of the process that computes: Snakemake submits the job again."""
    place = slurmruns.prepared(finished, folder)
    with slurmruns.started(place, TARGET) as process:
        slurmruns.annotating(cluster, place, process)
        for worker in slurmruns.workers(folder):
            worker.send_signal(signal.SIGKILL)
    return _went_on(place, process)


def cancelled_job(cluster: Cluster, finished: WorkFolder, folder: Path) -> str:
    """Scancel of a running job."""
    place = slurmruns.prepared(finished, folder)
    with slurmruns.started(place, TARGET) as process:
        job = slurmruns.annotating(cluster, place, process)
        subprocess.run(["scancel", job], check=True)
    return _went_on(place, process)


def dead_node(cluster: Cluster, finished: WorkFolder, folder: Path) -> str:
    """A node dies with its jobs and comes back."""
    place = slurmruns.prepared(finished, folder, LONE)
    with slurmruns.started(place, TARGET) as process:
        slurmruns.annotating(cluster, place, process)
        cluster.kill_node("c3")
        for worker in slurmruns.workers(folder):
            worker.send_signal(signal.SIGKILL)
        cluster.start_node("c3")
    return _went_on(place, process)


def time_limit(cluster: Cluster, finished: WorkFolder, folder: Path) -> str:
    """A job that hangs is ended when its time is over."""
    place = slurmruns.prepared(finished, folder)
    with slurmruns.started(place, TARGET) as process:
        job = slurmruns.annotating(cluster, place, process)
        for worker in slurmruns.workers(folder):
            worker.suspend()
        subprocess.run(["scontrol", "update", f"JobId={job}", "TimeLimit=1"], check=True)
    assert cluster.squeue("--states", "all", "--jobs", job, "--format", "%T") == ["TIMEOUT"]
    return _went_on(place, process)


def out_of_memory(cluster: Cluster, finished: WorkFolder, folder: Path) -> str:
    """The first request is too small; SLURM ends the job and the next request is larger."""
    place = slurmruns.prepared(finished, folder, ALONE)
    with slurmruns.started(
        place, TARGET, "--set-resources", "annotate:mem_mb=1500 if attempt > 1 else 150"
    ) as process:
        pass
    return _went_on(place, process)


DRILLS: dict[str, Callable[[Cluster, WorkFolder, Path], str]] = {
    drill.__name__: drill
    for drill in (
        started_twice, killed_snakemake, killed_worker, cancelled_job, dead_node, time_limit,
        out_of_memory,
    )
}  # fmt: skip


def _ended_well(done: subprocess.CompletedProcess[str]) -> str:
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def _said(place: WorkFolder, process: subprocess.Popen[str]) -> str:
    """What a run printed that was started in the background and ended well."""
    said = (place.folder / "started.log").read_text(encoding="utf-8")
    assert process.returncode == 0, said
    return said


def _went_on(place: WorkFolder, process: subprocess.Popen[str]) -> str:
    """What a run printed in which a job failed and was submitted again."""
    said = _said(place, process)
    assert "Trying to restart" in said, said
    return said


@pytest.fixture(scope="module")
def drills(
    cluster: Cluster, undisturbed: Finished, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, Future[str]]]:
    """All drills, run side by side: the folder of each and its outcome."""
    folders = {name: tmp_path_factory.mktemp(name) for name in DRILLS}
    with ThreadPoolExecutor(len(DRILLS)) as pool:
        return {
            name: (
                folders[name],
                pool.submit(DRILLS[name], cluster, undisturbed.place, folders[name]),
            )
            for name in DRILLS
        }


@pytest.mark.parametrize("name", DRILLS)
def test_the_catalog_is_that_of_an_undisturbed_run(
    name: str, drills: dict[str, tuple[Path, Future[str]]], undisturbed: Finished
) -> None:
    folder, outcome = drills[name]
    outcome.result()
    same_catalog(folder / "results" / slurmruns.RUN, undisturbed.results(slurmruns.RUN))
    assert not list((folder / "results").rglob("*.part"))


def test_no_job_is_left(cluster: Cluster, drills: object) -> None:
    assert cluster.squeue() == []
    assert not [p for p in psutil.process_iter(["name"]) if p.info["name"] == "slurmstepd"]


@pytest.mark.slow
def test_more_than_a_hundred_jobs(cluster: Cluster, demo_run: WorkFolder, tmp_path: Path) -> None:
    """Twenty chunks: 109 jobs of the workflow are four of SLURM."""
    place = WorkFolder.furnished(tmp_path / "work")
    (place.folder / "config/site.yaml").write_text(TENS, encoding="utf-8")
    place.demo_overlay(HUNDRED)
    said = _ended_well(slurmruns.run(place))
    assert len(list(place.folder.glob("results/hundred/benchmarks/*/*.tsv"))) == 109
    assert said.count(SUBMITTED) == 4, said
    assert not cluster.jobs(place.folder, "weights", "all"), "weights are fetched by a local rule"
    same_tables(place.folder / "results/hundred", demo_run.folder / "results/unterhaching")
