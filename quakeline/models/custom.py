"""Networks of one's own: a Python module with a function `load_model(**arguments)`.

It gives a torch module, a TorchScript module, or the path of a TorchScript or ONNX file. The
network turns windows, (batch, components, samples) float32, into probabilities:
(batch, classes, samples), or (batch, classes) for the centre of a window. What the weights file of
a run keeps is its ONNX graph; on a GPU the loader is called again, and must give the same tensors.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from quakeline.core.errors import WeightsError
from quakeline.io.products.provenance import digest_file
from quakeline.models.cards import Card, GivenFiles, SourceFile
from quakeline.models.onnx import export, for_inference
from quakeline.models.openvino_runtime import runtime
from quakeline.models.weights import Weights, weights_id
from quakeline.models.weights import load as load_file

#: What a card of such a network names as its architecture.
NETWORK = "custom"
#: The function of a loader.
FUNCTION = "load_model"
_WINDOWS = 2
_EXACT = {"INFERENCE_PRECISION_HINT": "f32"}


@dataclass(frozen=True)
class Loaded:
    """What a loader gave: a module, or the path of an ONNX graph."""

    network: nn.Module | Path
    files: tuple[SourceFile, ...]

    @property
    def digest(self) -> str:
        """Digest of the tensors of a module; nothing for a graph."""
        return "" if isinstance(self.network, Path) else weights_id(self.network.state_dict())


def load(loader: str, arguments: dict[str, Any]) -> Loaded:
    """Call `load_model(**arguments)` of a module of the working folder or of Python's path.

    Raises
    ------
    WeightsError
        There is no such module or function, it fails, or it gives something else.
    """
    try:
        with working_folder_first():
            module = importlib.import_module(loader)
        found = getattr(module, FUNCTION)(**arguments)
    except Exception as error:
        reason = " ".join(str(error).split())
        raise WeightsError(
            f"weights.loader: {loader}.{FUNCTION} cannot be called with"
            f" {', '.join(arguments) or 'no arguments'}: {type(error).__name__}: {reason}"
        ) from error
    files = [Path(module.__file__)] if module.__file__ else []
    if isinstance(found, str | Path):
        files.append(Path(found))
        found = _opened(loader, Path(found))
    if not isinstance(found, nn.Module | Path):
        raise WeightsError(
            f"weights.loader: {loader}.{FUNCTION} gave {type(found).__name__}; a torch module,"
            " a TorchScript module, or the path of a TorchScript or ONNX file is needed"
        )
    return Loaded(found, tuple(SourceFile(file.name, digest_file(file)) for file in files))


def build(loader: str, arguments: str, digest: str) -> nn.Module:
    """Build the network again by its loader.

    Raises WeightsError where it gives a graph, or other tensors than before.
    """
    loaded = load(loader, json.loads(arguments))
    if isinstance(loaded.network, Path):
        raise WeightsError(
            f"{loader} gives an ONNX graph, which is computed on CPUs alone: annotate.device: cpu"
        )
    if loaded.digest != digest:
        raise WeightsError(
            f"{loader} gives other weights than when the weights file of this run was written:"
            " remove that file to use them"
        )
    return for_inference(loaded.network)


def obtain(card: Card, loader: str, arguments: dict[str, Any]) -> Weights:
    """Get the graph of a custom network, after its output was compared with what the card says.

    Returns
    -------
    state : dict
        "graph": the bytes of the ONNX graph.
    card : Card
        The whole card.

    Raises
    ------
    WeightsError
        The loader fails, or the network does not give what the card says.
    """
    loaded = load(loader, arguments)
    options = {
        "loader": loader,
        "arguments": json.dumps(arguments, sort_keys=True),
        "digest": loaded.digest,
    }
    whole = replace(card, options=options, source=GivenFiles(loader, loaded.files))
    with TemporaryDirectory(prefix="quakeline-") as folder:
        path = loaded.network
        if isinstance(path, nn.Module):
            check(whole, output_of(whole, path))
            network, path = path, Path(folder) / "graph.onnx"
            export(whole, network, path)
        check(whole, _output_of_graph(whole, path))
        graph = torch.from_numpy(np.frombuffer(_whole(path), np.uint8).copy())
    return {"graph": graph}, whole


def from_file(path: Path) -> Weights:
    """Read a weights file of any network; one that a loader made forgets it and is a graph alone.

    Raises WeightsError where it is missing, damaged or of another program.
    """
    card, state, _ = load_file(path)
    if card.network == NETWORK:
        card = replace(card, options={"loader": "", "arguments": "{}", "digest": ""})
    return state, card


def _whole(graph: Path) -> bytes:
    """Bytes of a graph with the tensors that may lie in a file beside it."""
    import onnx

    return bytes(onnx.load(graph).SerializeToString())


def check(card: Card, output: np.ndarray) -> None:
    """Refuse, with a WeightsError, output of two windows that is not what a card says."""
    wanted: tuple[int, ...] = (_WINDOWS, len(card.classes))
    if card.output == "samples":
        wanted += (card.window_samples,)
    if output.shape != wanted:
        raise WeightsError(
            f"{card.name} gives an output of shape {output.shape} for {_WINDOWS} windows of"
            f" {card.window_samples} samples; {wanted} is needed: (windows, classes) for output"
            " window, (windows, classes, samples) for output samples"
        )
    used = output
    if card.output == "samples":
        used = output[:, :, card.blind_samples : card.window_samples - card.blind_samples]
    if not np.isfinite(used).all():
        raise WeightsError(
            f"{card.name} gives numbers that are not finite; where these are at the ends of a"
            f" window, set weights.blind_samples ({card.blind_samples} now)"
        )


def _windows(card: Card) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    shape = (_WINDOWS, len(card.components), card.window_samples)
    return torch.rand(shape, generator=generator) - 0.5


def output_of(card: Card, network: nn.Module) -> np.ndarray:
    """Compute two windows of noise, for `check`. Raises WeightsError where that fails."""
    try:
        with torch.inference_mode():
            output = network.eval()(_windows(card))
        return np.asarray(output.numpy())
    except Exception as error:
        raise _failed(card, error) from error


def _output_of_graph(card: Card, graph: Path) -> np.ndarray:
    try:
        core = runtime().Core()
        model = core.read_model(graph)
        model.reshape([_WINDOWS, len(card.components), card.window_samples])
        return np.asarray(core.compile_model(model, "CPU", _EXACT)(_windows(card).numpy())[0])
    except RuntimeError as error:
        raise _failed(card, error) from error


def _failed(card: Card, error: Exception) -> WeightsError:
    reason = " ".join(str(error).split())[:200]
    return WeightsError(
        f"{card.name} cannot compute windows of {len(card.components)} components and"
        f" {card.window_samples} samples: {reason}"
    )


def _opened(loader: str, path: Path) -> nn.Module | Path:
    if not path.is_file():
        raise WeightsError(f"weights.loader: {loader}.{FUNCTION} gave {path}, which is no file")
    if path.suffix == ".onnx":
        return path
    try:
        network: nn.Module = torch.jit.load(path, map_location="cpu")  # type: ignore[no-untyped-call]
    except (RuntimeError, ValueError) as error:
        raise WeightsError(f"{path} is neither an ONNX (.onnx) nor a TorchScript file") from error
    return network


@contextmanager
def working_folder_first() -> Iterator[None]:
    """Look for modules in the working folder first, as `python -m` does."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        sys.path.remove(folder)
