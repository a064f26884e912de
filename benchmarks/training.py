"""Networks trained on records at hand: scores on records that they did not see, and the cost.

Needs the folder of shared recordings (QUAKELINE_SHARED): `ncedc_mini24.npz`, 24 records of northern
California with P and S of analysts, and `ridgecrest_continuous`, 80 minutes of four stations.

- EarthquakeCNN, trained on windows that the default picker labelled at Ridgecrest, and from
  scratch and further on NCEDC in five folds of records: share of right classes (P, S, noise) of
  windows with the onset in their middle, and up to 0.8 s beside it.
- PhaseNet, and PhaseNetLight that SeisBench trained with records of Switzerland (QUAKELINE_ETHZ,
  the folder of its files), trained further on NCEDC in folds of events, with intervals by bootstrap
  over records. NCEDC is among what PhaseNet's authors trained with, and far from Switzerland.
- CPU seconds for windows of training, against SeisBench's generator in PyTorch's DataLoader with
  the same network, and memory with data sets of 0.7 and 50 GB.
"""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import measure

MODULE = "benchmarks.training"
LENGTH_S, QUIET_S = 30.0, 8.0
#: Picks of the default picker that are labels; weaker ones are neither labels nor noise.
SURE, LEAST = 0.5, 0.1
JITTER_S, DRAWS = 0.8, 10
FOLDS = 5


def shared() -> Path:
    """The folder of shared recordings."""
    return Path(os.environ["QUAKELINE_SHARED"]) / "data"


def ridgecrest(folder: Path) -> Any:
    """The continuous records with the picks of the default picker, as a data set of 30 s each."""
    import obspy

    from quakeline import pick
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.datasets.writing import Writer

    place = folder / "ridgecrest"
    files = sorted((shared() / "ridgecrest_continuous").glob("*.mseed"))
    found = pick(files, thresholds={"P": LEAST, "S": LEAST})
    place.mkdir()
    with Writer(place, "ZNE", 100.0) as writer:
        for file in files:
            stream = obspy.read(file)
            station = stream[0].stats.station
            data = np.stack([stream.select(channel=f"*{c}")[0].data for c in ("Z", "1", "2")])
            start = stream[0].stats.starttime
            own = found[found["station"] == station]
            at = (
                own["time"].astype("datetime64[ns, UTC]").astype("int64") / 1e9 - start.timestamp
            ) * 100
            for n, first in _records(data.shape[1], at.to_numpy()):
                inside = own[(at >= first) & (at < first + n)]
                places = (at[inside.index] - first).round(1)
                writer.add(data[:, first : first + n], _labels(inside, places, station, first))
    return open_dataset(place)


def _records(samples: int, at: np.ndarray) -> Iterator[tuple[int, int]]:
    """Lengths and first samples: all of the record in pieces, and quiet pieces in it again."""
    for length, quiet in ((round(LENGTH_S * 100), False), (round(QUIET_S * 100), True)):
        for first in range(0, samples - length + 1, length):
            loud = ((at > first - 200) & (at < first + length + 200)).any()
            if not quiet or not loud:
                yield length, first


def _labels(inside: Any, places: Any, station: str, first: int) -> dict[str, Any]:
    facts: dict[str, Any] = {
        "source_id": f"{first // 3000}",  # the same half minute of all stations
        "station_code": station,
        "trace_P_arrival_sample": None,
        "trace_S_arrival_sample": None,
    }
    sure = inside["probability"] >= SURE
    for phase in ("P", "S"):
        own = places[sure & (inside["phase"] == phase)]
        for number, value in enumerate(own, 1):
            name = phase if number == 1 else f"{phase}{number}"
            facts[f"trace_{name}_arrival_sample"] = value
    return facts | {"trace_unsure_samples": " ".join(str(v) for v in places[~sure])}


def judged(
    network: Any, card: Any, data: Any, rows: list[int], jitter_s: float
) -> dict[str, float]:
    """Share of right classes of windows of P, S and noise, each at several places."""
    import torch

    from quakeline.training.settings import Settings
    from quakeline.training.windows import Windows

    windows = Windows(data, rows, card, Settings(jitter_s=0), training=False)
    random, draws = np.random.default_rng(11), DRAWS if jitter_s else 1
    made, wanted = [], []
    for example in windows.examples():
        for _ in range(draws):
            moved = random.uniform(-jitter_s, jitter_s) * card.sampling_rate_hz
            if example.kind == "N":
                moved = -abs(moved)
            at = None if example.at is None else max(example.at + moved, 0)
            window, one, _ = windows.made(replace(example, at=at), 0)
            made.append(window)
            wanted.append(int(one.argmax()))
    with torch.no_grad():
        found = network.eval()(torch.from_numpy(np.stack(made))).argmax(dim=1).numpy()
    right = found == np.array(wanted)
    each = {name: float(right[np.array(wanted) == i].mean()) for i, name in enumerate(card.classes)}
    return {"right": float(right.mean()), "windows": len(right) // draws, **each}


def learnt(begun: Any, data: Any, train: list[int], dev: list[int], settings: Any) -> Any:
    """A network trained on some rows of a data set, at its best epoch on others."""
    import torch

    from quakeline.training.loop import Fit
    from quakeline.training.windows import Windows

    windows = Windows(data, train, begun.card, settings, training=True)
    checked = Windows(data, dev, begun.card, settings, training=False)
    fit = Fit(begun.network, begun.card, windows, checked, settings, torch.device("cpu"), "b")
    with tempfile.TemporaryDirectory() as folder:
        done = fit.run(Path(folder) / "c.safetensors", lambda row: None)
    begun.network.load_state_dict(done.best)
    return begun.network


def timed(*given: Any) -> tuple[Any, dict[str, float]]:
    """A network as `learnt` gives it, and what that cost."""
    made: dict[str, Any] = {}
    cost = measure.timed(lambda: made.update(net=learnt(*given)))
    return made["net"], cost


def rounded(facts: dict[str, Any]) -> dict[str, Any]:
    """Numbers to three digits behind the point."""
    return {k: round(v, 3) if isinstance(v, float) else v for k, v in facts.items()}


def folds(n: int) -> Iterator[tuple[list[int], list[int], list[int]]]:
    """Rows to train, to validate and to test: each row is tested once."""
    order = np.random.default_rng(5).permutation(n)
    parts = np.array_split(order, FOLDS)
    for number in range(FOLDS):
        test, dev = parts[number], parts[(number + 1) % FOLDS]
        train = np.setdiff1d(order, np.concatenate([test, dev]))
        yield train.tolist(), dev.tolist(), test.tolist()


def earthquake_cnn(quick: bool) -> list[dict[str, Any]]:
    """EarthquakeCNN: labelled by a picker at Ridgecrest, judged on analysts' labels of NCEDC."""
    from quakeline.training.beginning import from_scratch
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.settings import Settings

    settings = Settings(epochs=3 if quick else 30, patience=30, batch=64, learning_rate=2e-3,
                        norms="train", step_factor=0.5, jitter_s=0.6)  # fmt: skip
    with tempfile.TemporaryDirectory() as folder:
        data = ridgecrest(Path(folder)).resampled(40.0)
        order = np.random.default_rng(0).permutation(len(data)).tolist()
        begun = from_scratch("earthquake-cnn", "b", 0)
        first, cost = timed(begun, data, order[150:], order[:150], settings)
    card = begun.card
    ncedc = open_dataset(shared() / "ncedc_mini24.npz").resampled(40.0)
    everything = list(range(len(ncedc)))
    cases = [
        {"case": "EarthquakeCNN, Ridgecrest labelled by PhaseNet, judged on NCEDC",
         "records": len(data), **rounded(cost),
         "centred": rounded(judged(first, card, ncedc, everything, 0)),
         "jitter": rounded(judged(first, card, ncedc, everything, JITTER_S))}
    ]  # fmt: skip
    roads: dict[str, Callable[[Any], Any]] = {
        "from scratch": lambda one: one,
        "begun with Ridgecrest": lambda one: one.load_state_dict(first.state_dict()),
    }
    # Few records are a few steps an epoch; means and variances stay those of the parent.
    of_road: dict[str, dict[str, Any]] = {
        "from scratch": {"epochs": 300, "step_epochs": 37, "learning_rate": 1e-3},
        "begun with Ridgecrest": {"epochs": 60, "learning_rate": 3e-4, "norms": "keep"},
    }
    for road, prepare in roads.items():
        right: dict[str, list[float]] = {"centred": [], "jitter": []}
        for train, dev, test in folds(len(ncedc)):
            begun = from_scratch("earthquake-cnn", "b", 0)
            prepare(begun.network)
            own = settings.model_copy(update={"batch": 16, "patience": 300, **of_road[road]})
            own = own.model_copy(update={"epochs": 3}) if quick else own
            network = learnt(begun, ncedc, train, dev, own)
            right["centred"].append(judged(network, card, ncedc, test, 0)["right"])
            right["jitter"].append(judged(network, card, ncedc, test, JITTER_S)["right"])
        means = {name: round(float(np.mean(values)), 3) for name, values in right.items()}
        cases.append({"case": f"EarthquakeCNN, NCEDC in {FOLDS} folds, {road}", **means})
    return cases


def their_form(quick: bool) -> list[dict[str, Any]]:
    """Seismo-Performer and Spec-CNN learnt from a file of their form, against their authors'.

    The file holds windows of Ridgecrest that the default picker labelled; both are judged on the
    analysts' windows of NCEDC. The authors' files are those of QUAKELINE_SHARED.
    """
    from quakeline.models.named import load_network
    from quakeline.training.beginning import from_scratch
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.settings import Settings

    ncedc = open_dataset(shared() / "ncedc_mini24.npz")
    everything = list(range(len(ncedc)))
    cases: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as folder:
        first = ridgecrest(Path(folder))
        for model, network, epochs in (("seismo-performer-v2", "seismo-performer", 25),
                                       ("spec-cnn-v2", "spec-cnn", 10)):  # fmt: skip
            begun = from_scratch(network, "b", 0)
            data = open_dataset(_as_windows(first, begun.card, Path(folder) / f"{network}.h5"))
            settings = Settings(epochs=2 if quick else epochs, patience=30, batch=64,
                                learning_rate=1e-3, norms="train", step_factor=0.5)  # fmt: skip
            order = np.random.default_rng(0).permutation(len(data)).tolist()
            held = len(data) // 8
            network_, cost = timed(begun, data, order[held:], order[:held], settings)
            card, authors = load_network(model, shared().parent / "weights/seismo_performer")
            both = {"retrained": (begun.card, network_), "authors'": (card, authors)}
            cases.append({"case": f"{network} retrained on {len(data)} windows of their form",
                          "epochs": settings.epochs, **rounded(cost)} | {
                name: {"centred": rounded(judged(one, own, ncedc, everything, 0)),
                       "jitter 0.5 s": rounded(judged(one, own, ncedc, everything, 0.5))}
                for name, (own, one) in both.items()
            })  # fmt: skip
    return cases


def _as_windows(data: Any, card: Any, path: Path) -> Path:
    """Windows of all records in Seismo-Performer's form: X (n, 400, 3), Y 0 P, 1 S, 2 noise."""
    import h5py

    from quakeline.training.settings import Settings
    from quakeline.training.windows import Windows

    windows = Windows(data, list(range(len(data))), card, Settings(), training=False)
    made = [windows.made(one, 0) for one in windows.examples()]
    with h5py.File(path, "w") as file:
        file["X"] = np.stack([window.T for window, _, _ in made])
        file["Y"] = np.array([int(wanted.argmax()) for _, wanted, _ in made])
    return path


def further(parent: Path, network: str, quick: bool) -> dict[str, Any]:
    """Weights trained further on NCEDC in folds of events, against themselves on the same records.

    Both with the parent's thresholds; a pick belongs to a label within 0.5 s.
    """
    from quakeline.inference.annotator import Annotator
    from quakeline.models.networks import save_network
    from quakeline.training import scoring
    from quakeline.training.beginning import of_parent
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.settings import Settings

    data = open_dataset(shared() / "ncedc_mini24.npz")
    settings = Settings(epochs=2 if quick else 40, patience=12, batch=4, learning_rate=3e-4)
    before: dict[str, list[Any]] = {"P": [], "S": []}
    after: dict[str, list[Any]] = {"P": [], "S": []}
    first = Annotator.load(parent, "cpu", 1)
    for train, dev, test in folds(len(data)):
        begun = of_parent(parent, "tuned")
        learnt(begun, data, train, dev, settings)
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "tuned.safetensors"
            save_network(path, begun.network.state_dict(), begun.result)
            second = Annotator.load(path, "cpu", 1)
            for into, annotator in ((before, first), (after, second)):
                for phase, records in scoring.found_in(data, test, annotator).items():
                    into[phase] += records
    made: dict[str, Any] = {"case": f"{network} further on NCEDC, {FOLDS} folds of events"}
    for phase in ("P", "S"):
        level = first.card.thresholds[phase]
        made[phase] = _compared(before[phase], after[phase], level)
    return made


def _compared(before: list[Any], after: list[Any], level: float) -> dict[str, Any]:
    """F1 and mean absolute residual of both, and intervals of 95 % of their differences."""
    from quakeline.training import scoring

    random, n = np.random.default_rng(1), len(before)
    f1, mae = [], []
    for _ in range(2000):
        rows = random.integers(0, n, n)
        one, other = (scoring.score([own[i] for i in rows], level) for own in (before, after))
        f1.append(other.f1 - one.f1)
        mae.append((other.mae_ms or np.nan) - (one.mae_ms or np.nan))
    one, other = scoring.score(before, level), scoring.score(after, level)
    return {
        "f1": [round(one.f1, 3), round(other.f1, 3)],
        "f1_change_95": np.nanpercentile(f1, [2.5, 97.5]).round(3).tolist(),
        "mae_ms": [round(one.mae_ms or np.nan, 1), round(other.mae_ms or np.nan, 1)],
        "mae_change_ms_95": np.nanpercentile(mae, [2.5, 97.5]).round(1).tolist(),
    }


def tuning(quick: bool) -> list[dict[str, Any]]:
    """PhaseNet, and PhaseNetLight of Switzerland where its files are at hand."""
    from quakeline.models.named import weights_file

    cases = [further(weights_file("phasenet"), "PhaseNet", quick)]
    given = os.environ.get("QUAKELINE_ETHZ", "")
    if given:
        from quakeline.models.sections import SeisBench

        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "ethz.safetensors"
            SeisBench(model="PhaseNetLight", weights=given).write(path)
            cases.append(further(path, "SeisBench's PhaseNetLight of ETHZ", quick))
    return cases


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
    import resource

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


def throughput(quick: bool) -> list[dict[str, Any]]:
    """Windows of PhaseNet that are made, and learnt from, on two cores."""
    cases = []
    with tempfile.TemporaryDirectory() as folder:
        synthetic(Path(folder), 100 if quick else 250)
        for learn in (False, True):
            runs: dict[str, list[dict[str, Any]]] = {"ours": [], "peer": []}
            for _ in range(1 if quick or learn else 3):
                for name, own in runs.items():
                    own.append(measure.child(MODULE, 2, road=name, folder=folder, learn=learn,
                                             workers=2))  # fmt: skip
            middle = {name: measure.medians(own) for name, own in runs.items()}
            what = "made and learnt from" if learn else "made"
            for unit in ("cpu_s", "wall_s"):
                ours_s, peer_s = (middle[name][unit] for name in ("ours", "peer"))
                n = middle["ours"]["windows"]
                cases.append({"case": f"PhaseNet's windows {what}, 2 threads",
                              "unit": f"{unit.replace('_', ' ')} of {n:g} windows",
                              "ours": round(ours_s, 3), "peer": round(peer_s, 3),
                              "ratio": round(peer_s / ours_s, 2)})  # fmt: skip
    return cases


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


PARTS = {
    "EarthquakeCNN": earthquake_cnn,
    "their form": their_form,
    "further": tuning,
    "windows": throughput,
    "memory": sizes,
}


def main() -> None:
    """Run all parts, or those that `--only` names, and keep the result."""
    given = measure.arguments(__doc__)
    if given.child:
        print(json.dumps(memory(given.child) if "records" in given.child else road(given.child)))
        return
    cases: list[dict[str, Any]] = []
    for name, part in PARTS.items():
        if given.only in name:
            cases += part(given.quick)
            measure.finish("training", cases, given.quick, given.only)


if __name__ == "__main__":
    main()
