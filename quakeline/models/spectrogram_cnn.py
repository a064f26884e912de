"""SpectrogramCNN of SeismicTorch: event or noise, by pictures of spectrograms of three components.

Three convolutions, each with batch normalisation, GELU, pooling and dropout, and three dense layers
(Gauss963/SeismicTorch). No weights of its authors are at hand: it is trained by `quakeline train`.
Its authors draw spectrograms with a plotting library and make the pictures smaller; here decibels
become shades of grey and are interpolated, which is the same without colours and frames.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import scipy
import torch
from torch import Tensor, nn
from torch.nn import functional

from quakeline.models.ancestry import NOT_STATED
from quakeline.models.cards import Card, GivenFiles
from quakeline.models.event_cards import EVENT, NOISE

_RATE_HZ = 100.0
#: Length of a window, the shortest of its authors.
WINDOW_S = 400.0
_FRAME = 256
#: Rows (frequencies, the highest first) and columns (times) of a picture; the brightest shade.
PICTURE, _WHITE = (100, 150), 255.0
#: What is so many decibels below the largest is black.
_RANGE_DB = 120.0
_CHANNELS, _UNITS, _FLAT = (3, 48, 96, 192), (1280, 64), 32_640
_DROPOUT = 0.1
#: Where P stands: as a share of the window.
_ONSET = (0.1, 0.3)


def card_for(window_s: float = WINDOW_S, classes: tuple[str, ...] = (EVENT, NOISE)) -> Card:
    """What it takes and gives, for windows of a length; its authors' are of 400 s at least."""
    return Card(
        name="spectrogram-cnn",
        network="spectrogram-cnn",
        citation=NOT_STATED,
        licence=NOT_STATED,
        training_data="",
        sampling_rate_hz=_RATE_HZ,
        window_samples=round(window_s * _RATE_HZ),
        hop_samples=round(window_s * _RATE_HZ / 2) + 1,
        blind_samples=0,
        components="ZEN",
        classes=classes,
        phases=(),
        thresholds={},
        normalisation="none",
        filter=None,
        output="event",
        source=GivenFiles("trained from scratch"),
        options={"classes": str(len(classes))},
        onset_s=(_ONSET[0] * window_s, _ONSET[1] * window_s),
    )


class SpectrogramCNN(nn.Module):
    """Probabilities of the classes, shape (batch, classes), of pictures (batch, 3, 100, 150).

    Pictures are what `prepared` makes of windows.
    """

    def __init__(self, classes: str | int = 2) -> None:
        super().__init__()
        widths = list(pairwise(_CHANNELS))
        self.conv = nn.ModuleList(nn.Conv2d(i, o, 3) for i, o in widths)
        self.norm = nn.ModuleList(nn.BatchNorm2d(o) for _, o in widths)
        self.dropout = nn.Dropout(_DROPOUT)
        self.dense = nn.ModuleList((nn.Linear(_FLAT, _UNITS[0]), nn.Linear(*_UNITS)))
        self.last = nn.Linear(_UNITS[1], int(classes))

    def forward(self, images: Tensor) -> Tensor:
        """Probabilities of the classes."""
        x = images
        for conv, norm in zip(self.conv, self.norm, strict=True):
            x = self.dropout(functional.max_pool2d(functional.gelu(norm(conv(x))), 2))
        x = x.flatten(1)
        for dense in self.dense:
            x = functional.gelu(dense(x))
        return torch.softmax(self.last(x), dim=1)


def prepared(windows: np.ndarray) -> np.ndarray:
    """Pictures of windows (n, 3, samples) at 100 Hz, shape (n, 3, 100, 150), 0 to 255.

    Power spectra behind a Hann window of 256 samples in steps of 128, in decibels, the highest
    frequency first; each component from black to white by its own least and largest value. A
    component without motion is black.
    """
    _, _, power = scipy.signal.spectrogram(
        np.asarray(windows, float), _RATE_HZ, window="hann", nperseg=_FRAME, noverlap=_FRAME // 2
    )
    most = power.max(axis=(2, 3), keepdims=True)
    least = np.where(most > 0, most, 1.0) * 10 ** (-_RANGE_DB / 10)
    decibels = 10 * np.log10(np.maximum(power, least))[:, :, ::-1]
    low, high = (f(decibels, axis=(2, 3), keepdims=True) for f in (np.min, np.max))
    grey = (decibels - low) * (_WHITE / np.where(high > low, high - low, 1.0))
    sized = functional.interpolate(
        torch.from_numpy(np.ascontiguousarray(grey, np.float32)), PICTURE, mode="bilinear",
        antialias=True,
    )  # fmt: skip
    return np.asarray(sized.numpy())
