import json
import os

import pytest
import safetensors
from pydantic import ValidationError

from quakeline.core.errors import WeightsError
from quakeline.io.products import provenance
from quakeline.models import wheels
from quakeline.models.cards import CARDS, PHASENET, SEISMO_PERFORMER_V2, Wheel
from quakeline.models.networks import read as network
from quakeline.models.sections import Builtin
from quakeline.workflow.stages import weights

#: What each VERSION writes: raise VERSION when this changes.
GOLDEN = {
    1: {
        "phasenet": "3c8ce53a41d3",
        "eqtransformer-original": "c446f075717d",
        "eqtransformer-conservative": "2498b5caac8c",
        "gpd": "37b724cb55a1",
        "seismo-performer-v1": "1a59e1d69088",
        "seismo-performer-v2": "9e953d9435c2",
        "spec-cnn-v1": "6f7dd4fdaa36",
        "spec-cnn-v2": "1c31c5796b7e",
    }
}
FROM_WHEELS = [name for name, card in CARDS.items() if isinstance(card.source, Wheel)]
FROM_REPOSITORIES = [name for name in CARDS if name not in FROM_WHEELS]


@pytest.mark.parametrize("model", FROM_WHEELS)
def test_product_of_this_version(tmp_path, model):
    check_product(Builtin(model=model), tmp_path / "weights" / "x.safetensors")


@pytest.mark.parametrize("model", FROM_REPOSITORIES)
def test_product_of_this_version_from_a_folder(shared, tmp_path, model):
    folder = shared / "weights" / "seismo_performer"
    config = Builtin(model=model, path=str(folder))
    check_product(config, tmp_path / "weights" / "x.safetensors")


def check_product(config, product):
    weights.run(config, weights=product)
    card, _, weights_id = network(product)
    assert card is CARDS[config.model]
    assert weights_id == GOLDEN[weights.VERSION][card.name]
    assert [path.name for path in product.parent.iterdir()] == [product.name]


def test_product_carries_provenance(tmp_path):
    config = Builtin()
    record = provenance.Record("weights", weights.VERSION, config.plain())
    with provenance.recording(record):
        weights.run(config, weights=tmp_path / "w.safetensors")
    with safetensors.safe_open(tmp_path / "w.safetensors", "np") as file:
        stored = json.loads(file.metadata()[provenance.KEY])
    assert stored == record.as_json()


def test_the_product_is_a_path_for_another_run(tmp_path):
    first, second = tmp_path / "a.safetensors", tmp_path / "b.safetensors"
    weights.run(Builtin(), weights=first)
    weights.run(Builtin(path=str(first)), weights=second)
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
        weights.run(Builtin(), weights=product)
    assert not product.exists()
    weights.run(Builtin(path=str(folder)), weights=product)
    assert network(product)[0] is PHASENET


def test_failure_leaves_no_product(tmp_path):
    product = tmp_path / "w.safetensors"
    with pytest.raises(WeightsError, match="allowed are"):
        weights.run(Builtin(path="none.pth"), weights=product)
    assert list(tmp_path.iterdir()) == []


def test_repository_out_of_reach(shared, tmp_path, monkeypatch):
    """No server under the proxy's address: the same line as on a machine without a network."""
    monkeypatch.setenv("https_proxy", "http://127.0.0.1:9")
    monkeypatch.setenv("no_proxy", "")
    monkeypatch.setenv("QUAKELINE_CACHE", str(tmp_path / "cache"))
    product = tmp_path / "w.safetensors"
    with pytest.raises(WeightsError) as caught:
        weights.run(Builtin(model="seismo-performer-v2"), weights=product)
    (file,) = SEISMO_PERFORMER_V2.source.files
    message = str(caught.value)
    assert message.startswith("cannot fetch https://raw.githubusercontent.com/jamm1985/seismo-perf")
    assert "or give weights.path: a .safetensors file, a folder with the original" in message
    original = shared / "weights" / "seismo_performer" / file.name
    weights.run(Builtin(model="seismo-performer-v2", path=str(original)), weights=product)
    assert network(product)[0] is SEISMO_PERFORMER_V2


def test_another_scaler(shared, tmp_path):
    path = str(shared / "weights" / "seismo_performer")
    product = tmp_path / "w.safetensors"
    weights.run(Builtin(model="spec-cnn-v2", scaler="fixed", path=path), weights=product)
    card, module, weights_id = network(product)
    assert card.options == {"scaler": "fixed"} == {"scaler": module.spectrogram.scaler}
    assert weights_id != GOLDEN[weights.VERSION]["spec-cnn-v2"]


def test_scaler_of_a_network_without_a_spectrogram():
    with pytest.raises(ValidationError, match="scaler: 'fixed' given; gpd sees no spectrogram"):
        Builtin(model="gpd", scaler="fixed")
    assert Builtin(model="spec-cnn-v1", scaler="sample").card() is CARDS["spec-cnn-v1"]


def test_unknown_model_lists_the_known():
    with pytest.raises(ValidationError) as caught:
        Builtin(model="phasenet2")
    (error,) = caught.value.errors()
    assert error["loc"] == ("model",)
    allowed = f"allowed: {', '.join(CARDS)}"
    assert error["msg"] == f"Value error, did you mean phasenet? {allowed}"


def test_empty_path_is_a_mistake():
    with pytest.raises(ValidationError, match="path"):
        Builtin(path="")


def test_settings_are_described():
    schema = Builtin.model_json_schema()
    assert all(field["description"] for field in schema["properties"].values())
    assert schema["properties"]["model"]["enum"] == list(CARDS)
    assert Builtin().plain() == {
        "kind": "builtin",
        "model": "phasenet",
        "scaler": None,
        "path": None,
    }
    assert Builtin().card() is PHASENET
