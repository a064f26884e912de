"""seisclass: earthquake, explosion or collapse, by waveforms of a minute folded into an image.

Architecture and preparation: J. Zhao's seisclass 0.2.5 (MIT), pypi.org/project/seisclass. A
component is cut in 100 pieces of 60 samples, which are the rows of a picture. Weights: the author's
Keras file of three classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy
import torch
from torch import Tensor, nn
from torch.nn import functional

from quakeline.models import keras
from quakeline.models.event_cards import SEISCLASS

_BAND_HZ, _ORDER = (1.0, 20.0), 4
#: Rows and columns of the picture that a component becomes.
_PICTURE = (100, 60)
#: Input and output channels and length of the kernels, in the order of the Keras file.
_KERNELS = ((3, 32, 5), (32, 32, 3), (32, 32, 3), (32, 16, 3), (16, 16, 3), (16, 16, 3), (16, 6, 3))
#: Shape before the dense layers as Keras flattens it, and their units.
_FLATTENED, _UNITS = (12, 7, 6), (36, 16)
_DROPOUT = 0.2
_LEAST_DEVIATION = 1e-8


class SeisClass(nn.Module):
    """Probabilities of the classes of its card, shape (batch, 3), of images (batch, 3, 100, 60).

    Images are what `prepared` makes of windows.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.ModuleList(nn.Conv2d(i, o, k, padding=k // 2) for i, o, k in _KERNELS)
        sizes = (int(np.prod(_FLATTENED)), *_UNITS, len(SEISCLASS.classes))
        self.dense = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(sizes))
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities of the classes."""
        relu = functional.relu
        x = functional.max_pool2d(relu(self.conv[0](images)), 2)
        x = relu(x + self.conv[2](relu(self.conv[1](x))))
        x = self.dropout(functional.max_pool2d(relu(self.conv[3](x)), 2))
        x = relu(x + self.conv[5](relu(self.conv[4](x))))
        x = self.dropout(functional.max_pool2d(relu(self.conv[6](x)), 2))
        x = x.flatten(1)
        for layer in self.dense[:-1]:
            x = relu(layer(x))
        return torch.softmax(self.dense[-1](x), dim=1)


def prepared(windows: np.ndarray) -> np.ndarray:
    """Images of windows (n, 3, 6000) at 100 Hz, shape (n, 3, 100, 60).

    Without mean, band-passed from 1 to 20 Hz, each component without its mean over its deviation.
    """
    x = np.asarray(windows, float)
    x = x - x.mean(axis=-1, keepdims=True)
    sections = scipy.signal.butter(
        _ORDER, _BAND_HZ, "bandpass", fs=SEISCLASS.sampling_rate_hz, output="sos"
    )
    for _ in range(2):  # forwards, then backwards, each from rest
        x = scipy.signal.sosfilt(sections, x, axis=-1)[..., ::-1]
    x = x - x.mean(axis=-1, keepdims=True)
    deviation = x.std(axis=-1, keepdims=True)
    x = np.divide(x, deviation, out=x, where=deviation > _LEAST_DEVIATION)
    return np.asarray(x.reshape(*x.shape[:2], *_PICTURE), np.float32)


def from_files(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read the author's Keras file as a `state_dict`.

    Raises WeightsError for damaged files and for files of another network.
    """
    (path,) = files
    found = keras.read(path, SEISCLASS.name)
    state: dict[str, Tensor] = {}
    for number in range(len(_KERNELS)):
        state |= found.layer(f"conv2d[{number}]", f"conv.{number}")
    for number in range(len(_UNITS) + 1):
        state |= found.layer(f"dense[{number}]", f"dense.{number}")
    flat = found.take("dense[0]/kernel", (int(np.prod(_FLATTENED)), _UNITS[0]))
    ordered = flat.T.reshape(_UNITS[0], *_FLATTENED).permute(0, 3, 1, 2)
    state["dense.0.weight"] = ordered.flatten(1).contiguous()
    return state
