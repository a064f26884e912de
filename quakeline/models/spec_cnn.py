"""Spec-CNN: whether the middle of a short window is P, S or noise, by its spectrogram.

Method: Stepnov, A., Chernykh, V. & Konovalov, A. (2021), Sensors 21, 6290, doi:10.3390/s21186290,
where it stands beside Seismo-Performer. Weights: the authors' Keras files.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from quakeline.models import keras
from quakeline.models.cards import Scaler
from quakeline.models.spectrogram import FREQUENCIES, STEPS, Spectrogram

_FILTERS = (32, 64, 128)
#: Shape of the last convolution's output, (time, frequency, channel), as Keras flattens it.
_FLATTENED = (STEPS // 8, FREQUENCIES // 8, _FILTERS[-1])
_UNITS = 80
_EPSILON = 1e-3
#: Of values before each dense layer, in training.
_DROPOUT = 0.5


class SpecCNN(nn.Module):
    """Spec-CNN as trained: probabilities of P, S and noise of a window of four seconds.

    Input: (batch, 3, 400) float32 in the component order N, E, Z, the whole window divided by its
    largest absolute value. Output: (batch, 3), the probabilities of P, S, N at the window's middle,
    which add up to one.

    Parameters
    ----------
    scaler
        How spectrograms are scaled, see `Spectrogram`.
    """

    def __init__(self, scaler: Scaler = "sample") -> None:
        super().__init__()
        self.spectrogram = Spectrogram(scaler)
        widths = pairwise((3, *_FILTERS))
        self.conv = nn.ModuleList(nn.Conv2d(i, o, 3, padding=1) for i, o in widths)
        self.norm = nn.ModuleList(nn.BatchNorm2d(n, eps=_EPSILON) for n in _FILTERS)
        time, frequency, channel = _FLATTENED
        self.dense = nn.Linear(time * frequency * channel, _UNITS)
        self.last = nn.Linear(_UNITS, 3)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Probabilities of P, S, N, shape (batch, 3), of windows (batch, 3, 400)."""
        x = self.spectrogram(waveforms)
        for conv, norm in zip(self.conv, self.norm, strict=True):
            x = functional.max_pool2d(functional.relu(norm(conv(x))), 2)
        x = functional.relu(self.dense(self.dropout(x.flatten(1))))
        return torch.softmax(self.last(self.dropout(x)), dim=1)


def from_files(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read one of the authors' Keras files as a `state_dict`.

    Raises WeightsError for damaged files and for files of another network.
    """
    (path,) = files
    found = keras.read(path, "Spec-CNN")
    state = found.layer("dense[0]", "dense") | found.layer("dense[1]", "last")
    for i in range(len(_FILTERS)):
        state |= found.layer(f"conv2d[{i}]", f"conv.{i}")
        state |= found.batch_norm(f"batch_normalization[{i}]", f"norm.{i}")
    time, frequency, channel = _FLATTENED
    found.take("dense[0]/kernel", (time * frequency * channel, _UNITS))
    flat = state["dense.weight"].reshape(_UNITS, *_FLATTENED)
    state["dense.weight"] = flat.permute(0, 3, 1, 2).flatten(1).contiguous()
    return state
