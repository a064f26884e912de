"""EarthquakeCNN of SeismicTorch: P, S or noise in 2 s of three components at 40 Hz.

Three convolutions along time, each with batch normalisation, GELU, pooling and dropout, and three
dense layers. No weights of its authors are at hand: it is trained by `quakeline train`.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

_CHANNELS, _UNITS, _POOL = (16, 32, 64), (64, 16), 3
_DROPOUT = 0.1


class EarthquakeCNN(nn.Module):
    """Probabilities of P, S and noise, shape (batch, 3), of windows (batch, 3, 80).

    Kernels are 3 samples long and one component wide, so that components meet in the dense layers.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = list(zip((1, *_CHANNELS), _CHANNELS, strict=False))
        self.conv = nn.ModuleList(nn.Conv2d(i, o, (3, 1)) for i, o in widths)
        self.norm = nn.ModuleList(nn.BatchNorm2d(n) for n in _CHANNELS)
        self.dropout = nn.Dropout(_DROPOUT)
        self.dense = nn.ModuleList((nn.Linear(384, _UNITS[0]), nn.Linear(*_UNITS)))
        self.last = nn.Linear(_UNITS[1], 3)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Probabilities of P, S, N, shape (batch, 3), of windows (batch, 3, 80)."""
        x = waveforms.transpose(1, 2).unsqueeze(1)
        for conv, norm in zip(self.conv, self.norm, strict=True):
            x = functional.max_pool2d(functional.gelu(norm(conv(x))), (_POOL, 1))
            x = self.dropout(x)
        x = x.flatten(1)
        for dense in self.dense:
            x = functional.gelu(dense(x))
        return torch.softmax(self.last(x), dim=1)
