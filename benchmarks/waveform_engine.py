"""The waveform engine against SeisBench: same network, same weights, same windows, same CPU.

Both sides annotate the same noise with events in it, with the SeisBench network whose
preprocessing is part of the graph on our side. SeisBench runs at its default batch and at the best
of some batches. Times are those of annotate alone, after one warm-up on a short record: the CPU
seconds of all threads. `equal` is the largest difference of the annotations, away from the
two windows at each end, where the two choose different windows. `--only TEXT` measures the cases
whose names hold the text and keeps the results of the others.
"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.waveform_engine"
RATE = 100.0
REPEATS = 3
#: SeisBench's default and others, of which the best is taken.
BATCHES = {"PhaseNet": (256, 64, 32), "EQTransformer": (256, 64, 32), "GPD": (256, 32)}
#: SeisBench class, arguments, stations, seconds, stacking.
Case = tuple[str, dict[str, Any], int, int, str]
CASES: dict[str, Case] = {
    "PhaseNet, 1 station-day": ("PhaseNet", {}, 1, 86_400, "avg"),
    "PhaseNet, 20 stations x 1 h": ("PhaseNet", {}, 20, 3_600, "avg"),
    "EQTransformer, 1 station-day": (
        "EQTransformer",
        {"original_compatible": "non-conservative", "lstm_blocks": 2},
        1,
        86_400,
        "avg",
    ),
    "GPD, 1 h": ("GPD", {"phases": "PSN"}, 1, 3_600, "avg"),
}
ON_TWO_THREADS = ("PhaseNet, 1 station-day", "EQTransformer, 1 station-day")
#: Step between windows in samples, as SeisBench takes it by default.
STEPS = {"PhaseNet": 1501, "EQTransformer": 3000, "GPD": 10}
QUICK: dict[str, Case] = {"PhaseNet, 1 h": ("PhaseNet", {}, 1, 3_600, "avg")}


def case_of(case: str) -> Case:
    """What a case is made of."""
    return {**CASES, **QUICK}[case]


def model_of(case: str) -> Any:
    """The SeisBench network of a case with weights that do not depend on the process."""
    import seisbench.models
    import torch

    kind, options, *_ = case_of(case)
    torch.manual_seed(20261121)
    return getattr(seisbench.models, kind)(**options).eval()


def record(case: str) -> tuple[np.ndarray, int]:
    """Samples (stations, 3, n) in the order Z, N, E, and the index of the first one since 1970."""
    kind, _, stations, seconds, _ = case_of(case)
    step = STEPS[kind]
    first = -(-127_497_747_315 // step) * step
    rng = np.random.default_rng(0)
    samples = rng.normal(size=(stations, 3, seconds * int(RATE))).astype(np.float32)
    for onset in range(4000, samples.shape[-1] - 2000, 9000):
        shape = np.exp(-np.arange(2000) / 300) * np.sin(np.arange(2000) * 0.4)
        samples[..., onset : onset + 2000] += 20 * shape
    return samples, first


def stream_of(samples: np.ndarray, first: int) -> Any:
    """The samples of `record` as an obspy Stream."""
    import obspy

    stream = obspy.Stream()
    for station, components in enumerate(samples):
        for code, data in zip("ZNE", components, strict=True):
            header: dict[str, Any] = {
                "network": "XX",
                "station": f"S{station:02d}",
                "channel": f"HH{code}",
            }
            header |= {"sampling_rate": RATE, "starttime": obspy.UTCDateTime(first / RATE)}
            stream.append(obspy.Trace(data, header))
    return stream


def peer(case: str, batch: int, threads: int, save: str | None) -> dict[str, Any]:
    """SeisBench's annotate."""
    import torch

    torch.set_num_threads(threads)
    model = model_of(case)
    samples, first = record(case)
    *_, stacking = case_of(case)
    stream = stream_of(samples, first)
    model.annotate(stream.slice(endtime=stream[0].stats.starttime + 120), batch_size=batch)
    found: list[Any] = []
    options = {"batch_size": batch, "stacking": stacking}
    result = measure.timed(lambda: found.append(model.annotate(stream, **options)))
    if save:
        np.savez(save, allow_pickle=False, **_curves_of_stream(found[0], first, samples.shape[-1]))
    return {**result, "peak_mb": measure.peak_mb()}


def _curves_of_stream(stream: Any, first: int, n: int) -> dict[str, np.ndarray]:
    curves: dict[str, np.ndarray] = {}
    for trace in stream:
        rate = trace.stats.sampling_rate
        start = round(float(trace.stats.starttime.timestamp) * RATE) - first
        at = start + np.round(np.arange(trace.stats.npts) * RATE / rate).astype(int)
        phase = trace.stats.channel.rpartition("_")[2]
        curve = np.full(n, np.nan, dtype=np.float32)
        inside = at < n
        curve[at[inside]] = trace.data[inside]
        curves[f"{trace.stats.station}.{phase}"] = curve
    return curves


def source_of(samples: np.ndarray, first: int, components: str) -> Any:
    """The samples of `record` for our engine."""
    from quakeline.inference.waveforms import Arrays

    return Arrays(samples, np.ones(samples.shape, bool), first, list("ZNE"), components)


def ours(case: str, threads: int, weights: str, save: str | None) -> dict[str, Any]:
    """Our engine on the same network."""
    from quakeline.inference.annotator import Annotator
    from quakeline.models.windowing import Windowing

    samples, first = record(case)
    steps = Windowing(hop_samples=STEPS[case_of(case)[0]])
    annotator = Annotator.load(Path(weights), "cpu", threads, windowing=steps)
    source = source_of(samples, first, annotator.card.components)
    n = samples.shape[-1]
    list(annotator.annotate(source, first, first + 12_000))
    curves = np.full((len(samples), len(annotator.card.phases), n), np.nan, np.float32)

    def work() -> None:
        for piece in annotator.annotate(source, first, first + n):
            here = slice(piece.start - first, piece.start - first + piece.curves.shape[1])
            curves[piece.instrument][:, here] = piece.curves

    result = {**measure.timed(work), "peak_mb": measure.peak_mb()}
    if save:
        named = {
            f"S{station:02d}.{phase}": curve
            for station, found in enumerate(curves)
            for phase, curve in zip(annotator.card.phases, found, strict=True)
        }
        np.savez(save, allow_pickle=False, **named)
    return result


def weights(case: str, threads: int, folder: str) -> dict[str, Any]:
    """The network of SeisBench as a weights file of ours, its own preprocessing included."""
    import torch

    from quakeline.models.graphs import graph_of
    from quakeline.models.sections import SeisBench
    from quakeline.workflow.stages import weights as stage

    kind, arguments, *_ = case_of(case)
    model = model_of(case)
    state = Path(folder) / "peer.pt"
    torch.save(model.state_dict(), state)
    config = SeisBench(model=kind, weights=str(state), arguments=arguments, normalisation="none")
    path = Path(folder) / "peer.safetensors"
    stage.run(config, weights=path)
    graph_of(path)
    return {"path": str(path), "window": int(model.in_samples)}


def difference(first: str, second: str, window: int) -> float:
    """Largest difference of two saved annotations, two windows at each end left out."""
    largest = 0.0
    with np.load(first) as a, np.load(second) as b:
        for name in a.files:
            inner = slice(2 * window, -2 * window)
            gap = np.abs(a[name][inner] - b[name][inner])
            largest = max(largest, float(np.nanmax(gap)))
    return largest


def label(case: str, threads: int) -> str:
    """What a case is called in results."""
    return f"{case}, {threads} thread" + "s" * (threads > 1)


def compare(name: str, threads: int, quick: bool) -> list[dict[str, Any]]:
    """All rows of one case: ours and each batch of the peer in turn, three times."""
    batches = BATCHES[case_of(name)[0]][: 1 if quick else None]
    mine: list[dict[str, Any]] = []
    theirs: dict[int, list[dict[str, Any]]] = {batch: [] for batch in batches}
    with tempfile.TemporaryDirectory() as folder:
        made = measure.child(MODULE, threads, side="weights", case=name, folder=folder)
        own, other = (str(Path(folder) / side) + ".npz" for side in ("ours", "peer"))
        run = partial(measure.child, MODULE, threads, case=name)
        for _ in range(1 if quick else REPEATS):
            mine.append(run(side="ours", weights=made["path"], save=own))
            for batch in batches:
                theirs[batch].append(run(side="peer", batch=batch, save=other))
        equal = difference(own, other, made["window"])
    return peer_rows(label(name, threads), measure.medians(mine), theirs, equal)


def peer_rows(
    title: str, me: dict[str, float], theirs: dict[int, list[dict[str, Any]]], equal: float
) -> list[dict[str, Any]]:
    """Rows against the peer's first (default) batch, and against its best."""
    rows = []
    peers = {batch: measure.medians(runs) for batch, runs in theirs.items()}
    best = min(peers, key=lambda batch: peers[batch]["cpu_s"])
    for batch, word in ((next(iter(peers)), "default"), (best, "best")):
        name = f"{title}, against SeisBench, {word} batch"
        for key, unit in (("cpu_s", "CPU s"), ("wall_s", "wall s"), ("peak_mb", "MB")):
            rows.append(measure.case(name, unit, me[key], peers[batch][key], equal))
    return rows


def main() -> None:
    """Run all cases, or one short one with --quick."""
    given = measure.arguments(__doc__)
    if measure.answered(given, ours=ours, peer=peer, weights=weights):
        return
    rows = []
    for name in QUICK if given.quick else CASES:
        for threads in (1, 2) if name in ON_TWO_THREADS and not given.quick else (1,):
            if given.only in f"{label(name, threads)},":
                rows += compare(name, threads, given.quick)
                measure.finish("waveform_engine", rows, given.quick, given.only)


if __name__ == "__main__":
    main()
