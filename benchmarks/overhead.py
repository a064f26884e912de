"""Overhead of the engine: waveforms in memory to stitched probabilities over bare forward passes.

The same windows, network and batch, on one thread. A process for each case, in it both sides in
turn, five times. The bare passes get batches that were cut (and normalised) before the clock runs.
`ours` also computes the windows that reach beyond the ends of a record, which the bare passes
leave out.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from benchmarks import measure
from benchmarks import waveform_engine as engine

MODULE = "benchmarks.overhead"
ROUNDS = 5
_BARE_BYTES = 200 * 2**20
#: Case of `waveform_engine`, and a weight set instead of SeisBench's network, which has its own
#: normalisation in the graph.
CASES = (
    ("PhaseNet, 20 stations x 1 h", None),
    ("PhaseNet, 20 stations x 1 h", "phasenet"),
    ("PhaseNet, 1 station-day", None),
    ("EQTransformer, 1 station-day", None),
)


def one(case: str, threads: int, path: str, rounds: int) -> dict[str, Any]:
    """CPU seconds of both sides, medians."""
    from quakeline.inference.annotator import Annotator
    from quakeline.models.windowing import Windowing

    samples, first = engine.record(case)
    steps = Windowing(hop_samples=engine.STEPS[engine.case_of(case)[0]])
    annotator = Annotator.load(Path(path), "cpu", threads, windowing=steps)
    source = engine.source_of(samples, first, annotator.card.components)

    def work() -> None:
        for _ in annotator.annotate(source, first, first + samples.shape[-1]):
            pass

    work()
    batches, share = _cut(annotator, samples)
    backend = annotator.engine.backend
    runs = []
    for _ in range(rounds):
        total = measure.timed(work)["cpu_s"]
        bare = measure.timed(lambda: [None for _ in backend.run(iter(batches))])["cpu_s"]
        runs.append({"total": total, "bare": share * bare, "ratio": total / (share * bare)})
    return measure.medians(runs)


def _cut(annotator: Any, samples: np.ndarray) -> tuple[list[tuple[tuple[()], np.ndarray]], float]:
    """Batches of windows, as many as memory allows, and how many times as many there are in all."""
    from quakeline.inference.windows import normalise

    card, hop, size = annotator.card, annotator.engine.hop, annotator.engine.backend.batch
    order = ["ZNE".index(name) for name in card.components]
    batches: list[tuple[tuple[()], np.ndarray]] = []
    for station in samples:
        cut = sliding_window_view(station[order], card.window_samples, axis=1)[:, ::hop]
        for at in range(0, cut.shape[1] - size + 1, size):
            part = np.ascontiguousarray(cut[:, at : at + size].transpose(1, 0, 2))
            normalise(part, None, card.normalisation)
            if (len(batches) + 1) * part.nbytes <= _BARE_BYTES:
                batches.append(((), part))
    return batches, len(samples) * (samples.shape[-1] / hop) / (len(batches) * size)


def prepare(case: str, threads: int, folder: str, given: str | None) -> dict[str, Any]:
    """The weights file of a case."""
    from quakeline.models.graphs import graph_of
    from quakeline.models.named import weights_file

    if given is None:
        return engine.weights(case, threads, folder)
    path = weights_file(given)
    graph_of(path)
    return {"path": str(path)}


def main() -> None:
    """Run the cases; --quick the first one, one round."""
    given = measure.arguments(__doc__)
    if measure.answered(given, one=one, prepare=prepare):
        return
    rows = []
    for case, name in CASES[: 1 if given.quick else None]:
        with tempfile.TemporaryDirectory() as folder:
            asked = {"case": case, "folder": folder, "given": name}
            path = measure.child(MODULE, 1, side="prepare", **asked)["path"]
            rounds = 1 if given.quick else ROUNDS
            found = measure.child(MODULE, 1, side="one", case=case, path=path, rounds=rounds)
        title = f"{case}, {'normalised by the engine' if name else 'network of SeisBench'}"
        rows.append(measure.case(title, "CPU s", found["total"], found["bare"], None))
        rows.append(measure.case(f"{title}, total over bare", "-", found["ratio"], 1, None))
        measure.finish("overhead", rows, given.quick)


if __name__ == "__main__":
    main()
