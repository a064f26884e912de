"""Writes networks as ONNX graphs, for runtimes that compute them faster than PyTorch does.

The length of windows is fixed in a graph, the size of batches is free. Graphs are made by
`torch.export`, in which lengths are plain numbers. PyTorch's older way, which only TorchScript
takes, records arithmetic on lengths in the graph, where `//` of a negative number rounds another
way than in Python.
"""

from __future__ import annotations

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from quakeline.core.errors import QuakelineError, WeightsError
from quakeline.models import event_images
from quakeline.models.card_text import as_text
from quakeline.models.cards import ARCHITECTURES, Card
from quakeline.models.weights import weights_id

INPUT = "waveforms"
OUTPUT = "probabilities"
_NEEDED = ("onnx", "onnxscript")
_LARGEST_BATCH = 1 << 16
#: Largest difference of probabilities between PyTorch and another runtime.
TOLERANCE = 1e-5


def export(card: Card, network: nn.Module, path: Path) -> None:
    """Write a network as an ONNX graph, and compare it with PyTorch where onnxruntime is installed.

    The graph turns "waveforms", (batch, components, samples), into "probabilities"; its metadata
    say which network and weights it is, under which licence, and how to cite them.

    Parameters
    ----------
    card
        The weight set.
    network
        The network with its weights, on the CPU.
    path
        The file to write.

    Raises
    ------
    QuakelineError
        The packages that write ONNX are not installed.
    WeightsError
        The graph does not give what the network gives.
    """
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise QuakelineError(f"writing ONNX needs {' and '.join(missing)}: install them with pip")
    network = for_inference(network)
    with _quiet():
        if isinstance(network, torch.jit.ScriptModule):
            _write_script(card, network, path)
        else:
            _write(card, network, path)
    if find_spec("onnxruntime") is not None:
        _compare(card, network, path)


def labelled(
    graph: Path,
    target: Path,
    card: Card,
    weights_id: str,
    names: tuple[str, str] = (INPUT, OUTPUT),
    *,
    as_images: bool = False,
) -> None:
    """Copy a graph with its card in its metadata; `names` are those of its input and output.

    With `as_images` the copy takes windows (batch, 1, samples, components), as the graphs of
    SeismicTorch do, instead of (batch, components, samples).

    Raises QuakelineError where the package that writes ONNX is not installed, and WeightsError
    where `as_images` is asked of a network that takes images already.
    """
    if find_spec("onnx") is None:
        raise QuakelineError("writing ONNX needs onnx: install it with pip")
    import onnx

    model = onnx.load(graph)
    facts = _facts(card, weights_id) | {"card": as_text(card)}
    onnx.helper.set_model_props(model, facts)
    renamed = dict(zip((model.graph.input[0].name, model.graph.output[0].name), names, strict=True))
    _rename(model.graph, renamed)
    if as_images:
        if card.output == "event":
            raise WeightsError(f"{card.name} takes images of spectrograms, not windows of samples")
        _take_images(model.graph)
    onnx.save(model, target)


def _rename(graph: Any, names: dict[str, str]) -> None:
    """Give values of a graph other names, wherever they are used."""
    for value in (*graph.input, *graph.output):
        value.name = names.get(value.name, value.name)
    for node in graph.node:
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]


def _unused(name: str, known: set[str]) -> str:
    """The name, longer by as many strokes as it takes to be none of the known ones."""
    while name in known:
        name += "_"
    return name


def _take_images(graph: Any) -> None:
    """Put before a graph what makes (batch, components, samples) of images."""
    from onnx import TensorProto, helper

    given = graph.input[0]
    _, components, samples = given.type.tensor_type.shape.dim
    shape = ["batch", 1, samples.dim_value, components.dim_value]
    image = helper.make_tensor_value_info(given.name, TensorProto.FLOAT, shape)
    known = {name for node in graph.node for name in (*node.input, *node.output)}
    windows, axis, flat = (
        _unused(f"{given.name}_{end}", known) for end in ("rows", "axis", "flat")
    )
    for node in graph.node:
        node.input[:] = [windows if name == given.name else name for name in node.input]
    graph.initializer.append(helper.make_tensor(axis, TensorProto.INT64, [1], [1]))
    first = [
        helper.make_node("Squeeze", [given.name, axis], [flat]),
        helper.make_node("Transpose", [flat], [windows], perm=[0, 2, 1]),
    ]
    nodes = [*first, *graph.node]
    del graph.node[:], graph.input[:]
    graph.node.extend(nodes)
    graph.input.append(image)


def for_inference(network: nn.Module) -> nn.Module:
    """Put a network, also one of TorchScript, in the state in which it is used."""
    for parameter in network.parameters():
        parameter.requires_grad_(False)
    return network.eval()


def _write(card: Card, network: nn.Module, path: Path) -> None:
    """Write a network by `torch.export`."""
    batch = torch.export.Dim("batch", min=1, max=_LARGEST_BATCH)
    program = torch.onnx.export(
        network,
        (_windows(card, 2),),
        dynamo=True,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_shapes=({0: batch},),
        # PyTorch's optimiser drops sums with less than 1e-8, such as the 1e-10 of SeisBench, and
        # windows without signal then give nan; those of ARCHITECTURES have no such sums.
        optimize=card.network in ARCHITECTURES,
        verbose=False,
    )
    if program is None:
        raise TypeError("torch.onnx.export gave no program")
    program.model.metadata_props.update(
        _facts(card, weights_id(network.state_dict(), card.options))
    )
    program.save(path)


def _write_script(card: Card, network: torch.jit.ScriptModule, path: Path) -> None:
    """Write a TorchScript network, which `torch.export` does not take, PyTorch's older way."""
    import onnx

    free = {INPUT: {0: "batch"}, OUTPUT: {0: "batch"}}
    torch.onnx.export(
        network,
        (_windows(card, 2),),
        str(path),
        dynamo=False,
        input_names=[INPUT],
        output_names=[OUTPUT],
        dynamic_axes=free,
    )
    model = onnx.load(path)
    onnx.helper.set_model_props(model, _facts(card, weights_id(network.state_dict(), card.options)))
    onnx.save(model, path)


def _facts(card: Card, weights_id: str) -> dict[str, str]:
    """Metadata of a graph."""
    return {
        "name": card.name,
        "weights_id": weights_id,
        "licence": card.licence,
        "citation": card.citation,
    }


def _windows(card: Card, n: int) -> torch.Tensor:
    """Noise of the size that windows have behind the card's normalisation; one is almost empty.

    Networks of events take images of it.
    """
    if card.output == "event":
        return torch.from_numpy(event_images.of_noise(card, n))
    generator = torch.Generator().manual_seed(n)
    windows = torch.randn(n, len(card.components), card.window_samples, generator=generator)
    if card.normalisation in ("max", "scale"):
        windows = windows / windows.abs().amax(dim=(1, 2), keepdim=True)
    windows[-1, 1:] = 0
    if card.normalisation == "none":
        windows[0] *= 1e-9  # metres per second
    return windows


def _compare(card: Card, network: nn.Module, path: Path) -> None:
    import onnxruntime

    windows = _windows(card, 3)
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    (found,) = session.run([OUTPUT], {INPUT: windows.numpy()})
    with torch.inference_mode():
        expected = network(windows).numpy()
    same = (found == expected) | (np.isnan(found) & np.isnan(expected))
    difference = float(np.where(same, 0, np.abs(found - expected)).max())
    if not difference <= TOLERANCE:
        raise WeightsError(
            f"the ONNX graph of {card.name} differs from the network by {difference:.1g};"
            f" {TOLERANCE:g} is allowed"
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Keep PyTorch from telling of other packages and of changes inside itself."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
