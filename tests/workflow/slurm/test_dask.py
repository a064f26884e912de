"""Work that dask spreads over the nodes of a cluster."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pandas as pd
import pytest
from slurmcluster import Cluster
from workfolder import WorkFolder

pytestmark = pytest.mark.slurm

QUEUE = "cpu"


def test_correlation_on_slurm_gives_the_table_of_one_machine(
    cluster: Cluster, demo_run: WorkFolder, tmp_path: Path
) -> None:
    from dask_jobqueue import SLURMCluster
    from distributed import Client

    place = demo_run.copied(tmp_path / "work")
    words = ["correlate", "unterhaching", "--max-km", "50", "--output"]
    here = place.quakeline(*words, "here")
    assert here.returncode == 0, here.stdout + here.stderr
    paths = f"export PYTHONPATH={os.environ.get('PYTHONPATH', '')}"
    with (
        SLURMCluster(
            queue=QUEUE,
            cores=1,
            processes=1,
            memory="1500MB",
            python=sys.executable,
            job_script_prologue=[paths],
            local_directory=str(tmp_path),
            log_directory=str(tmp_path),
            scheduler_options={"host": "127.0.0.1"},
        ) as scheduler,
        Client(scheduler) as client,
    ):
        scheduler.scale(2)
        client.wait_for_workers(2, timeout=120)
        there = place.quakeline(*words, "there", "--dask", scheduler.scheduler_address)
    assert there.returncode == 0, there.stdout + there.stderr
    one, other = (
        pd.read_parquet(place.folder / name / "differentials.parquet") for name in ("here", "there")
    )
    assert len(one) > 3
    pd.testing.assert_frame_equal(one, other, check_exact=True)
