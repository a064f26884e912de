"""Networks of events that learn: P where the card says, calibration, a file that tells."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from event_network import blank
from typer.testing import CliRunner
from workfolder import REPOSITORY

from quakeline.cli import app
from quakeline.core.errors import ConfigError, DataError, WeightsError
from quakeline.inference.annotator import Annotator
from quakeline.models.cards import CARDS
from quakeline.models.event_cards import QUAKEXNET, card_of_events
from quakeline.models.event_images import of_noise
from quakeline.models.event_networks import opened
from quakeline.models.spectrogram_cnn import card_for
from quakeline.models.weights import card_of
from quakeline.training import calibration
from quakeline.training.beginning import from_scratch, of_parent
from quakeline.training.datasets.opening import open_dataset
from quakeline.training.datasets.records import Dataset
from quakeline.training.datasets.writing import Writer
from quakeline.training.event_windows import EventWindows, class_of
from quakeline.training.settings import Augmentation, Settings
from quakeline.training.windows import Windows

STILL = Augmentation(noise=0, drop=0, amplitude=0, flip=0)
PARTS = ["train", "train", "dev", "test"]
SHORT = {"kind": "spectrogram-cnn", "window_s": 10}


def sources(folder: Path, count: int, n: int = 1600, rate: float = 100.0) -> Dataset:
    """Records of events with a long low coda, and of noise; every second event is an explosion."""
    random = np.random.default_rng(2)
    with Writer(folder, "ZNE", rate) as writer:
        for number in range(count):
            samples = 0.05 * random.standard_normal((3, n))
            facts: dict[str, object] = {"source_id": f"e{number}", "split": PARTS[number // 2 % 4]}
            if number % 2:
                p = int(random.integers(n // 4, 2 * n // 5))
                later = np.maximum(np.arange(n) - p, 0) / rate
                samples += np.sin(2 * np.pi * 8 * later) * np.exp(-later / 2)
                kind = "explosion" if number % 4 == 1 else "earthquake"
                facts |= {"trace_P_arrival_sample": p, "source_type": kind}
            writer.add(samples, facts)
    return open_dataset(folder)


@pytest.fixture
def windows(tmp_path: Path) -> EventWindows:
    (tmp_path / "ds").mkdir()
    data = sources(tmp_path / "ds", 8)
    settings = Settings(augmentation=STILL)
    return EventWindows(data, list(range(8)), card_for(10.0), settings, training=True)


def test_the_onset_is_where_the_card_says(windows: EventWindows) -> None:
    card = windows.card
    assert card.onset_s == (1.0, 3.0)
    kinds = [one.kind for one in windows.examples()]
    assert kinds.count("event") == 4
    assert kinds.count("noise") == 4
    for example in windows.examples():
        starts = set()
        for epoch in range(20):
            random = np.random.default_rng(epoch)
            start = windows._start(example, random)
            starts.add(start)
            assert 0 <= start <= 1600 - card.window_samples
            if example.kind == "event":
                lead_s = ((example.at or 0) - start) / 100
                assert 1.0 <= lead_s <= 3.0
        assert len(starts) > 5, "windows move in training"
    still = replace(windows, training=False)
    image, wanted, weight = still.made(still.examples()[0], 3)
    again = still.made(still.examples()[0], 7)
    np.testing.assert_array_equal(image, again[0])
    assert image.shape == (3, 100, 150)
    assert wanted.sum() == 1
    assert weight == 1


def test_records_that_give_no_window_are_counted(tmp_path: Path) -> None:
    (tmp_path / "ds").mkdir()
    with Writer(tmp_path / "ds", "ZNE", 100.0) as writer:
        for facts in (
            {"trace_P_arrival_sample": 50},  # 0.5 s, the window would begin before the record
            {"trace_S_arrival_sample": 500},
            {"trace_P_arrival_sample": 300, "source_type": "sonic boom"},
            {"trace_P_arrival_sample": 300, "source_type": "Quarry_Blast"},
        ):
            writer.add(np.zeros((3, 1200)), dict(facts))
        writer.add(np.zeros((3, 900)), {})
    data = open_dataset(tmp_path / "ds")
    card = card_for(10.0, ("earthquake", "explosion", "noise"))
    found = EventWindows(data, list(range(5)), card, Settings(), training=False)
    assert [one.kind for one in found.examples()] == ["explosion"]
    assert found.left_out == {
        "of a class that the network does not have": 3,  # of two of them nothing is stated
        "noise shorter than a window": 1,
    }
    events = EventWindows(data, list(range(5)), card_for(10.0), Settings(), training=False)
    assert [one.kind for one in events.examples()] == ["event", "event"]
    assert events.left_out == {
        "without room for a window around its P": 1,
        "without a P": 1,
        "noise shorter than a window": 1,
    }


def test_noise_is_learnt_only_where_no_event_can_be(tmp_path: Path) -> None:
    """Without a P there may be one anywhere before S, and anywhere in a record of an event."""
    (tmp_path / "ds").mkdir()
    given: list[dict[str, object]] = [
        {"trace_category": "earthquake_local"},
        {"source_type": "explosion"},
        {"trace_S_arrival_sample": 1600},
        {"trace_P_arrival_sample": 1500, "trace_S_arrival_sample": 1600},
        {"trace_P_arrival_sample": 1500, "trace_unsure_samples": "1100"},
        {"trace_category": "noise"},
        {},
    ]
    with Writer(tmp_path / "ds", "ZNE", 100.0) as writer:
        for facts in given:
            writer.add(np.zeros((3, 2400)), facts)
    data = open_dataset(tmp_path / "ds")
    assert [data.noise_end(row) for row in range(7)] == [0, 0, 0, 1500, 1100, 2400, 2400]
    found = EventWindows(data, list(range(7)), card_for(10.0), Settings(), training=False)
    assert [one.row for one in found.examples() if one.kind == "noise"] == [3, 4, 5, 6]
    assert found.left_out == {"without a P": 3}
    phases = Windows(data, list(range(7)), CARDS["gpd"], Settings(), training=False)
    assert [one.row for one in phases.examples() if one.kind == "N"] == [3, 4, 5, 6]


@pytest.mark.parametrize(
    ("source", "kind", "classes", "expected"),
    [
        ("", "noise", ("event", "noise"), "noise"),
        ("", "event", ("event", "noise"), "event"),
        ("explosion", "event", ("event", "noise"), "event"),
        ("", "event", ("earthquake", "noise"), None),
        ("surface_event", "event", QUAKEXNET.classes, "surface event"),
        ("quarry blast", "event", QUAKEXNET.classes, "explosion"),
        ("", "noise", ("earthquake", "explosion"), None),
    ],
)
def test_classes_of_records(
    source: str, kind: str, classes: tuple[str, ...], expected: str | None
) -> None:
    assert class_of(source, kind, replace(QUAKEXNET, classes=classes)) == expected


def test_temperature_and_reliability() -> None:
    """What says .9 and is right 6 of 10 times becomes .6; the order stays."""
    probabilities = np.tile([[0.9, 0.1]], (40, 1))
    classes = np.array([0] * 24 + [1] * 16)
    temperature = calibration.temperature_of(probabilities, classes)
    # 0.9^(1/T) / 0.1^(1/T) = 1.5: T = ln 9 / ln 1.5 = 5.4, beyond the limit
    assert temperature == pytest.approx(5.0, abs=0.01)
    probabilities[20:] = [0.3, 0.7]
    classes = np.array([0] * 15 + [1] * 5 + [1] * 15 + [0] * 5)
    found = calibration.temperature_of(probabilities, classes)
    assert 1.0 < found < 3.0
    assert calibration.temperature_of(probabilities[:10], classes[:10], 1.7) == 1.7
    said = calibration.reliability_of(probabilities, classes)
    np.testing.assert_allclose(said.said, [0.7, 0.9])
    np.testing.assert_allclose(said.right, [0.75, 0.75])
    assert said.counts.tolist() == [20, 20]
    assert said.error == pytest.approx((0.05 + 0.15) / 2)


def test_train_calibrate_and_tell(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Through the commands: from scratch, a graph, and calibrated again without an epoch."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ds").mkdir()
    sources(tmp_path / "ds", 48, n=7000, rate=50.0)
    (tmp_path / "mine.yaml").write_text(
        "network: {kind: quakexnet, classes: [event, noise]}\n"
        "dataset: ds\noutput: mine.safetensors\n"
        "settings: {epochs: 10, patience: 10, batch: 8, learning_rate: 0.003, norms: train}\n"
    )
    done = CliRunner().invoke(app, ["train", "mine.yaml", "--threads", "1"])
    assert done.exit_code == 0, done.output
    assert "of 12 windows right, what is said and what is right differ by" in done.output
    card = card_of_events(tmp_path / "mine.safetensors")
    assert card.classes == ("event", "noise")
    assert card.training is not None
    assert card.training.settings["windows"]["train event"] == 12
    assert card.training.settings["accuracy_on_test"] > 0.7
    page = (tmp_path / "mine_report/report.html").read_text()
    assert "Reliability" in page
    assert "of the windows; what is said and what is right differ by" in page
    assert (tmp_path / "mine_report/reliability.png").is_file()
    with pytest.raises(WeightsError, match="tells kinds of events, it picks no phases"):
        Annotator.load(tmp_path / "mine.safetensors", "cpu", 1)

    words = ["tune", "classifier", "--dataset", "ds", "--model", "mine.safetensors", "--output",
             "own.safetensors", "--epochs", "0", "--threads", "1"]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    own = card_of_events(tmp_path / "own.safetensors")
    assert own.digest == card.digest
    assert own.parent is not None
    assert own.parent.name == "mine"
    assert own.temperature == pytest.approx(card.temperature, abs=0.01)
    exported(tmp_path, "own")

    (tmp_path / "mine.yaml").write_text("network: quakexnet\ndataset: ds\noutput: x.safetensors\n")
    done = CliRunner().invoke(app, ["train", "mine.yaml", "--threads", "1"])
    assert "no windows of surface event in the part train" in str(done.exception)


def exported(folder: Path, name: str) -> None:
    """Its graph in onnxruntime, with the names of SeismicTorch, gives what the network gives."""
    words = ["models", "export", f"{name}.safetensors", "--onnx", f"{name}.onnx", "--input-name",
             "modelInput", "--output-name", "modelOutput"]  # fmt: skip
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0, done.output
    import onnxruntime

    network = opened(folder / f"{name}.safetensors")
    images = of_noise(network.card, 5)
    session = onnxruntime.InferenceSession(f"{name}.onnx", providers=["CPUExecutionProvider"])
    (found,) = session.run(["modelOutput"], {"modelInput": images})
    with torch.inference_mode():
        expected = network.network(torch.from_numpy(images)).numpy()
    np.testing.assert_allclose(found, expected, atol=1e-5)


@pytest.mark.slow  # 42 million parameters; larger steps than these throw it back and forth
def test_spectrogram_cnn_learns_and_is_a_graph(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "ds").mkdir()
    sources(tmp_path / "ds", 48)
    (tmp_path / "mine.yaml").write_text(
        "network: {kind: spectrogram-cnn, window_s: 10}\ndataset: ds\noutput: mine.safetensors\n"
        "settings: {epochs: 4, batch: 12, learning_rate: 0.00003, norms: train}\n"
    )
    done = CliRunner().invoke(app, ["train", "mine.yaml", "--threads", "1"])
    assert done.exit_code == 0, done.output
    rows = pd.read_csv("mine.csv")
    assert rows["dev_loss"].iloc[-1] < 0.1 * rows["dev_loss"].iloc[0]
    assert (rows["dev_accuracy"].iloc[0], rows["dev_accuracy"].iloc[-1]) == (0.5, 1.0)
    exported(tmp_path, "mine")


def test_two_steps_by_files(tmp_path: Path) -> None:
    """The files of SeismicTorch's road, with small sets and few epochs; folders are made."""
    from labelled_records import wavelets

    for name in ("stead", "mems"):
        wavelets(tmp_path / name, 12, n=900)
    place = tmp_path / "config/training"
    place.mkdir(parents=True)
    for step in ("pretrain", "finetune"):
        text = (REPOSITORY / f"config/training/seismic_torch_{step}.yaml").read_text()
        (place / f"{step}.yaml").write_text(re.sub(r"(?m)^  epochs: \d+", "  epochs: 1", text))
        words = ["train", str(place / f"{step}.yaml"), "--threads", "1"]
        done = CliRunner().invoke(app, words)
        assert done.exit_code == 0, done.output
    card, _ = card_of(tmp_path / "results/training/finetuned.safetensors")
    assert card.parent is not None
    assert card.parent.name == "pretrained"
    (place / "both.yaml").write_text("network: gpd\nparent: x\ndataset: d\noutput: o.safetensors\n")
    done = CliRunner().invoke(app, ["train", str(place / "both.yaml")])
    assert "one of network and parent is needed" in str(done.exception)


def test_the_authors_file_can_be_a_parent(shared: Path) -> None:
    begun = of_parent(shared / "weights/event/quakexnet_base.pt.v1", "ours")
    assert begun.result.name == "ours"
    assert begun.result.parent is not None
    assert begun.result.parent.name == "quakexnet-base"
    assert all(one.requires_grad for one in begun.network.parameters())


def test_networks_of_events_that_cannot_be(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="window_s"):
        from_scratch({"kind": "spectrogram-cnn", "window_s": 1}, "x", 0)
    with pytest.raises(ConfigError, match="each class is named once"):
        from_scratch({"kind": "spectrogram-cnn", "classes": ["noise", "noise"]}, "x", 0)
    with pytest.raises(ConfigError, match="P of a network of events stands in its window"):
        from_scratch({**SHORT, "onset_s": [5, 20]}, "x", 0)
    (tmp_path / "ds").mkdir()
    data = sources(tmp_path / "ds", 4)
    from quakeline.training.event_windows import check

    with pytest.raises(DataError, match="has records at 100 Hz; quakexnet-base takes 50 Hz"):
        check(data, QUAKEXNET)
    assert card_of(blank(tmp_path / "b.safetensors"))[0].onset_s == (10.0, 25.0)
