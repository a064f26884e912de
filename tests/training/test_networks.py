"""Every network really learns: ten records by heart, and a file that picks."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from labelled_records import wavelets
from seisbench_material import seisbench
from workfolder import QUAKELINE

from quakeline.core.errors import ConfigError, DataError
from quakeline.inference.annotator import Annotator
from quakeline.models.weights import card_of
from quakeline.training.beginning import Beginning, from_scratch, of_parent
from quakeline.training.datasets.records import Dataset
from quakeline.training.jobs import Job
from quakeline.training.loop import Fit
from quakeline.training.settings import Augmentation, Settings
from quakeline.training.tuning import tune
from quakeline.training.windows import Windows

STILL = Augmentation(noise=0, drop=0, amplitude=0, flip=0)
LOADER = """
import torch

class Net(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.first = torch.nn.Conv1d(3, width, 31, padding=15)
        self.last = torch.nn.Conv1d(width, 3, 31, padding=15)

    def forward(self, x):
        return torch.softmax(self.last(torch.relu(self.first(x))), dim=1)

def load_model(width=16):
    return Net(width)
"""
CUSTOM: dict[str, Any] = {
    "kind": "custom",
    "loader": "my_learner",
    "arguments": {"width": 16},
    "window_samples": 320,
    "components": "ZNE",
    "classes": ["N", "P", "S"],
    "normalisation": "std",
}


@pytest.fixture
def loader(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module `my_learner` in the working folder."""
    (tmp_path / "my_learner.py").write_text(LOADER)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "my_learner", raising=False)


def losses(begun: Beginning, data: Dataset, folder: Path, epochs: int, rate: float) -> list[float]:
    """Losses on the training records, of which the validation is one."""
    data = data.resampled(begun.card.sampling_rate_hz)
    settings = Settings(
        epochs=epochs, patience=epochs, batch=10, learning_rate=rate, norms="train",
        augmentation=STILL,
    )  # fmt: skip
    train = Windows(data, data.rows("train"), begun.card, settings, training=True)
    dev = replace(train, rows=[0], training=False, _kept={})
    job = Fit(begun.network, begun.card, train, dev, settings, torch.device("cpu"), "r")
    done = job.run(folder / "c.safetensors", lambda row: None)
    return [row["train_loss"] for row in done.history[1:]]


def learnt(found: list[float], end: float) -> None:
    assert found[0] > 0.5
    assert min(found[-3:]) < end


@pytest.mark.parametrize(
    ("name", "epochs", "rate"),
    [("earthquake-cnn", 25, 0.01), ("seismo-performer", 40, 0.003), ("spec-cnn", 30, 0.001),
     ("gpd", 12, 0.001)],
)  # fmt: skip
def test_networks_of_one_class_learn_ten_records(
    tmp_path: Path, name: str, epochs: int, rate: float
) -> None:
    data = wavelets(tmp_path / "ds", 10, n=900, split="train")
    learnt(losses(from_scratch(name, "mine", 0), data, tmp_path, epochs, rate), 0.06)


@pytest.mark.slow  # 6000 samples
def test_eqtransformer_learns_ten_records(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 10, n=6000, split="train")
    learnt(losses(from_scratch("eqtransformer", "mine", 0), data, tmp_path, 40, 0.003), 0.1)


def test_a_network_of_ones_own_learns_ten_records(tmp_path: Path, loader: None) -> None:
    data = wavelets(tmp_path / "ds", 10, split="train")
    learnt(losses(from_scratch(CUSTOM, "mine", 0), data, tmp_path, 40, 0.02), 0.15)


@pytest.mark.parametrize("model", ["VariableLengthPhaseNet", "BasicPhaseAE"])
def test_a_network_of_seisbench_learns_and_is_trained_further(tmp_path: Path, model: str) -> None:
    seisbench()
    data = wavelets(tmp_path / "ds", 10, n=600, split="train")
    begun = from_scratch({"kind": "seisbench", "model": model}, "mine", 0)
    found = losses(begun, data, tmp_path, 8, 0.01)
    assert found[-1] < 0.6 * found[0]
    from quakeline.models.networks import save_network

    path = tmp_path / "first.safetensors"
    save_network(path, begun.network.state_dict(), replace(begun.result, name="first"))
    again = of_parent(path, "second")
    assert again.result.parent is not None
    assert again.result.parent.name == "first"
    more = losses(again, data, tmp_path / "ds", 2, 0.001)
    assert more[-1] < 0.6 * found[0]


def test_from_scratch_to_a_file_that_picks(tmp_path: Path, loader: None) -> None:
    data = wavelets(tmp_path / "ds", 12)
    job = Job(data, Settings(epochs=2, batch=4, learning_rate=0.01, norms="train"),
              tmp_path / "mine.safetensors", "mine", network=CUSTOM)  # fmt: skip
    result = tune(job, lambda row: None)
    assert result.best_epoch in (1, 2)
    card, weights_id = card_of(job.target)
    assert card.name == "mine"
    assert card.options["loader"] == ""
    assert card.training is not None
    assert weights_id == result.weights_id
    assert "mine" in (job.report / "report.html").read_text()
    annotator = Annotator.load(job.target, "cpu", 1)
    assert annotator.card.classes == ("N", "P", "S")


def test_what_is_no_network_to_train(tmp_path: Path, loader: None) -> None:
    for given, words in (
        ("x", "network: 'x' given; allowed: "),
        (
            {"kind": "x"},
            "network.kind: 'x' given; allowed: spectrogram-cnn, quakexnet, seisbench, custom",
        ),
        ({"kind": "custom", "loader": "my_learner"}, "network: .*window_samples, classes"),
        ({"kind": "seisbench"}, "network.model: is required"),
        ({"kind": "custom", "path": "x.safetensors"}, "path given; allowed: loader|path"),
    ):
        with pytest.raises(ConfigError, match=words):
            from_scratch(given, "mine", 0)
    with pytest.raises(ConfigError, match="need a name of their own"):
        from_scratch("gpd", "phasenet", 0)


@pytest.mark.slow  # three programs
def test_killed_and_gone_on_with_to_the_same_bits(tmp_path: Path) -> None:
    """`kill -9` in the middle, through the real command."""
    wavelets(tmp_path / "ds", 16, n=700)
    settings = {"epochs": 8, "patience": 8, "batch": 4, "learning_rate": 0.003, "norms": "train"}
    for name in "ab":
        said = {"network": "earthquake-cnn", "dataset": "ds", "output": f"{name}.safetensors",
                "name": "mine", "resample": True, "settings": settings}  # fmt: skip
        (tmp_path / f"{name}.yaml").write_text(json.dumps(said))

    def start(name: str) -> subprocess.Popen[str]:
        words = [QUAKELINE, "train", f"{name}.yaml", "--threads", "1"]
        return subprocess.Popen(words, cwd=tmp_path, stdout=subprocess.PIPE, text=True)

    killed = start("a")
    checkpoint = tmp_path / "a.checkpoint.safetensors"
    end = time.monotonic() + 60
    while not checkpoint.is_file() and killed.poll() is None and time.monotonic() < end:
        time.sleep(0.002)
    os.kill(killed.pid, signal.SIGKILL)
    killed.communicate()
    assert not (tmp_path / "a.safetensors").exists()
    assert checkpoint.is_file()
    for name in "ab":
        process = start(name)
        process.communicate()
        assert process.returncode == 0
    assert not checkpoint.exists()
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    assert (tmp_path / "a.csv").read_bytes() == (tmp_path / "b.csv").read_bytes()


def test_a_loss_that_is_not_finite_ends_in_one_line(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "ds", 4, n=900, split="train")
    begun = from_scratch("gpd", "mine", 0)
    with torch.no_grad():
        next(begun.network.parameters()).fill_(np.nan)
    with pytest.raises(DataError, match="the loss of the part dev is not finite"):
        losses(begun, data, tmp_path, 1, 0.001)


def test_rate_and_end_of_a_training(tmp_path: Path) -> None:
    """The rate falls each `step_epochs`; it ends `patience` epochs after the best one."""
    data = wavelets(tmp_path / "ds", 8, n=900)
    begun = from_scratch("earthquake-cnn", "mine", 0)
    data = data.resampled(40.0)
    settings = Settings(epochs=30, patience=3, step_epochs=2, step_factor=0.5, learning_rate=1.0,
                        norms="train")  # fmt: skip
    train = Windows(data, data.rows("train"), begun.card, settings, training=True)
    dev = Windows(data, data.rows("dev"), begun.card, settings, training=False)
    job = Fit(begun.network, begun.card, train, dev, settings, torch.device("cpu"), "r")
    done = job.run(tmp_path / "c.safetensors", lambda row: None)
    rates = [row["learning_rate"] for row in done.history[1:]]
    assert rates[:5] == [1.0, 1.0, 0.5, 0.5, 0.25][: len(rates)]
    assert done.epochs == min(done.best_epoch + 3, 30)
    best = min(done.history[1:], key=lambda row: row["dev_loss"])
    assert best["epoch"] == done.best_epoch
