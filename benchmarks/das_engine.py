"""Picks on fibre data against SeisBench: same network, same weights, same data, same windows.

1,000 and 2,000 channels x 120 s at 100 Hz, and 2,000 at 200 Hz, through PhaseNet, channel by
channel, to picks: SeisBench's DASWaveformModelWrapper with its DASPickingCallback, and quakeline's.
Times are those of annotate and of lists of all picks, after a warm-up on 16 channels: CPU seconds
of all threads, and what of these the callback takes. Each side runs in a process of its own, ours
without SeisBench in it; the data are made there too and count for the memory. `equal` is the share
of picks that both sides have, of up to 1,024 channels: above, SeisBench counts the channels of each
patch from zero and drops picks of one patch for stronger ones of the other. `--only TEXT` measures
the cases whose titles hold the text, those of the others stay as they are.
"""

from __future__ import annotations

import tempfile
import time
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.das_engine"
SECONDS = 120
_PATCH = 1024
#: Sampling rate in Hz, channels, batch of SeisBench (2 is its default), repetitions.
Case = tuple[int, int, int, int]
CASES: dict[str, Case] = {
    "1,000 channels x 120 s, 100 Hz, against batch 2 (default)": (100, 1000, 2, 3),
    "2,000 channels x 120 s, 100 Hz, against batch 2 (default)": (100, 2000, 2, 3),
    "2,000 channels x 120 s, 100 Hz, against batch 1": (100, 2000, 1, 3),
    "2,000 channels x 120 s, 200 Hz, against batch 2 (default)": (200, 2000, 2, 1),
}
QUICK: dict[str, Case] = {"200 channels x 120 s, 100 Hz, against batch 2": (100, 200, 2, 1)}
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


def _clocked(callback: Any) -> list[float]:
    """CPU seconds of each call of a callback from now on; each runs in one thread."""
    spent: list[float] = []

    def clocked(work: Any) -> Any:
        def call(*given: Any) -> Any:
            before = time.thread_time()
            try:
                return work(*given)
            finally:
                spent.append(time.thread_time() - before)

        return call

    for name in ("handle_patch", "finalize"):
        setattr(callback, name, clocked(getattr(callback, name)))
    return spent


def _measured(model: Any, callback: Any, data: Any, save: str, options: Any) -> dict[str, Any]:
    found: list[dict[str, Any]] = []
    spent = _clocked(callback)

    def work() -> None:
        model.annotate(data, callback, **options)
        before = time.thread_time()
        found.append({phase: list(of) for phase, of in callback.get_results_dict().items()})
        spent.append(time.thread_time() - before)

    result = {**measure.timed(work), "peak_mb": measure.peak_mb(), "picking_s": sum(spent)}
    columns = {}
    for phase, picks in found[0].items():
        result[f"{phase}_picks"] = len(picks)
        columns[f"{phase}_time"] = np.array([pick.time for pick in picks]).astype(np.int64)
        columns[f"{phase}_channel"] = np.array([pick.channel for pick in picks], dtype=float)
    np.savez(save, allow_pickle=False, **columns)
    return result


def weights(threads: int, folder: str) -> dict[str, Any]:
    """The network of SeisBench as a weights file of ours, and its graph in the cache.

    It is traced, so that our side runs without SeisBench, whose import alone takes 530 MB.
    """
    import torch

    from quakeline import DASWaveformModelWrapper
    from quakeline.models import weights as files
    from quakeline.models.sections.custom import Custom
    from quakeline.models.seisbench import Picker

    model = model_of()
    traced = Path(folder) / "model.pt"
    with torch.inference_mode():
        trace: Any = torch.jit.trace
        trace(Picker(model), torch.zeros(2, 3, model.in_samples)).save(traced)
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


def compare(title: str, case: Case) -> list[dict[str, Any]]:
    """The rows of one case: ours and the peer in turn."""
    rate, channels, batch, repeats = case
    mine: list[dict[str, Any]] = []
    theirs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        own, other = (str(Path(folder) / side) + ".npz" for side in ("ours", "peer"))
        path = measure.child(MODULE, THREADS, side="weights", folder=folder)["path"]
        run = partial(measure.child, MODULE, THREADS, rate=rate, channels=channels)
        for _ in range(repeats):
            mine.append(run(side="ours", weights=path, save=own))
            theirs.append(run(side="peer", batch=batch, save=other))
        equal = shared(own, other, channels)
    me, they = measure.medians(mine), measure.medians(theirs)
    units = {"cpu_s": "CPU s", "wall_s": "wall s", "peak_mb": "MB"}
    units["picking_s"] = "CPU s of picking"
    units |= {key: key.replace("_", " ") for key in me if key.endswith("_picks")}
    return [measure.case(title, unit, me[key], they[key], equal) for key, unit in units.items()]


def main() -> None:
    """Run the cases, or a short one with --quick."""
    given = measure.arguments(__doc__)
    if measure.answered(given, ours=ours, peer=peer, weights=weights):
        return
    rows = []
    for title, case in (QUICK if given.quick else CASES).items():
        if given.only in title:
            rows += compare(title, case)
            measure.finish("das_engine", rows, given.quick, given.only)


if __name__ == "__main__":
    main()
