"""Every kind of weights keeps one contract, from the configuration to probabilities."""

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from quakeline.core.errors import ConfigError, WeightsError
from quakeline.core.registry import kind_of
from quakeline.inference.annotator import Annotator
from quakeline.inference.waveforms import Arrays
from quakeline.models.card_text import as_text, from_text
from quakeline.models.cards import CARDS
from quakeline.models.networks import read as network
from quakeline.models.sections import KINDS, AnyKind
from quakeline.models.weights import card_of, members_of
from quakeline.models.windowing import Windowing
from quakeline.workflow.stages import weights

HERE = Path(__file__).parent
LO, N = 127_497_747_315, 4000
COMPONENTS = "ZNE"


def small(form: str = "torch", **more: Any) -> dict[str, Any]:
    facts = {"window_samples": 300, "classes": ["N", "P", "S"], "normalisation": "std"}
    arguments = {"form": form, "folder": ".", **more.pop("arguments", {})}
    return {"kind": "custom", "loader": "loaders", "arguments": arguments, **facts, **more}


SECTIONS: dict[str, dict[str, Any]] = {
    "builtin": {"model": "phasenet"},
    "custom torch": small("torch"),
    "custom script": small("script", components="ENZ"),
    "custom script file": small("script file"),
    "custom onnx file": small("onnx file", filter={"low_hz": 2.0}),
    "custom centre": small("centre", output="window", hop_samples=7),
    "untrained": {"kind": "untrained", "network": "earthquake-cnn"},
    "ensemble of kinds": {
        "kind": "ensemble",
        "rule": "max",
        "members": [{"model": "phasenet"}, small("torch"), small("centre", output="window")],
    },
    "ensemble of EQTransformers": {
        "kind": "ensemble",
        "members": [{"model": "eqtransformer-original"}, {"model": "eqtransformer-conservative"}],
    },
}


def kind(section: dict[str, Any]) -> Any:
    return TypeAdapter(AnyKind).validate_python(section)


def made(section: dict[str, Any], folder: Path) -> Path:
    path = folder / "picker.safetensors"
    weights.run(kind(section), weights=path)
    return path


@pytest.fixture
def place(tmp_path, monkeypatch):
    """A run's folder with a loader in it."""
    (tmp_path / "loaders.py").write_bytes((HERE / "loaders.py").read_bytes())
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "loaders", raising=False)
    return tmp_path


def noise(seed: int = 0) -> Arrays:
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(2, 3, N + 20_000)).astype(np.float32)
    valid = np.ones(samples.shape, bool)
    valid[1, :, 11_000:11_500] = False
    return Arrays(samples, valid, LO - 10_000, COMPONENTS, COMPONENTS)


class Source:
    """Noise with the components that a card wants."""

    def __init__(self, components: str) -> None:
        self._noise, self._order = noise(), [COMPONENTS.index(c) for c in components]
        self.n_instruments = 2
        self.in_memory = True

    def read(self, instrument, start, stop):
        data, valid = self._noise.read(instrument, start, stop)
        return data[self._order], valid[self._order]


def curves(annotator: Annotator, lo: int = LO, hi: int = LO + N) -> np.ndarray:
    source = Source(annotator.card.components)
    found = np.full((2, len(annotator.card.phases), hi - lo), np.nan, np.float32)
    for piece in annotator.annotate(source, lo, hi):
        here = slice(piece.start - lo, piece.start - lo + piece.curves.shape[1])
        assert np.isnan(found[piece.instrument][:, here]).all()
        found[piece.instrument][:, here] = piece.curves
    return found


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_contract(section, place):
    config = kind(section)
    path = made(section, place)
    card, weights_id = card_of(path)
    expected = config.card()
    for fact in ("name", "network", "sampling_rate_hz", "window_samples", "phases", "reach_s"):
        assert getattr(card, fact) == getattr(expected, fact), fact
    assert len(weights_id) == 12
    assert set(card.thresholds) == set(card.phases) <= set(card.classes)
    assert card.hop_samples % 100

    annotator = Annotator.load(path, "cpu", batch=4)
    assert annotator.card == card
    assert annotator.reach >= card.window_samples
    assert card.name in str(annotator)
    whole = curves(annotator)
    assert whole.min() >= 0
    assert whole.max() <= 1
    assert whole.std() > 0
    parts = [curves(annotator, LO, LO + 1500), curves(annotator, LO + 1500, LO + N)]
    assert np.concatenate(parts, axis=-1) == pytest.approx(whole, abs=1e-6)


# PyTorch names the nodes of TorchScript's graphs in another way the second time in a process.
REPEATABLE = {name: section for name, section in SECTIONS.items() if "script" not in name}


@pytest.mark.parametrize("section", REPEATABLE.values(), ids=REPEATABLE)
def test_the_same_section_gives_the_same_weights(section, place):
    first = card_of(made(section, place))
    assert card_of(made(section, place)) == first


def test_every_kind_has_a_section():
    seisbench = {"seisbench"}  # see test_seisbench.py
    tested = {section.get("kind", "builtin") for section in SECTIONS.values()}
    assert {kind_of(one) for one in KINDS} == tested | seisbench


@pytest.mark.parametrize("section", SECTIONS.values(), ids=SECTIONS)
def test_the_card_is_known_without_loading_the_network(section, place):
    path = made(section, place)
    code = "import sys; from pathlib import Path; from pydantic import TypeAdapter;"
    code += "from quakeline.models.sections import AnyKind;"
    code += "from quakeline.models.weights import card_of;"
    code += f"card = TypeAdapter(AnyKind).validate_python({section!r}).card();"
    code += f"print(card.name, card_of(Path({str(path)!r}))[0].name);"
    code += "print([m for m in ('torch', 'seisbench', 'loaders') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    first, second = done.stdout.splitlines()
    name = card_of(path)[0].name
    assert first == f"{name} {name}"
    assert second == "[]"


def test_ensemble_is_the_mean_of_its_members(place):
    section = SECTIONS["ensemble of EQTransformers"]
    together = curves(Annotator.load(made(section, place), "cpu", batch=4))
    alone = [curves(Annotator.load(made(m, place), "cpu", batch=4)) for m in section["members"]]
    assert together == pytest.approx(np.mean(alone, axis=0), abs=1e-6)
    assert np.abs(alone[0] - alone[1]).max() > 0.01


@pytest.mark.parametrize("rule", ["max", "median"])
def test_rules_of_an_ensemble(place, rule):
    members = [small(arguments={"seed": seed}, name=f"small{seed}") for seed in (1, 2, 3)]
    path = made({"kind": "ensemble", "rule": rule, "members": members}, place)
    alone = [curves(Annotator.load(made(m, place / "one"), "cpu", batch=4)) for m in members]
    expected = {"max": np.max, "median": np.median}[rule](alone, axis=0)
    assert curves(Annotator.load(path, "cpu", batch=4)) == pytest.approx(expected, abs=1e-6)


def test_phases_are_taken_by_name(place):
    """Members whose outputs are in another order agree with themselves."""
    plain = small(name="plain")
    path = made(plain, place)
    both = {"kind": "ensemble", "members": [plain, small(name="again", phases=["S", "P"])]}
    ensemble = Annotator.load(made(both, place / "both"), "cpu", batch=4)
    assert ensemble.card.phases == ("P", "S")
    alone = curves(Annotator.load(path, "cpu", batch=4))
    assert curves(ensemble) == pytest.approx(alone, abs=1e-6)


def test_card_of_an_ensemble(place):
    section = {**SECTIONS["ensemble of kinds"], "thresholds": {"P": 0.7}}
    path = made(section, place)
    card, _ = card_of(path)
    assert card.name == "max of phasenet and custom-loaders and custom-loaders"
    assert card.components == "ZNE"
    assert card.thresholds == {"P": 0.7, "S": pytest.approx(0.3)}
    assert [member.name for member, _ in members_of(path)] == [m.name for m in card.members]
    assert card.members[0] == CARDS["phasenet"]
    again = from_text(as_text(card))
    # A built-in member has the package's source; text keeps only what that is called.
    assert replace(again, members=()) == replace(card, members=())
    assert as_text(again) == as_text(card)
    with pytest.raises(ConfigError, match="members of an ensemble keep their own"):
        Annotator.load(path, "cpu", windowing=Windowing(hop_samples=50))
    engines = Annotator.load(path, "cpu", batch=4, windowing=Windowing(stacking="maximum")).engines
    assert [engine.card.stacking for engine in engines] == ["maximum"] * 3


def test_torch_and_onnx_agree(place):
    """A custom network computed as a module (as on GPUs) and as its graph."""
    path = made(small("torch"), place)
    _, module, _ = network(path, run_loader=True)
    import torch

    windows = torch.randn(3, 3, 300)
    from openvino import Core

    from quakeline.models.graphs import graph_of

    exact = {"INFERENCE_PRECISION_HINT": "f32"}
    compiled = Core().compile_model(graph_of(path), "CPU", exact)
    with torch.inference_mode():
        assert compiled(windows.numpy())[0] == pytest.approx(module(windows).numpy(), abs=1e-5)


def refused(section: dict[str, Any], folder: Path) -> str:
    with pytest.raises(WeightsError) as caught:
        made(section, folder)
    assert "\n" not in str(caught.value)
    assert not (folder / "picker.safetensors").exists()
    return str(caught.value)


def test_loaders_that_cannot_be_used(place):
    (place / "empty.py").write_text("")
    (place / "bad.py").write_text("def load_model():\n    raise OSError('no weights here')\n")
    assert "ModuleNotFoundError" in refused({**small(), "loader": "nowhere.to"}, place)
    assert "AttributeError" in refused({**small(), "loader": "empty"}, place)
    message = refused({**small(), "loader": "bad", "arguments": {}}, place)
    assert message == (
        "weights.loader: bad.load_model cannot be called with no arguments: OSError:"
        " no weights here"
    )
    assert "gave missing.onnx, which is no file" in refused(small("missing.onnx"), place)
    (place / "text.pt").write_text("hello")
    assert "neither an ONNX (.onnx) nor a TorchScript file" in refused(small("text.pt"), place)


def test_networks_that_do_not_keep_to_their_card(place):
    message = refused(small(output="window"), place)
    assert "shape (2, 3, 300)" in message
    assert "(2, 3) is needed" in message
    assert "(2, 4, 300) is needed" in refused(small(classes=["N", "P", "S", "X"]), place)
    assert "cannot compute windows of 2 components" in refused(small(components="ZN"), place)


def test_a_loader_that_changed_is_noticed(place):
    path = made(small("torch"), place)
    loader = place / "loaders.py"
    loader.write_text(loader.read_text().replace("manual_seed(seed)", "manual_seed(seed + 9)"))
    sys.modules.pop("loaders")
    with pytest.raises(WeightsError, match="other weights than when the weights file"):
        network(path, run_loader=True)


def test_a_graph_alone_has_no_module(place):
    path = made(small("onnx file"), place)
    with pytest.raises(WeightsError, match=r"ONNX graph, .*annotate.device: cpu"):
        network(path, run_loader=True)


@pytest.mark.parametrize(
    ("section", "words"),
    [
        (small(classes=["X"]), "phases: none given; the classes are X"),
        (small(phases=["P", "Q"]), "phases: Q given; the classes are N, P, S"),
        (small(thresholds={"N": 0.5}), "thresholds: N given; the phases are P, S"),
        (small(blind_samples=150), "blind_samples: 150 given; less than half"),
        (small(components="ZZ"), "each letter once"),
        (
            {"kind": "ensemble", "members": [{"model": "gpd"}, small(sampling_rate_hz=50)]},
            "members: gpd 100 Hz, custom-loaders 50 Hz given; one rate is needed",
        ),
        (
            {
                "kind": "ensemble",
                "members": [small(classes=["P", "N", "Q"]), small(phases=["S"])],
            },
            "a phase that all have is needed",
        ),
        ({"kind": "ensemble", "members": [{"model": "gpd"}]}, "at least 2"),
        ({"kind": "seisbench", "model": "Foo", "weights": "x"}, "'Foo' given; known are PhaseNet"),
        (
            {"kind": "seisbench", "model": "GPD", "weights": "x", "thresholds": {"Q": 0.1}},
            "thresholds: Q given; the phases are P, S",
        ),
    ],
)
def test_mistakes_in_a_section(section, words):
    with pytest.raises(ValidationError) as caught:
        kind(section)
    assert words in json.dumps(str(caught.value))


def test_files_that_a_section_names(tmp_path):
    gone = {"model": "gpd", "path": str(tmp_path / "x.hdf5")}
    (line,) = kind({"kind": "ensemble", "members": [{"model": "gpd"}, gone]}).missing()
    assert line.startswith("weights.members.1.path: ")
    named = {"kind": "seisbench", "model": "PhaseNet", "weights": "stead"}
    assert kind(named).missing() == []
    (line,) = kind({**named, "weights": str(tmp_path / "a.pt")}).missing()
    assert line.startswith("weights.weights: ")
