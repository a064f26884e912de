"""Snakemake profiles: where they lie, what they need, and the arguments that a run adds to one."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import typer

from quakeline.core import extras
from quakeline.core.errors import ConfigError
from quakeline.core.installed import PROFILES as SHIPPED
from quakeline.workflow import cluster, config, slurm
from quakeline.workflow.queues.table import SYSTEMS, require_programs

#: Where profiles lie in a run folder.
PROFILES = Path("profiles")
#: Extras that hold the plug-ins for executors of profiles.
_EXTRAS = {"cluster-generic": "cluster", "slurm": "slurm"}
_SUBMITS = re.compile(r"quakeline\.workflow\.queues submit (\w+)")


def find(place: Path, given: str | None, folder: Path) -> Path | None:
    """Turn a Snakemake profile that the person named into its folder: a path, or one of profiles/.

    Raises ConfigError that lists the known names.
    """
    if given is None:
        return None
    homes = [place / PROFILES, SHIPPED]
    for candidate in (folder / given, *(home / given for home in homes)):
        if (candidate / "config.yaml").is_file():
            return candidate.resolve()
    known = sorted({path.parent.name for home in homes for path in home.glob("*/config.yaml")})
    raise ConfigError(
        f"profile {given!r}: neither a folder with a config.yaml nor one of {PROFILES}/; known"
        f" profiles: {', '.join(known)}"
    )


def arguments(profile: Path, folder: Path, run: config.Run) -> list[str]:
    """Arguments of Snakemake for a profile.

    Jobs that a killed Snakemake left in SLURM's queue are cancelled; those of other systems go on,
    and Snakemake takes them up again. Raises QuakelineError where the plug-in of the profile or the
    programs of its batch system are not installed.
    """
    words = ["--profile", str(profile), *cluster.read_site(folder).grouping(run)]
    settings = config.read_yaml(profile / "config.yaml")
    _require_installed(profile.name, settings)
    if settings.get("executor") != "slurm":
        return words
    prefix = slurm.job_prefix(folder / "results" / run.run)
    left = slurm.cancel_leftovers(prefix)
    if left:
        typer.echo(f"quakeline: cancelled jobs {', '.join(left)} of a killed run", err=True)
    return [*words, "--slurm-jobname-prefix", prefix]


def _require_installed(name: str, settings: dict[str, Any]) -> None:
    extra = _EXTRAS.get(str(settings.get("executor")))
    if extra:
        extras.require(extra, f"profile {name}")
    submits = _SUBMITS.search(str(settings.get("cluster-generic-submit-cmd")))
    if submits and submits[1] in SYSTEMS:
        require_programs(submits[1])
