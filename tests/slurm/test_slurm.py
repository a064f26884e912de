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

import pandas as pd
import psutil
import pytest
import slurmruns
from runs import Finished
from slurmcluster import Cluster
from workfolder import WorkFolder

from quakeline.io import tables
from quakeline.schemas import ARRIVALS, EVENTS, PICKS

pytestmark = pytest.mark.slurm

LONE = "cpu: {partition: lone, max_memory_mb: 3500}\n"
GROUPED = "cpu: {partition: cpu, max_memory_mb: 7000}\ngroup_chunks: 2\n"


def nothing(cluster: Cluster, folder: Path) -> str:
    """Nothing happens; networks go to the GPU partition."""
    done = slurmruns.run(slurmruns.on_cluster(folder))
    lines = cluster.squeue("--states", "all", "--format", "%P|%b|%Z|%k")
    mine = [line.split("|") for line in lines if str(folder) in line]
    places = {comment.split("_")[1]: (partition, gres) for partition, gres, _, comment in mine}
    assert places["annotate"] == ("gpu", "gres:gpu:1")
    assert {place for rule, place in places.items() if rule != "annotate"} == {("cpu", "N/A")}
    assert "weights" not in places, "weights are fetched where the person works"
    return _ended_well(done)


def grouped_chunks(cluster: Cluster, folder: Path) -> str:
    """Two chunks are one SLURM job, and the catalog another."""
    done = slurmruns.run(slurmruns.on_cluster(folder, GROUPED))
    said = _ended_well(done)
    assert 0 < said.count("has been submitted with SLURM jobid") <= 7, said
    return said


def killed_snakemake(cluster: Cluster, folder: Path) -> str:
    """Kill -9 of the launcher and Snakemake: jobs live on, until the next start cancels them."""
    place = slurmruns.on_cluster(folder)
    with slurmruns.started(place) as process:
        job = slurmruns.annotating(cluster, place, process)
        slurmruns.kill_session(process.pid)
    said = _ended_well(slurmruns.run(place))
    assert "cancelled jobs" in said
    assert job in said.split("cancelled jobs", 1)[1].splitlines()[0]
    return said


def killed_worker(cluster: Cluster, folder: Path) -> str:
    """Kill -9 of the process that computes: Snakemake submits the job again."""
    place = slurmruns.on_cluster(folder)
    with slurmruns.started(place) as process:
        slurmruns.annotating(cluster, place, process)
        for worker in slurmruns.workers(folder):
            worker.send_signal(signal.SIGKILL)
    return _went_on(place, process)


def cancelled_job(cluster: Cluster, folder: Path) -> str:
    """Scancel of a running job."""
    place = slurmruns.on_cluster(folder)
    with slurmruns.started(place) as process:
        job = slurmruns.annotating(cluster, place, process)
        subprocess.run(["scancel", job], check=True)
    return _went_on(place, process)


def dead_node(cluster: Cluster, folder: Path) -> str:
    """A node dies with its jobs and comes back."""
    place = slurmruns.on_cluster(folder, LONE)
    with slurmruns.started(place) as process:
        slurmruns.annotating(cluster, place, process)
        cluster.kill_node("c3")
        for worker in slurmruns.workers(folder):
            worker.send_signal(signal.SIGKILL)
        cluster.start_node("c3")
    return _went_on(place, process)


def out_of_memory(cluster: Cluster, folder: Path) -> str:
    """The first request is too small; SLURM ends the job and the next request is larger."""
    place = slurmruns.on_cluster(folder)
    with slurmruns.started(
        place, "--set-resources", "annotate:mem_mb=1500 if attempt > 1 else 150"
    ) as process:
        pass
    return _went_on(place, process)


DRILLS: dict[str, Callable[[Cluster, Path], str]] = {
    drill.__name__: drill
    for drill in (
        nothing, grouped_chunks, killed_snakemake, killed_worker, cancelled_job, dead_node,
        out_of_memory,
    )
}  # fmt: skip


def _ended_well(done: subprocess.CompletedProcess[str]) -> str:
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    return said


def _went_on(place: WorkFolder, process: subprocess.Popen[str]) -> str:
    """What a run printed in which a job failed and was submitted again."""
    said = (place.folder / "started.log").read_text(encoding="utf-8")
    assert process.returncode == 0, said
    assert "Trying to restart" in said, said
    return said


@pytest.fixture(scope="module")
def drills(
    cluster: Cluster, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, tuple[Path, Future[str]]]:
    """All drills, run side by side: the folder of each and its outcome."""
    folders = {name: tmp_path_factory.mktemp(name) for name in DRILLS}
    with ThreadPoolExecutor(len(DRILLS)) as pool:
        return {
            name: (folders[name], pool.submit(DRILLS[name], cluster, folders[name]))
            for name in DRILLS
        }


@pytest.mark.parametrize("name", DRILLS)
def test_the_catalog_is_that_of_an_undisturbed_run(
    name: str, drills: dict[str, tuple[Path, Future[str]]], undisturbed: Finished
) -> None:
    folder, outcome = drills[name]
    outcome.result()
    results = folder / "results" / slurmruns.RUN
    for table_name, table in (("events", EVENTS), ("arrivals", ARRIVALS), ("picks", PICKS)):
        frames = [
            tables.read(place / f"catalog/{table_name}.parquet", table)
            for place in (results, undisturbed.results(slurmruns.RUN))
        ]
        assert len(frames[1])
        pd.testing.assert_frame_equal(*frames, check_exact=True)
    assert not list(results.rglob("*.part"))


def test_no_job_is_left(cluster: Cluster, drills: object) -> None:
    assert cluster.squeue() == []
    assert not [p for p in psutil.process_iter(["name"]) if p.info["name"] == "slurmstepd"]
