"""Runs on the test cluster, and what disturbs them."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
from runs import undo_after_prepare
from slurmcluster import Cluster
from workfolder import QUAKELINE, WorkFolder

RUN = "faults"
OVERLAY = f"""\
run: {RUN}
annotate: {{hop_samples: 31, device: cpu}}
"""
#: What a drill makes: the catalog, from waveforms that are prepared.
TARGET = f"results/{RUN}/catalog/events.parquet"
SITE = """\
cpu: {partition: cpu, max_memory_mb: 3500}
gpu: {partition: gpu, gres: "gpu:1", max_memory_mb: 3500}
"""
#: The steps of a chunk are one SLURM job, those of the catalog another.
GROUPED = "cpu: {partition: cpu, max_memory_mb: 3500}\ngroup_chunks: 1\n"
#: Waits that suit a cluster on one machine.
QUICK = ("--latency-wait", "10", "--slurm-init-seconds-before-status-checks", "1")
_PATIENCE_S = 900


def furnish(place: WorkFolder) -> str:
    """The demo with windows so close that the network is busy for seconds."""
    return place.demo_overlay(OVERLAY)


def prepared(finished: WorkFolder, folder: Path, site: str = GROUPED) -> WorkFolder:
    """A copy of the finished run whose next job is `annotate`, and the site file of a cluster."""
    place = finished.copied(folder)
    undo_after_prepare(folder / "results" / RUN, OVERLAY)
    (folder / "results" / RUN / "ids.parquet").unlink()
    (folder / "config/site.yaml").write_text(site, encoding="utf-8")
    return place


def words(*further: str) -> list[str]:
    """The command that starts or continues the run on the cluster."""
    return ["run", "overlay.yaml", "--profile", "slurm", "--", *further, *QUICK]


def run(place: WorkFolder, *further: str) -> subprocess.CompletedProcess[str]:
    """Start or continue the run and wait for its end."""
    return place.quakeline(*words(*further))


@contextmanager
def started(place: WorkFolder, *further: str) -> Iterator[subprocess.Popen[str]]:
    """The run in the background; what it prints goes to `started.log`."""
    with (place.folder / "started.log").open("w") as log:
        process = subprocess.Popen(
            [QUAKELINE, *words(*further)],
            cwd=place.folder,
            env={**os.environ, **place.environment},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            text=True,
            start_new_session=True,
        )
    try:
        yield process
        process.wait(timeout=_PATIENCE_S)
    finally:
        kill_session(process.pid)
        process.wait()


def kill_session(leader: int) -> None:
    """Kill -9 the launcher and its Snakemake; jobs on nodes live on."""
    for process in psutil.process_iter():
        with suppress(ProcessLookupError, psutil.Error):
            if os.getsid(process.pid) == leader:
                os.kill(process.pid, signal.SIGKILL)


def wait_for(what: str, ready: Callable[[], list[str]], process: subprocess.Popen[str]) -> str:
    """The first of what `ready` finds; AssertionError where the run ends before."""
    deadline = time.monotonic() + _PATIENCE_S
    while not (found := ready()):
        assert process.poll() is None, f"the run ended before {what}"
        assert time.monotonic() < deadline, f"no {what}"
        time.sleep(0.3)
    return found[0]


def annotating(cluster: Cluster, place: WorkFolder, process: subprocess.Popen[str]) -> str:
    """Id of a SLURM job that is in the middle of `annotate`, by itself or in a group."""

    def ready() -> list[str]:
        busy = list((place.folder / f"results/{RUN}/probabilities").glob(".*.part/*"))
        return cluster.jobs(place.folder, "annotate") if busy else []

    return wait_for("annotate", ready, process)


def workers(folder: Path) -> list[psutil.Process]:
    """Processes that run the script of a rule in a folder."""
    found = []
    for process in psutil.process_iter(["cwd", "cmdline"]):
        line = " ".join(process.info["cmdline"] or [])
        if process.info["cwd"] == str(folder) and ".snakemake/scripts" in line:
            found.append(process)
    return found
