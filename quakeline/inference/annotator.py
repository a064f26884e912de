"""A weights file made ready to annotate: card, backend and engine in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quakeline.errors import ConfigError
from quakeline.inference.backends import Backend, OpenVino, Torch
from quakeline.inference.engine import Engine, Piece
from quakeline.inference.tuning import best_batch
from quakeline.inference.waveforms import Paged, Waveforms, context_s
from quakeline.models.cards import Card


@dataclass(frozen=True)
class Annotator:
    """A network with its weights on a device, ready for continuous data."""

    card: Card
    weights_id: str
    engine: Engine
    device: str

    @classmethod
    def load(
        cls,
        weights: Path,
        device: str = "auto",
        threads: int = 1,
        batch: int | None = None,
        hop: int | None = None,
        stacking: str = "average",
    ) -> Annotator:
        """Make the network of a weights file ready.

        Parameters
        ----------
        weights
            A .safetensors file made by the stage `weights`.
        device
            "auto", "cpu" or "cuda"; auto takes all GPUs when there are some.
        threads
            Cores to compute on.
        batch, hop
            Windows in a forward pass and step between windows in samples; None: the best batch
            on this machine, and the card's step.
        stacking
            How overlapping windows are joined: "average", "maximum" or "weighted".

        Raises
        ------
        ConfigError
            "cuda" without a usable GPU.
        WeightsError
            A damaged or foreign file.
        """
        from quakeline.models.weights import card_of

        card, weights_id = card_of(weights)
        if device == "cuda" or (device == "auto" and _gpus()):
            backend, place = _on_gpus(weights, batch)
        else:
            backend, place = _on_cpu(weights, card, threads, batch)
        engine = Engine(card, backend, hop or card.hop_samples, stacking)
        return cls(card, weights_id, engine, place)

    @property
    def reach(self) -> int:
        """Samples on both sides of a sample that its probabilities depend on, at most."""
        context = round(context_s(self.card) * self.card.sampling_rate_hz)
        return self.card.window_samples + context

    def annotate(self, source: Waveforms, lo: int, hi: int) -> Iterator[Piece]:
        """Probabilities of the phases on samples [lo, hi); see `Engine.annotate`."""
        return self.engine.annotate(Paged(source, self.card), lo, hi)

    def __str__(self) -> str:
        """Name, weights, device, batch and step: for the log."""
        return (
            f"{self.card.name} ({self.weights_id}) on {self.device}, batch"
            f" {self.engine.backend.batch}, step {self.engine.hop} samples"
        )


def _gpus() -> list[Any]:
    """The usable GPUs; looks without loading torch first, which takes a second."""
    if not any(Path("/dev").glob("nvidia[0-9]*")):
        return []
    import torch

    return [torch.device("cuda", n) for n in range(torch.cuda.device_count())]


def _on_gpus(weights: Path, batch: int | None) -> tuple[Backend, str]:
    from quakeline.models.weights import network

    devices = _gpus()
    if not devices:
        raise ConfigError("device: 'cuda' given; this machine has no usable GPU")
    backend = Torch(network(weights)[1], batch or 1024, devices)
    return backend, f"{len(devices)} GPU"


def _on_cpu(weights: Path, card: Card, threads: int, batch: int | None) -> tuple[Backend, str]:
    """OpenVINO where it can be had, else PyTorch."""
    window = (len(card.components), card.window_samples)
    try:
        import openvino  # noqa: F401
    except ImportError:
        return _torch_on_cpu(weights, threads, batch), f"{threads} cores (PyTorch)"
    from quakeline.models.graphs import graph_of

    graph = graph_of(weights)

    def make(size: int) -> OpenVino:
        return OpenVino(graph, (size, *window), threads)

    size = batch or best_batch(make, window, f"{card.network} openvino {threads}")
    return make(size), f"{threads} cores (OpenVINO)"


def _torch_on_cpu(weights: Path, threads: int, batch: int | None) -> Torch:
    import torch

    from quakeline.models.weights import network

    torch.set_num_threads(threads)
    return Torch(network(weights)[1], batch or 16, [torch.device("cpu")])
