"""Two processes on one machine against one, and against one process with two threads.

Each process picks a station-day of its own with PhaseNet, from waveforms in memory, without storing
probabilities. All wait for each other after their warm-up. Times are wall seconds per station-day,
those of all processes together; `peer` is one process with one thread.
"""

from __future__ import annotations

import multiprocessing
import time
from multiprocessing.synchronize import Barrier as Gate
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import classify, measure
from benchmarks import waveform_engine as engine

#: Processes and the threads of each.
SETUPS = ((1, 1), (2, 1), (1, 2))


def work(path: str, threads: int, days: int, gate: Gate, results: Any) -> None:
    """Pick so many station-days, once all processes are ready."""
    from quakeline.inference.annotator import Annotator

    annotator = Annotator.load(Path(path), "cpu", threads)
    samples, first = engine.record(classify.CASE)
    source = engine.source_of(samples, first, annotator.card.components)
    classify.picks_of(annotator, source, first, 360_000)
    gate.wait()
    begin = time.perf_counter()
    for _ in range(days):
        classify.picks_of(annotator, source, first, samples.shape[-1])
    results.put((begin, time.perf_counter()))


def seconds_per_day(path: str, processes: int, threads: int, days: int) -> float:
    """Wall seconds per station-day of so many processes."""
    context = multiprocessing.get_context("spawn")
    gate, results = context.Barrier(processes), context.Queue()
    arguments = (path, threads, days, gate, results)
    running = [context.Process(target=work, args=arguments) for _ in range(processes)]
    for one in running:
        one.start()
    times = np.array([results.get() for _ in running])
    for one in running:
        one.join()
    return float((times[:, 1].max() - times[:, 0].min()) / (processes * days))


def main() -> None:
    """Measure each set-up in turn, three times; --quick once and one day each."""
    from quakeline.models.graphs import graph_of
    from quakeline.models.named import weights_file

    given = measure.arguments(__doc__)
    path = weights_file("phasenet")
    graph_of(path)
    rounds, days = (1, 1) if given.quick else (engine.REPEATS, 2)
    found = [
        {f"{n} x {threads}": seconds_per_day(str(path), n, threads, days) for n, threads in SETUPS}
        for _ in range(rounds)
    ]
    taken = measure.medians(found)
    rows = []
    for processes, threads in SETUPS:
        name = f"processes: {processes}, threads of each: {threads}"
        mine, one = taken[f"{processes} x {threads}"], taken["1 x 1"]
        rows.append(measure.case(name, "wall s per station-day", mine, one, None))
    measure.finish("workers", rows, given.quick)


if __name__ == "__main__":
    main()
