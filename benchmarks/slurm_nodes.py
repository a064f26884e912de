"""What SLURM costs: the demo on clusters of 1, 2 and 4 nodes, `python -m benchmarks.slurm_nodes`.

The demo in three chunks, 23 jobs, on clusters of this machine alone (root, Debian's packages), once
more with grouped jobs, and without SLURM: that is `peer`. All nodes share the machine's cores, so
more nodes cannot be faster here: the figures are those of the overhead. CPU seconds are those of
the whole machine, daemons included: nothing else may run. Overhead is what a job takes beyond the
CPU seconds that Snakemake measured of its stage.
"""

from __future__ import annotations

import os
import sys
import tempfile
import time
from pathlib import Path

from benchmarks import measure
from quakeline.report.resources import costs

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests/helpers"))

import slurmcluster
import slurmruns
from workfolder import WorkFolder

NODES = (1, 2, 4)
_PER_JOB = "cpu: {partition: cpu, max_memory_mb: 3500}\n"
_OVERLAY = "run: faults\ntime: {chunk_h: 0.025}\nannotate: {device: cpu}\n"


def machine_cpu_s() -> float:
    """CPU seconds that all processes of this machine have taken: user, nice, system."""
    words = Path("/proc/stat").read_text(encoding="utf-8").split("\n", 1)[0].split()
    return sum(map(int, words[1:4])) / os.sysconf("SC_CLK_TCK")


def measured(folder: Path, site: str) -> dict[str, float]:
    """Run the demo in a folder: jobs, wall, CPU, overhead per job; no site: without SLURM."""
    place = WorkFolder.furnished(folder)
    place.demo_overlay(_OVERLAY)
    if site:
        (folder / "config/site.yaml").write_text(site, encoding="utf-8")
    words = slurmruns.words() if site else ["run", "overlay.yaml", "--cores", "2"]
    cpu, wall = machine_cpu_s(), time.perf_counter()
    done = place.quakeline(*words)
    wall, cpu = time.perf_counter() - wall, machine_cpu_s() - cpu
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    found = costs(sorted(folder.glob(f"results/{slurmruns.RUN}/benchmarks/*/*.tsv")))
    jobs = sum(cost.jobs for cost in found)
    work = sum(cost.cpu_s for cost in found)
    submitted = (done.stdout + done.stderr).count("has been submitted with SLURM jobid")
    each = (cpu - work) / jobs
    return {"jobs": jobs, "submitted": submitted, "wall": wall, "cpu": cpu, "overhead": each}


def rows(title: str, ours: dict[str, float], alone: dict[str, float]) -> list[dict[str, object]]:
    """Rows of the result."""
    print(title, ours, file=sys.stderr, flush=True)
    head = f"{title}, {ours['jobs']} jobs, {ours['submitted']} SLURM jobs"
    units = {"wall": "wall s", "cpu": "CPU s", "overhead": "CPU s per job beyond its stage"}
    return [measure.case(head, unit, ours[k], alone[k], None) for k, unit in units.items()]


def main() -> None:
    """Measure without SLURM, then each number of nodes; `--quick` only one node."""
    quick = measure.arguments(__doc__).quick
    why = slurmcluster.available()
    if why:
        sys.exit(why)
    with tempfile.TemporaryDirectory() as name:
        base = Path(name)
        WorkFolder.furnished(base / "warm").quakeline("models", "get", "phasenet")
        alone = measured(base / "alone", "")
        found = rows("no SLURM", alone, alone)
        for nodes in NODES[:1] if quick else NODES:
            with slurmcluster.started(base / f"cluster{nodes}", nodes + 1):
                ours = measured(base / f"nodes{nodes}", _PER_JOB)
                found += rows(f"{nodes} nodes", ours, alone)
                if nodes == 1:
                    ours = measured(base / "grouped", _PER_JOB + "group_chunks: 3\n")
                    found += rows("1 node, grouped", ours, alone)
            measure.finish("slurm_nodes", found, quick)


if __name__ == "__main__":
    main()
