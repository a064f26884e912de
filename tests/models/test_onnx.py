"""Graphs of every network against PyTorch, in the runtimes that are installed."""

import os
import re
import subprocess
import sys
import warnings
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pytest
import torch
from nobody import nobodys

from quakeline.core.errors import QuakelineError, WeightsError
from quakeline.models import graphs, networks, originals, weights
from quakeline.models import onnx as ours
from quakeline.models.cards import CARDS, GPD, PHASENET, Card, Wheel

onnx = pytest.importorskip("onnx")
pytest.importorskip("onnxscript")

SETTINGS = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32"}


def network_of(card: Card) -> torch.nn.Module:
    """The network with its trained weights, or random ones where these cannot be had."""
    shared = os.environ.get("QUAKELINE_SHARED")
    if isinstance(card.source, Wheel):
        given = None
    elif shared:
        given = f"{shared}/weights/seismo_performer"
    else:
        torch.manual_seed(0)
        return networks.build(card).eval().requires_grad_(False)
    return networks.load_state(card, originals.obtain(card, given)[0], card.name)


@pytest.fixture(scope="module", params=CARDS)
def exported(request, tmp_path_factory) -> tuple[Card, torch.nn.Module, Path]:
    card = CARDS[request.param]
    network = network_of(card)
    path = tmp_path_factory.mktemp("graphs") / f"{card.name}.onnx"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        ours.export(card, network, path)
    return card, network, path


def windows_of(card: Card, n: int) -> torch.Tensor:
    """Windows of very different size, one with a dead component, normalised."""
    generator = torch.Generator().manual_seed(7)
    windows = torch.randn(n, len(card.components), card.window_samples, generator=generator)
    windows *= torch.logspace(0, 3, card.window_samples)
    windows[0, 1] = 0
    if card.normalisation == "max":
        return windows / windows.abs().amax(dim=(1, 2), keepdim=True)
    return windows / windows.std(dim=2, keepdim=True).clamp_min(1e-9)


def test_a_graph_takes_images_where_that_is_asked_for(exported, tmp_path) -> None:
    """(batch, 1, samples, components), as SeismicTorch's graphs do: the same probabilities."""
    runtime = pytest.importorskip("onnxruntime")
    card, _, path = exported
    target, names = tmp_path / "images.onnx", ("modelInput", "modelOutput")
    ours.labelled(path, target, card, "w", names, as_images=True)
    onnx.checker.check_model(str(target))
    windows = windows_of(card, 3).numpy()
    images = np.ascontiguousarray(windows.transpose(0, 2, 1)[:, None])
    plain, other = (
        runtime.InferenceSession(str(file), providers=["CPUExecutionProvider"])
        for file in (path, target)
    )
    (given,) = other.get_inputs()
    assert given.name == "modelInput"
    assert given.shape == ["batch", 1, card.window_samples, len(card.components)]
    (expected,) = plain.run(None, {"waveforms": windows})
    (found,) = other.run(["modelOutput"], {"modelInput": images})
    np.testing.assert_array_equal(found, expected)


def outputs(network: torch.nn.Module, windows: torch.Tensor) -> np.ndarray:
    with torch.inference_mode():
        return network(windows).numpy()


def test_graph_is_valid_and_says_what_it_is(exported):
    card, network, path = exported
    model = onnx.load(path)
    onnx.checker.check_model(model, full_check=True)
    metadata = {entry.key: entry.value for entry in model.metadata_props}
    assert metadata == {
        "name": card.name,
        "weights_id": weights.weights_id(network.state_dict(), card.options),
        "licence": card.licence,
        "citation": card.citation,
    }
    shapes = {
        value.name: [d.dim_param or d.dim_value for d in value.type.tensor_type.shape.dim]
        for value in (*model.graph.input, *model.graph.output)
    }
    samples = [card.window_samples] if card.output == "samples" else []
    assert shapes == {
        "waveforms": ["batch", 3, card.window_samples],
        "probabilities": ["batch", 3, *samples],
    }


def test_graph_is_small(exported):
    """Recurrence over 47 steps must not be written out step by step."""
    assert len(onnx.load(exported[2]).graph.node) < 400


@pytest.mark.parametrize("batch", [1, 5])
def test_onnxruntime_equals_pytorch(exported, batch):
    onnxruntime = pytest.importorskip("onnxruntime")
    card, network, path = exported
    windows = windows_of(card, batch)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run(["probabilities"], {"waveforms": windows.numpy()})
    assert np.abs(found - outputs(network, windows)).max() < 1e-5


@pytest.mark.parametrize("batch", [1, 8])
def test_openvino_equals_pytorch(exported, batch):
    openvino = pytest.importorskip("openvino")
    card, network, path = exported
    windows = windows_of(card, batch)
    core = openvino.Core()
    model = core.read_model(path)
    model.reshape(list(windows.shape))
    found = core.compile_model(model, "CPU", SETTINGS)({0: windows.numpy()})[0]
    assert np.abs(found - outputs(network, windows)).max() < 1e-5


def test_missing_packages_are_named(monkeypatch, tmp_path):
    monkeypatch.setattr(ours, "find_spec", lambda name: None)
    with pytest.raises(QuakelineError, match="writing ONNX needs onnx and onnxscript: install"):
        ours.export(PHASENET, networks.build(PHASENET), tmp_path / "x.onnx")


@pytest.fixture
def product(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "cache"))
    path = tmp_path / "gpd.safetensors"
    torch.manual_seed(0)
    weights.save(path, networks.build(GPD).state_dict(), nobodys(GPD))
    return path


def test_graph_of_a_weights_file_is_kept(product, tmp_path):
    path = graphs.graph_of(product)
    assert tmp_path / "cache" in path.parents
    assert re.match(rf"nobodys-gpd-{weights.card_of(product)[1]}-.*\.onnx$", path.name)
    written = path.stat().st_mtime_ns
    code = "import sys; from pathlib import Path; from quakeline.models.graphs import graph_of;"
    code += f"print(graph_of(Path({str(product)!r})), 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [str(path), "False"]
    assert path.stat().st_mtime_ns == written
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.skipif(find_spec("onnxruntime") is None, reason="onnxruntime is not installed")
def test_graph_that_differs_is_refused_and_not_kept(product, tmp_path, monkeypatch):
    monkeypatch.setattr(ours, "TOLERANCE", -1.0)
    with pytest.raises(
        WeightsError, match="the ONNX graph of nobodys-gpd differs from the network by"
    ):
        graphs.graph_of(product)
    assert list((tmp_path / "cache" / "graphs").iterdir()) == []


def test_graph_of_a_damaged_file(product, tmp_path):
    content = bytearray(product.read_bytes())
    content[-1] ^= 1
    product.write_bytes(content)
    with pytest.raises(WeightsError, match="is damaged"):
        graphs.graph_of(product)
