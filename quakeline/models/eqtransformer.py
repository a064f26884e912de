"""EQTransformer: the probabilities of a detection, of P and of S at every sample.

Method: Mousavi, S. M., Ellsworth, W. L., Zhu, W., Chuang, L. Y. & Beroza, G. C. (2020), Earthquake
transformer: an attentive deep-learning model for simultaneous earthquake detection and phase
picking, Nature Communications 11, 3952, doi:10.1038/s41467-020-17591-w. Weights: the authors' two
Keras models, "original" and "conservative".

The authors' programs keep dropout switched on when they predict, so no two of their runs agree;
here there is none.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

from quakeline.models import keras
from quakeline.models.lstm import UNITS, HardLstm, SmoothLstm

Variant = Literal["original", "conservative"]

_FILTERS = (8, 16, 16, 32, 32, 64, 64)
_KERNELS = (11, 9, 7, 7, 5, 5, 3)
_RESIDUAL_KERNELS = (3, 3, 3, 3, 2, 3, 2)
#: Length of the encoded window: 6000 samples halved seven times.
_STEPS = 47
_ATTENTION_UNITS = 32
_FEED_FORWARD_UNITS = 128
#: Recurrent blocks and LSTMs of each variant.
_BLOCKS = {"original": 2, "conservative": 3}
_LSTM: dict[str, type[SmoothLstm | HardLstm]] = {
    "original": SmoothLstm,
    "conservative": HardLstm,
}
_HEADS = ("detector", "picker_P", "picker_S")
#: The layer of a decoder whose input loses a sample at both ends: 752 become 750.
_CROPPED = 3
_BATCH_EPSILON = 1e-3
_LAYER_EPSILON = 1e-14
_ATTENTION_EPSILON = 1e-7


class _Residual(nn.Module):
    """Two convolutions, each behind batch normalisation and the rectifier, added to their input."""

    def __init__(self, kernel: int) -> None:
        super().__init__()
        n = _FILTERS[-1]
        self.norm = nn.ModuleList(nn.BatchNorm1d(n, eps=_BATCH_EPSILON) for _ in range(2))
        self.conv = nn.ModuleList(nn.Conv1d(n, n, kernel) for _ in range(2))
        self.padding = ((kernel - 1) // 2, kernel // 2)

    def forward(self, x: Tensor) -> Tensor:
        y = x
        for norm, conv in zip(self.norm, self.conv, strict=True):
            y = conv(functional.pad(functional.relu(norm(y)), self.padding))
        return x + y


class _Recurrent(nn.Module):
    """LSTMs in both directions, then a convolution of length one and batch normalisation."""

    def __init__(self, n_in: int, variant: Variant) -> None:
        super().__init__()
        self.lstm = _LSTM[variant](n_in, (False, True))
        self.conv = nn.Conv1d(2 * UNITS, UNITS, 1)
        self.norm = nn.BatchNorm1d(UNITS, eps=_BATCH_EPSILON)

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(self.lstm(x).flatten(1, 2)))
        return y


class _Attention(nn.Module):
    """Additive self-attention over all steps, or over each step and its two neighbours.

    The scores' bias, which cancels, is left out. Exponents refer to the largest score of all steps,
    neighbours or not, as in the authors' program: next to it the epsilon of the sum is not small.
    """

    near: Tensor | None

    def __init__(self, *, local: bool) -> None:
        super().__init__()
        self.query = nn.Linear(UNITS, _ATTENTION_UNITS)
        self.key = nn.Linear(UNITS, _ATTENTION_UNITS, bias=False)
        self.score = nn.Linear(_ATTENTION_UNITS, 1, bias=False)
        step = torch.arange(_STEPS)
        near = ((step - step[:, None]).abs() <= 1).float()
        self.register_buffer("near", near if local else None, persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        """Weighted means of the steps of `x`, shape (batch, steps, channels)."""
        score = self.score(torch.tanh(self.query(x)[:, :, None] + self.key(x)[:, None])).squeeze(-1)
        weight = (score - score.amax(dim=-1, keepdim=True)).exp()
        if self.near is not None:
            weight = weight * self.near
        total = weight.sum(dim=-1, keepdim=True) + _ATTENTION_EPSILON
        return torch.matmul(weight / total, x)


class _Transformer(nn.Module):
    """Attention and two dense layers, each added to its input and normalised."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = _Attention(local=False)
        self.dense = nn.ModuleList(
            (nn.Linear(UNITS, _FEED_FORWARD_UNITS), nn.Linear(_FEED_FORWARD_UNITS, UNITS))
        )
        self.norm = nn.ModuleList(nn.LayerNorm(UNITS, eps=_LAYER_EPSILON) for _ in range(2))

    def forward(self, x: Tensor) -> Tensor:
        x = self.norm[0](x + self.attention(x))
        y: Tensor = self.norm[1](x + self.dense[1](functional.relu(self.dense[0](x))))
        return y


class _Grow(nn.Module):
    """Every sample twice, then a convolution and the rectifier.

    Both are done at once by a convolution with half the work and twice the channels, those of even
    and of odd samples, whose kernels are sums of neighbouring weights. OpenVINO takes half the time
    for it of a transposed convolution. Where samples are cropped between the two, they are done
    one after the other.
    """

    def __init__(self, n_in: int, n_out: int, kernel: int, *, cropped: bool) -> None:
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, kernel, padding=kernel // 2)
        self.cropped = cropped

    def forward(self, x: Tensor) -> Tensor:
        if self.cropped:
            doubled = functional.interpolate(x, scale_factor=2.0, mode="nearest")
            return functional.relu(self.conv(doubled[..., 1:-1]))
        kernel, reach = self._phases()
        y = functional.conv1d(x, kernel, self.conv.bias.repeat(2), padding=reach)
        y = functional.relu(y).unflatten(1, (2, -1))
        return y.permute(0, 2, 3, 1).flatten(2)

    def _phases(self) -> tuple[Tensor, int]:
        """Kernel (2 x n_out, n_in, taps) of even, then of odd samples, and how far it reaches.

        Output sample 2 i + phase takes weight j at sample 2 i + phase + j - half of the doubled
        input, which is sample i + tap of the input for two neighbouring j.
        """
        size = self.conv.weight.shape[-1]
        half = size // 2
        reach = (half + 1) // 2
        sums = self.conv.weight.new_zeros(2, size, 2 * reach + 1)
        for phase in range(2):
            for j in range(size):
                sums[phase, j, (phase + j - half) // 2 + reach] = 1.0
        return torch.einsum("oij,pjt->poit", self.conv.weight, sums).flatten(0, 1), reach


class EQTransformer(nn.Module):
    """EQTransformer: probabilities of a detection, of P and of S at every sample.

    Input: (batch, 3, 6000) float32 in the component order E, N, Z, each component of a window
    without its mean and divided by its standard deviation. Output: (batch, 3, 6000), the
    probabilities of D (the event lasts), P and S, each for itself between 0 and 1.

    Parameters
    ----------
    variant
        "original": two recurrent blocks, smooth gates; "conservative": three blocks, hard gates,
        trained to give fewer false alarms.
    """

    def __init__(self, variant: Variant = "original") -> None:
        super().__init__()
        widths = zip((3, *_FILTERS), _FILTERS, _KERNELS, strict=False)
        self.encoder = nn.ModuleList(nn.Conv1d(i, o, k, padding=k // 2) for i, o, k in widths)
        self.residual = nn.ModuleList(_Residual(kernel) for kernel in _RESIDUAL_KERNELS)
        widths_in = (_FILTERS[-1], *[UNITS] * (_BLOCKS[variant] - 1))
        self.recurrent = nn.ModuleList(_Recurrent(n_in, variant) for n_in in widths_in)
        self.transformer = nn.ModuleList(_Transformer() for _ in range(2))
        self.lstm = _LSTM[variant](UNITS, (False, False))
        self.attention = nn.ModuleList(_Attention(local=True) for _ in range(2))
        self.decoder = nn.ModuleList(_decoder() for _ in _HEADS)
        self.head = nn.ModuleList(nn.Conv1d(_FILTERS[0], 1, 11, padding=5) for _ in _HEADS)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Probabilities of D, P, S, shape (batch, 3, samples), of windows of the same shape."""
        encoded = self._encode(waveforms)
        picked = self.lstm(encoded).transpose(2, 3)
        branches = [encoded]
        for i, attention in enumerate(self.attention):
            branches.append(attention(picked[:, i]).transpose(1, 2))
        decoded = zip(branches, self.decoder, self.head, strict=True)
        return torch.cat([head(decoder(x)) for x, decoder, head in decoded], dim=1).sigmoid()

    def _encode(self, waveforms: Tensor) -> Tensor:
        x = waveforms
        for conv in self.encoder:
            x = functional.max_pool1d(functional.relu(conv(x)), 2, ceil_mode=True)
        for block in (*self.residual, *self.recurrent):
            x = block(x)
        x = x.transpose(1, 2)
        for block in self.transformer:
            x = block(x)
        return x.transpose(1, 2)


def _decoder() -> nn.Sequential:
    widths = pairwise((UNITS, *reversed(_FILTERS)))
    layers = zip(widths, reversed(_KERNELS), strict=True)
    return nn.Sequential(
        *(_Grow(i, o, k, cropped=n == _CROPPED) for n, ((i, o), k) in enumerate(layers))
    )


def from_files(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read one of the authors' two Keras files as a `state_dict` of its variant.

    Raises WeightsError for damaged files and for files of another network.
    """
    (path,) = files
    found = keras.read(path, "EQTransformer")
    variant: Variant = "conservative" if "conv1d[44]/kernel" in found else "original"
    blocks = _BLOCKS[variant]
    first = len(_KERNELS) + 2 * len(_RESIDUAL_KERNELS)
    state: dict[str, Tensor] = {}
    for i in range(len(_KERNELS)):
        state |= found.layer(f"conv1d[{i}]", f"encoder.{i}")
        for decoder in range(len(_HEADS)):
            number = first + blocks + decoder * len(_KERNELS) + i
            state |= found.layer(f"conv1d[{number}]", f"decoder.{decoder}.{i}.conv")
    for i, head in enumerate(_HEADS):
        state |= found.layer(f"{head}[0]", f"head.{i}")
    for i in range(2 * len(_RESIDUAL_KERNELS)):
        block, part = divmod(i, 2)
        state |= found.layer(f"conv1d[{len(_KERNELS) + i}]", f"residual.{block}.conv.{part}")
        state |= found.batch_norm(f"batch_normalization[{i}]", f"residual.{block}.norm.{part}")
    for i in range(blocks):
        norm = 2 * len(_RESIDUAL_KERNELS) + i
        layers = [f"bidirectional[{i}]/{way}_lstm[{i}]" for way in ("forward", "backward")]
        state |= _lstm(found, layers, f"recurrent.{i}.lstm", variant)
        state |= found.layer(f"conv1d[{first + i}]", f"recurrent.{i}.conv")
        state |= found.batch_norm(f"batch_normalization[{norm}]", f"recurrent.{i}.norm")
    state |= _lstm(found, ["lstm[0]", "lstm[1]"], "lstm", variant)
    return state | _transformers(found)


def _transformers(found: keras.Weights) -> dict[str, Tensor]:
    state: dict[str, Tensor] = {}
    for i, name in enumerate(("attentionD0", "attentionD")):
        state |= _attention(found, name, f"transformer.{i}.attention")
        for part in range(2):
            ours = f"transformer.{i}.dense.{part}"
            dense = f"feed_forward[{i}]/feed_forward_{i + 1}"
            state[f"{ours}.weight"] = found.take(f"{dense}_W{part + 1}").T.contiguous()
            state[f"{ours}.bias"] = found.take(f"{dense}_b{part + 1}")
            norm = f"layer_normalization[{2 * i + part}]"
            state |= found.layer_norm(norm, f"transformer.{i}.norm.{part}")
    for i, name in enumerate(("attentionP", "attentionS")):
        state |= _attention(found, name, f"attention.{i}")
    return state


def _attention(found: keras.Weights, name: str, ours: str) -> dict[str, Tensor]:
    theirs = f"{name}[0]/{name}_Add"
    return {
        f"{ours}.query.weight": found.take(f"{theirs}_Wt").T.contiguous(),
        f"{ours}.query.bias": found.take(f"{theirs}_bh"),
        f"{ours}.key.weight": found.take(f"{theirs}_Wx").T.contiguous(),
        f"{ours}.score.weight": found.take(f"{theirs}_Wa").T.contiguous(),
    }


def _lstm(
    found: keras.Weights, layers: Sequence[str], ours: str, variant: Variant
) -> dict[str, Tensor]:
    names = ("kernel", "recurrent_kernel", "bias")
    weights = [[found.take(f"{layer}/{name}") for name in names] for layer in layers]
    state = _LSTM[variant].from_keras(*zip(*weights, strict=True))
    return {f"{ours}.{name}": tensor for name, tensor in state.items()}
