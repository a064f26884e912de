"""Runs through batch systems: a real Grid Engine, and stand-ins for the programs of PBS and LSF."""

from __future__ import annotations

import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import gridengine
import pytest
import slurmruns
from catalogs import same_catalog
from gridengine import Cell
from workfolder import REPOSITORY, WorkFolder

#: Each starts the script that is its last word in the background, and knows it by its process id.
_STARTS = """\
#!/bin/sh
for last; do :; done
echo "$@" >> submitted
setsid "$last" > /dev/null 2>&1 &
"""
STAND_INS = {
    "pbs": {
        "qsub": _STARTS + 'echo "$!"\n',
        "qstat": '#!/bin/sh\nfor last; do :; done\n'
        'kill -0 "$last" 2> /dev/null && echo "job_state = R" || echo "job_state = F"\n',
        "qdel": '#!/bin/sh\nkill "$@"\n',
    },
    "lsf": {
        "bsub": _STARTS
        + 'echo "Job <$!> is submitted to queue <normal>."\n',
        "bjobs": '#!/bin/sh\nfor last; do :; done\n'
        'kill -0 "$last" 2> /dev/null && echo RUN || echo EXIT\n',
        "bkill": '#!/bin/sh\nkill "$@"\n',
    },
}  # fmt: skip


def furnished(folder: Path, environment: dict[str, str]) -> WorkFolder:
    """A folder of the demo whose jobs find this repository."""
    place = WorkFolder.furnished(folder)
    paths = os.pathsep.join([str(REPOSITORY), os.environ.get("PYTHONPATH", "")])
    return WorkFolder(folder, place.snakefile, {**environment, "PYTHONPATH": paths})


@pytest.mark.parametrize("system", STAND_INS)
def test_jobs_go_through_the_programs_of_a_system(tmp_path: Path, system: str) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name, text in STAND_INS[system].items():
        (programs / name).write_text(text)
        (programs / name).chmod(0o755)
    path = f"{programs}{os.pathsep}{os.environ['PATH']}"
    place = furnished(tmp_path / "work", {"PATH": path})
    (place.folder / "config/site.yaml").write_text(
        "account: seis\ncpu: {partition: night, options: [-x, '1']}"
    )
    overlay = place.demo_overlay("run: queued")
    done = place.quakeline("run", overlay, "--profile", system, "--", "--until", "stations")
    assert done.returncode == 0, done.stdout + done.stderr
    assert (place.folder / "results/queued/stations.parquet").is_file()
    lines = (place.folder / "submitted").read_text().splitlines()
    assert len(lines) == 1
    for words in ("quakeline.stati", "-q night", " seis -x 1 "):
        assert words in lines[0]


@pytest.fixture(scope="module")
def cell() -> Iterator[Cell]:
    why = gridengine.available()
    if why and "slurm" in os.environ.get("QUAKELINE_REQUIRE", "").split(","):
        pytest.fail(f"{why}, but QUAKELINE_REQUIRE names slurm")
    if why:
        pytest.skip(why)
    with tempfile.TemporaryDirectory() as folder, gridengine.started(Path(folder)) as running:
        yield running
        time.sleep(0.5)


@pytest.mark.slurm
def test_grid_engine_makes_the_same_catalog_though_a_job_is_deleted(
    cell: Cell, tmp_path: Path, demo_run: WorkFolder
) -> None:
    place = furnished(tmp_path / "work", cell.environment)
    (place.folder / "config/site.yaml").write_text("cpu: {partition: all.q}\ngroup_chunks: 10\n")
    overlay = place.demo_overlay("run: unterhaching")
    process = subprocess.Popen(
        [slurmruns.QUAKELINE, "run", overlay, "--verbose", "--profile", "sge"],
        cwd=place.folder,
        env={**os.environ, **place.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    log = place.folder / "results/unterhaching/logs/prepare"
    deadline = time.monotonic() + 120
    while not log.is_dir() and time.monotonic() < deadline:
        time.sleep(0.1)
    for job in cell.jobs():
        cell.ask("qdel", job)
    try:
        said, _ = process.communicate(timeout=500)
    finally:
        process.kill()
    assert process.returncode == 0, said
    assert "Trying to restart" in said, said
    assert cell.jobs() == []
    same_catalog(place.folder / "results/unterhaching", demo_run.folder / "results/unterhaching")
