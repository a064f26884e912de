"""Weights that were trained further have a card of their own, which names their parent."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import onnxruntime
import pytest
import torch
from nobody import TRAINING, nobodys, trained
from pydantic import TypeAdapter, ValidationError
from torch import nn

import quakeline
from quakeline.core.errors import ConfigError, WeightsError
from quakeline.models import networks, weights
from quakeline.models.cards import CARDS, PHASENET, Card
from quakeline.models.names import described
from quakeline.models.sections import AnyKind
from quakeline.workflow.stages import weights as stage

#: One for each architecture, and both variants of EQTransformer.
PARENTS = (
    "phasenet",
    "eqtransformer-original",
    "eqtransformer-conservative",
    "gpd",
    "seismo-performer-v2",
    "spec-cnn-v1",
)


@pytest.fixture(params=PARENTS)
def parent(request: pytest.FixtureRequest) -> Card:
    return CARDS[request.param]


def obtained(section: dict[str, object], folder: Path) -> tuple[Card, nn.Module, str]:
    config = TypeAdapter(AnyKind).validate_python(section)
    product = folder / "weights" / "picker.safetensors"
    stage.run(config, weights=product)
    assert config.card().name == weights.card_of(product)[0].name
    return networks.read(product)


def test_architectures_are_all_here() -> None:
    assert {CARDS[name].network for name in PARENTS} == {card.network for card in CARDS.values()}


def test_round_trip(parent: Card, tmp_path: Path) -> None:
    path, network = trained(parent, tmp_path, citation="A. Alpine (2026)", licence="CC0-1.0")
    card, again, weights_id = networks.read(path)
    assert card.name == "alpine"
    assert (card.citation, card.licence) == ("A. Alpine (2026)", "CC0-1.0")
    assert card.training == TRAINING
    assert card.parent is not None
    assert (card.parent.name, card.parent.digest) == (parent.name, parent.digest)
    assert card.digest == weights.digest_of(network.state_dict()) != parent.digest
    assert weights_id == weights.weights_id(network.state_dict(), parent.options)
    for fact in ("network", "window_samples", "components", "classes", "filter", "options"):
        assert getattr(card, fact) == getattr(parent, fact)
    windows = torch.randn(2, len(card.components), card.window_samples)
    with torch.inference_mode():
        assert torch.equal(again(windows), network(windows))


@pytest.mark.parametrize("kind", ["builtin", "custom"])
def test_both_kinds_of_sections_take_the_file(parent: Card, kind: str, tmp_path: Path) -> None:
    path, _ = trained(parent, tmp_path)
    section = {"kind": kind, "path": str(path)}
    if kind == "builtin":
        section["model"] = parent.name
    card, _, weights_id = obtained(section, tmp_path)
    assert (card, weights_id) == weights.card_of(path)


def test_the_file_is_a_member_of_an_ensemble(tmp_path: Path) -> None:
    path, _ = trained(PHASENET, tmp_path)
    members = [{"model": "phasenet"}, {"path": str(path)}]
    section = TypeAdapter(AnyKind).validate_python({"kind": "ensemble", "members": members})
    product = tmp_path / "picker.safetensors"
    stage.run(section, weights=product)
    card, _ = weights.card_of(product)
    assert card.name == "mean of phasenet and alpine"
    assert [member.name for member in card.members] == ["phasenet", "alpine"]
    assert card.members[0] is PHASENET
    assert described(card).startswith("alpine was trained from phasenet (tensors 3c8ce53a41d3; Zhu")


def test_trained_twice(tmp_path: Path) -> None:
    path, network = trained(PHASENET, tmp_path)
    first, _ = weights.card_of(path)
    with torch.no_grad():
        network.last.bias += 1
    quakeline.save_network(path, network, quakeline.trained_from(first, name="valley"))
    card, _ = weights.card_of(path)
    assert card.parent is not None
    assert card.parent.name == "alpine"
    assert card.parent.training_data == "INSTANCE; own, 2024"
    assert card.parent.parent is not None
    assert card.parent.parent.name == "phasenet"
    assert card.trained_with == "not stated"
    assert "alpine (tensors " in described(card)
    assert "trained from phasenet (tensors 3c8ce53a41d3; Zhu" in described(card)


def test_changed_weights_need_a_name(tmp_path: Path) -> None:
    network = networks.build(PHASENET)
    path = tmp_path / "x.safetensors"
    with pytest.raises(WeightsError, match=r"not the weights of phasenet, whose tensors are 3c8c"):
        quakeline.save_network(path, network, PHASENET)
    with pytest.raises(WeightsError, match="are called phasenet"):
        quakeline.save_network(path, network, replace(PHASENET, digest=""))
    for name in ("phasenet", "gpd", "", " x", "a/b", ".x", "a\nb"):
        with pytest.raises(ConfigError, match=r"^name: "):
            quakeline.trained_from(PHASENET, name=name)
    with pytest.raises(ConfigError, match="says nothing of its tensors"):
        quakeline.trained_from(nobodys(PHASENET), name="x")
    card = quakeline.trained_from(PHASENET, name="alpine")
    with pytest.raises(ConfigError, match=r"allowed: \*.safetensors"):
        quakeline.save_network(tmp_path / "x.pt", network, card)
    assert list(tmp_path.iterdir()) == []


def test_what_is_not_stated_says_so() -> None:
    card = quakeline.trained_from(PHASENET, name="alpine")
    assert (card.citation, card.licence, card.trained_with) == ("not stated",) * 3


def test_a_network_is_loaded_to_be_trained() -> None:
    card, network = quakeline.load_network("phasenet")
    assert card is PHASENET
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_a_graph_has_the_card(tmp_path: Path) -> None:
    from quakeline.models.graphs import graph_of
    from quakeline.models.onnx import labelled

    path, _ = trained(PHASENET, tmp_path)
    card, weights_id = weights.card_of(path)
    names = "modelInput", "modelOutput"
    labelled(graph_of(path), tmp_path / "alpine.onnx", card, weights_id, names)
    session = onnxruntime.InferenceSession(tmp_path / "alpine.onnx")
    assert (session.get_inputs()[0].name, session.get_outputs()[0].name) == names
    facts = {one.key: one.value for one in onnx.load(tmp_path / "alpine.onnx").metadata_props}
    assert (facts["name"], facts["weights_id"]) == ("alpine", weights_id)
    assert json.loads(facts["card"])["parent"]["digest"] == PHASENET.digest


@pytest.mark.parametrize(
    ("section", "words"),
    [
        ({"model": "gpd"}, "holds weights of alpine; model is gpd: set model: phasenet"),
        ({"kind": "custom", "loader": "x"}, "path given with loader; allowed: path alone"),
        ({"kind": "custom", "name": "x"}, "path given with name; allowed: path alone"),
    ],
)
def test_sections_that_do_not_fit(section: dict[str, str], words: str, tmp_path: Path) -> None:
    path, _ = trained(PHASENET, tmp_path)
    with pytest.raises(ValidationError, match=words):
        TypeAdapter(AnyKind).validate_python({**section, "path": str(path)})


def test_a_file_names_code_and_none_is_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loader that the file names is not imported unless the user named it too."""
    from quakeline.inference.annotator import Annotator

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("quakeline.inference.devices.gpus", lambda: ["a GPU"])
    (tmp_path / "loader_of_a_stranger.py").write_text(
        "from torch import nn\n"
        "def load_model():\n"
        "    class Net(nn.Module):\n"
        "        def forward(self, x): return x.softmax(1)\n"
        "    return Net()\n"
    )
    section = {
        "kind": "custom",
        "loader": "loader_of_a_stranger",
        "window_samples": 300,
        "classes": ["N", "P", "S"],
    }
    path = tmp_path / "x.safetensors"
    TypeAdapter(AnyKind).validate_python(section).write(path)
    (tmp_path / "loader_of_a_stranger.py").write_text("raise SystemExit('code was run')\n")
    assert Annotator.load(path, threads=1, batch=2).device == "1 cores (OpenVINO)"
    with pytest.raises(WeightsError, match="names code, the module 'loader_of_a_stranger'"):
        networks.read(path)
    by_path = TypeAdapter(AnyKind).validate_python({"kind": "custom", "path": str(path)})
    by_path.write(tmp_path / "y.safetensors")
    assert weights.card_of(tmp_path / "y.safetensors")[0].options["loader"] == ""
