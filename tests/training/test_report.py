"""The report of a training: what it counts, and its page and pictures."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import torch
from labelled_records import wavelets

from quakeline.models.ancestry import Training
from quakeline.models.blank_cards import EARTHQUAKE_CNN as CARD
from quakeline.training.checkpoints import Progress
from quakeline.training.report import drawings, evaluation, page
from quakeline.training.scoring import Found, score
from quakeline.training.settings import Settings
from quakeline.training.windows import Windows

LEVELS = {"P": 0.3, "S": 0.3}


def found(row: int, labels: list[float], *picks: tuple[float, float]) -> Found:
    times = np.array(picks, float).reshape(-1, 2)
    return Found(np.array(labels, float), times[:, 0], times[:, 1], row)


#: Three records: all right; an S called P; a false S and a P that was missed.
PICKED = {
    "P": [found(0, [5.0], (5.1, 0.9)), found(1, [4.0], (4.0, 0.8), (7.1, 0.7)), found(2, [3.0])],
    "S": [found(0, [8.0], (7.8, 0.6)), found(1, [7.0], (7.0, 0.2)), found(2, [], (9.0, 0.5))],
}


def test_what_is_called_what() -> None:
    made = evaluation.of_picks(PICKED, LEVELS)
    assert made.rows == made.columns == ["P", "S", "nothing"]
    assert made.counts.tolist() == [[2, 0, 1], [1, 1, 0], [0, 1, 0]]


def test_a_network_of_one_class_is_judged_by_its_windows(tmp_path: Path) -> None:
    class Always(torch.nn.Module):
        def forward(self, windows: torch.Tensor) -> torch.Tensor:
            return torch.tensor([[0.1, 0.8, 0.1]]).expand(len(windows), 3)

    data = wavelets(tmp_path / "ds", 6, n=900).resampled(40.0)
    windows = Windows(data, [0, 1, 2], CARD, Settings(), training=False)
    counts = evaluation.of_windows(windows, Always()).counts
    assert counts[:, 1].tolist()[:2] == [3, 3]
    assert counts[:, [0, 2]].sum() == 0


def test_residuals_and_curves() -> None:
    np.testing.assert_allclose(evaluation.residuals(PICKED["P"], 0.3), [0.1, 0.0])
    recall, precision = evaluation.precision_recall(PICKED["S"])
    assert recall[0] == 1
    assert precision[0] == 2 / 3
    assert recall[-1] == 1 / 2


def test_examples_right_and_wrong() -> None:
    made = evaluation.examples(PICKED, LEVELS, 4)
    assert [(one.row, one.right) for one in made] == [(0, True), (1, False), (2, False)]


def test_page_and_pictures(tmp_path: Path) -> None:
    data = wavelets(tmp_path / "<b>ds", 4, n=1200)
    history = [{"epoch": 0, "dev_loss": 1.0, "dev_accuracy": 0.3}] + [
        {
            "epoch": n,
            "learning_rate": 0.1,
            "train_loss": 1 / n,
            "dev_loss": 0.9,
            "dev_accuracy": 0.8,
        }
        for n in (1, 2)
    ]
    training = Training(("ds (sha256 abc)",), "2026-01-01", "quakeline", {"records": {
        "train": 2, "dev": 1, "test": 1}, "thresholds_by": "a rule", "epochs": 2})  # fmt: skip
    material = page.Material(
        replace(CARD, name="mine", training=training),
        "0123456789ab",
        "quakeline train 'my file.yaml' <b>",
        Progress("r", history, 1, 0.9),
        {"mine": {phase: score(own, 0.3) for phase, own in PICKED.items()}},
        {"mine": PICKED},
        {"mine": LEVELS},
        evaluation.of_picks(PICKED, LEVELS),
        data,
        ["<i>doubt</i>"],
    )
    place = tmp_path / "report"
    place.mkdir()
    page.write(material, place)
    names = {path.name for path in place.iterdir()}
    assert names == {name for name in page.NAMES if not name.startswith("reliability.")}
    text = (place / "report.html").read_text()
    for words in ("abc", "0123456789ab", "my file.yaml", "a rule", "All right", "With most wrong",
                  "&lt;i&gt;doubt", "P labelled at 5.00 s, picked at 5.10 s"):  # fmt: skip
        assert words in text
    assert "<b>ds" not in text
    assert "<i>" not in text
    for path in place.glob("*.svg"):
        assert ElementTree.parse(path).getroot().tag.endswith("svg")
    for path in place.glob("*.png"):
        assert path.read_bytes().startswith(b"\x89PNG")
    again = tmp_path / "again"
    again.mkdir()
    for one in drawings.of_history(history)[:1]:
        one.write(again)
    assert (again / "loss.svg").read_bytes() == (place / "loss.svg").read_bytes()
