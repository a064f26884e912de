"""A SLURM cluster for the tests of this folder, started once."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
import slurmcluster
import slurmruns
from runs import Finished
from slurmcluster import Cluster


@pytest.fixture(scope="session")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """Nodes c1 and c2 (partition cpu), c3 (partition lone) and g1 (partition gpu)."""
    why = slurmcluster.available()
    if why and "slurm" in os.environ.get("QUAKELINE_REQUIRE", "").split(","):
        pytest.fail(f"{why}, but QUAKELINE_REQUIRE names slurm")
    if why:
        pytest.skip(why)
    with slurmcluster.started(tmp_path_factory.mktemp("slurm")) as running:
        yield running


@pytest.fixture(scope="session")
def undisturbed(tmp_path_factory: pytest.TempPathFactory, worker_id: str) -> Finished:
    """The run that faults disturb, made on this machine without a cluster."""
    run = Finished.once(tmp_path_factory, worker_id, "undisturbed", slurmruns.furnish)
    assert run.code == 0, run.out + run.err
    return run
