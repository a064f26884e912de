"""Fibre records: written, read, read by SeisBench, cut from an array and its picks, learnt from."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pandas as pd
import pytest
import torch
import xdas
from seisbench_material import seisbench
from typer.testing import CliRunner

from quakeline import DASModel, DASPickingCallback, PatchingStructure, Training
from quakeline.cli import app
from quakeline.core.errors import ConfigError, DataError, OutputError
from quakeline.models.weights import card_of
from quakeline.training.fibres.fitting import scores, settings_for_fibres, train
from quakeline.training.fibres.from_picks import write_records
from quakeline.training.fibres.patches import Patches, prepared, structure_of
from quakeline.training.fibres.records import FibreRecords, FibreWriter

N, WIDTH, RATE = 400, 8, 50.0
START = np.datetime64("2024-01-01T00:00:00", "ns")


class Small(DASModel):
    """Loudness of the last and the next moments through two layers: P and noise."""

    def __init__(self, samples: int = 200, width: int = 4, **options: Any) -> None:
        structure = PatchingStructure(
            samples, width, samples, width, (0, samples), (0, width), samples // 2, 0
        )
        super().__init__(
            annotate_keys=["P", "noise"],
            patching_structure=structure,
            dt_range=(0.019, 0.021),
            **options,
        )
        self.samples, self.width = samples, width
        self.layers = torch.nn.Sequential(
            torch.nn.Conv2d(1, 8, (31, 3), padding=(15, 1)),
            torch.nn.ReLU(),
            torch.nn.Conv2d(8, 2, (15, 1), padding=(7, 0)),
            torch.nn.Softmax(dim=1),
        )

    def forward(self, x: torch.Tensor, argdict: Any = None) -> dict[str, torch.Tensor]:
        """See `DASModel.forward`."""
        found = self.layers((x / (x.std(dim=(1, 2), keepdim=True) + 1e-6)).abs()[:, None])
        return {"P": found[:, 0], "noise": found[:, 1]}

    def get_model_args(self) -> dict[str, Any]:
        """See `DASModel.get_model_args`."""
        return {"samples": self.samples, "width": self.width}


def wave(seed: int, n: int = N) -> tuple[np.ndarray, np.ndarray]:
    """Noise with an onset that comes later at each channel, and its samples."""
    random = np.random.default_rng(seed)
    onsets = random.integers(60, n - 120) + 3.0 * np.arange(WIDTH)
    later = np.maximum(np.arange(n)[:, None] - onsets, 0)
    signal = np.sin(later / 2) * np.exp(-later / 30) * (later > 0)
    return (signal + 0.05 * random.standard_normal((n, WIDTH))).astype(np.float32), onsets


def facts(part: str, second: int = 0) -> dict[str, object]:
    start = f"{START + np.timedelta64(second, 's')}Z"
    return {
        "record_sampling_rate_hz": RATE,
        "record_channel_spacing_m": 10.0,
        "record_start_time": start,
        "split": part,
    }


def waves(folder: Path, count: int = 10) -> FibreRecords:
    parts = ["train"] * (count - 4) + ["dev"] * 2 + ["test"] * 2
    with FibreWriter(folder) as writer:
        for number, part in enumerate(parts):
            samples, onsets = wave(number)
            writer.add(samples, {"P": onsets}, facts(part, 10 * number))
    return FibreRecords.open(folder)


def test_what_is_written_is_read_also_by_seisbench(tmp_path: Path) -> None:
    found = waves(tmp_path)
    samples, onsets = wave(3)
    read, labels = found.read(3)
    np.testing.assert_array_equal(read, samples)
    np.testing.assert_array_equal(labels["P"], onsets)
    assert [len(found.rows(part)) for part in ("train", "dev", "test")] == [6, 2, 2]
    seisbench()
    import seisbench.data as sbd

    theirs = sbd.DASDataset(tmp_path)
    metadata, record, annotations = theirs.get_sample(3, record_virtual=False)
    assert metadata["record_sampling_rate_hz"] == RATE
    np.testing.assert_array_equal(record, samples)
    np.testing.assert_array_equal(annotations["P"], onsets)
    assert len(theirs.train()) == 6


def test_sets_of_seisbench_are_read(tmp_path: Path) -> None:
    seisbench()
    import seisbench.data as sbd

    samples, onsets = wave(1)
    for chunk in ("a", "b"):
        with sbd.DASDataWriter(tmp_path, chunk) as writer:
            writer.add_record(facts("train"), samples, {"P": onsets, "S": onsets + 30})
    found = FibreRecords.open(tmp_path)
    assert len(found) == 2
    read, labels = found.read(1)
    np.testing.assert_array_equal(read, samples)
    np.testing.assert_array_equal(labels["S"], onsets + 30)


def test_an_array_and_its_picks_become_records(tmp_path: Path) -> None:
    pieces = [wave(number) for number in range(10)]
    samples = np.concatenate([one for one, _ in pieces])
    channels = 100.0 + 10 * np.arange(WIDTH)
    rows = [
        (START + np.timedelta64(round((number * N + at) / RATE * 1e9), "ns"), 0.9, channel, "P")
        for number, (_, onsets) in enumerate(pieces)
        for channel, at in zip(channels, onsets, strict=True)
    ]
    rows += [(time, 0.5, channel, "P") for time, _, channel, _ in rows[:WIDTH]]
    picks = pd.DataFrame(rows, columns=["time", "confidence", "channel", "phase"])
    picks.loc[picks["confidence"] == 0.5, "time"] -= pd.Timedelta("0.4s")
    n = len(samples)
    time = {
        "tie_indices": [0, n - 1],
        "tie_values": [START, START + np.timedelta64(round((n - 1) / RATE * 1e9), "ns")],
    }
    array = xdas.DataArray(samples, {"time": time, "distance": channels})
    made = write_records(tmp_path / "ds", array, picks, length_s=N / RATE)
    assert made == {"train": 6, "dev": 2, "test": 2}
    found = FibreRecords.open(tmp_path / "ds")
    for row in (0, 7):
        read, labels = found.read(row)
        np.testing.assert_array_equal(read, pieces[row][0])
        np.testing.assert_allclose(labels["P"], pieces[row][1], atol=1e-6)
    few = write_records(tmp_path / "few", array, picks, length_s=N / RATE, channels=5)
    beside = int((picks["channel"] >= channels[5]).sum())
    lost = {
        "left out: picks outside all records": beside,
        "left out: channels behind the last whole record": WIDTH - 5,
    }
    assert few == {**made, **lost}
    made = write_records(
        tmp_path / "along", array, picks, length_s=N / RATE, channels=2, split="fibre"
    )
    assert sum(made.values()) == 40
    along = FibreRecords.open(tmp_path / "along").table
    assert along.groupby("record_first_channel")["split"].nunique().tolist() == [1] * 4
    with pytest.raises(DataError, match="no pick lies in any record; 0 picks were given"):
        write_records(tmp_path / "none", array, picks.iloc[:0], length_s=8)
    with pytest.raises(ConfigError, match=r"length_s 8, channels 9 given; allowed: .* 1 to 8"):
        write_records(tmp_path / "none", array, picks, length_s=8, channels=9)


def test_a_data_set_appears_whole_and_replaces_no_other(tmp_path: Path) -> None:
    """What is there stays, whoever made it; a writer that is stopped leaves no file."""
    folder = tmp_path / "ds"
    waves(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    samples, onsets = wave(1)
    with pytest.raises(OutputError, match=r"records_0.hdf5: it is there; allowed: a new file"):
        waves(folder)
    with suppress(KeyboardInterrupt), FibreWriter(folder, "1") as writer:
        writer.add(samples, {"P": onsets}, facts("train"))
        raise KeyboardInterrupt
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    with FibreWriter(folder, "1") as writer:
        writer.add(samples, {"P": onsets}, facts("train"))
    assert len(FibreRecords.open(folder)) == 11

    n = len(samples)
    ends = [START, START + np.timedelta64(round((n - 1) / RATE * 1e9), "ns")]
    time = {"tie_indices": [0, n - 1], "tie_values": ends}
    array = xdas.DataArray(samples, {"time": time, "distance": np.arange(float(WIDTH))})
    picks = pd.DataFrame({"time": [START + np.timedelta64(1, "s")], "confidence": [0.9],
                          "channel": [2.0], "phase": ["P"]})  # fmt: skip
    with pytest.raises(ConfigError, match=r"ds' given, a folder that holds other things"):
        write_records(folder, array, picks, length_s=n / RATE)
    own = tmp_path / "own"
    for _ in range(2):  # its own files are replaced
        write_records(own, array, picks, length_s=n / RATE)
    with pytest.raises(DataError, match="no pick lies in any record"):
        write_records(own, array, picks.iloc[:0], length_s=n / RATE)
    assert len(FibreRecords.open(own)) == 1
    with pytest.raises(DataError, match="no pick lies in any record"):
        write_records(tmp_path / "none", array, picks.iloc[:0], length_s=n / RATE)
    assert not (tmp_path / "none").exists()


def test_a_network_learns_and_finds_what_it_learnt(tmp_path: Path) -> None:
    found = waves(tmp_path / "ds", 14)
    torch.manual_seed(0)
    model = Small()
    before = scores(model.eval(), found)["P"]
    told: list[dict[str, float]] = []
    settings = settings_for_fibres(epochs=40, batch=2, learning_rate=1e-2, label_s=0.2, patience=40)
    trained = train(model, found, settings, notify=told.append)
    assert len(told) == 41
    after = scores(model, found)["P"]
    assert after["labels"] == 16
    assert after["recall"] > max(0.9, before["recall"])
    assert after["precision"] > 0.9
    assert after["mae_ms"] < 150
    deaf = scores(model, found, thresholds=1.1)["P"]
    assert (deaf["labels"], deaf["recall"]) == (16, 0)
    assert np.isnan([deaf["precision"], deaf["mae_ms"]]).all()
    model.save(tmp_path / "mine.safetensors", name="mine", training=trained.training)
    again = Small.load(tmp_path / "mine.safetensors")
    assert scores(again, found)["P"] == after
    assert again.card is not None
    assert isinstance(again.card.training, Training)
    assert again.card.training.data[0].startswith("ds (sha256 ")


def test_a_stopped_training_ends_with_the_same_bits(tmp_path: Path) -> None:
    found, place = waves(tmp_path / "ds"), tmp_path / "c.safetensors"
    states = []
    for stopped in (False, True):
        for epochs in (1, 3) if stopped else (3,):
            torch.manual_seed(1)
            model = Small()
            chosen = settings_for_fibres(epochs=3, batch=3)

            def stop(row: dict[str, float], last: int = epochs) -> None:
                if row["epoch"] == last < 3:
                    raise KeyboardInterrupt

            try:
                train(model, found, chosen, checkpoint=place if stopped else None, notify=stop)
            except KeyboardInterrupt:
                assert place.is_file()
        states.append(model.state_dict())
    assert all(torch.equal(states[0][name], states[1][name]) for name in states[0])


def test_patches_are_what_annotate_gives_the_network(tmp_path: Path) -> None:
    """Filter and transforms are those of the model, resampled onsets stay where they are."""
    with FibreWriter(tmp_path) as writer:
        samples, onsets = wave(5, 2 * N)
        writer.add(samples, {"P": onsets}, facts("train") | {"record_sampling_rate_hz": 2 * RATE})
    found = FibreRecords.open(tmp_path)
    seen: list[np.ndarray] = []

    class Watching(Small):
        def forward(self, x: torch.Tensor, argdict: Any = None) -> dict[str, torch.Tensor]:
            seen.append(x.numpy().copy())
            return super().forward(x)

    model = Watching(
        200, WIDTH, filter_samples=("iirfilter", {"N": 4, "btype": "highpass", "Wn": 1.0})
    ).eval()
    model.annotate(found.array(0, samples), DASPickingCallback(), overlap_samples=0)
    record = prepared(found, 0, model)
    assert record.dt == pytest.approx(0.02)
    np.testing.assert_allclose(record.onsets["P"], onsets / 2)
    np.testing.assert_allclose(record.data[:, :200], seen[0][0].T, atol=1e-6)
    patches = Patches(found, [0], model, structure_of(model), settings_for_fibres(), False)
    patch, wanted, weight = patches.made(patches.examples()[0], 0)
    assert patch.shape == (200, WIDTH)
    curves = wanted.reshape(2, 200, WIDTH)
    np.testing.assert_allclose(curves.sum(axis=0), 1)
    assert (weight == 1).all()
    start = next(
        first
        for first in range(record.data.shape[1] - 199)
        if np.array_equal(record.data[:, first : first + 200].T, patch)
    )
    there = (onsets / 2 - start >= 0) & (onsets / 2 - start < 200)
    assert there.any()
    np.testing.assert_allclose(
        curves[0].argmax(axis=0)[there], (onsets / 2 - start)[there], atol=0.51
    )


def test_nothing_is_learnt_where_a_label_may_lack(tmp_path: Path) -> None:
    with FibreWriter(tmp_path) as writer:
        samples, onsets = wave(1)
        onsets[2] = np.nan
        writer.add(samples, {"P": onsets}, facts("train"))
    model = Small(N, WIDTH)
    found = FibreRecords.open(tmp_path)
    patches = Patches(found, [0], model, structure_of(model), settings_for_fibres(), False)
    weight = patches.made(patches.examples()[0], 0)[2].reshape(N, WIDTH)
    assert (weight[:, 2] == 0).all()
    assert (np.delete(weight, 2, axis=1) == 1).all()


def damage_nan(folder: Path) -> None:
    with h5py.File(folder / "records_0.hdf5", "a") as file:
        file["records/record_1/record"][5, 2] = np.nan


def damage_label(folder: Path) -> None:
    with h5py.File(folder / "records_0.hdf5", "a") as file:
        file["records/record_1/annotations/P"][2] = 1e6


def damage_shape(folder: Path) -> None:
    with h5py.File(folder / "records_0.hdf5", "a") as file:
        del file["records/record_1/annotations/P"]
        file["records/record_1/annotations/P"] = np.zeros(3)


def damage_lost(folder: Path) -> None:
    with h5py.File(folder / "records_0.hdf5", "a") as file:
        del file["records/record_1/record"]


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (damage_nan, "record_1 holds NaN or infinite samples"),
        (damage_label, "record_1 has a P outside its samples"),
        (damage_shape, r"record_1 has the shape \(400, 8\), its onsets .*\(3,\)"),
        (damage_lost, "record_1 cannot be read"),
    ],
)
def test_damaged_records_are_one_line(tmp_path: Path, damage: Any, words: str) -> None:
    waves(tmp_path)
    damage(tmp_path)
    with pytest.raises(DataError, match=words) as told:
        train(Small(), FibreRecords.open(tmp_path), settings_for_fibres(epochs=1))
    assert "\n" not in str(told.value)


def test_what_cannot_be_learnt_from(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is no data set of fibre records"):
        FibreRecords.open(tmp_path)
    samples, onsets = wave(1)
    for name, parts, label in (("one", ["train"], "P"), ("s", ["train", "dev"], "S")):
        with FibreWriter(tmp_path / name) as writer:
            for part in parts:
                writer.add(samples, {label: onsets}, facts(part))
    with pytest.raises(DataError, match="has no records in the part dev"):
        train(Small(), FibreRecords.open(tmp_path / "one"))
    with pytest.raises(DataError, match=r"has no labels of P in the part train.*; it has S"):
        train(Small(), FibreRecords.open(tmp_path / "s"))
    with FibreWriter(tmp_path / "odd") as writer:
        writer.add(samples, {"P": onsets}, facts("holdout"))
    with pytest.raises(DataError, match="split 'holdout'; allowed: train, dev, test"):
        FibreRecords.open(tmp_path / "odd")
    model = Small()
    model.patching_structure = None
    with pytest.raises(ConfigError, match="says nothing of its patches"):
        train(model, waves(tmp_path / "ds"))


NETWORK = """
import torch
from quakeline import DASModel, PatchingStructure


class Own(DASModel):
    def __init__(self, width=4, **options):
        structure = PatchingStructure(200, width, 200, width, (0, 200), (0, width), 100, 0)
        super().__init__(annotate_keys=["P", "noise"], patching_structure=structure,
                         dt_range=(0.019, 0.021), **options)
        self.width = width
        self.layers = torch.nn.Sequential(torch.nn.Conv2d(1, 4, (31, 3), padding=(15, 1)),
                                          torch.nn.ReLU(), torch.nn.Conv2d(4, 2, 1),
                                          torch.nn.Softmax(dim=1))

    def forward(self, x, argdict=None):
        found = self.layers((x / (x.std(dim=(1, 2), keepdim=True) + 1e-6)).abs()[:, None])
        return {"P": found[:, 0], "noise": found[:, 1]}

    def get_model_args(self):
        return {"width": self.width}
"""
CONFIG = """
network: {kind: das, model: "own_fibre_network:Own", arguments: {width: 4}}
dataset: ds
output: mine.safetensors
settings: {epochs: 2}
"""


def test_the_command_trains_a_network_for_fibres(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    waves(tmp_path / "ds")
    (tmp_path / "own_fibre_network.py").write_text(NETWORK)
    (tmp_path / "net.yaml").write_text(CONFIG)
    done = CliRunner().invoke(app, ["train", "net.yaml", "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert "epoch      2: train" in done.output
    assert "verdict  better than what it began with" in done.output
    card, _ = card_of(tmp_path / "mine.safetensors")
    assert card.training is not None
    assert card.training.settings["batch"] == 8, "as usual for fibres"
    assert not list(tmp_path.glob("*checkpoint*"))
    (tmp_path / "more.yaml").write_text(
        CONFIG.replace("arguments: {width: 4}", "weights: mine.safetensors")
        .replace("output: mine", "output: more")
        .replace("epochs: 2", "epochs: 1")
    )
    done = CliRunner().invoke(app, ["train", "more.yaml", "--threads", "1"])
    assert done.exit_code == 0, done.output
    parent = card_of(tmp_path / "more.safetensors")[0].parent
    assert parent is not None
    assert parent.name == "mine"
    for wrong, words in (
        ("own_fibre_network:Other", "network.model: own_fibre_network:Other cannot be imported"),
        ("torch.nn:Linear", "a class that derives from quakeline's"),
    ):
        (tmp_path / "wrong.yaml").write_text(CONFIG.replace("own_fibre_network:Own", wrong))
        done = CliRunner().invoke(app, ["train", "wrong.yaml"])
        assert words in str(done.exception)
