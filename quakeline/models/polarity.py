"""Networks that tell whether the first motion of a P wave is up or down.

Their weights are files of others that users name; none is part of quakeline. What a file is follows
from what it computes: inputs and outputs of a graph, layers of a Keras file. All networks are at
100 Hz, look at the vertical component and are given the arrival at a fixed place of their window.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from quakeline.core.errors import WeightsError
from quakeline.models import keras
from quakeline.models.openvino_runtime import runtime
from quakeline.models.polarity_cards import (
    CARDS,
    DITING_MOTION,
    PNSN_POLAR,
    POLAR_CAP,
    PolarityCard,
)

#: Probabilities are of these, in this order.
UP, DOWN, UNKNOWN = range(3)
#: Forms of files of weights.
_SUFFIXES = (".onnx", ".h5", ".hdf5")
#: OpenVINO's exact float32.
_EXACT = {
    "INFERENCE_PRECISION_HINT": "f32",
    "INFERENCE_NUM_THREADS": 1,
    "ENABLE_CPU_PINNING": False,
}


@dataclass(frozen=True)
class PolarityNetwork:
    """A network with its weights.

    `compute` turns windows with motion, (n, samples), into probabilities (n, 3).
    """

    card: PolarityCard
    compute: Callable[[np.ndarray], np.ndarray]

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        """Probabilities of up, down and unknown, (n, 3), of windows (n, samples) in any unit.

        A window without motion is unknown.
        """
        windows = np.asarray(windows, dtype=np.float32)
        moved = np.ptp(windows, axis=1) > 0
        found = np.tile(np.array([0, 0, 1], dtype=np.float32), (len(windows), 1))
        if moved.any():
            found[moved] = self.compute(windows[moved])
        return found


def opened(path: Path) -> PolarityNetwork:
    """The network of a file of weights.

    Raises WeightsError where the file does not exist or is none of the known networks.
    """
    if not path.exists():
        raise WeightsError(f"{path} does not exist")
    if not path.is_file() or path.suffix not in _SUFFIXES:
        raise WeightsError(f"{path} is no file of weights; allowed: {', '.join(_SUFFIXES)}")
    if path.suffix in (".h5", ".hdf5"):
        return PolarityNetwork(POLAR_CAP, _PolarCap.of(path).answers)
    model, shapes = _graph(path)
    if shapes == ((1024,), (2,)):
        return PolarityNetwork(PNSN_POLAR, _pnsn(model))
    if shapes == ((-1, 128, 2), *[(-1, 3)] * 8):
        return PolarityNetwork(DITING_MOTION, _diting(model))
    known = "; ".join(card.file for card in CARDS)
    raise WeightsError(f"{path} is no network of polarities that is known: {known}")


def _graph(path: Path) -> tuple[Any, tuple[tuple[int, ...], ...]]:
    """A compiled ONNX graph, and the shapes of its input and outputs, -1 where they are free."""
    try:
        core = runtime().Core()
        model = core.read_model(path)
        ports = [*model.inputs, *model.outputs]
        shapes = tuple(
            tuple(-1 if size.is_dynamic else size.get_length() for size in port.partial_shape)
            for port in ports
        )
        return core.compile_model(model, "CPU", _EXACT), shapes
    except RuntimeError as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(f"{path} is no ONNX graph: {reason}") from None


def _pnsn(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    def answers(windows: np.ndarray) -> np.ndarray:
        """One window after the other, as the graph has no batches; it scales them itself."""
        found = np.zeros((len(windows), 3), dtype=np.float32)
        for number, window in enumerate(windows):
            found[number, :2] = model(window)[0]
        return found

    return answers


def _diting(model: Any) -> Callable[[np.ndarray], np.ndarray]:
    def answers(windows: np.ndarray) -> np.ndarray:
        """The mean of its four outputs of motion; the others tell how clear the onset is."""
        centred = windows - windows.mean(axis=1, keepdims=True)
        scaled = centred / centred.std(axis=1, keepdims=True)
        given = np.zeros((*windows.shape, 2), dtype=np.float32)
        given[:, :, 0] = scaled
        given[:, 65:, 1] = np.sign(np.diff(scaled[:, 64:], axis=1))
        outputs = model(given)
        return np.asarray(np.mean([outputs[number] for number in range(4)], axis=0))

    return answers


class _PolarCap(nn.Module):
    """The part of PolarCAP that classifies; its decoder serves training only."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_0, self.conv_1 = nn.Conv1d(1, 32, 32), nn.Conv1d(32, 8, 16)
        self.norm_0, self.norm_1 = nn.BatchNorm1d(32, eps=1e-3), nn.BatchNorm1d(8, eps=1e-3)
        self.dense = nn.Linear(128, 2)

    @classmethod
    def of(cls, path: Path) -> _PolarCap:
        """The network of the authors' Keras file. Raises WeightsError."""
        weights = keras.read(path, POLAR_CAP.name)
        state = weights.layer("conv1d[0]", "conv_0") | weights.layer("conv1d[1]", "conv_1")
        for number in (0, 1):
            state |= weights.batch_norm(f"batch_normalization[{number}]", f"norm_{number}")
        state |= weights.layer("dense[0]", "dense")
        network = cls()
        try:
            network.load_state_dict(state)
        except RuntimeError as error:
            raise WeightsError(f"{path}: not the weights of {POLAR_CAP.name}: {error}") from None
        return network.eval()

    def forward(self, windows: torch.Tensor) -> torch.Tensor:
        """Windows (n, 1, 64) whose largest value is 1 -> probabilities of down and up, (n, 2)."""
        x = self.norm_0(torch.relu(self.conv_0(nn.functional.pad(windows, (15, 16)))))
        x = nn.functional.max_pool1d(x, 2)
        x = self.norm_1(torch.relu(self.conv_1(nn.functional.pad(x, (7, 8)))))
        x = nn.functional.max_pool1d(x, 2)
        return torch.softmax(self.dense(x.transpose(1, 2).flatten(1)), dim=1)

    def answers(self, windows: np.ndarray) -> np.ndarray:
        """Probabilities of up, down and unknown, (n, 3)."""
        scaled = windows / np.abs(windows).max(axis=1, keepdims=True)
        with torch.inference_mode():
            down, up = self(torch.from_numpy(scaled[:, None])).numpy().T
        return np.stack([up, down, np.zeros_like(up)], axis=1)
