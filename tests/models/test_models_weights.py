import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch

from quakeline.errors import WeightsError
from quakeline.io import provenance
from quakeline.models import networks, originals, weights, wheels
from quakeline.models.cards import PHASENET, SPEC_CNN_V2

METADATA = weights.describe(PHASENET, {"file": "abc"})
WEIGHTS_ID = "3c8ce53a41d3"


@pytest.fixture(scope="module")
def folder() -> Path:
    """The folder with the original files."""
    return wheels.fetch(PHASENET.source)[0].parent


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "phasenet.safetensors"
    weights.save(path, *originals.obtain(PHASENET, str(folder)))
    return path


def refused(action, *arguments) -> str:
    with pytest.raises(WeightsError) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_network_from_a_file(made):
    card, module, weights_id = weights.network(made)
    assert card is PHASENET
    assert weights_id == WEIGHTS_ID
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_round_trip(made, folder):
    state, _ = originals.obtain(PHASENET, str(folder))
    card, found, metadata = weights.load(made)
    assert card is PHASENET
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert metadata["weights_id"] == weights.weights_id(state) == WEIGHTS_ID
    assert json.loads(metadata["source_sha256"]) == {
        file.name: file.sha256 for file in PHASENET.source.files
    }
    assert "Zhu" in metadata["citation"]
    assert metadata["licence"].startswith("MIT")


def test_provenance_is_inside(tmp_path):
    record = provenance.Record("weights", 1, {"model": "phasenet"})
    path = tmp_path / "x.safetensors"
    with provenance.recording(record):
        weights.save(path, {"a": torch.ones(2)}, METADATA)
    stored = json.loads(weights.load(path)[2][provenance.KEY])
    assert stored["product_id"] == record.product_id


def test_same_weights_give_the_same_bytes(tmp_path):
    """Also between processes: later stages take the digest of the file for its identity."""
    code = """
import sys, torch
from pathlib import Path
from quakeline.models import cards, weights
state = {"b": torch.arange(3.0), "a": torch.tensor(2)}
weights.save(Path(sys.argv[1]), state, weights.describe(cards.PHASENET, {"x": "y"}))
"""
    paths = [tmp_path / f"{i}.safetensors" for i in range(2)]
    for path in paths:
        subprocess.run([sys.executable, "-c", code, str(path)], check=True)
    assert paths[0].read_bytes() == paths[1].read_bytes()
    found = safetensors.torch.load_file(paths[0])
    assert found["b"].tolist() == [0, 1, 2]
    assert found["a"].item() == 2


def test_digest_covers_names_types_shapes_and_values():
    states = [
        {"a": torch.zeros(4)},
        {"b": torch.zeros(4)},
        {"a": torch.zeros(2, 2)},
        {"a": torch.zeros(4, dtype=torch.int32)},
        {"a": torch.tensor([0.0, 0.0, 0.0, 1.0])},
        {"a": torch.zeros(4), "b": torch.zeros(())},
        {"a": torch.zeros(4, dtype=torch.bfloat16)},
        {},
    ]
    assert len({weights.weights_id(state) for state in states}) == len(states)


def test_digest_does_not_depend_on_order():
    state = {"a": torch.ones(2), "b": torch.zeros(3)}
    assert weights.weights_id(state) == weights.weights_id(dict(reversed(state.items())))


def test_card_of_a_file(made):
    assert weights.card_of(made) == (PHASENET, WEIGHTS_ID)


def test_card_of_a_file_needs_no_torch(made):
    code = "import sys; from pathlib import Path; from quakeline.models.weights import card_of;"
    code += f"print(card_of(Path({str(made)!r}))[1], 'torch' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == [WEIGHTS_ID, "False"]


# Options of the network.


@pytest.fixture
def scaled(tmp_path) -> Path:
    """Spec-CNN that means nothing, with another scaler than its own."""
    card = replace(SPEC_CNN_V2, options={"scaler": "fixed"})
    path = tmp_path / "spec-cnn.safetensors"
    torch.manual_seed(0)
    weights.save(path, networks.build(card).state_dict(), weights.describe(card, {}))
    return path


def test_options_are_kept(scaled):
    card, module, _ = weights.network(scaled)
    assert card.options == {"scaler": "fixed"}
    assert card == replace(SPEC_CNN_V2, options=card.options)
    assert module.spectrogram.scaler == "fixed"
    assert weights.card_of(scaled)[0] == card


def test_options_are_part_of_the_digest(scaled):
    _, state, metadata = weights.load(scaled)
    path = scaled.with_name("own.safetensors")
    own = weights.save(path, state, {**metadata, **weights.describe(SPEC_CNN_V2, {})})
    assert own != metadata["weights_id"]
    assert weights.network(path)[0] is SPEC_CNN_V2


@pytest.mark.parametrize("options", [{}, {"scaler": "max"}, {"scaler": "fixed", "more": "1"}])
def test_unknown_options(scaled, options):
    _, state, metadata = weights.load(scaled)
    weights.save(scaled, state, {**metadata, "options": json.dumps(options)})
    message = refused(weights.network, scaled)
    assert "has the options {" in message
    assert 'spec-cnn-v2 has {"scaler": "sample"}' in message


def test_options_of_a_network_that_has_none(tmp_path):
    path = tmp_path / "x.safetensors"
    weights.save(path, {"a": torch.ones(2)}, {**METADATA, "options": '{"variant": "x"}'})
    assert "phasenet has {}" in refused(weights.card_of, path)


# Damaged and foreign files.


def test_missing_file(tmp_path):
    assert "none.safetensors does not exist" in refused(
        weights.network, tmp_path / "none.safetensors"
    )


def test_folder_instead_of_a_file(tmp_path):
    assert "cannot read" in refused(weights.network, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04pickle" * 50, b"\xff" * 100])
def test_not_a_safetensors_file(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert "damaged or not a safetensors file" in refused(weights.network, path)


@pytest.mark.parametrize("part", [0.0001, 0.001, 0.5, 0.99999])
def test_truncated_file(made, tmp_path, part):
    content = made.read_bytes()
    path = tmp_path / "x.safetensors"
    path.write_bytes(content[: int(len(content) * part)])
    assert "damaged or not a safetensors file" in refused(weights.network, path)


def test_one_flipped_bit(made, tmp_path):
    content = bytearray(made.read_bytes())
    content[-1000] ^= 1
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert "is damaged: its tensors do not have the digest" in refused(weights.network, path)


def test_corrupted_header_is_refused_or_without_effect(made, tmp_path):
    content, path = made.read_bytes(), tmp_path / "x.safetensors"
    header = 8 + int.from_bytes(content[:8], "little")
    generator, refusals = random.Random(5), []
    for _ in range(300):
        changed = bytearray(content)
        for _ in range(generator.randrange(1, 4)):
            changed[generator.randrange(header)] = generator.randrange(256)
        path.write_bytes(changed)
        try:
            _, module, weights_id = weights.network(path)
        except WeightsError as error:
            refusals.append(str(error))
        else:
            assert weights_id == weights.weights_id(module.state_dict()) == WEIGHTS_ID
    assert len(refusals) > 200
    assert not any("\n" in line for line in refusals)


def test_safetensors_of_others(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"a": torch.ones(2)}, path)
    assert "not one that quakeline wrote" in refused(weights.network, path)
    safetensors.torch.save_file({"a": torch.ones(2)}, path, {"model": "phasenet"})
    assert "not one that quakeline wrote" in refused(weights.network, path)


def test_another_format_version(tmp_path):
    path = tmp_path / "x.safetensors"
    metadata = {**METADATA, "quakeline_weights_version": "99"}
    safetensors.torch.save_file({"a": torch.ones(2)}, path, metadata)
    assert "has format version 99; expected 1" in refused(weights.network, path)


def test_unknown_network(tmp_path):
    path = tmp_path / "x.safetensors"
    weights.save(path, {"a": torch.ones(2)}, {**METADATA, "model": "other"})
    assert "is for the network 'other'; known are phasenet" in refused(weights.network, path)


@pytest.mark.parametrize(
    "change",
    [
        {"last.bias": torch.zeros(4)},
        {"last.bias": torch.zeros(3, dtype=torch.int32)},
        {"more": torch.zeros(3)},
        {"last.bias": None},
    ],
)
def test_tensors_of_another_network(made, tmp_path, change):
    _, state, metadata = weights.load(made)
    changed = {name: t for name, t in {**state, **change}.items() if t is not None}
    path = tmp_path / "x.safetensors"
    weights.save(path, changed, metadata)
    message = f"does not hold the weights of phasenet: 1 tensors are missing.*{next(iter(change))}"
    with pytest.raises(WeightsError, match=message):
        weights.network(path)
    with pytest.raises(WeightsError, match=message):
        originals.obtain(PHASENET, str(path))
