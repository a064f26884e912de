"""PhaseNet, a U-Net that gives the probabilities of P and S at every sample.

Method: Zhu, W. & Beroza, G. C. (2019), PhaseNet: a deep-neural-network-based seismic arrival-time
picking method, Geophys. J. Int. 216, 261-273, doi:10.1093/gji/ggy423. Weights: the authors' model
190703-214543, a TensorFlow 1 checkpoint.

TensorFlow's SAME padding depends on the length of its input; here it is computed from that length,
so the network equals the trained one at any length. The training length is 3000 samples; lengths
3000 + 256 k have the same padding at every level, other lengths shift the picks (3001: 30 ms late).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from quakeline.core.errors import WeightsError
from quakeline.models import tf_checkpoint

_KERNEL = 7
_STRIDE = 4
_CHANNELS = (8, 16, 32, 64, 128)
_EPSILON = 1e-3
#: Names of batch normalisation in torch and in TensorFlow.
_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


def same_padding(length: int) -> tuple[int, int]:
    """Zeros that TensorFlow's SAME puts before and behind an input of a strided convolution.

    Parameters
    ----------
    length
        Samples of the input.

    Returns
    -------
    tuple of int
        Left and right padding in samples, for kernel 7 and stride 4.
    """
    shrunk = (length + _STRIDE - 1) // _STRIDE
    total = max((shrunk - 1) * _STRIDE + _KERNEL - length, 0)
    return total // 2, total - total // 2


class _Layer(nn.Module):
    """A convolution, batch normalisation and the rectifier."""

    def __init__(self, n_in: int, n_out: int, *, bias: bool = False) -> None:
        super().__init__()
        self.conv: nn.Module = nn.Conv1d(n_in, n_out, _KERNEL, padding=_KERNEL // 2, bias=bias)
        self.norm = nn.BatchNorm1d(n_out, eps=_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)))


class _Shrink(_Layer):
    """A layer that keeps every fourth sample, padded as TensorFlow does."""

    def __init__(self, n: int) -> None:
        super().__init__(n, n)
        self.conv = nn.Conv1d(n, n, _KERNEL, stride=_STRIDE, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return super().forward(functional.pad(x, same_padding(x.shape[-1])))


class _Grow(_Layer):
    """A layer that makes four samples of one; SAME drops one sample before and two behind."""

    def __init__(self, n_in: int, n_out: int) -> None:
        super().__init__(n_in, n_out)
        self.conv = nn.ConvTranspose1d(n_in, n_out, _KERNEL, stride=_STRIDE, padding=1, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.norm(self.conv(x)[..., :-1]))


class PhaseNet(nn.Module):
    """PhaseNet as trained: probabilities of noise, P and S at every sample.

    Input: (batch, 3, samples) float32 in the component order E, N, Z, each component of a window
    without its mean and divided by its standard deviation. Output: (batch, 3, samples), the
    probabilities of N, P, S, which add up to one.
    """

    def __init__(self) -> None:
        super().__init__()
        levels = list(zip((_CHANNELS[0], *_CHANNELS), _CHANNELS, strict=False))
        self.first = _Layer(3, _CHANNELS[0], bias=True)
        self.level = nn.ModuleList(_Layer(n_in, n_out) for n_in, n_out in levels)
        self.shrink = nn.ModuleList(_Shrink(n) for n in _CHANNELS[:-1])
        self.grow = nn.ModuleList(_Grow(n_out, n_in) for n_in, n_out in levels[1:])
        self.join = nn.ModuleList(_Layer(2 * n, n) for n in _CHANNELS[:-1])
        self.last = nn.Conv1d(_CHANNELS[0], 3, 1)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Probabilities of N, P, S, shape (batch, 3, samples), of windows of the same shape."""
        x = self.first(waveforms)
        skipped: list[Tensor] = []
        for level, shrink in zip(self.level, self.shrink, strict=False):
            skipped.append(level(x))
            x = shrink(skipped[-1])
        x = self.level[-1](x)
        for grow, join in zip(reversed(self.grow), reversed(self.join), strict=True):
            kept = skipped.pop()
            x = join(torch.cat((kept, _middle(grow(x), kept.shape[-1])), dim=1))
        return torch.softmax(self.last(x), dim=1)


def _middle(x: Tensor, length: int) -> Tensor:
    start = (x.shape[-1] - length) // 2
    return x[..., start : start + length]


def from_tensors(tensors: Mapping[str, np.ndarray]) -> dict[str, Tensor]:
    """Turn the variables of the authors' checkpoint into a `state_dict` of `PhaseNet`.

    Parameters
    ----------
    tensors
        Arrays by TensorFlow's variable names; slots of the optimizer are ignored.

    Returns
    -------
    dict
        Tensors by the names of `PhaseNet().state_dict()`.

    Raises
    ------
    WeightsError
        A variable is missing or a kernel has another layout than (7 or 1, 1, channels, channels).
    """

    def take(name: str) -> np.ndarray:
        if name not in tensors:
            raise WeightsError(f"not the weights of PhaseNet: variable {name} is missing")
        return tensors[name]

    state = {
        "first.conv.bias": _tensor(take("Input/input_conv/bias")),
        "last.weight": _kernel(take("Output/output_conv/kernel")),
        "last.bias": _tensor(take("Output/output_conv/bias")),
    }
    for layer, conv, norm in _names():
        state[f"{layer}.conv.weight"] = _kernel(take(f"{conv}/kernel"))
        for ours, theirs in _NORM.items():
            state[f"{layer}.norm.{ours}"] = _tensor(take(f"{norm}/{theirs}"))
        state[f"{layer}.norm.num_batches_tracked"] = torch.tensor(0)
    return state


def from_files(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read the authors' checkpoint, its index and its data file, as a `state_dict`.

    Raises WeightsError for damaged files and for checkpoints of another network.
    """
    index, data = files
    return from_tensors(tf_checkpoint.read(index, data))


def _names() -> Iterator[tuple[str, str, str]]:
    """Each layer of `PhaseNet` and the scopes of its convolution and normalisation."""
    yield "first", "Input/input_conv", "Input/input_bn"
    for i in range(len(_CHANNELS)):
        yield f"level.{i}", f"DownConv_{i}/down_conv1_{i + 1}", f"DownConv_{i}/down_bn1_{i + 1}"
    for i in range(len(_CHANNELS) - 1):
        yield f"shrink.{i}", f"DownConv_{i}/down_conv3_{i + 1}", f"DownConv_{i}/down_bn3_{i + 1}"
        yield f"grow.{i}", f"UpConv_{i}/up_conv0_{i + 1}", f"UpConv_{i}/up_bn0_{i + 1}"
        yield f"join.{i}", f"UpConv_{i}/up_conv1_{i + 1}", f"UpConv_{i}/up_bn1_{i + 1}"


def _kernel(values: np.ndarray) -> Tensor:
    """TensorFlow's (time, 1, in, out), or (time, 1, out, in) if transposed, to torch's order."""
    if values.ndim != 4 or values.shape[1] != 1:
        raise WeightsError(f"not the weights of PhaseNet: a kernel of shape {values.shape}")
    return _tensor(values[:, 0].transpose(2, 1, 0))


def _tensor(values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.array(values, dtype=np.float32, order="C"))
