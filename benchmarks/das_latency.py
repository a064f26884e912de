"""How late an event loop is while a model is applied to fibre data beside it.

A task of the loop sleeps for 5 ms again and again and notes how much later it wakes: alone, and
while `annotate_async` reads a virtual array of files of a minute (1,000 channels at 100 Hz), sends
it through PhaseNet with random weights, channel by channel, and picks; on one core, and on all that
the process has. `classify_async` does the same; there are very many picks. The rows are the median,
the 99th percentile and the largest delay in ms; `peer` is the loop alone.
"""

from __future__ import annotations

import asyncio
import os
import tempfile
import time
from functools import partial
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import das_engine, das_memory, measure

MODULE = "benchmarks.das_latency"
MINUTES, QUICK = 6, 1
CALLS = ("annotate_async", "classify_async")
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


def one(call: str, minutes: int, threads: int, folder: str, weights: str) -> dict[str, Any]:
    """Delays in ms, alone and beside a model, and how long that took."""
    from quakeline import DASPickingCallback, DASWaveformModelWrapper

    model = DASWaveformModelWrapper(Path(weights), threads=threads, device="cpu")
    data = das_memory.virtual(folder, minutes)
    model.annotate(das_memory.virtual(folder, 1), DASPickingCallback())

    async def main() -> tuple[list[float], list[float], float]:
        _, alone = await beside(asyncio.sleep(5))
        before = time.perf_counter()
        if call == "annotate_async":
            work = model.annotate_async(data, DASPickingCallback())
        else:
            work = model.classify_async(data, thresholds=0.2)
        _, busy = await beside(work)
        return alone, busy, time.perf_counter() - before

    alone, busy, wall = asyncio.run(main())
    return {"alone": _spread(alone), "busy": _spread(busy), "wall_s": wall}


def _spread(late: list[float]) -> dict[str, float]:
    values = 1000 * np.array(late)
    names = {"median": 50, "99 %": 99, "largest": 100}
    return {name: float(np.percentile(values, at)) for name, at in names.items()}


def main() -> None:
    """Run the cases."""
    given = measure.arguments(__doc__)
    if measure.answered(given, one=one):
        return
    rows = []
    minutes = QUICK if given.quick else MINUTES
    with tempfile.TemporaryDirectory() as folder:
        path = measure.child(das_engine.MODULE, 1, side="weights", folder=folder)["path"]
        run = partial(measure.child, MODULE, minutes=minutes, folder=folder, weights=path)
        for call, threads in product(CALLS, sorted({1, len(os.sched_getaffinity(0))})):
            made = run(threads, call=call)
            title = f"{call}, {threads} threads, {made['wall_s']:.0f} s"
            for name, value in made["busy"].items():
                rows.append(
                    measure.case(f"{title}, {name}", "ms", value, made["alone"][name], None)
                )
            measure.finish("das_latency", rows, given.quick)


if __name__ == "__main__":
    main()
