"""Networks that give one class: EarthquakeCNN, Seismo-Performer and Spec-CNN, trained on picks."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.training_records import FOLDS, folds, learnt, ridgecrest, rounded, shared, timed

JITTER_S, DRAWS = 0.8, 10
#: Of the windows that EarthquakeCNN takes.
RATE_HZ = 40.0
#: Windows of noise are so long before P, or at the beginning of a record that begins later.
BEFORE_P_S = 10.0
#: Networks of other random numbers, whose answers are taken together: one alone is by chance two or
#: three windows of 72 better or worse.
SEEDS = (0, 1, 2)


@dataclass(frozen=True)
class Answers:
    """Windows of P, S and noise, and whether a network is right: class, record and answer of each.

    `draws` answers are of one onset.
    """

    classes: tuple[str, ...]
    wanted: np.ndarray
    record: np.ndarray
    right: np.ndarray
    draws: int

    def plain(self) -> dict[str, Any]:
        """Shares of right answers, that of all with its 95 % interval by bootstrap over records."""
        each = {
            name: float(self.right[self.wanted == number].mean())
            for number, name in enumerate(self.classes)
        }
        n = len(self.right) // self.draws
        return {
            "right": float(self.right.mean()),
            "right_95": self._interval(),
            "windows": n,
            **each,
        }

    def _interval(self) -> list[float]:
        random, records = np.random.default_rng(1), np.unique(self.record)
        own = [self.right[self.record == one] for one in records]
        found = [
            np.concatenate([own[i] for i in random.integers(0, len(own), len(own))]).mean()
            for _ in range(2000)
        ]
        return [round(float(one), 3) for one in np.percentile(found, [2.5, 97.5])]


def together(parts: list[Answers]) -> Answers:
    """The answers of several networks, each on other records or of another seed."""

    def joined(name: str) -> np.ndarray:
        return np.concatenate([getattr(one, name) for one in parts])

    wanted, record, right = (joined(name) for name in ("wanted", "record", "right"))
    return Answers(parts[0].classes, wanted, record, right, parts[0].draws)


def of_seeds(parts: list[Answers]) -> Answers:
    """The answers of networks of several seeds to the same windows."""
    return replace(together(parts), draws=len(parts) * parts[0].draws)


def judged(network: Any, card: Any, data: Any, rows: list[int], jitter_s: float) -> Answers:
    """What a network says of windows of P, S and noise, each at several places."""
    import torch

    from quakeline.training.settings import Settings
    from quakeline.training.windows import Windows

    windows = Windows(data, rows, card, Settings(jitter_s=0), training=False)
    random, draws = np.random.default_rng(11), DRAWS if jitter_s else 1
    rate, least = card.sampling_rate_hz, card.window_samples / 2
    made, wanted, record = [], [], []
    for example in windows.examples():
        middle = example.at
        if middle is None:
            middle = data.onsets(example.row)["P"][0] - BEFORE_P_S * rate
        for _ in range(draws):
            at = max(middle + random.uniform(-jitter_s, jitter_s) * rate, least)
            window, one, _ = windows.made(replace(example, at=at), 0)
            made.append(window)
            wanted.append(int(one.argmax()))
            record.append(example.row)
    with torch.no_grad():
        found = network.eval()(torch.from_numpy(np.stack(made))).argmax(dim=1).numpy()
    classes = np.array(wanted)
    return Answers(card.classes, classes, np.array(record), found == classes, draws)


#: Few records are a few steps an epoch; means and variances stay those of the parent. All records
#: that are not judged are learnt from: of so few none can be spared to choose an epoch by. The rate
#: of the second was chosen with records of Hengill, labelled by the default picker.
_ROADS: dict[str, dict[str, Any]] = {
    "from scratch": {"epochs": 300, "step_epochs": 60, "learning_rate": 1e-3},
    "begun with Ridgecrest": {
        "epochs": 60,
        "step_epochs": 15,
        "learning_rate": 1e-4,
        "norms": "keep",
    },
}
_PLACES = {"centred": 0.0, "jitter": JITTER_S}


def earthquake_cnn(quick: bool) -> list[dict[str, Any]]:
    """EarthquakeCNN: labelled by a picker at Ridgecrest, judged on analysts' labels of NCEDC."""
    from quakeline.training.datasets.opening import open_dataset
    from quakeline.training.settings import Settings

    settings = Settings(epochs=3 if quick else 30, patience=300, batch=64, learning_rate=2e-3,
                        norms="train", step_factor=0.5, jitter_s=JITTER_S)  # fmt: skip
    seeds = SEEDS[:1] if quick else SEEDS
    ncedc = open_dataset(shared() / "ncedc_mini24.npz").resampled(RATE_HZ)
    with tempfile.TemporaryDirectory() as folder:
        data = ridgecrest(Path(folder)).resampled(RATE_HZ)
        first = [_first(data, ncedc, settings.model_copy(update={"seed": one})) for one in seeds]
    facts = {"records": len(data), "seeds": len(seeds), "best_possible_jitter": _best(ncedc)}
    cases = [{"case": "EarthquakeCNN, Ridgecrest labelled by PhaseNet, judged on NCEDC", **facts,
              **rounded(first[0][2]), **_plain([answers for _, answers, _ in first])}]  # fmt: skip
    for road, changes in _ROADS.items():
        found = []
        for seed, (state, _, _) in zip(seeds, first, strict=True):
            own = {"batch": 16, "seed": seed, **changes, **({"epochs": 3} if quick else {})}
            begun = state if "Ridgecrest" in road else None
            found.append(_in_folds(begun, ncedc, settings.model_copy(update=own)))
        cases.append({"case": f"EarthquakeCNN, NCEDC in {FOLDS} folds, {road}",
                      "seeds": len(seeds), **_plain(found)})  # fmt: skip
    return cases


def _first(data: Any, ncedc: Any, settings: Any) -> tuple[Any, dict[str, Answers], dict[str, Any]]:
    """State of a network that learnt from Ridgecrest, its answers on NCEDC, and what it cost."""
    from quakeline.training.beginning import from_scratch

    order = np.random.default_rng(0).permutation(len(data)).tolist()
    begun = from_scratch("earthquake-cnn", "b", settings.seed)
    network, cost = timed(begun, data, order[150:], order[:150], settings)
    rows = list(range(len(ncedc)))
    answers = {name: judged(network, begun.card, ncedc, rows, far) for name, far in _PLACES.items()}
    return network.state_dict(), answers, cost


def _plain(of_each: list[dict[str, Answers]]) -> dict[str, Any]:
    """Shares of right answers of all seeds, with the onset in the middle and beside it."""
    return {name: rounded(of_seeds([one[name] for one in of_each]).plain()) for name in _PLACES}


def _best(data: Any) -> float:
    """The largest share of right answers that can be expected with onsets beside the middle.

    Where P and S are so close that a window lies within reach of both, it is as often called by
    the one as by the other. All windows of noise are right.
    """
    gaps = [min(own["S"]) - min(own["P"]) for own in map(data.onsets, range(len(data)))]
    reach = 2 * JITTER_S * RATE_HZ
    shared_windows = [max(reach - gap, 0) / reach for gap in gaps]
    return round(1 - float(np.mean(shared_windows)) / 2 * 2 / 3, 3)


def _in_folds(state: Any, data: Any, settings: Any) -> dict[str, Answers]:
    """Answers of networks that begin with a state, or None, and learn from other folds."""
    from quakeline.training.beginning import from_scratch

    parts: dict[str, list[Answers]] = {name: [] for name in _PLACES}
    for train, dev, test in folds(len(data)):
        begun = from_scratch("earthquake-cnn", "b", settings.seed)
        if state is not None:
            begun.network.load_state_dict(state)
        network = learnt(begun, data, train + dev, train + dev, settings)
        for name, far in _PLACES.items():
            parts[name].append(judged(network, begun.card, data, test, far))
    return {name: together(own) for name, own in parts.items()}


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
                name: {"centred": rounded(judged(one, own, ncedc, everything, 0).plain()),
                       "jitter 0.5 s": rounded(judged(one, own, ncedc, everything, 0.5).plain())}
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
