"""Seismo-Performer: whether the middle of a short window is P, S or noise, by its spectrogram.

Method: Stepnov, A., Chernykh, V. & Konovalov, A. (2021), The Seismo-Performer: a novel machine
learning approach for general and efficient seismic phase recognition from local earthquakes in real
time, Sensors 21, 6290, doi:10.3390/s21186290; attention after Choromanski, K. et al. (2021),
Rethinking attention with Performers, arXiv:2009.14794. Weights: the authors' Keras files.

The network is the one that the files hold: features of queries and keys are rectified without a
random projection, and one normalisation serves both halves of a block.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from quakeline.models import keras
from quakeline.models.cards import Scaler
from quakeline.models.spectrogram import FREQUENCIES, STEPS, Spectrogram

_BAND = 3
_TOKENS = FREQUENCIES // _BAND
_WIDTH = 48
_HEADS = 2
_HIDDEN = 96
_BLOCKS = 2
#: Of values behind each dense layer of a block and before each of the last three, in training.
_DROPOUT = 0.1
_EPSILON = 1e-6
#: Added to rectified features, which keeps the sum of weights above zero.
_FEATURE_FLOOR = 1e-3


class _Attention(nn.Module):
    """Linear attention: weights are products of non-negative features, without a softmax."""

    def __init__(self) -> None:
        super().__init__()
        self.query = nn.Linear(_WIDTH, _WIDTH, bias=False)
        self.key = nn.Linear(_WIDTH, _WIDTH, bias=False)
        self.value = nn.Linear(_WIDTH, _WIDTH, bias=False)
        self.output = nn.Linear(_WIDTH, _WIDTH, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        query = _heads(functional.relu(self.query(x)) + _FEATURE_FLOOR)
        key = _heads(functional.relu(self.key(x)) + _FEATURE_FLOOR)
        summary = torch.matmul(key.transpose(2, 3), _heads(self.value(x)))
        total = torch.matmul(query, key.sum(dim=2).unsqueeze(-1))
        attended = torch.matmul(query, summary) / total
        y: Tensor = self.output(attended.transpose(1, 2).flatten(2))
        return y


def _heads(x: Tensor) -> Tensor:
    """Turn (batch, tokens, width) into (batch, heads, tokens, width of a head)."""
    return x.reshape(x.shape[0], -1, _HEADS, _WIDTH // _HEADS).transpose(1, 2)


class _Block(nn.Module):
    """Attention and two dense layers, each added to its input, behind one normalisation."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(_WIDTH, eps=_EPSILON)
        self.attention = _Attention()
        self.dense = nn.ModuleList((nn.Linear(_WIDTH, _HIDDEN), nn.Linear(_HIDDEN, _WIDTH)))
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, x: Tensor) -> Tensor:
        x = x + self.attention(self.norm(x))
        return x + _dense(self.dense, self.norm(x), self.dropout)


class SeismoPerformer(nn.Module):
    """Seismo-Performer as trained: probabilities of P, S and noise of a window of four seconds.

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
        self.embedding = nn.Linear(3 * STEPS * _BAND, _WIDTH)
        self.summary = nn.Parameter(torch.zeros(1, 1, _WIDTH))
        self.position = nn.Parameter(torch.zeros(1 + _TOKENS, _WIDTH))
        self.block = nn.ModuleList(_Block() for _ in range(_BLOCKS))
        self.norm = nn.LayerNorm(_WIDTH, eps=_EPSILON)
        self.dense = nn.ModuleList((nn.Linear(_WIDTH, _HIDDEN), nn.Linear(_HIDDEN, _WIDTH)))
        self.last = nn.Linear(_WIDTH, 3)
        self.dropout = nn.Dropout(_DROPOUT)

    def forward(self, waveforms: Tensor) -> Tensor:
        """Probabilities of P, S, N, shape (batch, 3), of windows (batch, 3, 400)."""
        bands = self.spectrogram(waveforms).reshape(-1, 3, STEPS, _TOKENS, _BAND)
        tokens = self.embedding(bands.permute(0, 3, 1, 2, 4).flatten(2))
        summary = self.summary.expand(waveforms.shape[0], -1, -1)
        x = torch.cat((summary, tokens), dim=1) + self.position
        for block in self.block:
            x = block(x)
        x = _dense(self.dense, self.dropout(self.norm(x[:, 0])), self.dropout)
        return torch.softmax(self.last(x), dim=1)


def _dense(layers: nn.ModuleList, x: Tensor, dropout: nn.Module) -> Tensor:
    for layer in layers:
        x = dropout(functional.gelu(layer(x)))
    return x


def from_files(files: Sequence[Path]) -> dict[str, Tensor]:
    """Read one of the authors' Keras files as a `state_dict`.

    Raises WeightsError for damaged files and for files of another network.
    """
    (path,) = files
    found = keras.read(path, "Seismo-Performer")
    first = 1 + 2 * _BLOCKS
    state = {
        "summary": found.take("ClsTokenW", (1, 1, _WIDTH)),
        "position": found.take("pos_embeding2[0]/embedding[0]/embeddings"),
        **found.layer("dense[0]", "embedding"),
        **found.layer(f"dense[{first}]", "dense.0"),
        **found.layer(f"dense[{first + 1}]", "dense.1"),
        **found.layer(f"dense[{first + 2}]", "last"),
        **found.layer_norm(f"layer_normalization[{_BLOCKS}]", "norm"),
    }
    for i in range(_BLOCKS):
        state |= _block(found, i)
    # Keras flattens (time, frequency, channel), this network (channel, time, frequency).
    found.take("dense[0]/kernel", (STEPS * _BAND * 3, _WIDTH))
    flat = state["embedding.weight"].reshape(_WIDTH, STEPS, _BAND, 3)
    state["embedding.weight"] = flat.permute(0, 3, 1, 2).flatten(1).contiguous()
    return state


def _block(found: keras.Weights, i: int) -> dict[str, Tensor]:
    block, ours = f"performer_block[{i}]", f"block.{i}"
    state = found.layer_norm(f"{block}/layer_normalization[{i}]", f"{ours}.norm")
    for part in range(2):
        state |= found.layer(f"{block}/dense[{1 + 2 * i + part}]", f"{ours}.dense.{part}")
    split, attention = _WIDTH // _HEADS, f"{block}/attention[{i}]"
    for name in ("query", "key", "value"):
        kernel = found.take(f"{attention}/{name}[0]/kernel", (_WIDTH, _HEADS, split))
        state[f"{ours}.attention.{name}.weight"] = kernel.flatten(1).T.contiguous()
    kernel = found.take(f"{attention}/output_transform[0]/kernel", (_HEADS, split, _WIDTH))
    state[f"{ours}.attention.output.weight"] = kernel.flatten(0, 1).T.contiguous()
    return state
