"""Windows normalised as the engine normalises them, by PyTorch: networks train behind it."""

from __future__ import annotations

import torch
from torch import Tensor


def normalised(windows: Tensor, rule: str) -> Tensor:
    """What `quakeline.inference.windows.normalise` does, for training."""
    if rule == "none":
        return windows
    if rule in ("max", "scale"):
        largest = windows.abs().amax(dim=(1, 2), keepdim=True)
        scale = torch.exp2(torch.frexp(largest)[1].to(windows.dtype))
        return windows / torch.where(largest > 0, largest if rule == "max" else scale, 1)
    centred = windows - windows.mean(dim=2, keepdim=True)
    spread = centred.square().mean(dim=2, keepdim=True).sqrt()
    live = spread > 0
    scaled = centred / torch.where(live, spread, 1)
    if rule == "std-live":
        scaled = scaled * windows.shape[1] / live.sum(dim=1, keepdim=True).clamp(min=1)
    return scaled
