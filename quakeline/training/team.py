"""Processes that train one network together, each on a GPU of its own: those of `torchrun`.

Each takes its share of every batch, and gradients are averaged (PyTorch's DistributedDataParallel).
The first one writes and tells.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeVar

import torch
from torch import distributed, nn

from quakeline.core.errors import ConfigError

Item = TypeVar("Item")


@dataclass(frozen=True)
class Team:
    """The processes of a training: which of them this is, and how many there are."""

    rank: int = 0
    size: int = 1

    @classmethod
    def of_environment(cls) -> Team:
        """The team that `torchrun` started; a process alone where it did not.

        Raises ConfigError where its variables are no numbers.
        """
        said = {name: os.environ.get(name, "") for name in ("RANK", "WORLD_SIZE")}
        if not said["WORLD_SIZE"]:
            return cls()
        if not all(text.isdecimal() for text in said.values()):
            raise ConfigError(f"RANK and WORLD_SIZE: {said} given; torchrun sets them to numbers")
        return cls(int(said["RANK"]), max(int(said["WORLD_SIZE"]), 1))

    def join(self, device: torch.device) -> None:
        """Meet the others, by the means that the device has."""
        if self.size > 1 and not distributed.is_initialized():
            distributed.init_process_group("nccl" if device.type == "cuda" else "gloo")

    def leave(self) -> None:
        """Part from the others."""
        if self.size > 1 and distributed.is_initialized():
            distributed.destroy_process_group()

    def share(self, items: Sequence[Item]) -> Sequence[Item]:
        """What of a batch is this one's; all of a batch that has fewer items than processes."""
        return items[self.rank :: self.size] if len(items) >= self.size else items

    def together(self, network: nn.Module) -> nn.Module:
        """The network as one that learns what all see."""
        if self.size == 1:
            return network
        place = next(network.parameters()).device
        return nn.parallel.DistributedDataParallel(
            network, device_ids=[place.index] if place.type == "cuda" else None
        )

    def agreed(self, value: float, device: torch.device) -> float:
        """The value that the first one has: all decide by the same."""
        if self.size == 1:
            return value
        told = torch.tensor([value], dtype=torch.float64, device=device)
        distributed.broadcast(told, 0)
        return float(told.item())
