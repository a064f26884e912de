"""Time and memory of the jobs, from Snakemake's benchmark files."""

from __future__ import annotations

import csv
import math
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class RuleCost:
    """What the jobs of a rule took: seconds and megabytes, NaN where nothing was measured."""

    rule: str
    jobs: int
    total_s: float
    mean_s: float
    longest_s: float
    cpu_s: float
    mean_mb: float
    peak_mb: float


def costs(benchmarks: list[Path]) -> list[RuleCost]:
    """One entry for each rule, the one that took longest first.

    Snakemake leaves memory and CPU time out ("NA" or "-") for jobs that end too soon to measure.
    """
    rows: dict[str, list[dict[str, float]]] = {}
    for path in benchmarks:
        rows.setdefault(path.parent.name, []).extend(_rows(path))
    found = [_cost(rule, jobs) for rule, jobs in rows.items() if jobs]
    return sorted(found, key=lambda cost: (-cost.total_s, cost.rule))


def _cost(rule: str, jobs: list[dict[str, float]]) -> RuleCost:
    seconds, memory, cpu = (
        [job[name] for job in jobs if not math.isnan(job[name])]
        for name in ("s", "max_rss", "cpu_time")
    )
    return RuleCost(
        rule=rule,
        jobs=len(jobs),
        total_s=sum(seconds),
        mean_s=sum(seconds) / len(seconds) if seconds else math.nan,
        longest_s=max(seconds, default=math.nan),
        cpu_s=sum(cpu) if cpu else math.nan,
        mean_mb=sum(memory) / len(memory) if memory else math.nan,
        peak_mb=max(memory, default=math.nan),
    )


def _rows(path: Path) -> list[dict[str, float]]:
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file, delimiter="\t"))
    return [{name: _number(row.get(name)) for name in ("s", "max_rss", "cpu_time")} for row in rows]


def _number(text: str | None) -> float:
    try:
        return float(text or "nan")
    except ValueError:
        return math.nan
