"""Where networks run: GPUs of this machine, or the CPU."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from quakeline.core.errors import ConfigError

if TYPE_CHECKING:
    import torch


_NAMES = ("auto", "cpu", "cuda")
#: Files of /dev where a GPU may be: NVIDIA's driver, Jetson, WSL2, ROCm.
_SIGNS = ("nvidia[0-9]*", "nvhost-gpu", "nvgpu", "dxg", "kfd")


def gpus(asked: bool = False) -> list[torch.device]:
    """The usable GPUs, as torch says; `asked`: somebody named one.

    Loading torch takes a second: unless it is loaded or a GPU was asked for, a machine without any
    sign of one has none.
    """
    if not asked and "torch" not in sys.modules and not has_signs(Path("/dev")):
        return []
    import torch

    return [torch.device("cuda", n) for n in range(torch.cuda.device_count())]


def has_signs(devices: Path) -> bool:
    """Whether a folder of devices, /dev, has files where a GPU may be."""
    return any(next(devices.glob(sign), None) for sign in _SIGNS)


def require_known(wanted: str) -> None:
    """Raise ConfigError for what names no device."""
    if wanted not in _NAMES:
        raise ConfigError(f"device: {wanted!r} given; allowed: {', '.join(_NAMES)}")


def on_gpu(wanted: str) -> bool:
    """Whether "auto", "cpu" or "cuda" means a GPU here.

    Raises ConfigError where there is none, and for other names.
    """
    require_known(wanted)
    if wanted == "cpu":
        return False
    usable = bool(gpus(asked=wanted == "cuda"))
    if wanted == "cuda" and not usable:
        raise ConfigError(
            "device: 'cuda' given; this machine has no usable GPU; allowed here: auto, cpu"
        )
    return usable
