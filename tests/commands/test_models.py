"""`quakeline models`: what is there, what each expects, weights and graphs of them."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import numpy as np
import onnx
import pytest
import safetensors.torch
from nobody import trained
from workfolder import QUAKELINE, WorkFolder

from quakeline.models.card_text import as_text
from quakeline.models.cards import CARDS, GPD, PHASENET
from quakeline.models.weights import card_of


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> WorkFolder:
    return WorkFolder(tmp_path_factory.mktemp("models"))


def refused(done: subprocess.CompletedProcess[str], *words: str) -> None:
    assert done.returncode == 2, done.stdout + done.stderr
    assert len(done.stderr.splitlines()) == 1
    for word in words:
        assert word in done.stderr


@pytest.mark.parametrize("words", [["list"], []], ids=["list", "alone"])
def test_list(place, words):
    done = place.command("env", "COLUMNS=200", QUAKELINE, "models", *words)
    assert done.returncode == 0, done.stderr
    for name, card in CARDS.items():
        (line,) = [line for line in done.stdout.splitlines() if line.split()[:1] == [name]]
        assert f"{card.window_samples / 100:g} s" in line
        assert "MIT" in line
    for kind in ("seisbench", "custom", "ensemble"):
        assert kind in done.stdout


@pytest.mark.parametrize("card", CARDS.values(), ids=CARDS)
def test_show(place, card):
    done = place.quakeline("models", "show", card.name)
    assert done.returncode == 0, done.stderr
    for fact in (card.citation, card.licence, card.training_data, card.source.origin):
        assert fact in done.stdout
    for file in card.source.files:
        assert file.sha256 in done.stdout
    for phase, threshold in card.thresholds.items():
        assert f"{phase} {threshold:g}" in done.stdout


def test_get_show_and_export(place):
    done = place.quakeline("models", "get", "gpd", "--output", "gpd.safetensors")
    assert done.returncode == 0, done.stderr
    card, weights_id = card_of(place.folder / "gpd.safetensors")
    assert card is GPD
    assert done.stdout == f"gpd.safetensors, weights {weights_id}\n"
    assert weights_id in place.quakeline("models", "show", "gpd.safetensors").stdout
    for given in ("gpd.safetensors", "gpd"):
        done = place.quakeline("models", "export", given, "--onnx", "gpd.onnx")
        assert done.returncode == 0, done.stderr
        graph = onnx.load(place.folder / "gpd.onnx")
        assert {entry.key: entry.value for entry in graph.metadata_props}["name"] == "gpd"
    again = ("get", "gpd", "--path", "gpd.safetensors", "--output", "b.safetensors")
    assert place.quakeline("models", *again).returncode == 0
    one, two = (place.folder / f"{name}.safetensors" for name in ("gpd", "b"))
    assert one.read_bytes() == two.read_bytes()


def test_mistakes_are_one_line(place):
    refused(
        place.quakeline("models", "show", "gdp"),
        "'gdp' given; did you mean gpd? known are phasenet",
    )
    refused(
        place.quakeline("models", "get", "gdp"), "'gdp' given; did you mean gpd? known are phasenet"
    )
    refused(place.quakeline("models", "show", "no.safetensors"), "does not exist")
    refused(place.quakeline("models", "get", "gpd", "--path", "no.txt"), "allowed are")
    refused(place.quakeline("models", "export", "x", "--onnx", "x.onnx"), "'x' given")


def test_trained_weights_and_one_that_lies(place):
    _, network = trained(PHASENET, place.folder)
    shown = place.quakeline("models", "show", "alpine.safetensors").stdout
    assert shown.splitlines()[0].split() == ["name", "alpine"]
    assert "trained from   phasenet (tensors 3c8ce53a41d3; Zhu" in shown
    assert "training data  INSTANCE; own, 2024" in shown
    done = place.quakeline("models", "export", "alpine.safetensors", "--onnx", "alpine.onnx")
    assert done.returncode == 0, done.stderr
    facts = {one.key: one.value for one in onnx.load(place.folder / "alpine.onnx").metadata_props}
    assert facts["name"] == "alpine"
    assert json.loads(facts["card"])["parent"]["digest"] == PHASENET.digest

    weights_id = "3c8ce53a41d3"
    lies = {"card": as_text(PHASENET), "weights_id": weights_id, "quakeline_weights_version": "2"}
    safetensors.torch.save_file(network.state_dict(), place.folder / "lie.safetensors", lies)
    words = ("the tensors are not those of its card, phasenet", "lie.safetensors")
    (place.folder / "a.mseed").write_bytes(b"")
    for command in (
        ("models", "show", "lie.safetensors"),
        ("models", "export", "lie.safetensors", "--onnx", "x.onnx"),
        ("models", "get", "phasenet", "--path", "lie.safetensors", "--output", "y.safetensors"),
        ("evaluate", "picks", "--model", "lie.safetensors", str(records(place))),
    ):
        refused(place.quakeline(*command), *words)


def records(place: WorkFolder) -> Path:
    """Labelled records of nothing."""
    path = place.folder / "records.npz"
    facts = {"component_order": "ZNE", "sampling_rate": 100.0, "p_index": [900], "s_index": [1500]}
    np.savez(path, waveforms=np.zeros((1, 3, 6000), "f4"), **facts)
    return path
