"""Where networks run: GPUs of this machine, or the CPU."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    import torch


def gpus() -> list[torch.device]:
    """The usable GPUs; looks without loading torch first, which takes a second."""
    if not any(Path("/dev").glob("nvidia[0-9]*")):
        return []
    import torch

    return [torch.device("cuda", n) for n in range(torch.cuda.device_count())]


def on_gpu(wanted: str) -> bool:
    """Whether "auto", "cpu" or "cuda" means a GPU here. Raises ConfigError where there is none."""
    if wanted == "cpu":
        return False
    usable = bool(gpus())
    if wanted == "cuda" and not usable:
        raise ConfigError(
            "device: 'cuda' given; this machine has no usable GPU; allowed here: auto, cpu"
        )
    return usable
