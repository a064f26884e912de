"""The spectrogram that Seismo-Performer and Spec-CNN see: 22 steps of time, 33 frequencies.

Method: Stepnov, A., Chernykh, V. & Konovalov, A. (2021), The Seismo-Performer: a novel machine
learning approach for general and efficient seismic phase recognition from local earthquakes in real
time, Sensors 21, 6290, doi:10.3390/s21186290.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from quakeline.models.cards import Scaler

SAMPLES = 400
_FRAME = 64
_HOP = 16
STEPS = (SAMPLES - _FRAME) // _HOP + 1
FREQUENCIES = _FRAME // 2 + 1
_FLOOR = 1e-5
_RANGE_DB = 80.0
#: Decibels of the floor, the largest absolute value of a window with any silent sample.
_FIXED_DB = 50.0


class Spectrogram(nn.Module):
    """Short-time spectra in decibels, scaled to between -1 and 1.

    Frames of 64 samples behind a periodic Hann window, 16 samples apart, none over the ends. The
    transform is a product with a matrix: for 64 samples as fast as a fast one, and every runtime of
    ONNX knows it.

    Parameters
    ----------
    scaler
        What the decibels are divided by: "sample": the largest absolute value of the window itself;
        "batch": that of all windows of the batch, as the authors' program does, so that a result
        depends on what else is in the batch; "fixed": 50, which "batch" amounts to when any window
        of the batch is silent somewhere.
    """

    window: Tensor
    basis: Tensor

    def __init__(self, scaler: Scaler = "sample") -> None:
        super().__init__()
        self.scaler = scaler
        spectra = torch.fft.rfft(torch.eye(_FRAME, dtype=torch.float64))
        basis = torch.cat((spectra.real, spectra.imag), dim=1).float()
        self.register_buffer("basis", basis, persistent=False)
        self.register_buffer("window", torch.hann_window(_FRAME, periodic=True), persistent=False)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Scaled spectra, shape (batch, 3, 22, 33), of windows (batch, 3, 400)."""
        return self.scaled(self.decibels(self.power(waveforms)))

    def power(self, waveforms: Tensor) -> Tensor:
        """Squared magnitude of the short-time spectra, shape (batch, 3, 22, 33)."""
        pieces = waveforms.reshape(-1, 3, SAMPLES // _HOP, _HOP)
        overlap = _FRAME // _HOP
        frames = torch.cat([pieces[:, :, i : i + STEPS] for i in range(overlap)], dim=-1)
        spectra = torch.matmul(frames * self.window, self.basis)
        return spectra[..., :FREQUENCIES].square() + spectra[..., FREQUENCIES:].square()

    def decibels(self, power: Tensor) -> Tensor:
        """Ten times the logarithm of the magnitude, within 80 of each window's largest."""
        decibels = 5 * power.clamp_min(_FLOOR**2).log10()
        return decibels.maximum(decibels.amax(dim=(1, 2, 3), keepdim=True) - _RANGE_DB)

    def scaled(self, decibels: Tensor) -> Tensor:
        """Decibels over what the scaler says."""
        match self.scaler:
            case "sample":
                return decibels / decibels.abs().amax(dim=(1, 2, 3), keepdim=True)
            case "batch":
                return decibels / decibels.abs().amax()
            case "fixed":
                return decibels / _FIXED_DB
