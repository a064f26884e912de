"""How the time of association and location grows with the picks.

`python -m benchmarks.association [--only "10000 picks"] [--quick]`: sequences of 10 events an hour,
30 % of their picks false, as long as they must be, with suggested settings and two threads. Each
size is a process of its own. CPU seconds are those of all threads and processes, travel-time tables
included; `peak_mb` is the largest memory of the process, which also holds the making of the
sequence (`made_mb` when it was made).
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Callable
from typing import Any

import pandas as pd

from benchmarks.measure import arguments, child, finish, peak_mb
from benchmarks.sequences import CRUST, Plan, make
from quakeline.earth.sites import Sites
from quakeline.events.association import associate, depth_range, suggested
from quakeline.events.location import Locator
from quakeline.workflow.stages.locate import Config

_SIZES = (10_000, 100_000, 1_000_000)
#: Picks of an hour of these sequences, a little less than there are.
_AN_HOUR = 550


def main() -> None:
    """Measure each size and keep the figures in benchmarks/results/association.json."""
    words = arguments()
    if words.child:
        print(json.dumps(measured(words.child["picks"])))
        return
    rows = []
    for size in [1_000] if words.quick else _SIZES:
        name = f"{size} picks"
        if words.only in name:
            found = child("benchmarks.association", threads=2, picks=size)
            rows.append({"case": name, **found})
            finish("association", rows, words.quick, kept=words.only)


def measured(size: int) -> dict[str, float]:
    """Seconds and memory of the association and location of so many picks."""
    sequence = make(Plan(hours=size / _AN_HOUR, events_per_hour=10))
    picks, made_mb = sequence.picks.head(size), peak_mb()
    sites = Sites.of(sequence.stations)
    search, _ = suggested({}, sites, CRUST, picks)
    options = {**Config().model_dump(), "depth_km": depth_range(sites)}
    locator = Locator(sites, CRUST, threads=2, **options)
    found: list[pd.DataFrame] = []
    figures: dict[str, float] = {"picks": len(picks), "true_events": len(sequence.events)}
    figures |= _spent(
        "association",
        lambda: found.extend(associate(picks, sites, CRUST, search, threads=2, finder=locator)),
    )
    figures |= _spent("location", lambda: found.extend(locator.locate(*found[:2], picks)))
    figures["events"] = len(found[2])
    for stage in ("association", "location"):
        figures[f"{stage}_cpu_s_per_10000_picks"] = figures[f"{stage}_cpu_s"] * 1e4 / len(picks)
    figures |= {"made_mb": made_mb, "peak_mb": peak_mb()}
    return {key: round(value, 2) for key, value in figures.items()}


def _spent(stage: str, work: Callable[[], Any]) -> dict[str, float]:
    """CPU seconds of this process and its children, and wall seconds."""
    cpu, wall = sum(os.times()[:4]), time.perf_counter()
    work()
    return {
        f"{stage}_cpu_s": sum(os.times()[:4]) - cpu,
        f"{stage}_wall_s": time.perf_counter() - wall,
    }


if __name__ == "__main__":
    main()
