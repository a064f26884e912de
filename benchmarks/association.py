"""How the time of association and location grows with the picks and the stations.

`python -m benchmarks.association [--only "10000 picks"] [--quick] [--real FOLDER | --stations]`:
sequences of 10 events an hour, 30 % of their picks false, as long as they must be, with suggested
settings and two threads. Each size is a process of its own. CPU seconds are those of all threads
and processes, travel-time tables included; `peak_mb` is the largest memory of the process, which
also holds the making of the sequence (`made_mb` when it was made). `--real` takes the picks of a
set (see `benchmarks.real_catalogs`) again and again, each time some whole days later, on one
thread, and only associates them: `association_real.json`. `--stations` associates 10,000 picks at
most of 30 to 1,000 stations, as dense as 30 within 60 km, with 20 events an hour and what real sets
have (`sequences.as_real`): `association_stations.json`.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from benchmarks.measure import answered, child, finish, parser_of, peak_mb
from benchmarks.sequences import CRUST, Plan, as_real, make
from quakeline.earth.sites import Sites
from quakeline.events.association import associate, depth_range, suggested
from quakeline.events.chain.associate import Settings, associated
from quakeline.events.chain.material import read
from quakeline.events.location import Locator
from quakeline.workflow.stages.locate import Config

_SIZES = (10_000, 100_000, 1_000_000)
_STATIONS = (30, 100, 300, 1_000)
Tables = tuple[pd.DataFrame, pd.DataFrame]
#: Picks of an hour of these sequences, a little less than there are.
_AN_HOUR = 550


def main() -> None:
    """Measure each size and keep the figures in benchmarks/results/association.json."""
    parser = parser_of(__doc__)
    parser.add_argument("--only", default="", metavar="TEXT", help="cases whose names hold TEXT")
    parser.add_argument("--quick", action="store_true", help="a short run, which keeps no figures")
    asked_for = parser.add_mutually_exclusive_group()
    asked_for.add_argument("--real", type=Path, metavar="FOLDER")
    asked_for.add_argument("--stations", action="store_true", help="networks of many stations")
    words = parser.parse_args()
    if answered(words, measured=measured, repeated=repeated, wide=wide):
        return
    rows = []
    if words.stations:
        for count in _STATIONS[:1] if words.quick else _STATIONS:
            name = f"{count} stations"
            if words.only in name:
                figures = child("benchmarks.association", threads=1, side="wide", stations=count)
                rows.append({"case": name, **figures})
                finish("association_stations", rows, words.quick, kept=words.only)
        return
    for size in [1_000] if words.quick else _SIZES:
        name = f"{size} picks"
        if words.only in name and words.real:
            asked = {"side": "repeated", "picks": size, "folder": str(words.real)}
            rows.append({"case": name, **child("benchmarks.association", threads=1, **asked)})
            finish("association_real", rows, words.quick, kept=words.only)
        elif words.only in name:
            found = child("benchmarks.association", threads=2, side="measured", picks=size)
            rows.append({"case": name, **found})
            finish("association", rows, words.quick, kept=words.only)


def measured(picks: int, threads: int) -> dict[str, float]:
    """Seconds and memory of the association and location of so many picks."""
    sequence = make(Plan(hours=picks / _AN_HOUR, events_per_hour=10))
    table, made_mb = sequence.picks.head(picks), peak_mb()
    sites = Sites.of(sequence.stations)
    search, _ = suggested({}, sites, CRUST, table)
    options = {**Config().model_dump(), "depth_km": depth_range(sites)}
    locator = Locator(sites, CRUST, threads=threads, **options)
    figures: dict[str, float] = {"picks": len(table), "true_events": len(sequence.events)}
    (events, arrivals), spent = _spent(
        "association",
        lambda: associate(table, sites, CRUST, search, threads=threads, finder=locator),
    )
    figures |= spent
    (located, _), spent = _spent("location", lambda: locator.locate(events, arrivals, table))
    figures |= spent
    figures["events"] = len(located)
    for stage in ("association", "location"):
        figures[f"{stage}_cpu_s_per_10000_picks"] = figures[f"{stage}_cpu_s"] * 1e4 / len(table)
    figures |= {"made_mb": made_mb, "peak_mb": peak_mb()}
    return {key: round(value, 2) for key, value in figures.items()}


def repeated(picks: int, threads: int, folder: str) -> dict[str, float]:
    """Seconds and memory of the association of so many picks, those of a set again and again."""
    place = Path(folder)
    given = read(place / "picks.csv", place / "stations.csv", place / "velocity.csv")
    table = given.picks
    span = (table["time"].max() - table["time"].min()).ceil("D")
    parts = [
        table.assign(time=table["time"] + n * span, pick_id=table["pick_id"] + f"#{n}")
        for n in range(-(-picks // len(table)))
    ]
    table, made_mb = pd.concat(parts, ignore_index=True).head(picks), peak_mb()
    (events, _), spent = _spent(
        "association",
        lambda: associated(Settings(), table, given.sites, given.model, threads),
    )
    spent["association_cpu_s_per_10000_picks"] = spent["association_cpu_s"] * 1e4 / len(table)
    figures = {"picks": len(table), "events": len(events), **spent}
    figures |= {"made_mb": made_mb, "peak_mb": peak_mb()}
    return {key: round(value, 2) for key, value in figures.items()}


def wide(stations: int, threads: int) -> dict[str, float]:
    """Seconds and memory of the association of 10,000 picks at most of so many stations."""
    radius_km = 60 * (stations / 30) ** 0.5
    plan = Plan(stations, radius_km, hours=10_000 / (14 * stations), events_per_hour=20)
    sequence = make(as_real(plan))
    table, made_mb = sequence.picks.head(10_000), peak_mb()
    sites = Sites.of(sequence.stations)
    (events, _), spent = _spent(
        "association", lambda: associated(Settings(), table, sites, CRUST, threads)
    )
    spent["association_cpu_s_per_10000_picks"] = spent["association_cpu_s"] * 1e4 / len(table)
    true = int((sequence.events["time_ns"] < table["time"].max().value).sum())
    figures = {"picks": len(table), "true_events": true, "events": len(events), **spent}
    figures |= {"made_mb": made_mb, "peak_mb": peak_mb()}
    return {key: round(value, 2) for key, value in figures.items()}


def _spent(stage: str, work: Callable[[], Tables]) -> tuple[Tables, dict[str, float]]:
    """What some work gives, CPU seconds of this process and its children, and wall seconds."""
    cpu, wall = sum(os.times()[:4]), time.perf_counter()
    made = work()
    return made, {
        f"{stage}_cpu_s": sum(os.times()[:4]) - cpu,
        f"{stage}_wall_s": time.perf_counter() - wall,
    }


if __name__ == "__main__":
    main()
