"""The batch systems by the names of their profiles."""

from __future__ import annotations

import shutil

from quakeline.core.errors import QuakelineError
from quakeline.workflow.queues.kubernetes import Kubernetes
from quakeline.workflow.queues.systems import GridEngine, Lsf, Pbs, System

SYSTEMS: dict[str, System] = {
    "kubernetes": Kubernetes(),
    "lsf": Lsf(),
    "pbs": Pbs(),
    "sge": GridEngine(),
}


def require_programs(system: str) -> None:
    """Raise QuakelineError that names the programs of a batch system that this machine lacks."""
    programs = dict.fromkeys(SYSTEMS[system].programs)
    missing = [name for name in programs if not shutil.which(name)]
    if missing:
        raise QuakelineError(
            f"profile {system}: {', '.join(missing)} not installed here; start on a machine that"
            " submits jobs"
        )
