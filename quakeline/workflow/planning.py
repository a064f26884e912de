"""What a run will take before it begins: jobs, hours, disk and memory, from measured rates.

A job of a chunk takes a fixed time and a time for each station-hour that it reads; both, and the
bytes of its products, come from jobs that ran: those of the run itself where there are some, else
those that `benchmarks/rates.py` measured (rates.json). Snakemake's benchmark files are the source.
A fibre counts as one station, and has only rates of the run itself: fibres differ by thousands in
their numbers of channels.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

from quakeline.core.timeline import Span
from quakeline.workflow import config
from quakeline.workflow.stages import table as stages
from quakeline.workflow.stages.stage import Stage

SHIPPED = Path(__file__).with_name("rates.json")
#: What a job should last: long beside its start, short beside a night.
_WANTED_S = 600.0
_LENGTHS_H = (1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 168)
#: What Python takes with any stage of ours: less is of the shell that starts it.
_LEAST_MB = 40


@dataclass(frozen=True)
class Rate:
    """CPU seconds of a job, fixed and for each station-hour; MB, fixed and for each hour.

    Jobs work on one instrument after the other: their memory follows the length of the chunk.
    """

    fixed_s: float
    hour_s: float
    fixed_mb: float
    hour_mb: float

    def seconds(self, station_hours: float) -> float:
        """CPU seconds of a job."""
        return self.fixed_s + self.hour_s * station_hours

    def memory_mb(self, hours: float) -> float:
        """Largest memory of a job on a chunk of some hours."""
        return self.fixed_mb + self.hour_mb * hours


@dataclass(frozen=True)
class Rates:
    """Rates of stages by name, and bytes of products for each station-hour."""

    stages: dict[str, Rate]
    hour_bytes: dict[str, float] = field(default_factory=dict)

    def plain(self) -> dict[str, Any]:
        """JSON-like builtins."""
        return asdict(self)

    def overlaid(self, other: Rates) -> Rates:
        """These, with those of another measurement where it has them."""
        return Rates({**self.stages, **other.stages}, {**self.hour_bytes, **other.hour_bytes})

    def joint(self, earlier: str, later: str) -> Rates:
        """These, where jobs of a stage do the work of an earlier one too and start once.

        They hold what both hold beyond the least that any job does, which has Python and tables
        alone; what grows with the length of a chunk passes from block to block.
        """
        both = [self.stages[name] for name in (earlier, later) if name in self.stages]
        rates = {name: rate for name, rate in self.stages.items() if name != earlier}
        if both:
            least_mb = min(rate.fixed_mb for rate in self.stages.values())
            rates[later] = Rate(
                max(rate.fixed_s for rate in both),
                sum(rate.hour_s for rate in both),
                sum(rate.fixed_mb for rate in both) - (len(both) - 1) * least_mb,
                max(rate.hour_mb for rate in both),
            )
        return Rates(rates, self.hour_bytes)

    def parted(self, earlier: str, later: str, usual: Rates) -> Rates:
        """These, of jobs that did the work of an earlier stage too, which has its own jobs now.

        What the later stage takes usually is taken off; it has no rate here any more.
        """
        both, alone = self.stages.get(later), usual.stages.get(later)
        if both is None or alone is None or earlier in self.stages:
            return self
        rates = {name: rate for name, rate in self.stages.items() if name != later}
        rates[earlier] = replace(both, hour_s=max(both.hour_s - alone.hour_s, 0.0))
        return Rates(rates, self.hour_bytes)


@dataclass(frozen=True)
class RunPlan:
    """What a run will take; hours are hours of one core, bytes are those of all chunks.

    `jobs` has every stage of the run, the other mappings those whose rates are known.
    """

    stations: int
    chunks: int
    jobs: dict[str, int]
    cpu_h: dict[str, float]
    job_s: dict[str, float]
    memory_mb: dict[str, float]
    kept_bytes: float
    peak_bytes: float
    wall_h: float
    chunk_h: float
    advised_chunk_h: float


def shipped(run: config.Run) -> Rates:
    """The rates that come with the program, for the jobs of a run."""
    raw = json.loads(SHIPPED.read_text(encoding="utf-8"))["rates"]
    stages_ = {name: Rate(**rate) for name, rate in raw["stages"].items()}
    rates = Rates(stages_, raw["hour_bytes"])
    return rates if run.annotates_apart else rates.joint("annotate", "pick")


def measured(results: Path, stations: int, margin_s: float) -> Rates:
    """Rates of a run from its benchmark files and products; those that it has.

    A line through time and station-hours of its jobs. Of jobs of one length all time counts as
    growing with it; memory and the jobs of the whole run, which follow from the number of picks,
    count as they are.
    """
    found = {}
    for stage in stages.TABLE:
        points = [
            (_hours(path.stem, results, margin_s), *values)
            for path in sorted((results / "benchmarks" / stage.name).glob("*.tsv"))
            if (values := _values(path)) is not None
        ]
        if points:
            units = _units(stage, stations)
            fixed_s, hour_s = _line([(h * units, s) for h, s, _ in points], stage.scope != "run")
            fixed_mb, hour_mb = _line([(h, mb) for h, _, mb in points], grows=False)
            found[stage.name] = Rate(fixed_s, hour_s, fixed_mb, hour_mb)
    sizes = {
        folder: _bytes(results, pattern, _units(stage, stations), margin_s)
        for stage in stages.TABLE
        for folder, pattern in _chunk_products(stage).items()
    }
    return Rates(found, {name: size for name, size in sizes.items() if size is not None})


def _units(stage: Stage, stations: int) -> int:
    """Stations, or fibres, that a job works on."""
    return 1 if stage.scope == "fibre" else stations


def _chunk_products(stage: Stage) -> dict[str, str]:
    """Patterns of the products of single chunks by the names of their folders."""
    patterns = stage.products.values() if stage.scope != "run" else ()
    return {str(PurePosixPath(pattern).parent): pattern for pattern in patterns}


def _values(path: Path) -> tuple[float, float] | None:
    """CPU seconds and MB of a job; None where Snakemake saw nothing of it.

    It looks at a job now and then, and of one that was short perhaps before Python had begun.
    """
    from quakeline.report.resources import costs

    for cost in costs([path]):
        if not math.isnan(cost.cpu_s) and cost.peak_mb >= _LEAST_MB:
            return max(cost.cpu_s, 0.01), cost.peak_mb
    return None


def _hours(job: str, results: Path, margin_s: float) -> float:
    """Hours that a job reads: of its chunk with margins, or of all chunks."""
    chunk = job.rpartition("-")[2]
    if chunk != "all":
        return (Span.parse(chunk).seconds + 2 * margin_s) / 3600
    folders = ("raw", "fibres/*/raw")
    chunks = {path.stem for folder in folders for path in results.glob(f"{folder}/*.parquet")}
    return sum(Span.parse(chunk).seconds for chunk in chunks) / 3600


def _line(points: list[tuple[float, float]], grows: bool) -> tuple[float, float]:
    """Value at zero and slope of a straight line, neither below zero.

    Where all lie at one x, `grows` says whether the line begins at the origin or is level.
    """
    n = len(points)
    x, y = (sum(p[i] for p in points) / n for i in (0, 1))
    spread = sum((p[0] - x) ** 2 for p in points)
    slope = sum((p[0] - x) * (p[1] - y) for p in points) / spread if spread > 1e-9 else 0.0
    steepest = y / x if x else 0.0
    slope = steepest if grows and spread <= 1e-9 else min(max(slope, 0.0), steepest)
    return y - slope * x, slope


def _bytes(results: Path, pattern: str, units: int, margin_s: float) -> float | None:
    """Bytes of a product for each station-hour; None where the run has none."""
    found = sorted(results.glob(pattern.format(fibre="*", chunk="*")))
    hours = sum(_hours(path.stem, results, margin_s) for path in found) * units
    if not hours:
        return None
    files = [p for path in found for p in (path.rglob("*") if path.is_dir() else [path])]
    return sum(p.stat().st_size for p in files if p.is_file()) / hours


def plan(run: config.Run, stations: int, rates: Rates, cores: int) -> RunPlan:
    """What a run of so many stations takes on so many cores."""
    had = stages.of(run)
    jobs = {stage.name: len(stage.jobs(run)) for stage in had}
    hours = {stage.name: _read_hours(run, stage) for stage in had}
    known = [stage for stage in had if stage.name in rates.stages]
    cpu_h: dict[str, float] = {}
    job_s: dict[str, float] = {}
    memory_mb: dict[str, float] = {}
    for stage in known:
        name, rate, units = stage.name, rates.stages[stage.name], _units(stage, stations)
        cpu_h[name] = sum(rate.seconds(h * units) for h in hours[name]) / 3600
        job_s[name] = rate.seconds(max(hours[name]) * units)
        memory_mb[name] = rate.memory_mb(max(hours[name]))
    kept, passing = _bytes_of(run, had, stations, rates)
    chunks = len(run.time.chunks())
    at_once = min(cores, chunks)
    advised_h = advised_chunk_h(rates, stations, known) or run.time.chunk_h
    if chunks == 1:  # longer chunks would be no other than this one
        advised_h = min(advised_h, run.time.chunk_h)
    wall_h = sum(
        cpu_h[stage.name] / (1 if stage.scope == "run" else min(cores, jobs[stage.name]))
        for stage in known
    )
    return RunPlan(
        stations=stations,
        chunks=chunks,
        jobs=jobs,
        cpu_h=cpu_h,
        job_s=job_s,
        memory_mb=memory_mb,
        kept_bytes=kept,
        peak_bytes=kept + passing * at_once / chunks,
        wall_h=wall_h,
        chunk_h=run.time.chunk_h,
        advised_chunk_h=advised_h,
    )


def _read_hours(run: config.Run, stage: Stage) -> list[float]:
    """Hours that each job of a stage reads."""
    margins_h = 2 * run.margin_s / 3600
    read = {span.id: span.seconds / 3600 + margins_h for span in run.time.chunks()}
    if stage.scope == "run":
        return [sum(read.values())]
    return [read[job["chunk"]] for job in stage.jobs(run)]


def _bytes_of(
    run: config.Run, had: list[Stage], stations: int, rates: Rates
) -> tuple[float, float]:
    """Bytes of the products of all chunks that stay, and of those that are removed after use."""
    kept = passing = 0.0
    for stage in had:
        hours = sum(_read_hours(run, stage)) * _units(stage, stations)
        for folder in _chunk_products(stage):
            size = rates.hour_bytes.get(folder, 0.0) * hours
            if folder in stage.temporary and folder not in run.keep:
                passing += size
            else:
                kept += size
    return kept, passing


def advised_chunk_h(
    rates: Rates, stations: int, known: Sequence[Stage] = stages.TABLE
) -> float | None:
    """The length of chunks whose longest job comes closest to ten minutes, by ratio.

    None where no rate of a job of one chunk is known.
    """
    of_chunks = [
        (rates.stages[stage.name], _units(stage, stations))
        for stage in known
        if stage.scope != "run" and stage.name in rates.stages
    ]

    def away(hours: float) -> float:
        longest = max(rate.seconds(hours * units) for rate, units in of_chunks)
        return abs(math.log(longest / _WANTED_S))

    return float(min(_LENGTHS_H, key=away)) if of_chunks else None
