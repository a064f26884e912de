import shutil

import h5py
import numpy as np
import pytest
import torch
from torch.nn import functional

from quakeline.core.errors import WeightsError
from quakeline.models import eqtransformer, wheels
from quakeline.models import lstm as recurrence
from quakeline.models.cards import EQTRANSFORMER_CONSERVATIVE, EQTRANSFORMER_ORIGINAL

CARDS = {"original": EQTRANSFORMER_ORIGINAL, "conservative": EQTRANSFORMER_CONSERVATIVE}


@pytest.fixture(scope="module", params=CARDS)
def variant(request) -> str:
    return request.param


@pytest.fixture(scope="module")
def trained(variant) -> eqtransformer.EQTransformer:
    return load(variant)


def load(variant: str) -> eqtransformer.EQTransformer:
    module = eqtransformer.EQTransformer(**CARDS[variant].options)
    module.load_state_dict(eqtransformer.from_files(wheels.fetch(CARDS[variant].source)))
    return module.eval()


@pytest.fixture
def reference(shared, variant) -> dict[str, np.ndarray]:
    with np.load(shared / "reference" / f"ref_eqt_{variant}.npz") as arrays:
        return dict(arrays)


def test_equals_the_original_network(trained, reference, variant):
    card = CARDS[variant]
    assert str(reference["component_order"]) == card.components
    assert card.classes == ("D", "P", "S")
    expected = np.stack([reference[name] for name in ("detection", "p", "s")], axis=1)
    with torch.inference_mode():
        output = trained(torch.from_numpy(reference["input"])).numpy()
    assert expected.max(axis=(0, 2)).min() > 0.5
    assert np.abs(output - expected).max() < 1e-5


def test_component_order_matters(trained, reference):
    swapped = np.ascontiguousarray(reference["input"][:, ::-1])
    with torch.inference_mode():
        output = trained(torch.from_numpy(swapped)).numpy()
    assert np.abs(output[:, 1] - reference["p"]).max() > 0.1


def test_every_trained_variable_is_used(trained, variant):
    """All but the bias of the four scores, which cancels."""
    weights = {"original": 373_495, "conservative": 378_311}[variant]
    zeros = 6 * 64 if variant == "original" else 0  # torch's second bias of its six LSTMs
    names = [name for name in trained.state_dict() if not name.endswith("num_batches_tracked")]
    assert sum(trained.state_dict()[name].numel() for name in names) == weights - 4 + zeros


def test_doubling_and_convolution_at_once():
    for kernel in (3, 5, 11):
        layer = eqtransformer._Grow(4, 6, kernel, cropped=False)
        x = torch.randn(2, 4, 9)
        expected = functional.relu(layer.conv(x.repeat_interleave(2, dim=-1)))
        assert torch.allclose(layer(x), expected, atol=1e-6)


def test_hard_gates_are_those_of_keras_2():
    """One LSTM by hand, gate by gate, from weights in Keras' order."""
    generator = torch.Generator().manual_seed(2)
    kernel, recurrent = (torch.randn(n, 64, generator=generator) for n in (5, 16))
    bias = torch.randn(64, generator=generator)
    lstm = recurrence.HardLstm(5, (True,))
    lstm.load_state_dict(recurrence.HardLstm.from_keras([kernel], [recurrent], [bias]))
    x = torch.randn(3, 5, 7, generator=generator)
    with torch.inference_mode():
        output = lstm(x)[:, 0]
    h = c = torch.zeros(3, 16)
    for step in reversed(range(7)):
        i, f, g, o = (x[..., step] @ kernel + h @ recurrent + bias).chunk(4, dim=-1)
        i, f, o = ((0.2 * gate + 0.5).clip(0, 1) for gate in (i, f, o))
        c = f * c + i * g.tanh()
        h = o * c.tanh()
        assert torch.allclose(output[..., step], h, atol=1e-5)


def test_file_of_another_network(tmp_path, variant):
    (original,) = wheels.fetch(CARDS[variant].source)
    path = tmp_path / original.name
    shutil.copy(original, path)
    with h5py.File(path, "a") as file:
        del file["model_weights/detector"]
    with pytest.raises(WeightsError, match=r"weights of EQTransformer: detector\[0\]/kernel is mi"):
        eqtransformer.from_files([path])
