"""How late an event loop is while a model is applied to fibre data beside it.

A task of the loop sleeps for 5 ms again and again and notes how much later it wakes: alone, and
while `annotate_async` reads a virtual array of files of a minute (1,000 channels at 100 Hz), sends
it through PhaseNet with random weights, channel by channel, and picks; on one core, and on all that
the process has. The rows are the median, the 99th percentile and the largest delay in ms; `peer`
is the loop alone.
"""

from __future__ import annotations

import asyncio
import json
import os
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import das_engine, das_memory, measure

MODULE = "benchmarks.das_latency"
MINUTES, QUICK = 6, 1
STEP_S = 0.005


async def beside(work: Any) -> tuple[Any, list[float]]:
    """What some work gives, and how late each tick beside it was, in s."""
    late = []
    task = asyncio.ensure_future(work)
    while not task.done():
        before = time.perf_counter()
        await asyncio.sleep(STEP_S)
        late.append(time.perf_counter() - before - STEP_S)
    return await task, late


def one(minutes: int, threads: int, folder: str, weights: str) -> dict[str, Any]:
    """Delays in ms, alone and beside a model; how long it took, and how many picks it gave."""
    from quakeline import DASPickingCallback, DASWaveformModelWrapper

    model = DASWaveformModelWrapper(Path(weights), threads=threads, device="cpu")
    data = das_memory.virtual(folder, minutes)
    model.annotate(das_memory.virtual(folder, 1), DASPickingCallback())
    callback = DASPickingCallback()

    async def main() -> tuple[list[float], list[float], float]:
        _, alone = await beside(asyncio.sleep(5))
        before = time.perf_counter()
        _, busy = await beside(model.annotate_async(data, callback))
        return alone, busy, time.perf_counter() - before

    alone, busy, wall = asyncio.run(main())
    picks = sum(len(found) for found in callback.get_results_dict().values())
    return {"alone": _spread(alone), "busy": _spread(busy), "wall_s": wall, "picks": picks}


def _spread(late: list[float]) -> dict[str, float]:
    values = 1000 * np.array(late)
    names = {"median": 50, "99 %": 99, "largest": 100}
    return {name: float(np.percentile(values, at)) for name, at in names.items()}


def main() -> None:
    """Run the cases."""
    given = measure.arguments()
    if given.child:
        print(json.dumps(one(**given.child)))
        return
    rows = []
    minutes = QUICK if given.quick else MINUTES
    for threads in sorted({1, len(os.sched_getaffinity(0))}):
        with tempfile.TemporaryDirectory() as folder:
            path = measure.child(das_engine.MODULE, threads, side="weights", folder=folder)["path"]
            run = measure.child(MODULE, threads, minutes=minutes, folder=folder, weights=path)
        title = f"{threads} threads, {run['wall_s']:.0f} s, {run['picks']} picks"
        for name, value in run["busy"].items():
            rows.append(measure.case(f"{title}, {name}", "ms", value, run["alone"][name], None))
        measure.finish("das_latency", rows, given.quick)


if __name__ == "__main__":
    main()
