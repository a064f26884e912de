"""What differs between clusters: partitions, account and limits, from one small file.

The Snakefile asks for the resources of each rule here. Without a site file, as on a workstation,
rules ask for memory and time alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import Field, ValidationError

from quakeline.errors import ConfigError
from quakeline.section import Section

#: Where the site file lies, seen from the folder of the run, unless the variable names another.
SITE = Path("config/site.yaml")
VARIABLE = "QUAKELINE_SITE"

#: Stages with a job for each chunk, and those of them that run networks.
PER_CHUNK = {"fetch", "prepare", "annotate", "pick", "measure"}
PER_CHUNK |= {"das_index", "das_annotate", "das_pick"}
NETWORKS = {"annotate", "das_annotate"}
#: Those that follow with one job for the whole run.
OF_RUN = ("associate", "locate", "magnitude", "classify", "merge", "report", "crate")

Kind = Literal["cpu", "gpu"]
#: Names go into the command line of `sbatch`: nothing that a shell would understand.
_WORD = r"^[\w.,+@-]+$"


class Queue(Section):
    """A partition and the most that its nodes give to one job."""

    partition: str = Field(pattern=_WORD, description="name of the partition")
    gres: str | None = Field(
        None, pattern=r"^[\w:,-]+$", description="generic resources of a job, e.g. gpu:1"
    )
    max_memory_mb: int | None = Field(None, gt=0, description="largest request in MB; null: none")
    max_runtime_min: int | None = Field(
        None, gt=0, description="longest run time in minutes; null: none"
    )


class Site(Section):
    """A cluster as the workflow sees it."""

    account: str | None = Field(
        None, pattern=_WORD, description="account to charge; null: SLURM's default"
    )
    qos: str | None = Field(
        None, pattern=_WORD, description="quality of service; null: SLURM's default"
    )
    cpu: Queue | None = Field(None, description="where all jobs but those of networks run")
    gpu: Queue | None = Field(None, description="where networks run; null: as all other jobs")
    group_chunks: int | None = Field(
        None,
        gt=0,
        description="chunks that one job works through; null: each step of a chunk is a job",
    )

    def resources(self, kind: Kind, memory_mb: int, runtime_min: int) -> dict[str, Any]:
        """Resources of a rule for Snakemake; memory and time grow with each attempt."""
        queue = self.gpu if kind == "gpu" and self.gpu else self.cpu
        limits = (queue.max_memory_mb, queue.max_runtime_min) if queue else (None, None)
        wanted: dict[str, Any] = {
            "mem_mb": _growing(memory_mb, limits[0]),
            "runtime": _growing(runtime_min, limits[1]),
        }
        if queue:
            wanted["slurm_partition"] = queue.partition
        if queue and queue.gres:
            wanted["gres"] = queue.gres
        named = {"slurm_account": self.account, "qos": self.qos}
        return wanted | {name: value for name, value in named.items() if value}

    def grouping(self, local: set[str]) -> list[str]:
        """Arguments for Snakemake that join small jobs: those of some chunks, and the last ones.

        Stages in `local` are not submitted. The members of a group that run beside each other ask
        for no more memory than the partition gives.
        """
        if not self.group_chunks:
            return []
        alone = NETWORKS if self.gpu else set()
        joined = PER_CHUNK - alone - local
        groups = {stage: f"of_{stage}" if alone else "chunks" for stage in joined}
        groups |= dict.fromkeys(OF_RUN, "catalog")
        sizes = {name: self.group_chunks for name in groups.values() if name != "catalog"}
        members = [f"{stage}={name}" for stage, name in sorted(groups.items())]
        words = ["--groups", *members]
        words += ["--group-components", *(f"{n}={k}" for n, k in sizes.items())]
        limit = self.cpu.max_memory_mb if self.cpu else None
        return [*words, "--resources", f"mem_mb={limit}"] if limit else words


def _growing(amount: int, limit: int | None) -> Callable[..., int]:
    """A resource that is asked for again and larger after a failure, up to a limit."""

    def wanted(wildcards: Any, attempt: int) -> int:
        return min(amount * attempt, limit or amount * attempt)

    return wanted


def read_site(folder: Path = Path()) -> Site:
    """The site of a folder. Raises ConfigError that names the file and every mistake in it."""
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else folder / SITE
    if not path.is_file():
        if named:
            raise ConfigError(f"{VARIABLE} names {named}, which does not exist")
        return Site()
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        site = Site.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(_explained(path, dict(item)) for item in error.errors())
        ) from None
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no text, no date
        raise ConfigError(f"site file {path}: {' '.join(str(error).split())}") from None
    return site


def _explained(path: Path, item: dict[str, Any]) -> str:
    place = ".".join(map(str, item["loc"])) or "the file"
    if item["type"] in ("extra_forbidden", "missing"):
        known = {"extra_forbidden": "is no key of a site file", "missing": "is required"}
        return f"site file {path}: {place} {known[item['type']]}"
    return f"site file {path}: {place}: {item['input']!r} given; {item['msg'].lower()}"
