"""Seismo-Performer and Spec-CNN, which share their front end."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from quakeline.core.errors import WeightsError
from quakeline.models import networks, seismo_performer, spec_cnn
from quakeline.models.cards import CARDS, SEISMO_PERFORMER_V1, SPEC_CNN_V1
from quakeline.models.originals import obtain
from quakeline.models.spectrogram import Spectrogram

REFERENCE_NAMES = {
    "seismo-performer-v1": "performer_v1",
    "seismo-performer-v2": "performer_v2",
    "spec-cnn-v1": "cnn_v1",
    "spec-cnn-v2": "cnn_v2",
}
PARAMETERS = {"seismo-performer": 57_123, "spec-cnn": 176_387 - 448}


@pytest.fixture(scope="module")
def folder(shared) -> str:
    return str(shared / "weights" / "seismo_performer")


@pytest.fixture(scope="module", params=REFERENCE_NAMES)
def card(request):
    return CARDS[request.param]


@pytest.fixture(scope="module")
def reference(shared) -> dict[str, np.ndarray]:
    with np.load(shared / "reference" / "ref_seismo_performer.npz") as arrays:
        return dict(arrays)


def trained(card, folder, scaler="sample") -> torch.nn.Module:
    card = replace(card, options={"scaler": scaler})
    return networks.load_state(card, obtain(card, folder)[0], folder)


def test_equals_the_original_network(card, folder, reference):
    assert str(reference["component_order"]) == card.components
    assert tuple(str(reference["classes"]).split(",")) == card.classes
    module, windows = trained(card, folder), torch.from_numpy(reference["input"])
    with torch.inference_mode():
        output = torch.cat([module(window[None]) for window in windows]).numpy()
    assert set(output.argmax(axis=1)) == {0, 1, 2}
    assert np.abs(output - reference[f"{REFERENCE_NAMES[card.name]}_batch1"]).max() < 2e-5


def test_equals_the_original_program_with_the_scaler_of_a_batch(card, folder, reference):
    with torch.inference_mode():
        output = trained(card, folder, "batch")(torch.from_numpy(reference["input"])).numpy()
    assert np.abs(output - reference[f"{REFERENCE_NAMES[card.name]}_batchall"]).max() < 2e-5


def test_scalers_differ(card, folder, reference):
    name = REFERENCE_NAMES[card.name]
    assert np.abs(reference[f"{name}_batch1"] - reference[f"{name}_batchall"]).max() > 0.02


def test_component_order_matters(card, folder, reference):
    swapped = np.ascontiguousarray(reference["input"][:, ::-1])
    with torch.inference_mode():
        output = trained(card, folder)(torch.from_numpy(swapped)).numpy()
    assert np.abs(output - reference[f"{REFERENCE_NAMES[card.name]}_batch1"]).max() > 0.05


def test_every_trained_variable_is_used(card, folder):
    parameters = trained(card, folder).parameters()
    assert sum(p.numel() for p in parameters) == PARAMETERS[card.network]


@pytest.mark.parametrize(("model", "suffix"), [("performer_v2", ""), ("cnn_v2", "_2")])
def test_spectrogram_equals_the_original_layers(reference, model, suffix):
    """Decibels near the floor, -50, are ruled by rounding: 1e-6 of 1e-3 is 0.004 dB."""
    front = Spectrogram("sample")
    window = torch.from_numpy(reference["input"][:1])
    power = front.power(window)
    decibels = front.decibels(power)
    steps = {
        "magnitude": (power.sqrt(), 3e-6),
        "magnitude_to_decibel": (decibels, 5e-3),
        "max_abs_scaler": (front.scaled(decibels), 1e-4),
    }
    for name, (ours, tolerance) in steps.items():
        theirs = reference[f"{model}_layer_{name}{suffix}"]
        assert np.abs(ours.permute(0, 2, 3, 1).numpy() - theirs).max() < tolerance, name


def test_spectrogram_of_a_tone():
    time = torch.arange(400) / 100
    window = torch.sin(2 * torch.pi * 12.5 * time).expand(1, 3, 400)
    power = Spectrogram().power(window)
    assert power.shape == (1, 3, 22, 33)
    assert set(power.argmax(dim=-1).flatten().tolist()) == {8}
    assert power[..., 8].sqrt().mean() == pytest.approx(16, rel=1e-3)


def test_scaler_of_a_window_does_not_see_its_neighbours():
    windows = torch.randn(3, 3, 400, generator=torch.Generator().manual_seed(1))
    windows[2] = 0
    single, batch, fixed = (Spectrogram(name)(windows) for name in ("sample", "batch", "fixed"))
    assert torch.equal(single[0], Spectrogram("sample")(windows[:1])[0])
    assert not torch.equal(batch[0], Spectrogram("batch")(windows[:1])[0])
    assert torch.allclose(batch, fixed), "silence anywhere: the largest value is that of the floor"
    assert single.abs().amax(dim=(1, 2, 3)).tolist() == [1, 1, 1]


def test_files_of_other_networks(shared, folder):
    performer, cnn = (
        shared / "weights" / "seismo_performer" / card.source.files[0].name
        for card in (SEISMO_PERFORMER_V1, SPEC_CNN_V1)
    )
    with pytest.raises(WeightsError, match="not the weights of Seismo-Performer: ClsTokenW is mi"):
        seismo_performer.from_files([cnn])
    with pytest.raises(WeightsError, match=r"not the weights of Spec-CNN: dense\[1\]/kernel is m"):
        spec_cnn.from_files([performer])
