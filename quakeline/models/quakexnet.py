"""QuakeXNet: earthquake, explosion, noise or surface event, by spectrograms of 100 s.

Architecture and preparation: Kharita, A., Denolle, M., Hutko, A. & Hartog, J. R. (2024), AGU Fall
Meeting; its code is part of SeisSCOPED/QuakeScope (MIT). Weights: the authors' PyTorch file.
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

from quakeline.core.errors import WeightsError
from quakeline.models.event_cards import QUAKEXNET

_RATE_HZ = QUAKEXNET.sampling_rate_hz
#: Of the taper, the band-pass and the spectra.
_TAPERED, _BAND_HZ, _ORDER, _FRAME = 0.1, (1.0, 20.0), 4, 256
#: Added to what is divided by, as its authors do.
_LITTLE = 1e-10
#: Filters; every second convolution takes steps of two, behind the second and fourth is a pooling.
_FILTERS = (3, 8, 8, 16, 16, 32, 32, 64)
_POOLED = (1, 3)
_FLAT, _UNITS = 256, 128
_DROPOUT = 0.4


class QuakeXNet(nn.Module):
    """Probabilities of the classes of its card, shape (batch, 4), of images (batch, 3, 129, 38).

    Images are what `prepared` makes of windows.
    """

    def __init__(self, classes: str | int = len(QUAKEXNET.classes)) -> None:
        super().__init__()
        for number, (i, o) in enumerate(pairwise(_FILTERS)):
            step = 2 if number in (1, 3, 5) else 1
            self.add_module(f"conv{number + 1}", nn.Conv2d(i, o, 3, stride=step, padding=1))
            self.add_module(f"bn{number + 1}", nn.BatchNorm2d(o))
        self.fc1, self.fc1_bn = nn.Linear(_FLAT, _UNITS), nn.BatchNorm1d(_UNITS)
        self.fc2, self.fc2_bn = nn.Linear(_UNITS, int(classes)), nn.BatchNorm1d(int(classes))
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities of the classes."""
        x = images
        for number in range(len(_FILTERS) - 1):
            conv, norm = (getattr(self, f"{kind}{number + 1}") for kind in ("conv", "bn"))
            x = functional.relu(norm(conv(x)))
            if number in _POOLED:
                x = functional.max_pool2d(x, 2)
            if number in (*_POOLED, 5):
                x = self.dropout(x)
        x = self.dropout(x.flatten(1))
        x = functional.relu(self.fc1_bn(self.fc1(x)))
        return torch.softmax(self.fc2_bn(self.fc2(x)), dim=1)


def prepared(windows: np.ndarray) -> np.ndarray:
    """Images of windows (n, 3, 5000) at 50 Hz: power spectra, each from 0 to 1, (n, 3, 129, 38).

    Without trend, tapered, band-passed from 1 to 20 Hz, over the deviation of the absolute values.
    """
    x = scipy.signal.detrend(np.asarray(windows, float), axis=-1)
    x *= scipy.signal.windows.tukey(x.shape[-1], _TAPERED)
    x = scipy.signal.filtfilt(*scipy.signal.butter(_ORDER, _BAND_HZ, "band", fs=_RATE_HZ), x)
    x /= np.abs(x).std(axis=(1, 2), keepdims=True) + _LITTLE
    _, _, power = scipy.signal.spectrogram(
        x, _RATE_HZ, window="hann", nperseg=_FRAME, noverlap=_FRAME // 2
    )
    least, most = (f(power, axis=(2, 3), keepdims=True) for f in (np.min, np.max))
    return np.asarray((power - least) / (most - least + _LITTLE), np.float32)


def from_files(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read the authors' PyTorch file as a `state_dict`; nothing in it is run.

    Raises WeightsError for damaged files and for files of another network.
    """
    (path,) = files
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:  # what torch raises for a damaged file differs by its damage
        raise WeightsError(f"cannot read {path}: {' '.join(str(error).split())[:200]}") from None
    if not isinstance(state, dict) or not all(isinstance(v, Tensor) for v in state.values()):
        raise WeightsError(f"{path} holds no tensors by name: not the weights of QuakeXNet")
    return state
