"""Memory of the waveform engine over 1, 10 and 100 station-days.

One instrument that records for 1, 10 or 100 days without a gap, read in pages as from a store,
through PhaseNet to picks; probabilities are not kept. Each case runs in a process of its own. There
is no peer here: `peer` is the case of one day, and a ratio of 1 says that memory is flat.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.engine_memory"
DAY = 8_640_000
FIRST = 127_497_600_000


class Endless:
    """An hour of noise that comes again and again."""

    n_instruments = 1
    in_memory = False

    def __init__(self) -> None:
        self._hour = np.random.default_rng(0).normal(size=(3, 360_000)).astype(np.float32)

    def read(self, instrument: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        """Samples and mask."""
        at = np.arange(start, stop) % self._hour.shape[1]
        return self._hour[:, at], np.ones((3, stop - start), bool)


def one(days: int, threads: int, weights: str) -> dict[str, Any]:
    """Annotate and pick so many days; peak memory in MB and seconds."""
    from quakeline.inference.annotator import Annotator
    from quakeline.picking.extraction import BlockPicker, Origin, PickStream
    from quakeline.picking.settings import Settings

    annotator = Annotator.load(Path(weights), "cpu", threads)
    card = annotator.card
    rules = Settings(thresholds=dict.fromkeys(card.phases, 0.99))
    origin = Origin(card.name, annotator.weights_id, list(card.phases), card.sampling_rate_hz)
    source = Endless()
    stream = PickStream(BlockPicker(rules, origin, list("ZNE")), source, ["XX.S..HH"], {})

    def work() -> None:
        for piece in annotator.annotate(source, FIRST, FIRST + days * DAY):
            stream.add(piece.instrument, piece.start, piece.curves)
        stream.close()

    return {**measure.timed(work), "peak_mb": measure.peak_mb()}


def prepare(threads: int) -> dict[str, Any]:
    """The weights file, so that no case has to make it."""
    from quakeline.models.graphs import graph_of
    from quakeline.models.named import weights_file

    path = weights_file("phasenet")
    graph_of(path)
    return {"path": str(path)}


def main() -> None:
    """Run the cases; --quick leaves out 100 days and takes an hour for a day."""
    given = measure.arguments(__doc__)
    if measure.answered(given, one=one, prepare=prepare):
        return
    weights = measure.child(MODULE, 2, side="prepare")["path"]
    runs = {
        days: measure.child(MODULE, 2, side="one", days=days, weights=weights)
        for days in ((1, 2) if given.quick else (1, 10, 100))
    }
    rows = [
        measure.case(f"{days} station-days", unit, run[key], runs[1][key], None)
        for days, run in runs.items()
        for key, unit in (("peak_mb", "MB"), ("wall_s", "wall s"))
    ]
    measure.finish("engine_memory", rows, given.quick)


if __name__ == "__main__":
    main()
