"""Where `annotate` and `pick` of a chunk are one job, which saves a start and a store."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from quakeline.workflow.cluster import read_site


def asked(keep: Sequence[str], device: str) -> bool:
    """Whether settings ask for jobs of `annotate`.

    So they do where probabilities are kept, which a changed setting of `pick` reads again, and
    where networks run on a GPU.
    """
    return "probabilities" in keep or device == "cuda"


def apart_in(place: Path, run: str) -> bool:
    """Whether the folder of a run asks for jobs of `annotate`, unless its settings do.

    A cluster whose networks have a partition of their own has them, so that no GPU waits for picks.
    A run goes on as it began: other inputs of its jobs would make Snakemake run all of them again.
    In an object store it is told by the cluster alone, since nodes do not have the logs.
    """
    site = read_site(place)
    logs = place / "results" / run / "logs"
    begun = [(logs / stage).is_dir() for stage in ("annotate", "pick")]
    if any(begun) and not site.results:
        return begun[0]
    return site.gpu is not None
