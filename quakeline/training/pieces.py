"""Batches computed on CPUs in pieces, each by one thread.

PyTorch's own threads meet behind every operation, and a step of a small network has some hundreds
of them: most of the time is spent waiting, above all on processors that others use as well. Here a
thread takes a piece of a batch through the whole network, and threads meet once a step. Pieces have
the same size whatever the number of threads, and what they give is added in their order: any number
of threads gives the same bits.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property, partial
from types import TracebackType
from typing import TypeVar

import torch
from torch import Tensor, nn

from quakeline.models.cards import Card
from quakeline.training.losses import loss_of, total_of

Found = TypeVar("Found")

#: Windows of a piece, at least: with fewer, statistics of batch normalisation would be poor.
PIECE = 8
Norm = nn.modules.batchnorm._BatchNorm


class Pieces:
    """A network that learns from batches, or answers them, in pieces; used with `with`.

    Its state (training or not) is that at the beginning of the block. Each piece has a copy of the
    network with the same parameters and buffers of its own. Means and variances that batch
    normalisation keeps are the averages of those of the pieces.
    """

    def __init__(self, network: nn.Module, card: Card) -> None:
        self._network, self._card = network, card
        self._threads = torch.get_num_threads()
        self._copies: list[nn.Module] = []
        self._tried: bool | None = None

    def __enter__(self) -> Pieces:
        self._pool = ThreadPoolExecutor(
            self._threads, initializer=partial(torch.set_num_threads, 1)
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._pool.shutdown()
        torch.set_num_threads(self._threads)

    def answers(self, windows: Tensor) -> Tensor:
        """Output of the network, without gradients."""
        parts = _cut(windows)
        with torch.no_grad():
            if len(parts) == 1 or not self._can_be_copied:
                found: Tensor = self._network(windows)
                return found
        torch.set_num_threads(1)  # of this thread; the others have one each
        return torch.cat(self._on_threads(_answer, parts))

    def can_learn(self, windows: Tensor) -> bool:
        """Whether gradients in pieces are as good as those of the whole batch.

        Not those of networks that draw random numbers (dropout), in an order that threads would
        change; nor of networks with other buffers than those of batch normalisation that change
        from batch to batch (InstanceNorm that keeps means, spectral normalisation, counters), which
        the copies would keep to themselves; nor where the batch has few windows, or batch
        normalisation learns from windows that give one value each.
        """
        if len(_cut(windows)) == 1 or not self._can_be_copied:
            return False
        if self._norms and self._card.output != "samples":
            return False
        return not self._draws_or_remembers(windows)

    def learn(self, windows: Tensor, wanted: Tensor, weight: Tensor) -> Tensor:
        """Loss of a batch; its gradients are put into the parameters."""
        torch.set_num_threads(1)
        total = total_of(weight, self._card)
        task = partial(_gradients, card=self._card, total=total)
        found = self._on_threads(task, _cut(windows), _cut(wanted), _cut(weight))
        learnt = [p for p in self._network.parameters() if p.requires_grad]
        for number, parameter in enumerate(learnt):
            parameter.grad = _added([gradients[number] for _, gradients in found])
        self._average_norms(len(found))
        loss = _added([loss for loss, _ in found])
        assert loss is not None
        return loss

    def _on_threads(self, task: Callable[..., Found], *parts: Sequence[Tensor]) -> list[Found]:
        """What a task gives for each piece, in their order."""
        while len(self._copies) < len(parts[0]):
            self._copies.append(_copy(self._network))
        return list(self._pool.map(task, self._copies, *parts))

    @cached_property
    def _can_be_copied(self) -> bool:
        """Networks of users' own modules may refuse."""
        try:
            _copy(self._network)
        except (RuntimeError, TypeError, AttributeError):
            return False
        return True

    @cached_property
    def _norms(self) -> list[str]:
        """Batch normalisation that learns, by name."""
        return [
            name
            for name, module in self._network.named_modules()
            if isinstance(module, Norm) and module.training
        ]

    def _draws_or_remembers(self, windows: Tensor) -> bool:
        """Whether the network draws random numbers or changes other buffers; it is tried once."""
        if self._tried is None:
            tried, before = _copy(self._network), torch.get_rng_state()
            kept = self._other_buffers(self._network)
            self._pool.submit(_answer, tried, windows[:PIECE]).result()
            drawn = not torch.equal(before, torch.get_rng_state())
            torch.set_rng_state(before)
            self._tried = drawn or not _same(kept, self._other_buffers(tried))
        return self._tried

    def _other_buffers(self, network: nn.Module) -> dict[str, Tensor]:
        """Buffers that are not those of batch normalisation that learns, by name."""
        norms = set(self._norms)
        return {
            name: buffer
            for name, buffer in network.named_buffers()
            if name.rpartition(".")[0] not in norms
        }

    def _average_norms(self, pieces: int) -> None:
        """Give network and copies the mean of what batch normalisation keeps of the pieces."""
        for name in self._norms:
            own = [copied.get_submodule(name) for copied in self._copies[:pieces]]
            into = [
                self._network.get_submodule(name),
                *(c.get_submodule(name) for c in self._copies),
            ]
            for key, first in dict(own[0].named_buffers()).items():
                values = [one.get_buffer(key) for one in own]
                mean = torch.stack(values).mean(dim=0) if first.is_floating_point() else first
                for module in into:
                    module.get_buffer(key).copy_(mean.clone())


def _cut(batch: Tensor) -> tuple[Tensor, ...]:
    return torch.tensor_split(batch, max(len(batch) // PIECE, 1))


def _copy(network: nn.Module) -> nn.Module:
    """A copy with the same parameters and buffers of its own."""
    return copy.deepcopy(network, {id(one): one for one in network.parameters()})


def _same(some: dict[str, Tensor], others: dict[str, Tensor]) -> bool:
    return some.keys() == others.keys() and all(torch.equal(some[k], others[k]) for k in some)


def _answer(network: nn.Module, windows: Tensor) -> Tensor:
    with torch.no_grad():
        found: Tensor = network(windows)
    return found


def _gradients(
    network: nn.Module,
    windows: Tensor,
    wanted: Tensor,
    weight: Tensor,
    *,
    card: Card,
    total: Tensor,
) -> tuple[Tensor, tuple[Tensor | None, ...]]:
    """Loss of a piece, of which the loss of the batch is the sum, and its gradients."""
    loss = loss_of(network(windows).float(), wanted, weight, card, total)
    learnt = [one for one in network.parameters() if one.requires_grad]
    return loss.detach(), torch.autograd.grad(loss, learnt, allow_unused=True)


def _added(values: Sequence[Tensor | None]) -> Tensor | None:
    """The sum in the given order; None where there are none."""
    known = [value for value in values if value is not None]
    total = known[0].clone() if known else None
    for value in known[1:]:
        assert total is not None
        total += value
    return total
