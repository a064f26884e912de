"""The ONNX graph of a weights file: made once per user, then kept."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path

from quakeline import __version__
from quakeline.io.atomic import replacing
from quakeline.models import cache
from quakeline.models.weights import card_of

#: Raised when networks of the same weights are written as another graph.
VERSION = 1


def graph_of(weights: Path) -> Path:
    """Give the ONNX graph of a weights file, from the cache or else written there now.

    Writing takes seconds and loads PyTorch; reading what is in the cache does not.

    Parameters
    ----------
    weights
        A safetensors file that `quakeline.models.weights.save` wrote.

    Raises
    ------
    WeightsError
        The file is damaged, foreign, or its graph does not give what its network gives.
    QuakelineError
        The packages that write ONNX are not installed.
    OutputError
        The cache folder cannot be written.
    """
    card, weights_id = card_of(weights)
    made_by = f"{VERSION}-{__version__}-torch{version('torch')}"
    path = cache.folder() / "graphs" / f"{card.name}-{weights_id}-{made_by}.onnx"
    if not path.is_file():
        from quakeline.models.onnx import export
        from quakeline.models.weights import network

        with replacing(path) as temporary:
            export(card, network(weights)[1], temporary)
    return path
