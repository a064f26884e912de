"""How long Snakemake plans: dry runs of new runs of many chunks, `python -m benchmarks.dag`.

CPU seconds and memory of `snakemake --dry-run` for an SDS archive that holds a file a day of each
station; chunk-stations are chunks times stations. `peer` is the goal of a minute for 100 stations
and ten years; a ratio above 1 is below it.
"""

from __future__ import annotations

import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from benchmarks import measure

REPOSITORY = Path(__file__).resolve().parents[1]
START = datetime(2014, 1, 1, tzinfo=UTC)
GOAL_S = 60.0
#: Stations and chunks of a day: 1,000, 15,000 and 100,000 chunk-stations, and the goal's 365,000.
CASES = ((10, 100), (10, 1_500), (100, 1_000), (100, 3_650))
_OVERLAY = """\
run: planned
time: {{start: {start}, end: {end}, chunk_h: 24}}
stations: {{table: stations.csv}}
fetch: {{source: {{kind: sds, roots: [archive]}}}}
keep: []
"""


def furnish(folder: Path, stations: int, chunks: int) -> None:
    """A folder with a configuration, a station table and an archive of empty files."""
    shutil.copytree(REPOSITORY / "config", folder / "config")
    names = [f"S{number:03d}" for number in range(stations)]
    rows = [f"XX,{name},{47 + i / 100},11,500" for i, name in enumerate(names)]
    header = "network,station,latitude,longitude,elevation_m"
    (folder / "stations.csv").write_text("\n".join([header, *rows]) + "\n")
    end = START + timedelta(days=chunks)
    text = _OVERLAY.format(start=f"{START:%Y-%m-%d}T00:00:00Z", end=f"{end:%Y-%m-%d}T00:00:00Z")
    (folder / "overlay.yaml").write_text(text)
    for name in names:
        for day in range(chunks):
            date = START + timedelta(days=day)
            place = folder / f"archive/{date:%Y}/XX/{name}/HHZ.D"
            place.mkdir(parents=True, exist_ok=True)
            (place / f"XX.{name}..HHZ.D.{date:%Y.%j}").touch()


def planned(folder: Path) -> dict[str, float]:
    """CPU and wall seconds and memory in MB of a dry run, and the number of its jobs."""
    words = ["--snakefile", str(REPOSITORY / "Snakefile"), "--cores", "2", "--dry-run"]
    words += ["--quiet", "host", "rules", "reason", "--configfile", "overlay.yaml"]
    command = [sys.executable, "-m", "snakemake", *words]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    before, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, check=False
    )
    wall = time.perf_counter() - wall
    if done.returncode:
        sys.exit(done.stdout + done.stderr)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    rows = [line.split() for line in (done.stdout + done.stderr).splitlines()]
    jobs = next((int(row[1]) for row in rows if len(row) == 2 and row[0] == "total"), 0)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return {"cpu_s": cpu, "wall_s": wall, "memory_mb": after.ru_maxrss / 1024, "jobs": jobs}


def main() -> None:
    """Measure every case; `--quick` only the first."""
    quick = measure.arguments(__doc__).quick
    rows = []
    for stations, chunks in CASES[:1] if quick else CASES:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name) / "work"
            furnish(folder, stations, chunks)
            found = planned(folder)
        title = f"{stations} stations, {chunks} chunks, {found['jobs']:.0f} jobs, dry run"
        print(title, found, file=sys.stderr, flush=True)
        rows.append(measure.case(title, "CPU s", found["cpu_s"], GOAL_S, None))
        rows.append(measure.case(f"{title}: wall", "s", found["wall_s"], GOAL_S, None))
        rows.append(measure.case(f"{title}: memory", "MB", found["memory_mb"], 1000, None))
        measure.finish("dag", rows, quick)


if __name__ == "__main__":
    main()
