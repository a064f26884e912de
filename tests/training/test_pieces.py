"""Batches that threads compute in pieces, against PyTorch's own computation of the whole batch."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from quakeline.models.cards import PHASENET
from quakeline.training.losses import loss_of
from quakeline.training.pieces import Pieces

CARD = replace(PHASENET, window_samples=64, blind_samples=5)


def small(dropout: float = 0.0) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv1d(3, 6, 5, padding=2), nn.BatchNorm1d(6), nn.ReLU(), nn.Dropout(dropout),
        nn.Conv1d(6, 3, 5, padding=2), nn.Softmax(dim=1),
    )  # fmt: skip


class Counting(nn.Module):
    """Answers what it is given and counts how often it was asked."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("steps", torch.zeros(()))

    def forward(self, x: Tensor) -> Tensor:
        if self.training:
            self.steps += 1
        return x


def with_layer(layer: nn.Module) -> nn.Sequential:
    return nn.Sequential(layer, *small()).train()


def spectral() -> nn.Module:
    return nn.utils.parametrizations.spectral_norm(nn.Conv1d(3, 3, 3, padding=1))


def batch(n: int) -> tuple[Tensor, Tensor, Tensor]:
    torch.manual_seed(4)
    wanted = torch.softmax(torch.randn(n, 3, 64), dim=1)
    return torch.randn(n, 3, 64), wanted, (torch.rand(n, 64) > 0.2).float()


def learnt(network: nn.Module, threads: int, n: int = 35) -> tuple[Tensor, list[Tensor]]:
    torch.set_num_threads(threads)
    with Pieces(network, CARD) as pieces:
        windows, wanted, weight = batch(n)
        assert pieces.can_learn(windows)
        loss = pieces.learn(windows, wanted, weight)
    assert torch.get_num_threads() == threads
    gradients = [one.grad for one in network.parameters()]
    return loss, [one for one in gradients if one is not None]


def test_gradients_are_those_of_the_whole_batch() -> None:
    network = small()
    network[1].eval()
    loss, gradients = learnt(network, 2)
    windows, wanted, weight = batch(35)
    whole = loss_of(network(windows), wanted, weight, CARD)
    expected = torch.autograd.grad(whole, list(network.parameters()))
    assert whole > 0.1
    torch.testing.assert_close(loss, whole.detach())
    torch.testing.assert_close(gradients, list(expected))


def test_any_number_of_threads_gives_the_same_bits() -> None:
    made = []
    for threads in (1, 2, 3):
        network = small().train()
        loss, gradients = learnt(network, threads)
        norm = network[1]
        assert isinstance(norm, nn.BatchNorm1d)
        assert norm.running_mean is not None
        assert norm.running_var is not None
        made.append([loss, *gradients, norm.running_mean, norm.running_var])
    for other in made[1:]:
        assert all(torch.equal(a, b) for a, b in zip(made[0], other, strict=True))


def test_kept_means_are_the_averages_of_pieces() -> None:
    network = small().train()
    learnt(network, 2)
    norm, first = network[1], network[0]
    assert isinstance(norm, nn.BatchNorm1d)
    with torch.no_grad():
        pieces = torch.tensor_split(batch(35)[0], 4)
        mean = torch.stack([first(one).mean(dim=(0, 2)) for one in pieces]).mean(dim=0)
    assert norm.running_mean is not None
    torch.testing.assert_close(norm.running_mean, 0.1 * mean)
    assert norm.num_batches_tracked == 1


@pytest.mark.parametrize(
    ("network", "card", "n"),
    [
        (small(0.2).train(), CARD, 35),  # random numbers
        (small().train(), CARD, 15),  # one piece
        (small().train(), replace(CARD, output="window"), 35),  # statistics of single values
        (with_layer(nn.InstanceNorm1d(3, track_running_stats=True)), CARD, 35),  # kept means
        (with_layer(spectral()), CARD, 35),  # vectors that approach singular ones
        (with_layer(Counting()), CARD, 35),
    ],
)
def test_what_is_not_cut(network: nn.Module, card: object, n: int) -> None:
    windows, state = batch(n)[0], torch.get_rng_state()
    buffers = {name: one.clone() for name, one in network.named_buffers()}
    with Pieces(network, card) as pieces:  # type: ignore[arg-type]
        assert not pieces.can_learn(windows)
    torch.testing.assert_close(dict(network.named_buffers()), buffers)
    assert torch.equal(state, torch.get_rng_state())


def test_buffers_that_stay_are_no_hindrance() -> None:
    network = with_layer(Counting())
    network[0].eval()
    loss, gradients = learnt(network, 2)
    assert loss > 0.1
    assert all(one.any() for one in gradients)


def test_answers_are_those_of_the_network() -> None:
    network, windows = small().eval(), batch(35)[0]
    with torch.no_grad(), Pieces(network, CARD) as pieces:
        torch.testing.assert_close(pieces.answers(windows), network(windows))
