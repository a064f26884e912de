import json
import os

import pytest
from pydantic import ValidationError

from quakeline.errors import WeightsError
from quakeline.io import provenance
from quakeline.models import wheels
from quakeline.models.cards import CARDS, PHASENET
from quakeline.models.weights import load, network
from quakeline.stages import weights

#: What each VERSION writes: raise VERSION when this changes.
GOLDEN = {1: {"phasenet": "3c8ce53a41d3"}}


def test_product_of_this_version(tmp_path):
    product = tmp_path / "weights" / "phasenet.safetensors"
    weights.run(weights.Config(), weights=product)
    card, _, weights_id = network(product)
    assert card is PHASENET
    assert weights_id == GOLDEN[weights.VERSION][card.name]
    assert [path.name for path in product.parent.iterdir()] == [product.name]


def test_product_carries_provenance(tmp_path):
    config = weights.Config()
    record = provenance.Record("weights", weights.VERSION, config.plain())
    with provenance.recording(record):
        weights.run(config, weights=tmp_path / "w.safetensors")
    stored = json.loads(load(tmp_path / "w.safetensors")[2][provenance.KEY])
    assert stored == record.as_json()


def test_the_product_is_a_path_for_another_run(tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    weights.run(weights.Config(), weights=first)
    weights.run(weights.Config(path=str(first)), weights=second)
    assert first.read_bytes() == second.read_bytes()


def test_machine_without_a_network(tmp_path, monkeypatch):
    folder = wheels.fetch(PHASENET.source)[0].parent
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "cache"))
    product = tmp_path / "w.safetensors"
    with pytest.raises(WeightsError, match=r"cannot fetch .*weights\.path"):
        weights.run(weights.Config(), weights=product)
    assert not product.exists()
    weights.run(weights.Config(path=str(folder)), weights=product)
    assert network(product)[0] is PHASENET


def test_failure_leaves_no_product(tmp_path):
    product = tmp_path / "w.safetensors"
    with pytest.raises(WeightsError, match="allowed are"):
        weights.run(weights.Config(path="none.pth"), weights=product)
    assert list(tmp_path.iterdir()) == []


def test_unknown_model_lists_the_known():
    with pytest.raises(ValidationError) as caught:
        weights.Config(model="phasenet2")
    (error,) = caught.value.errors()
    assert error["loc"] == ("model",)
    assert error["msg"] == f"Value error, allowed: {', '.join(CARDS)}"


def test_empty_path_is_a_mistake():
    with pytest.raises(ValidationError, match="path"):
        weights.Config(path="")


def test_settings_are_described():
    schema = weights.Config.model_json_schema()
    assert all(field["description"] for field in schema["properties"].values())
    assert schema["properties"]["model"]["enum"] == list(CARDS)
    assert weights.Config().plain() == {"model": "phasenet", "path": None}
    assert weights.Config().card() is PHASENET
