"""What differs between clusters: partitions, account and limits, from one small file.

The Snakefile asks for the resources of each rule here. Without a site file, as on a workstation,
rules ask for memory and time alone.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import yaml
from pydantic import Field, ValidationError

from quakeline.core.errors import ConfigError, why_unread
from quakeline.core.mistakes import explained, shown
from quakeline.core.section import Section
from quakeline.workflow.object_store import ObjectStore

if TYPE_CHECKING:
    from quakeline.workflow.stages.stage import Settings, Stage

#: Where the site file lies, seen from the folder of the run, unless the variable names another.
SITE = Path("config/site.yaml")
VARIABLE = "QUAKELINE_SITE"

Kind = Literal["cpu", "gpu"]
#: Names go into the command line of `sbatch`: nothing that a shell would understand.
_WORD = r"^[\w.,+@-]+$"
_OPTION = r"^[\w.,:=+@%/-]+$"


class Queue(Section):
    """A partition and the most that its nodes give to one job."""

    partition: str = Field(pattern=_WORD, description="name of the partition or queue")
    gres: str | None = Field(
        None,
        pattern=r"^[\w:,=-]+$",
        description="generic resources of a job: gpu:1 in SLURM, ngpus=1 in PBS",
    )
    max_memory_mb: int | None = Field(None, gt=0, description="largest request in MB; null: none")
    max_runtime_min: int | None = Field(
        None, gt=0, description="longest run time in minutes; null: none"
    )
    options: list[Annotated[str, Field(pattern=_OPTION)]] = Field(
        default_factory=list,
        description="further words for the command that submits a job, e.g. [-l, gpu=1]",
    )


class ClusterSite(Section):
    """A cluster as the workflow sees it."""

    account: str | None = Field(
        None, pattern=_WORD, description="account or project to charge; null: the default"
    )
    qos: str | None = Field(
        None, pattern=_WORD, description="quality of service; null: SLURM's default"
    )
    cpu: Queue | None = Field(None, description="where all jobs but those of networks run")
    gpu: Queue | None = Field(None, description="where networks run; null: as all other jobs")
    parallel_environment: str = Field(
        "smp",
        pattern=_WORD,
        description="Grid Engine's parallel environment of jobs with several threads on one host",
    )
    group_chunks: int | None = Field(
        None,
        gt=0,
        description="chunks that one job works through; null: each step of a chunk is a job",
    )

    results: ObjectStore | None = Field(
        None, description="where products are kept beside this folder; null: nowhere"
    )

    def resources(self, kind: Kind, memory_mb: int, runtime_min: int) -> dict[str, Any]:
        """Resources of a rule for Snakemake; memory and time grow with each attempt."""
        queue = self.queue(kind)
        limits = (queue.max_memory_mb, queue.max_runtime_min) if queue else (None, None)
        wanted: dict[str, Any] = {
            "mem_mb": _growing(memory_mb, limits[0]),
            "runtime": _growing(runtime_min, limits[1]),
        }
        if queue:
            wanted["slurm_partition"] = queue.partition
        if queue and queue.gres:
            wanted["gres"] = queue.gres
        if queue and queue.options:
            wanted["slurm_extra"] = " ".join(queue.options)
        if kind == "gpu" and self.gpu:
            wanted["queue"] = kind  # by which `queues` finds it again
        named = {"slurm_account": self.account, "qos": self.qos}
        return wanted | {name: value for name, value in named.items() if value}

    def queue(self, kind: Kind) -> Queue | None:
        """Where jobs of a kind run; None where the site file says nothing."""
        return self.gpu if kind == "gpu" and self.gpu else self.cpu

    def grouping(self, run: Settings) -> list[str]:
        """Arguments for Snakemake that join small jobs: those of some chunks, and the last ones.

        Local stages are not submitted. The members of a group that run beside each other ask for no
        more memory than the partition gives.
        """
        if not self.group_chunks:
            return []
        groups = _groups(run, gpu_apart=self.gpu is not None)
        of_chunks = {name for stage, name in groups.items() if stage.scope != "run"}
        words = ["--groups", *sorted(f"{stage.name}={name}" for stage, name in groups.items())]
        words += ["--group-components", *(f"{n}={self.group_chunks}" for n in sorted(of_chunks))]
        limit = self.cpu.max_memory_mb if self.cpu else None
        return [*words, "--resources", f"mem_mb={limit}"] if limit else words


def _groups(run: Settings, *, gpu_apart: bool) -> dict[Stage, str]:
    """The group of each stage of a run that a cluster may join with others.

    A group is submitted as one job, so no stage outside of it may stand between two of its members:
    behind such a stage another group begins.
    """
    from quakeline.workflow.stages.table import of

    groups: dict[Stage, str] = {}
    begun: dict[tuple[str, str], str] = {}
    for stage in of(run):
        if stage.divides(run):
            begun = dict.fromkeys(begun, f"after_{stage.name}")
        if stage.group is None:
            continue
        place = (stage.group, stage.scope)
        if stage.local(run):
            if place in begun:
                begun[place] = f"after_{stage.name}"
        elif stage.scope == "run" or not gpu_apart:
            groups[stage] = begun.setdefault(place, stage.group)
        elif not stage.gpu:
            groups[stage] = f"of_{stage.name}"
    return groups


def _growing(amount: int, limit: int | None) -> Callable[..., int]:
    """A resource that is asked for again and larger after a failure, up to a limit."""

    def wanted(wildcards: Any, attempt: int) -> int:
        return min(amount * attempt, limit or amount * attempt)

    return wanted


def read_site(folder: Path = Path()) -> ClusterSite:
    """The site of a folder. Raises ConfigError that names the file and every mistake in it."""
    named = os.environ.get(VARIABLE)
    path = Path(named) if named else folder / SITE
    if not path.is_file():
        if named:
            raise ConfigError(f"{VARIABLE} names {named}, which does not exist")
        return ClusterSite()
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
        site = ClusterSite.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(
            "\n".join(_explained(path, dict(item)) for item in error.errors())
        ) from None
    except (OSError, ValueError, yaml.YAMLError) as error:  # ValueError: no text, no date
        raise ConfigError(f"site file {path}: {why_unread(error, path)}") from None
    return site


def _explained(path: Path, item: dict[str, Any]) -> str:
    place = ".".join(map(str, item["loc"])) or "the file"
    if item["type"] in ("extra_forbidden", "missing"):
        known = {"extra_forbidden": "is no key of a site file", "missing": "is required"}
        return f"site file {path}: {place} {known[item['type']]}"
    return f"site file {path}: {place}: {shown(item['input'])} given; {explained(item)}"
