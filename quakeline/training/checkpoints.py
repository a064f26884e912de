"""What training goes on from when it was stopped, in a file that is there whole or not at all.

Tensors of the network, of its best epoch and of the optimizer, and the state of PyTorch's random
numbers, as safetensors: nothing is unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from quakeline.core.errors import ConfigError, DataError
from quakeline.io.products.atomic import replacing, writing

_STATE, _RANDOM = "state", "random"


@dataclass
class Progress:
    """How far training is.

    `history` has a row for each epoch, the first of them for the weights it began with; `best` is
    the state of the network after the epoch `best_epoch`.
    """

    recipe: str
    history: list[dict[str, float]] = field(default_factory=list)
    best_epoch: int = 0
    best_loss: float = float("inf")
    best: dict[str, Tensor] = field(default_factory=dict)

    @property
    def epochs(self) -> int:
        """Epochs that are done."""
        return max(len(self.history) - 1, 0)


def save(
    path: Path, progress: Progress, network: nn.Module, optimizer: torch.optim.Optimizer
) -> None:
    """Write the state after an epoch. Raises OutputError where it cannot be written."""
    tensors = {f"network.{name}": value for name, value in network.state_dict().items()}
    tensors |= {f"best.{name}": value for name, value in progress.best.items()}
    for number, values in optimizer.state_dict()["state"].items():
        tensors |= {f"optimizer.{number}.{name}": value for name, value in values.items()}
    tensors[_RANDOM] = torch.get_rng_state()
    whole = {name: value.detach().cpu().contiguous().clone() for name, value in tensors.items()}
    facts = {
        "recipe": progress.recipe,
        "history": progress.history,
        "best_epoch": progress.best_epoch,
        "best_loss": progress.best_loss,
    }
    with replacing(path) as temporary:
        temporary.write_bytes(safetensors.torch.save(whole, {_STATE: json.dumps(facts)}))


def load(path: Path, recipe: str, network: nn.Module, optimizer: torch.optim.Optimizer) -> Progress:
    """Bring network, optimizer and random numbers back to where a file says they were.

    Raises
    ------
    DataError
        The file is damaged.
    ConfigError
        It is of another training: other settings, records or weights.
    """
    facts, tensors = _read(path)
    if facts["recipe"] != recipe:
        raise ConfigError(
            f"{path} is of a training with other settings, records or weights: give these again, or"
            " remove it to begin anew"
        )
    network.load_state_dict(_below(tensors, "network."))
    _restore(optimizer, _below(tensors, "optimizer."))
    torch.set_rng_state(tensors[_RANDOM])
    best = _below(tensors, "best.")
    return Progress(recipe, facts["history"], facts["best_epoch"], facts["best_loss"], best)


def keep_own(path: Path, recipe: str) -> bool:
    """Remove a file of another training, or a damaged one; whether one was there and removed."""
    if not path.is_file():
        return False
    try:
        is_own = _read(path)[0]["recipe"] == recipe
    except DataError:
        is_own = False
    if not is_own:
        with writing(path):
            path.unlink()
    return not is_own


def _read(path: Path) -> tuple[dict[str, Any], dict[str, Tensor]]:
    """What a file states, and its tensors. Raises DataError where it is damaged."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            facts: dict[str, Any] = json.loads((file.metadata() or {})[_STATE])
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, KeyError, ValueError, safetensors.SafetensorError) as error:
        raise DataError(f"{path} is damaged: remove it to begin anew") from error
    return facts, tensors


def _below(tensors: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    return {k.removeprefix(prefix): v for k, v in tensors.items() if k.startswith(prefix)}


def _restore(optimizer: torch.optim.Optimizer, tensors: Mapping[str, Tensor]) -> None:
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        number, _, key = name.partition(".")
        state.setdefault(int(number), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})
