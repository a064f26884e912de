"""What training costs: time of windows against SeisBench's road, and memory of large sets."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure
from benchmarks.training_records import rounded

MODULE = "benchmarks.training"


def synthetic(folder: Path, count: int) -> Path:
    """Records of a minute of noise with a P and an S, in SeisBench's format."""
    from quakeline.training.datasets.writing import Writer

    random = np.random.default_rng(2)
    with Writer(folder, "ZNE", 100.0) as writer:
        for number in range(count):
            p = int(random.integers(1500, 3000))
            facts = {"source_id": f"e{number}", "trace_P_arrival_sample": p,
                     "trace_S_arrival_sample": p + int(random.integers(100, 1500)),
                     "split": "train"}  # fmt: skip
            writer.add(random.standard_normal((3, 6000)).astype(np.float32), facts)
    return folder


def ours(folder: Path, batch: int, learn: bool, workers: int) -> tuple[int, Callable[[], Any]]:
    """Windows of an epoch, and the work of one, in this program."""
    import torch

    from quakeline.training.beginning import from_scratch
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.loop import Fit
    from quakeline.training.settings import Augmentation, Settings
    from quakeline.training.windows import Windows

    data = open_dataset(folder)
    still = Augmentation(noise=0, drop=0, amplitude=0, flip=0)
    settings = Settings(batch=batch, norms="train", augmentation=still)
    begun = from_scratch({"kind": "seisbench", "model": "PhaseNet"}, "b", 0)
    windows = Windows(data, data.rows("train"), begun.card, settings, training=True)
    fit = Fit(begun.network, begun.card, windows, windows, settings, torch.device("cpu"), "b")
    optimizer = torch.optim.Adam(begun.network.parameters(), 1e-3)
    epochs = iter(range(1, 1000))

    def epoch() -> None:
        if learn:
            fit._learned(next(epochs), begun.network, optimizer)
        else:
            for _ in fit._batches(windows, windows.examples(), next(epochs)):
                pass

    return len(data), epoch


def peer(folder: Path, batch: int, learn: bool, workers: int) -> tuple[int, Callable[[], Any]]:
    """The same by SeisBench's generator, labeller and PyTorch's DataLoader, as its examples do."""
    import seisbench.data as sbd
    import seisbench.generate as sbg
    import seisbench.models as sbm
    import torch
    from seisbench.util import worker_seeding

    data = sbd.WaveformDataset(folder, sampling_rate=100, component_order="ZNE")
    phases = {"trace_P_arrival_sample": "P", "trace_S_arrival_sample": "S"}
    generator = sbg.GenericGenerator(data)
    generator.add_augmentations([
        sbg.WindowAroundSample(list(phases), samples_before=3000, windowlen=6000,
                               selection="random", strategy="variable"),
        sbg.RandomWindow(windowlen=3001, strategy="pad"),
        sbg.Normalize(demean_axis=-1, amp_norm_axis=-1, amp_norm_type="std"),
        sbg.ChangeDtype(np.float32),
        sbg.ProbabilisticLabeller(label_columns=phases, sigma=10, dim=0),
    ])  # fmt: skip
    loader = torch.utils.data.DataLoader(generator, batch_size=batch, shuffle=True,
                                         num_workers=workers,
                                         worker_init_fn=worker_seeding)  # fmt: skip
    model = sbm.PhaseNet(phases="PSN", norm="std").train()
    optimizer = torch.optim.Adam(model.parameters(), 1e-3)

    def epoch() -> None:
        for one in loader:
            if learn:
                found = model(one["X"])
                loss = -(one["y"] * torch.log(found + 1e-5)).mean(-1).sum(-1).mean()
                optimizer.zero_grad()
                loss.backward()
                optimizer.step()

    return len(data), epoch


def road(asked: dict[str, Any]) -> dict[str, float]:
    """CPU seconds of this process and of its workers, and wall seconds, of the second epoch."""
    import os
    import resource

    if asked["passive"]:  # is read when PyTorch is imported
        os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    import torch

    torch.set_num_threads(int(asked["threads"]))
    made = {"ours": ours, "peer": peer}[asked["road"]]
    n, epoch = made(Path(asked["folder"]), 32, asked["learn"], asked["workers"])
    epoch()

    def used() -> float:
        kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
        return sum(sum(resource.getrusage(kind)[:2]) for kind in kinds)

    before = used()
    cost = measure.timed(epoch)
    return {"cpu_s": used() - before, "wall_s": cost["wall_s"], "windows": n}


#: Threads, whether they sleep while they wait for each other, and how a row calls them. PyTorch's
#: burn time by default, above all on cores that other programs use as well.
_THREADS = (
    (2, False, "2 threads"),
    (2, True, "2 threads that sleep while they wait"),
    (1, False, "1 thread"),
)


def throughput(quick: bool) -> list[dict[str, Any]]:
    """Windows of PhaseNet that are made, and learnt from; medians of three epochs."""
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        synthetic(Path(folder), 100 if quick else 250)
        for learn, kinds in ((False, _THREADS[:1]), (True, _THREADS)):
            for threads, passive, words in kinds:
                middle = _middle(1 if quick else 3, threads, folder=folder, learn=learn,
                                 passive=passive, workers=2)  # fmt: skip
                what = "made and learnt from" if learn else "made"
                n = middle["ours"]["windows"]
                for unit in ("cpu_s", "wall_s"):
                    ours_s, peer_s = (middle[name][unit] for name in ("ours", "peer"))
                    cases.append({"case": f"throughput of PhaseNet, windows {what}, {words}",
                                  "unit": f"{unit.replace('_', ' ')} of {n:g} windows",
                                  "ours": round(ours_s, 3), "peer": round(peer_s, 3),
                                  "ratio": round(peer_s / ours_s, 2)})  # fmt: skip
    return cases


def _middle(times: int, threads: int, **asked: Any) -> dict[str, dict[str, float]]:
    """Medians of both roads, which take turns."""
    runs: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
    for _ in range(times):
        for name, own in runs.items():
            own.append(measure.child(MODULE, threads, road=name, **asked))
    return {name: measure.medians(own) for name, own in runs.items()}


def memory(asked: dict[str, Any]) -> dict[str, float]:
    """Peak memory before and after windows of a set of so many records of 72 kB, made up."""
    from quakeline.models.cards import PHASENET
    from quakeline.training.datasets.records import Dataset, table_of
    from quakeline.training.settings import Settings
    from quakeline.training.windows import Windows

    n = int(asked["records"])
    table = table_of({"name": [str(i) for i in range(n)], "split": "train", "rate_hz": 100.0,
                      "npts": 6000, "components": "ZNE", "P": [(2000.0,)] * n,
                      "S": [(2500.0,)] * n})  # fmt: skip
    random = np.random.default_rng(0)
    data = Dataset(Path("made up"), "made up", table,
                   lambda row: random.standard_normal((3, 6000), np.float32), ())  # fmt: skip
    windows = Windows(data, list(range(n)), PHASENET, Settings(), training=True)
    examples = windows.examples()
    order = np.random.default_rng(0).permutation(n)[: asked["windows"]]
    for i in order[: len(order) // 2]:
        windows.made(examples[i], 1)
    half = measure.peak_mb()
    for i in order[len(order) // 2 :]:
        windows.made(examples[i], 1)
    return {"half_mb": half, "all_mb": measure.peak_mb()}


def sizes(quick: bool) -> list[dict[str, Any]]:
    """Memory for 0.7 and 50 GB of records."""
    cases = []
    for records in (10_000, 700_000):
        found = measure.child(MODULE, 1, records=records, windows=2000 if quick else 20_000)
        cases.append({"case": f"memory, {records} records of 72 kB", **rounded(found)})
    return cases
