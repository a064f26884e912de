"""Reads the weights of a Keras HDF5 file and turns them into tensors in torch's layout.

Keras numbers the layers of a kind through (conv1d_1, conv1d_2 ...), from where its session stands,
so two files of one network may have other numbers. Here a layer is named by its kind and its rank
among the layers of that kind, from 0: `conv1d[0]`. A weight is `layer/name`, inside a composite
layer `layer/layer/name`.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from quakeline.core.errors import WeightsError

_NUMBERED = re.compile(r"(.*?)(?:_(\d+))?")
#: Names of batch normalisation in torch and in Keras.
_NORM = {
    "weight": "gamma",
    "bias": "beta",
    "running_mean": "moving_mean",
    "running_var": "moving_variance",
}


class Weights:
    """Weights of a Keras file by rank of their layers, taken one by one.

    Parameters
    ----------
    network
        Name of the network that they should be of, for messages.
    arrays
        Every weight by its name.
    """

    def __init__(self, network: str, arrays: Mapping[str, np.ndarray]) -> None:
        self._network, self._arrays = network, arrays

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def take(self, name: str, shape: tuple[int, ...] | None = None) -> Tensor:
        """Give a weight as it stands in the file, float32.

        Raises WeightsError where it is missing or does not have the shape that is asked for.
        """
        if name not in self._arrays:
            raise WeightsError(f"not the weights of {self._network}: {name} is missing")
        found = self._arrays[name]
        if shape is not None and found.shape != shape:
            raise WeightsError(
                f"not the weights of {self._network}: {name} has the shape {found.shape};"
                f" expected {shape}"
            )
        return torch.from_numpy(np.array(found, dtype=np.float32, order="C"))

    def layer(self, layer: str, ours: str) -> dict[str, Tensor]:
        """Kernel and bias of a dense layer or convolution as `ours.weight` and `ours.bias`.

        Keras has the kernel as (*lengths, in, out), torch as (out, in, *lengths).
        """
        kernel = self.take(f"{layer}/kernel")
        if kernel.ndim < 2:
            raise WeightsError(f"not the weights of {self._network}: {layer} has a flat kernel")
        kernel = kernel.permute(-1, -2, *range(kernel.ndim - 2)).contiguous()
        return {f"{ours}.weight": kernel, f"{ours}.bias": self.take(f"{layer}/bias")}

    def batch_norm(self, layer: str, ours: str) -> dict[str, Tensor]:
        """Batch normalisation, with a count of no batches, which Keras does not keep."""
        state = {f"{ours}.{name}": self.take(f"{layer}/{_NORM[name]}") for name in _NORM}
        return {**state, f"{ours}.num_batches_tracked": torch.tensor(0)}

    def layer_norm(self, layer: str, ours: str) -> dict[str, Tensor]:
        """Layer normalisation as `ours.weight` and `ours.bias`."""
        return {
            f"{ours}.{name}": self.take(f"{layer}/{_NORM[name]}") for name in ("weight", "bias")
        }


def read(path: Path, network: str) -> Weights:
    """Read the weights of a Keras HDF5 file, a model or its weights alone.

    Parameters
    ----------
    path
        The file. An optimizer's variables are left out.
    network
        Name of the network that the file should be of, for messages.

    Raises
    ------
    WeightsError
        The file cannot be read or is no HDF5 file of Keras.
    """
    import h5py

    arrays: dict[str, np.ndarray] = {}

    def visit(name: str, item: Any) -> None:
        if isinstance(item, h5py.Dataset) and "/" in name:
            arrays[name.split("/", 1)[1].removesuffix(":0")] = item[()]

    try:
        with h5py.File(path) as file:
            file.get("model_weights", file).visititems(visit)
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise WeightsError(f"cannot read {path}: {reason}") from error
    if not arrays:
        raise WeightsError(f"{path} holds no weights of a Keras network")
    return Weights(network, ranked(arrays))


def ranked(arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """Name layers by kind and rank instead of Keras' numbers: conv1d_7/kernel is conv1d[6]/kernel.

    Every part of a name but the last is a layer.
    """
    numbers: dict[str, set[int]] = defaultdict(set)
    for kind, number in _layers(arrays):
        numbers[kind].add(number)

    def rename(part: str) -> str:
        ((kind, number),) = _layers([f"{part}/"])
        return f"{kind}[{sorted(numbers[kind]).index(number)}]"

    split = ((name.rpartition("/"), values) for name, values in arrays.items())
    return {
        "/".join([*map(rename, layers.split("/")), weight] if layers else [weight]): values
        for (layers, _, weight), values in split
    }


def _layers(names: Iterable[str]) -> list[tuple[str, int]]:
    """Kind and number of every layer in the names of weights; a layer without a number has 0."""
    found = [_NUMBERED.fullmatch(part) for name in names for part in name.split("/")[:-1]]
    return [(match[1], int(match[2] or 0)) for match in found if match]
