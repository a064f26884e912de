"""The ONNX graph of a weights file: made once per user, then kept."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from quakeline import __version__
from quakeline.io.products.atomic import replacing
from quakeline.models import cache
from quakeline.models.weights import card_of, members_of, tensor_of

#: Raised when networks of the same weights are written as another graph.
VERSION = 2


def graph_of(weights: Path, member: int | None = None) -> Path:
    """Give the ONNX graph of a weights file, from the cache or else written there now.

    Writing takes seconds and loads PyTorch; reading what is in the cache does not.

    Parameters
    ----------
    weights
        A safetensors file that `quakeline.models.weights.save` wrote.
    member
        Which member of an ensemble; None for a file of one network.

    Raises
    ------
    WeightsError
        The file is damaged or of another program, or its graph gives something else than its
        network.
    QuakelineError
        The packages that write ONNX are not installed.
    OutputError
        The cache folder cannot be written.
    """
    card, weights_id = card_of(weights) if member is None else members_of(weights)[member]
    folder = cache.folder() / "graphs"
    if card.network == "custom":
        return _unpacked(weights, member, folder / f"{card.name}-{weights_id}.onnx")
    made_by = f"{VERSION}-{__version__}-torch{version('torch')}"
    path = folder / f"{card.name}-{weights_id}-{made_by}.onnx"
    if not path.is_file():
        from quakeline.models.networks import read
        from quakeline.models.onnx import export

        with replacing(path) as temporary:
            export(card, read(weights, member)[1], temporary)
    return path


def _unpacked(weights: Path, member: int | None, path: Path) -> Path:
    """The graph that a weights file holds itself, as a file."""
    if not path.is_file():
        name = "graph" if member is None else f"{member}.graph"
        with replacing(path) as temporary:
            temporary.write_bytes(tensor_of(weights, name))
    return path
