"""Picks on fibre data against SeisBench: same network, same weights, same data, same windows.

2,000 channels x 120 s at 100 and at 200 Hz through PhaseNet, channel by channel, to picks:
SeisBench's DASWaveformModelWrapper with its DASPickingCallback, and quakeline's. Times are those of
annotate and of get_results_dict, after a warm-up on 16 channels: CPU seconds of all threads. Each
side runs in a process of its own, ours without SeisBench in it; the data are made there too and
count for the memory. `equal` is the share of picks that both sides have, of up to 1,024 channels:
above, SeisBench counts the channels of each patch from zero and drops picks of one patch for
stronger ones of the other.
"""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.das_engine"
SECONDS = 120
_PATCH = 1024
#: Case: sampling rate in Hz, channels.
CASES = {
    "200 channels x 120 s, 100 Hz": (100, 200),
    "2,000 channels x 120 s, 100 Hz": (100, 2000),
    "2,000 channels x 120 s, 200 Hz": (200, 2000),
}
#: SeisBench's default, and the batch with which it is fastest.
BATCHES = (2, 1)
THREADS = 1


def model_of() -> Any:
    """SeisBench's PhaseNet with weights that do not depend on the process."""
    import seisbench.models
    import torch

    torch.manual_seed(20261121)
    return seisbench.models.PhaseNet().eval()


def record(rate: int, channels: int) -> Any:
    """Noise with onsets that move along the fibre, as an `xdas.DataArray`."""
    import xdas

    n = SECONDS * rate
    rng = np.random.default_rng(0)
    samples = rng.standard_normal((n, channels), dtype=np.float32)
    shape = np.exp(-np.arange(2000) / 300) * np.sin(np.arange(2000) * 0.4)
    for channel in range(channels):
        for onset in range(1000 + channel, n - 2000, 4500):
            samples[onset : onset + 2000, channel] += 20 * shape
    start = np.datetime64("2024-01-01T00:00:00", "ns")
    end = start + np.timedelta64((n - 1) * 10**9 // rate, "ns")
    coords = {
        "time": {"tie_indices": [0, n - 1], "tie_values": [start, end]},
        "distance": {"tie_indices": [0, channels - 1], "tie_values": [0.0, 10.0 * (channels - 1)]},
    }
    return xdas.DataArray(samples, coords)


def peer(rate: int, channels: int, batch: int, threads: int, save: str) -> dict[str, Any]:
    """SeisBench's wrapper and callback."""
    import torch
    from seisbench.models import DASWaveformModelWrapper
    from seisbench.models.das_base import DASPickingCallback

    torch.set_num_threads(threads)
    model = DASWaveformModelWrapper(model_of())
    options = {"batch_size": batch, "pbar": False}
    model.annotate(record(rate, 16), DASPickingCallback(), **options)
    return _measured(model, DASPickingCallback(), record(rate, channels), save, options)


def ours(rate: int, channels: int, threads: int, weights: str, save: str) -> dict[str, Any]:
    """Quakeline's wrapper and callback."""
    from quakeline import DASPickingCallback, DASWaveformModelWrapper

    model = DASWaveformModelWrapper(Path(weights), threads=threads, device="cpu")
    model.annotate(record(rate, 16), DASPickingCallback())
    return _measured(model, DASPickingCallback(), record(rate, channels), save, {})


def _measured(model: Any, callback: Any, data: Any, save: str, options: Any) -> dict[str, Any]:
    found: list[dict[str, Any]] = []

    def work() -> None:
        model.annotate(data, callback, **options)
        found.append(callback.get_results_dict())

    result = {**measure.timed(work), "peak_mb": measure.peak_mb()}
    columns = {}
    for phase, picks in found[0].items():
        result[f"{phase}_picks"] = len(picks)
        columns[f"{phase}_time"] = np.array([pick.time for pick in picks]).astype(np.int64)
        columns[f"{phase}_channel"] = np.array([pick.channel for pick in picks], dtype=float)
    np.savez(save, **columns)
    return result


def weights(threads: int, folder: str) -> dict[str, Any]:
    """The network of SeisBench as a weights file of ours, and its graph in the cache.

    It is traced, so that our side runs without SeisBench, whose import alone takes 530 MB.
    """
    import torch

    from quakeline import DASWaveformModelWrapper
    from quakeline.models import weights as files
    from quakeline.models.kinds.custom import Custom
    from quakeline.models.seisbench import Picker

    model = model_of()
    traced = Path(folder) / "model.pt"
    with torch.inference_mode():
        torch.jit.trace(Picker(model), torch.zeros(2, 3, model.in_samples)).save(traced)
    kind = Custom(
        loader=MODULE,
        arguments={"path": str(traced)},
        window_samples=model.in_samples,
        classes=list(model.labels),
        normalisation="scale",
    )
    path = Path(folder) / "model.safetensors"
    files.save(path, *kind.obtain())
    DASWaveformModelWrapper(path, threads=threads, device="cpu").prepare()
    return {"path": str(path)}


def load_model(path: str) -> Path:
    """The traced network, as weights of kind custom ask for it."""
    return Path(path)


def shared(first: str, second: str, channels: int) -> float | None:
    """Share of the picks of either side that the other has, to the nanosecond; None: see above."""
    if channels > _PATCH:
        return None
    both = either = 0
    with np.load(first) as a, np.load(second) as b:
        for phase in {name.partition("_")[0] for name in a.files}:
            times, places = f"{phase}_time", f"{phase}_channel"
            one, other = (
                set(zip(np.rint(side[places]), side[times], strict=True)) for side in (a, b)
            )
            both += len(one & other)
            either += len(one | other)
    return round(both / max(either, 1), 6)


def compare(name: str, rate: int, channels: int, repeats: int, quick: bool) -> list[dict[str, Any]]:
    """All rows of one case: ours and each batch of the peer in turn."""
    batches = BATCHES[:1] if quick else BATCHES
    mine: list[dict[str, Any]] = []
    theirs: dict[int, list[dict[str, Any]]] = {batch: [] for batch in batches}
    with tempfile.TemporaryDirectory() as folder:
        saved = [str(Path(folder) / side) + ".npz" for side in ("ours", "peer")]
        path = measure.child(MODULE, THREADS, side="weights", folder=folder)["path"]
        asked = {"rate": rate, "channels": channels}
        for _ in range(repeats):
            own = {**asked, "side": "ours", "weights": path, "save": saved[0]}
            mine.append(measure.child(MODULE, THREADS, **own))
            for batch in batches:
                other = {**asked, "side": "peer", "batch": batch, "save": saved[1]}
                theirs[batch].append(measure.child(MODULE, THREADS, **other))
        equal = shared(*saved, channels)
    rows = []
    me = measure.medians(mine)
    for batch, runs in theirs.items():
        title = f"{name}, against batch {batch}" + " (default)" * (batch == BATCHES[0])
        they = measure.medians(runs)
        for key, unit in (("cpu_s", "CPU s"), ("wall_s", "wall s"), ("peak_mb", "MB")):
            rows.append(measure.case(title, unit, me[key], they[key], equal))
    return rows


def main() -> None:
    """Run all cases, or the first one with --quick."""
    given = measure.arguments()
    if given.child:
        asked = dict(given.child)
        side = asked.pop("side")
        print(json.dumps({"ours": ours, "peer": peer, "weights": weights}[side](**asked)))
        return
    rows = []
    for name, (rate, channels) in list(CASES.items())[: 1 if given.quick else None]:
        rows += compare(name, rate, channels, 1 if given.quick else 3, given.quick)
        measure.finish("das_engine", rows, given.quick)


if __name__ == "__main__":
    main()
