"""Fibre data for tests, and a small network."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import xdas

from quakeline import DASModel, DASPickingCallback, PatchingStructure

START = np.datetime64("2024-01-01T00:00:00", "ns")


def times(*stretches: tuple[float, int], rate: float = 100.0) -> dict[str, Any]:
    """Time coordinate of stretches (begin in s, samples), each gapless."""
    indices: list[int] = []
    values: list[np.datetime64] = []
    first = 0
    for begin, n in stretches:
        indices += [first, first + n - 1]
        ends = (begin, begin + (n - 1) / rate)
        values += [START + np.timedelta64(round(at * 1e9), "ns") for at in ends]
        first += n
    return {"tie_indices": indices, "tie_values": values}


def array(
    samples: np.ndarray, *stretches: tuple[float, int], rate: float = 100.0, dx: float = 10.0
) -> Any:
    """An `xdas.DataArray` of (samples, channels)."""
    n, channels = samples.shape
    distance = {"tie_indices": [0, channels - 1], "tie_values": [0.0, (channels - 1) * dx]}
    coords = {"time": times(*(stretches or ((0.0, n),)), rate=rate), "distance": distance}
    return xdas.DataArray(samples, coords)


def wave(n: int, channels: int, seed: int = 0, every: int = 900) -> np.ndarray:
    """Noise with onsets that move along the fibre, (samples, channels) float32."""
    rng = np.random.default_rng(seed)
    samples = rng.normal(size=(n, channels)).astype(np.float32)
    shape = 12 * np.exp(-np.arange(400) / 90) * np.sin(np.arange(400) * 0.4)
    for channel in range(channels):
        for onset in range(300 + 2 * channel, n - 400, every):
            samples[onset : onset + 400, channel] += shape
    return samples


class Loud(DASModel):
    """Loudness of each channel over a few samples, between 0 and 1; P is it, S its half."""

    def __init__(self, window: int = 600, width: int = 16, **options: Any) -> None:
        structure = PatchingStructure(window, width, window, width, (0, window), (0, width))
        options = {"patching_structure": structure, **options}
        super().__init__(annotate_keys=["P", "S"], citation="none", **options)
        self.window, self.width = window, width
        self.scale = torch.nn.Parameter(torch.tensor(30.0))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        power = x.square().transpose(1, 2)
        kernel = torch.ones(1, 1, 21, dtype=x.dtype) / 21
        flat = power.reshape(-1, 1, power.shape[-1])
        smooth = torch.nn.functional.conv1d(flat, kernel, padding=10).reshape(power.shape)
        loud = (smooth / (smooth + self.scale)).transpose(1, 2)
        return {"P": loud, "S": loud / 2, "unused": loud}

    def get_model_args(self) -> dict[str, Any]:
        return {"window": self.window, "width": self.width}

    @property
    def classify_callback(self) -> type[DASPickingCallback]:
        return DASPickingCallback
