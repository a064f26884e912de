"""A weights file made ready to annotate: card, backends and engines in one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from quakeline.core.errors import WeightsError
from quakeline.inference.backends import Backend, OpenVino, Torch
from quakeline.inference.devices import gpus, on_gpu
from quakeline.inference.engine import Engine, Piece
from quakeline.inference.ensemble import Reordered, combined
from quakeline.inference.tuning import GPU_SIZES, best_batch, on_cpu
from quakeline.inference.waveforms import Paged, Waveforms
from quakeline.models.cards import ARCHITECTURES, Card
from quakeline.models.openvino_runtime import runtime
from quakeline.models.windowing import AS_ON_CARD, Windowing


@dataclass(frozen=True)
class Annotator:
    """A network with its weights on a device, or an ensemble of them, ready for continuous data.

    `engines` has one entry, or one for each member of the ensemble.
    """

    card: Card
    weights_id: str
    engines: tuple[Engine, ...]
    device: str

    @classmethod
    def load(
        cls,
        weights: Path,
        device: str = "auto",
        threads: int = 1,
        batch: int | None = None,
        windowing: Windowing = AS_ON_CARD,
        run_loader: bool = False,
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
        batch
            Windows in a forward pass; None: the best batch on this machine.
        windowing
            What differs from the card in how windows are laid and joined.
        run_loader
            Whether the loader that the file of a custom network names may be run, for GPUs; else
            its graph is computed, on CPUs.

        Raises
        ------
        ConfigError
            "cuda" without a usable GPU, or windows that do not fit the card.
        WeightsError
            A damaged file, or one of another program.
        """
        from quakeline.models.weights import card_of, members_of

        known, weights_id = card_of(weights)
        if known.output == "event":
            raise WeightsError(f"{weights} tells kinds of events, it picks no phases")
        card = windowing.on(known)
        engines, places = [], []
        members = [windowing.on(member) for member, _ in members_of(weights)]
        for number, one in enumerate(members or [card]):
            place = _Place(weights, number if members else None, one, run_loader)
            backend, name = place.backend(device, threads, batch)
            engines.append(Engine(replace(one, phases=card.phases), backend))
            places.append(name)
        return cls(card, weights_id, tuple(engines), " and ".join(dict.fromkeys(places)))

    @property
    def engine(self) -> Engine:
        """The engine of the network; of the first member of an ensemble."""
        return self.engines[0]

    @property
    def reach(self) -> int:
        """Samples on both sides of a sample that its probabilities depend on, at most."""
        return round(self.card.reach_s * self.card.sampling_rate_hz)

    def annotate(self, source: Waveforms, lo: int, hi: int) -> Iterator[Piece]:
        """Probabilities of the phases on samples [lo, hi); see `Engine.annotate`.

        `source` has the components of the card.
        """
        if not self.card.members:
            return self.engine.annotate(Paged(source, self.card), lo, hi)
        streams = [
            engine.annotate(Paged(self._for(engine, source), engine.card), lo, hi)
            for engine in self.engines
        ]
        return combined(streams, self.card.options["rule"])

    def _for(self, engine: Engine, source: Waveforms) -> Waveforms:
        return Reordered(source, self.card.components, engine.card.components)

    def __str__(self) -> str:
        """Name, weights, device, batches and steps: for the log."""
        batches = " and ".join(str(engine.backend.batch) for engine in self.engines)
        steps = " and ".join(str(engine.hop) for engine in self.engines)
        return (
            f"{self.card.name} ({self.weights_id}) on {self.device}, batch {batches}, step {steps}"
            " samples"
        )


@dataclass(frozen=True)
class _Place:
    """A network inside a weights file: the file's own, or a member of its ensemble."""

    weights: Path
    member: int | None
    card: Card
    run_loader: bool

    def backend(self, device: str, threads: int, batch: int | None) -> tuple[Backend, str]:
        """What computes the network, and the name of the device."""
        if (device == "cuda" or not self._is_graph()) and on_gpu(device):
            return self._on_gpus(batch)
        return self._on_cpu(threads, batch)

    def _is_graph(self) -> bool:
        """Whether the network is known as a graph alone, which PyTorch cannot compute."""
        return self.card.network == "custom" and not (
            self.run_loader and self.card.options["digest"]
        )

    def _on_gpus(self, batch: int | None) -> tuple[Backend, str]:
        import torch

        devices = gpus()
        module = self._network()
        if batch is None:
            # one card tells for all: those of a machine are of one kind
            card = torch.cuda.get_device_name(devices[0])
            name = f"{self._name} torch {torch.__version__} {card}"
            one = devices[:1]
            batch = best_batch(lambda n: Torch(module, n, one), self._window, name, GPU_SIZES)
        return Torch(module, batch, devices), f"{len(devices)} GPU"

    def _on_cpu(self, threads: int, batch: int | None) -> tuple[Backend, str]:
        """OpenVINO where it can be had, else PyTorch."""
        try:
            runtime()
        except ImportError:
            return self._torch_on_cpu(threads, batch), f"{threads} cores (PyTorch)"
        from quakeline.models.graphs import graph_of

        graph = graph_of(self.weights, self.member)

        def make(size: int) -> OpenVino:
            return OpenVino(graph, (size, *self._window), threads)

        name = f"{self._name} {on_cpu('openvino', threads)}"
        size = batch or best_batch(make, self._window, name)
        return make(size), f"{threads} cores (OpenVINO)"

    def _torch_on_cpu(self, threads: int, batch: int | None) -> Torch:
        import torch

        torch.set_num_threads(threads)
        module, cpu = self._network(), [torch.device("cpu")]
        name = f"{self._name} {on_cpu('torch', threads)}"
        size = batch or best_batch(lambda n: Torch(module, n, cpu), self._window, name)
        return Torch(module, size, cpu)

    @property
    def _name(self) -> str:
        """What the best batch is remembered for: weights of one network take the same time."""
        return self.card.network if self.card.network in ARCHITECTURES else self.card.name

    @property
    def _window(self) -> tuple[int, int]:
        return len(self.card.components), self.card.window_samples

    def _network(self) -> Any:
        from quakeline.models.networks import read

        return read(self.weights, self.member, self.run_loader)[1]
