"""What every card promises, over the registry."""

import inspect
import re
import subprocess
import sys
from dataclasses import replace
from typing import get_args

import pytest
import torch

from quakeline.core.errors import ConfigError
from quakeline.models import networks
from quakeline.models.card_text import as_text, from_text
from quakeline.models.cards import CARDS, Repository, Scaler, Wheel
from quakeline.models.names import known
from quakeline.models.windowing import Windowing

everyone = pytest.mark.parametrize("card", CARDS.values(), ids=CARDS.keys())


def test_names_are_unique_and_plain():
    assert len(CARDS) == 8
    for name, card in CARDS.items():
        assert card.name == name
        assert re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name)
        assert name.startswith(card.network)


def test_every_network_has_a_card():
    assert {card.network for card in CARDS.values()} == set(networks.NETWORKS)


@everyone
def test_texts(card):
    assert re.search(r"\(\d{4}\).*doi:10\.\d{4,}/\S+$", card.citation)
    assert card.licence.startswith("MIT (")
    assert card.training_data


@everyone
def test_window_and_hop(card):
    assert card.sampling_rate_hz == 100
    assert 0 < card.hop_samples < card.window_samples
    assert card.hop_samples % 100
    if card.output == "samples":
        seen = card.window_samples - 2 * card.blind_samples
        assert 0 < card.hop_samples <= seen, "every sample lies in some window's useful part"
    else:
        assert card.blind_samples == 0


@everyone
def test_components_classes_and_thresholds(card):
    assert sorted(card.components) == ["E", "N", "Z"]
    assert len(set(card.classes)) == len(card.classes)
    assert set(card.phases) <= set(card.classes)
    assert set(card.phases) == {"P", "S"} == set(card.thresholds)
    assert all(0 < threshold < 1 for threshold in card.thresholds.values())


@everyone
def test_filter(card):
    if card.filter is not None:
        corners = [c for c in (card.filter.low_hz, card.filter.high_hz) if c is not None]
        assert corners == sorted(corners)
        assert all(0 < corner < card.sampling_rate_hz / 2 for corner in corners)
        assert card.filter.order > 0


@everyone
def test_source(card):
    assert card.source.files
    assert len({file.name for file in card.source.files}) == len(card.source.files)
    for file in card.source.files:
        assert re.fullmatch(r"[0-9a-f]{64}", file.sha256)
        assert not file.path.startswith("/")
    match card.source:
        case Wheel():
            assert "==" in card.source.requirement
        case Repository():
            assert re.fullmatch(r"https://\S+/[0-9a-f]{40}", card.source.url)


def test_no_two_cards_have_the_same_files():
    digests = [card.source.files[0].sha256 for card in CARDS.values()]
    assert len(set(digests)) == len(digests)


@everyone
def test_card_can_be_a_key_and_is_described(card):
    assert {card: 1}[replace(card)] == 1
    assert known(from_text(as_text(card))) is card


@everyone
@pytest.mark.parametrize("batch", [1, 3])
def test_network_of_the_card(card, batch):
    network = networks.build(card).eval()
    assert list(inspect.signature(network.forward).parameters) == ["waveforms"]
    windows = torch.randn(batch, len(card.components), card.window_samples)
    windows[:, 0] = 0
    with torch.inference_mode():
        output = network(windows)
    samples = (card.window_samples,) if card.output == "samples" else ()
    assert output.shape == (batch, len(card.classes), *samples)
    assert output.dtype == torch.float32
    assert bool(((output >= 0) & (output <= 1)).all())


@everyone
def test_window_of_silence(card):
    network = networks.build(card).eval()
    with torch.inference_mode():
        output = network(torch.zeros(2, len(card.components), card.window_samples))
    assert bool(output.isfinite().all())


@everyone
def test_windows_of_a_batch_are_independent(card):
    network = networks.build(card).eval()
    generator = torch.Generator().manual_seed(4)
    batch = torch.randn(4, len(card.components), card.window_samples, generator=generator)
    batch[1] *= 1e-3
    with torch.inference_mode():
        together, alone = network(batch), torch.cat([network(window[None]) for window in batch])
    assert torch.abs(together - alone).max() < 2e-6


@everyone
def test_gradients_flow(card):
    network = networks.build(card).train()
    network(torch.randn(2, len(card.components), card.window_samples)).square().sum().backward()
    gradients = [parameter.grad for parameter in network.parameters()]
    assert all(gradient is not None and gradient.isfinite().all() for gradient in gradients)


def test_options_name_arguments_of_the_network():
    for card in CARDS.values():
        arguments = inspect.signature(networks.NETWORKS[card.network].build).parameters
        assert set(card.options) == set(arguments)
        assert card.options.get("scaler", "sample") in get_args(Scaler)


def test_reading_cards_and_metadata_leaves_torch_out():
    program = "import sys, quakeline.models.cards, quakeline.models.weights; print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "quakeline.models.weights" in done.stdout.split()
    assert "torch" not in done.stdout.split()


def test_the_authors_normalisation_is_for_networks_that_divide_by_the_largest_value():
    scan = Windowing(normalisation="max-600s")
    assert scan.on(CARDS["seismo-performer-v2"]).normalisation == "max-600s"
    with pytest.raises(ConfigError, match=r"'max-600s' given; phasenet has 'std-live'; allowed"):
        scan.on(CARDS["phasenet"])
