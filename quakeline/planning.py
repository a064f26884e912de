"""What a run will take before it begins: jobs, hours, disk and memory, from measured rates.

A job of a chunk takes a fixed time and a time for each station-hour that it reads; both, and the
bytes of its products, come from jobs that ran: those of the run itself where there are some, else
those that `benchmarks/rates.py` measured (rates.json). Snakemake's benchmark files are the source.
"""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from quakeline import config
from quakeline.timeline import Span

SHIPPED = Path(__file__).with_name("rates.json")
PER_CHUNK = ("fetch", "prepare", "annotate", "pick", "measure")
OF_RUN = ("associate", "locate", "magnitude", "classify", "merge", "report", "crate")
#: Products of a chunk: folder and suffix.
_PRODUCTS = {
    "waveforms": ".zarr",
    "probabilities": ".zarr",
    "raw": ".parquet",
    "coverage": ".parquet",
    "picks": ".parquet",
    "measurements": ".parquet",
}
_TEMPORARY = ("waveforms", "probabilities")
#: What a job should last: long beside its start, short beside a night.
_WANTED_S = 600.0
_LENGTHS_H = (1, 2, 3, 4, 6, 8, 12, 24, 48, 72, 168)


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


@dataclass(frozen=True)
class Plan:
    """What a run will take; hours are hours of one core, bytes are those of all chunks."""

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


def shipped() -> Rates:
    """The rates that come with the program."""
    raw = json.loads(SHIPPED.read_text(encoding="utf-8"))["rates"]
    return Rates({name: Rate(**rate) for name, rate in raw["stages"].items()}, raw["hour_bytes"])


def measured(results: Path, stations: int, margin_s: float) -> Rates:
    """Rates of a run from its benchmark files and products; those that it has.

    A line through time and station-hours of its jobs. Of jobs of one length all time counts as
    growing with it; memory and the jobs of the whole run, which follow from the number of picks,
    count as they are.
    """
    found = {}
    for stage in (*PER_CHUNK, *OF_RUN):
        points = [
            (hours, *values)
            for path in sorted((results / "benchmarks" / stage).glob("*.tsv"))
            for hours in [_hours(path.stem, results, margin_s) * stations]
            if (values := _values(path)) is not None
        ]
        if points:
            fixed_s, hour_s = _line([(h, s) for h, s, _ in points], grows=stage in PER_CHUNK)
            fixed_mb, hour_mb = _line([(h / stations, mb) for h, _, mb in points], grows=False)
            found[stage] = Rate(fixed_s, hour_s, fixed_mb, hour_mb)
    sizes = {name: _bytes(results, name, stations, margin_s) for name in _PRODUCTS}
    return Rates(found, {name: size for name, size in sizes.items() if size is not None})


def _values(path: Path) -> tuple[float, float] | None:
    """CPU seconds and MB of a job; None where Snakemake measured nothing."""
    from quakeline.report.resources import costs

    for cost in costs([path]):
        if not math.isnan(cost.cpu_s) and not math.isnan(cost.peak_mb):
            return max(cost.cpu_s, 0.01), cost.peak_mb
    return None


def _hours(chunk: str, results: Path, margin_s: float) -> float:
    """Hours that a job reads: of its chunk with margins, or of all chunks."""
    if chunk != "all":
        return (Span.parse(chunk).seconds + 2 * margin_s) / 3600
    return sum(Span.parse(p.stem).seconds for p in (results / "raw").glob("*.parquet")) / 3600


def _line(points: list[tuple[float, float]], *, grows: bool) -> tuple[float, float]:
    """Value at zero and slope of a straight line, neither below zero.

    Where all lie at one x, `grows` says whether the line begins at the origin or is level.
    """
    n = len(points)
    x, y = (sum(p[i] for p in points) / n for i in (0, 1))
    spread = sum((p[0] - x) ** 2 for p in points)
    slope = sum((p[0] - x) * (p[1] - y) for p in points) / spread if spread > 1e-9 else 0.0
    slope = y / x if grows and spread <= 1e-9 else slope
    slope = min(max(slope, 0.0), y / x)
    return y - slope * x, slope


def _bytes(results: Path, name: str, stations: int, margin_s: float) -> float | None:
    """Bytes of a product for each station-hour; None where the run has none."""
    found = sorted((results / name).glob(f"*{_PRODUCTS[name]}"))
    hours = sum(_hours(path.stem, results, margin_s) for path in found) * stations
    if not hours:
        return None
    files = [p for path in found for p in (path.rglob("*") if path.is_dir() else [path])]
    return sum(p.stat().st_size for p in files if p.is_file()) / hours


def plan(run: config.Run, stations: int, rates: Rates, cores: int) -> Plan:
    """What a run of so many stations takes on so many cores."""
    spans = run.time.chunks()
    read_h = [(span.seconds + 2 * run.margin_s) / 3600 * stations for span in spans]
    jobs = dict.fromkeys(PER_CHUNK, len(spans)) | dict.fromkeys(OF_RUN, 1)
    work = dict.fromkeys(PER_CHUNK, read_h) | {name: [sum(read_h)] for name in OF_RUN}
    known = {name: rates.stages[name] for name in jobs if name in rates.stages}
    cpu_h = {name: sum(map(r.seconds, work[name])) / 3600 for name, r in known.items()}
    job_s = {name: r.seconds(max(work[name])) for name, r in known.items()}
    sizes = {name: rate * sum(read_h) for name, rate in rates.hour_bytes.items()}
    kept = sum(size for name, size in sizes.items() if name not in _passing(run))
    at_once = min(cores, len(spans)) / len(spans)
    passing = sum(sizes.get(name, 0.0) for name in _passing(run)) * at_once
    chunk_h = sum(cpu_h.get(name, 0.0) for name in PER_CHUNK)
    serial_h = sum(cpu_h.get(name, 0.0) for name in OF_RUN)
    return Plan(
        stations=stations,
        chunks=len(spans),
        jobs=jobs,
        cpu_h=cpu_h,
        job_s=job_s,
        memory_mb={name: r.memory_mb(max(work[name]) / stations) for name, r in known.items()},
        kept_bytes=kept,
        peak_bytes=kept + passing,
        wall_h=chunk_h / min(cores, len(spans)) + serial_h,
        chunk_h=run.time.chunk_h,
        advised_chunk_h=advised_chunk_h(rates, stations),
    )


def _passing(run: config.Run) -> list[str]:
    """Products that are removed as soon as nobody needs them."""
    return [name for name in _TEMPORARY if name not in run.keep]


def advised_chunk_h(rates: Rates, stations: int) -> float:
    """The length of chunks whose longest job comes closest to ten minutes, by ratio."""
    slowest = [rate for name, rate in rates.stages.items() if name in PER_CHUNK]

    def away(hours: float) -> float:
        longest = max(rate.seconds(hours * stations) for rate in slowest)
        return abs(math.log(longest / _WANTED_S))

    return float(min(_LENGTHS_H, key=away)) if slowest else 24.0
