import json
import random
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import safetensors.torch
import torch
from nobody import nobodys

from quakeline.core.errors import WeightsError
from quakeline.io.products import provenance
from quakeline.models import networks, originals, weights, wheels
from quakeline.models.card_text import as_text
from quakeline.models.cards import PHASENET, SPEC_CNN_V2, Card
from quakeline.models.names import trained_from

NOBODYS = nobodys(PHASENET)
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
    card, module, weights_id = networks.read(made)
    assert card is PHASENET
    assert weights_id == WEIGHTS_ID
    assert not module.training
    assert not any(parameter.requires_grad for parameter in module.parameters())


def metadata_of(path: Path) -> dict[str, str]:
    with safetensors.safe_open(path, "np") as file:
        return dict(file.metadata())


def rewritten(path: Path, card: Card, **metadata: str) -> None:
    """A file of somebody who writes what he likes: the same tensors, another card."""
    state = safetensors.torch.load_file(path)
    facts = {**metadata_of(path), "card": as_text(card), **metadata}
    safetensors.torch.save_file(state, path, facts)


def test_round_trip(made, folder):
    state, _ = originals.obtain(PHASENET, str(folder))
    card, found, weights_id = weights.load(made)
    assert card is PHASENET
    assert found.keys() == state.keys()
    assert all(torch.equal(found[name], state[name]) for name in state)
    assert weights_id == weights.weights_id(state) == WEIGHTS_ID
    assert weights.digest_of(state) == PHASENET.digest
    stored = json.loads(metadata_of(made)["card"])
    assert [file["sha256"] for file in stored["source"]["files"]] == [
        file.sha256 for file in PHASENET.source.files
    ]
    assert stored["digest"] == PHASENET.digest
    assert stored["parent"] is stored["training"] is None
    assert "Zhu" in stored["citation"]
    assert stored["licence"].startswith("MIT")


def test_provenance_is_inside(tmp_path):
    record = provenance.Record("weights", 1, {"model": "phasenet"})
    path = tmp_path / "x.safetensors"
    with provenance.recording(record):
        weights.save(path, {"a": torch.ones(2)}, NOBODYS)
    stored = json.loads(metadata_of(path)[provenance.KEY])
    assert stored["product_id"] == record.product_id


def test_same_weights_give_the_same_bytes(tmp_path):
    """Also between processes: later stages take the digest of the file for its identity."""
    code = """
import sys, torch
from dataclasses import replace
from pathlib import Path
from quakeline.models import cards, weights
state = {"b": torch.arange(3.0), "a": torch.tensor(2)}
card = replace(cards.PHASENET, name="x", citation="nobody", digest="")
weights.save(Path(sys.argv[1]), state, card)
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
def scaled(shared, tmp_path) -> Path:
    """Spec-CNN with another scaler than its own."""
    card = replace(SPEC_CNN_V2, options={"scaler": "fixed"})
    path = tmp_path / "spec-cnn.safetensors"
    weights.save(path, *originals.obtain(card, str(shared / "weights" / "seismo_performer")))
    return path


def test_options_are_kept(scaled):
    card, module, _ = networks.read(scaled)
    assert card.options == {"scaler": "fixed"}
    assert card == replace(SPEC_CNN_V2, options=card.options)
    assert module.spectrogram.scaler == "fixed"
    assert weights.card_of(scaled)[0] == card


def test_options_are_part_of_the_id(scaled):
    _, state, weights_id = weights.load(scaled)
    path = scaled.with_name("own.safetensors")
    assert weights.save(path, state, SPEC_CNN_V2) != weights_id
    assert networks.read(path)[0] is SPEC_CNN_V2


@pytest.mark.parametrize("options", [{}, {"scaler": "max"}, {"scaler": "fixed", "more": "1"}])
def test_unknown_options(scaled, options):
    card, state, _ = weights.load(scaled)
    message = refused(weights.save, scaled, state, replace(card, options=options))
    assert "has the options {" in message
    assert 'spec-cnn-v2 has {"scaler": "sample"}' in message
    digest = weights.weights_id(state, options)
    rewritten(scaled, replace(card, options=options), weights_id=digest)
    message = refused(networks.read, scaled)
    assert message.startswith(f"{scaled}: it has the options {{")


# Damaged and foreign files.


def test_missing_file(tmp_path):
    assert "none.safetensors does not exist" in refused(
        networks.read, tmp_path / "none.safetensors"
    )


def test_folder_instead_of_a_file(tmp_path):
    assert "cannot read" in refused(networks.read, tmp_path)


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"\x80\x04pickle" * 50, b"\xff" * 100])
def test_not_a_safetensors_file(tmp_path, content):
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert "damaged or not a safetensors file" in refused(networks.read, path)


@pytest.mark.parametrize("part", [0.0001, 0.001, 0.5, 0.99999])
def test_truncated_file(made, tmp_path, part):
    content = made.read_bytes()
    path = tmp_path / "x.safetensors"
    path.write_bytes(content[: int(len(content) * part)])
    assert "damaged or not a safetensors file" in refused(networks.read, path)


def test_one_flipped_bit(made, tmp_path):
    content = bytearray(made.read_bytes())
    content[-1000] ^= 1
    path = tmp_path / "x.safetensors"
    path.write_bytes(content)
    assert "the tensors are not those of its card, phasenet: their digest is" in refused(
        networks.read, path
    )


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
            _, module, weights_id = networks.read(path)
        except WeightsError as error:
            refusals.append(str(error))
        else:
            assert weights_id == weights.weights_id(module.state_dict()) == WEIGHTS_ID
    assert len(refusals) > 200
    assert not any("\n" in line for line in refusals)


def test_safetensors_of_others(tmp_path):
    path = tmp_path / "x.safetensors"
    safetensors.torch.save_file({"a": torch.ones(2)}, path)
    assert "not one that quakeline wrote" in refused(networks.read, path)
    safetensors.torch.save_file({"a": torch.ones(2)}, path, {"model": "phasenet"})
    assert "not one that quakeline wrote" in refused(networks.read, path)


def test_another_format_version(made, tmp_path):
    path = tmp_path / "x.safetensors"
    path.write_bytes(made.read_bytes())
    rewritten(path, PHASENET, quakeline_weights_version="99")
    assert "has format version 99; expected 2" in refused(networks.read, path)


def test_unknown_network(tmp_path):
    path = tmp_path / "x.safetensors"
    weights.save(path, {"a": torch.ones(2)}, nobodys(PHASENET, network="other"))
    assert "is a network 'other'; those for single stations are" in refused(networks.read, path)


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
    _, state, _ = weights.load(made)
    changed = {name: t for name, t in {**state, **change}.items() if t is not None}
    path = tmp_path / "x.safetensors"
    weights.save(path, changed, NOBODYS)
    message = f"not hold the weights of nobodys-ph.*: 1 tensors are missing.*{next(iter(change))}"
    with pytest.raises(WeightsError, match=message):
        networks.read(path)
    with pytest.raises(WeightsError, match=message):
        originals.obtain(replace(NOBODYS, digest=""), str(path))
    with pytest.raises(WeightsError, match=message):
        networks.save_network(tmp_path / "y.safetensors", changed, NOBODYS)
    assert not (tmp_path / "y.safetensors").exists()


# Files of the format before, in which quakeline's own networks had no card.


def former(path: Path, state: dict[str, torch.Tensor], **metadata: str) -> Path:
    facts = {"model": "phasenet", "options": "{}", "quakeline_weights_version": "1"}
    digest = weights.weights_id(state)
    safetensors.torch.save_file(state, path, {**facts, "weights_id": digest, **metadata})
    return path


def test_a_file_of_the_format_before(made, tmp_path):
    state = safetensors.torch.load_file(made)
    path = former(tmp_path / "x.safetensors", state)
    assert weights.card_of(path) == (PHASENET, WEIGHTS_ID)
    assert networks.read(path)[0] is PHASENET


def test_trained_weights_under_the_authors_name_are_refused(made, tmp_path):
    """As the format before wrote them."""
    state = {name: 2 * tensor for name, tensor in safetensors.torch.load_file(made).items()}
    path = former(tmp_path / "x.safetensors", state)
    message = refused(weights.card_of, path)
    assert "are called phasenet, whose own are 3c8ce53a41d3: weights that were trained" in message


# What somebody may write into a card.


def test_a_card_that_says_what_is_not_so(made, tmp_path):
    path = tmp_path / "x.safetensors"
    state = {name: 2 * tensor for name, tensor in safetensors.torch.load_file(made).items()}
    safetensors.torch.save_file(state, path, metadata_of(made))
    assert "the tensors are not those of its card, phasenet" in refused(weights.card_of, path)

    digest, weights_id = weights.digest_of(state), weights.weights_id(state)
    rewritten(path, replace(PHASENET, digest=digest), weights_id=weights_id)
    assert "are called phasenet, whose own are 3c8ce53a41d3" in refused(weights.card_of, path)

    borrowed = replace(PHASENET, digest=digest, name="mine")
    rewritten(path, borrowed, weights_id=weights_id)
    assert "its tensors are not theirs" in refused(weights.card_of, path)

    mine = replace(trained_from(PHASENET, name="mine"), digest=digest)
    rewritten(path, mine, weights_id=weights_id)
    assert weights.card_of(path)[0].parent.digest == PHASENET.digest

    strange = replace(mine, parent=replace(mine.parent, digest="0" * 64))
    rewritten(path, strange, weights_id=weights_id)
    assert "its parent phasenet has the tensors 000000000000" in refused(weights.card_of, path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sampling_rate_hz": 0.0}, "it is not so that sampling_rate_hz is above 0"),
        ({"blind_samples": 1500}, "blind_samples is 0 to half a window"),
        ({"components": "ZZ"}, "each component is named once"),
        ({"phases": ("P", "Q")}, "phases are classes"),
        ({"thresholds": {"P": 0.3}}, "every phase has a threshold"),
        ({"thresholds": {"P": 0.3, "S": 3.0}}, "thresholds are 0 to 1"),
        ({"window_samples": "long"}, "the card cannot be read: window_samples: "),
        ({"normalisation": "other"}, "the card cannot be read: normalisation: "),
    ],
)
def test_impossible_cards(tmp_path, change, words):
    path, state = tmp_path / "x.safetensors", {"a": torch.ones(2)}
    weights.save(path, state, NOBODYS)
    digest = weights.digest_of(state)
    rewritten(path, replace(NOBODYS, digest=digest, **change))
    message = refused(weights.card_of, path)
    assert words in message
    assert message.startswith(str(path))
