"""GPD, generalized phase detection: whether the middle of a short window is P, S or noise.

Method: Ross, Z. E., Meier, M.-A., Hauksson, E. & Heaton, T. H. (2018), Generalized seismic phase
detection with deep learning, Bulletin of the Seismological Society of America 108, 2894-2901,
doi:10.1785/0120180080. Weights: the authors' Keras model.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from quakeline.models import keras

_FILTERS = (32, 64, 128, 256)
_KERNELS = (21, 15, 11, 9)
#: Samples of a window after the convolutions, each of which halves them: 400 / 16.
_STEPS = 25
_UNITS = 200
_EPSILON = 1e-3


class GPD(nn.Module):
    """GPD as trained: probabilities of P, S and noise of a window of four seconds.

    Input: (batch, 3, 400) float32 in the component order N, E, Z, the whole window divided by its
    largest absolute value. Output: (batch, 3), the probabilities of P, S, N at the window's middle,
    which add up to one.
    """

    def __init__(self) -> None:
        super().__init__()
        widths = zip(pairwise((3, *_FILTERS)), _KERNELS, strict=True)
        self.conv = nn.ModuleList(nn.Conv1d(i, o, k, padding=k // 2) for (i, o), k in widths)
        self.conv_norm = nn.ModuleList(nn.BatchNorm1d(n, eps=_EPSILON) for n in _FILTERS)
        sizes = pairwise((_FILTERS[-1] * _STEPS, _UNITS, _UNITS))
        self.dense = nn.ModuleList(nn.Linear(i, o) for i, o in sizes)
        self.dense_norm = nn.ModuleList(nn.BatchNorm1d(_UNITS, eps=_EPSILON) for _ in range(2))
        self.last = nn.Linear(_UNITS, 3)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Probabilities of P, S, N, shape (batch, 3), of windows (batch, 3, 400)."""
        x = waveforms
        for conv, norm in zip(self.conv, self.conv_norm, strict=True):
            x = functional.max_pool1d(functional.relu(norm(conv(x))), 2)
        x = x.flatten(1)
        for dense, norm in zip(self.dense, self.dense_norm, strict=True):
            x = functional.relu(norm(dense(x)))
        return torch.softmax(self.last(x), dim=1)


def from_files(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read the authors' Keras file as a `state_dict`.

    Raises WeightsError for damaged files and for files of another network.
    """
    (path,) = files
    found = keras.read(path, "GPD")
    # The file is of a copy of the network for several GPUs: its layers' names end in one more _1.
    state = found.layer("dense_3[0]", "last")
    for i in range(len(_KERNELS)):
        state |= found.layer(f"conv1d_{i + 1}[0]", f"conv.{i}")
        state |= found.batch_norm(f"batch_normalization_{i + 1}[0]", f"conv_norm.{i}")
    for i in range(2):
        state |= found.layer(f"dense_{i + 1}[0]", f"dense.{i}")
        norm = f"batch_normalization_{len(_KERNELS) + i + 1}[0]"
        state |= found.batch_norm(norm, f"dense_norm.{i}")
    # Keras flattens (time, channel), torch (channel, time).
    found.take("dense_1[0]/kernel", (_STEPS * _FILTERS[-1], _UNITS))
    by_time = state["dense.0.weight"].reshape(_UNITS, _STEPS, _FILTERS[-1])
    state["dense.0.weight"] = by_time.transpose(1, 2).flatten(1).contiguous()
    return state
