"""Waveforms in memory to picks: our engine and picker against SeisBench's `classify`.

SeisBench's PhaseNet with the original weights on both sides, one station-day of noise with an
event every 90 s, thresholds of 0.3, no probabilities stored. Ours also measures the width of each
peak and the signal-to-noise ratio. `equal` is the share of SeisBench's picks of which ours have one
of the same phase within a sample; the two rules differ, since SeisBench gives one pick for each
time that a curve is above half the threshold.
"""

from __future__ import annotations

import json
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure, peer_networks
from benchmarks import waveform_engine as engine

MODULE = "benchmarks.classify"
CASE = "PhaseNet, 1 station-day"
THRESHOLD = 0.3


def weights(threads: int, folder: str) -> dict[str, Any]:
    """The network as a weights file of each side."""
    import torch

    from quakeline.models.graphs import graph_of
    from quakeline.models.sections import SeisBench
    from quakeline.workflow.stages import weights as stage

    state, path = Path(folder) / "peer.pt", Path(folder) / "peer.safetensors"
    torch.save(peer_networks.phasenet(), state)
    stage.run(SeisBench(model="PhaseNet", weights=str(state), normalisation="none"), weights=path)
    graph_of(path)
    return {"state": str(state), "path": str(path)}


def peer(batch: int, threads: int, state: str, save: str) -> dict[str, Any]:
    """SeisBench's classify."""
    import seisbench.models
    import torch

    torch.set_num_threads(threads)
    model = seisbench.models.PhaseNet()
    model.load_state_dict(torch.load(state, weights_only=True))
    model.eval()
    samples, first = engine.record(CASE)
    stream = engine.stream_of(samples, first)
    options = {"batch_size": batch, "P_threshold": THRESHOLD, "S_threshold": THRESHOLD}
    model.classify(stream.slice(endtime=stream[0].stats.starttime + 120), **options)
    found: list[Any] = []
    result = measure.timed(lambda: found.append(model.classify(stream, **options)))
    picks = [(pick.phase, float(pick.peak_time.timestamp)) for pick in found[0].picks]
    Path(save).write_text(json.dumps(picks), encoding="utf-8")
    return {**result, "peak_mb": measure.peak_mb(), "picks": len(picks)}


def ours(threads: int, path: str, save: str) -> dict[str, Any]:
    """Our engine and picker."""
    from quakeline.inference.annotator import Annotator
    from quakeline.models.windowing import Windowing

    samples, first = engine.record(CASE)
    annotator = Annotator.load(
        Path(path), "cpu", threads, windowing=Windowing(hop_samples=engine.STEPS["PhaseNet"])
    )
    source = engine.source_of(samples, first, annotator.card.components)
    picks_of(annotator, source, first, 12_000)
    found: list[Any] = []
    result = measure.timed(
        lambda: found.append(picks_of(annotator, source, first, samples.shape[-1]))
    )
    table = found[0]
    times = table["time"].astype("int64") / 1e9
    picks = list(zip(table["phase"], times, strict=True))
    Path(save).write_text(json.dumps(picks), encoding="utf-8")
    return {**result, "peak_mb": measure.peak_mb(), "picks": len(picks)}


def picks_of(annotator: Any, source: Any, first: int, n: int) -> Any:
    """Annotate n samples of the only instrument of a source and pick on the way."""
    from quakeline.picking.extraction import BlockPicker, Origin, PickStream, joined
    from quakeline.picking.settings import Settings

    card = annotator.card
    rules = Settings(thresholds=dict.fromkeys(card.phases, THRESHOLD))
    origin = Origin(card.name, annotator.weights_id, list(card.phases), card.sampling_rate_hz)
    stream = PickStream(BlockPicker(rules, origin, list("ZNE")), source, ["XX.S00..HH"], {})
    for piece in annotator.annotate(source, first, first + n):
        stream.add(piece.instrument, piece.start, piece.curves)
    stream.close()
    return joined(stream.frames)


def shared(mine: str, theirs: str) -> float:
    """Share of their picks of which ours have one of the same phase within a sample."""
    own, other = (json.loads(Path(path).read_text(encoding="utf-8")) for path in (mine, theirs))
    found = 0
    for phase in ("P", "S"):
        times = np.sort([time for name, time in own if name == phase])
        asked = np.array([time for name, time in other if name == phase])
        if len(times) and len(asked):
            at = np.clip(np.searchsorted(times, asked), 1, len(times) - 1)
            near = np.minimum(np.abs(times[at - 1] - asked), np.abs(times[at] - asked))
            found += int(np.count_nonzero(near < 1.5 / engine.RATE))
    return found / max(len(other), 1)


def compare(threads: int, quick: bool) -> list[dict[str, Any]]:
    """All rows: ours and each batch of the peer in turn, three times."""
    batches = engine.BATCHES["PhaseNet"][: 1 if quick else None]
    mine: list[dict[str, Any]] = []
    theirs: dict[int, list[dict[str, Any]]] = {batch: [] for batch in batches}
    with tempfile.TemporaryDirectory() as folder:
        run = partial(measure.child, MODULE, threads)
        made = run(side="weights", folder=folder)
        saved = [str(Path(folder) / side) for side in ("ours.json", "peer.json")]
        for _ in range(1 if quick else engine.REPEATS):
            mine.append(run(side="ours", path=made["path"], save=saved[0]))
            for batch in batches:
                asked = {"batch": batch, "state": made["state"], "save": saved[1]}
                theirs[batch].append(run(side="peer", **asked))
        equal = shared(*saved)
    title = engine.label(CASE, threads)
    rows = engine.peer_rows(title, measure.medians(mine), theirs, equal)
    counts = mine[0]["picks"], theirs[batches[0]][0]["picks"]
    return [*rows, measure.case(f"{title}, picks", "number", *counts, equal)]


def main() -> None:
    """Run the case on one thread and on two; --quick runs each side once on one thread."""
    given = measure.arguments(__doc__)
    if measure.answered(given, ours=ours, peer=peer, weights=weights):
        return
    rows: list[dict[str, Any]] = []
    for threads in (1,) if given.quick else (1, 2):
        if given.only in f"{engine.label(CASE, threads)},":
            rows += compare(threads, given.quick)
            measure.finish("classify", rows, given.quick, given.only)


if __name__ == "__main__":
    main()
