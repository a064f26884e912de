"""Pickers of single stations on fibre data, channel by channel."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, Self, get_args

import numpy as np
import torch
from scipy.signal import sosfilt, sosfilt_zi
from torch import Tensor

from quakeline.das.apply import Annotations, Patch
from quakeline.das.arrays import Transform
from quakeline.das.model import DASModel
from quakeline.das.patches import PatchingStructure
from quakeline.das.picks import DASPickingCallback
from quakeline.das.settings import Settings
from quakeline.das.storage import renamed
from quakeline.das.stream import Stream
from quakeline.errors import ConfigError
from quakeline.inference.annotator import Annotator
from quakeline.inference.windows import normalise
from quakeline.io.atomic import replacing
from quakeline.models import cache, networks, weights
from quakeline.models.ancestry import Training
from quakeline.models.cards import CARDS, FILTER_CONTEXT_S, Card, Filter
from quakeline.models.custom import NETWORK as CUSTOM
from quakeline.models.named import weights_file
from quakeline.models.names import trained_from
from quakeline.signal.filters import butterworth

Strategy = Literal["clone", "pad"]
#: Most channels in a patch.
_CHANNELS = 1024
#: Data of half to twice the rate of a network are taken as they are.
_RANGE = (0.5, 2.0)


class DASWaveformModelWrapper(DASModel):
    """Applies a picker of three-component records to fibre data, channel by channel.

    Parameters
    ----------
    model
        Name of a weight set (`quakeline models list`), a .safetensors file of quakeline, or a
        `WaveformModel` of SeisBench.
    component_strategy
        "clone": a channel is all components of the network's input; "pad": it is the vertical one
        (or the first), the others are zero.
    device
        "auto", "cpu" or "cuda"; auto takes all GPUs when there are some.
    threads
        Cores to compute on; None: all that the process may use.
    batch
        Channels in a forward pass; None: the best on this machine.
    transforms, default_args
        See `DASModel`.
    run_loader
        Whether the Python module that the file of a custom network names may be run.

    Raises
    ------
    ConfigError
        An unknown name or strategy, an ensemble, or a network with one value per window.
    WeightsError
        The weights cannot be had.
    """

    def __init__(
        self,
        model: Any,
        component_strategy: str = "clone",
        *,
        device: str = "auto",
        threads: int | None = None,
        batch: int | None = None,
        transforms: Sequence[Transform] = (),
        default_args: dict[str, Any] | None = None,
        run_loader: bool = False,
    ) -> None:
        if component_strategy not in get_args(Strategy):
            raise ConfigError(
                f"component_strategy: {component_strategy!r} given; allowed:"
                f" {', '.join(get_args(Strategy))}"
            )
        path = _file_of(model)
        card, _ = weights.card_of(path)
        _check(card)
        rate = card.sampling_rate_hz
        zero_phase = card.filter is not None and card.filter.zero_phase
        own: tuple[Transform, ...] = (ZeroPhase(card.filter),) if zero_phase else ()
        super().__init__(
            annotate_keys=card.phases,
            dt_range=(_RANGE[0] / rate, _RANGE[1] / rate),
            transforms=(*transforms, *own),
            default_args={"thresholds": dict(card.thresholds), **(default_args or {})},
            citation=card.citation,
        )
        self.card: Card = card
        self._loaded, self.component_strategy = card, component_strategy
        _, self.network, self._known = networks.read(path, run_loader=run_loader)
        for parameter in self.network.parameters():
            parameter.requires_grad_(True)  # ScriptModules have no such method of their own
        self._path = path
        self._device, self._batch = device, batch
        self._run_loader = run_loader
        self._threads = threads or len(os.sched_getaffinity(0))
        self._ready: Annotator | None = None

    @property
    def name(self) -> str:
        """Name of the weight set."""
        return f"{type(self).__name__}({self.card.name})"

    @property
    def classify_callback(self) -> type[DASPickingCallback]:
        """Picks, by default with the thresholds of the weights."""
        return DASPickingCallback

    def prepare(self) -> Annotator:
        """Make the network ready on its device with its weights of now; `annotate` does it too.

        The first time takes seconds, since the network is then compiled.
        """
        if not isinstance(self.network, torch.jit.ScriptModule) and self.card.network != CUSTOM:
            state = self.network.state_dict()
            now = weights.weights_id(state, self._loaded.options)
            if now != self._known:
                self._path, self._known, self._ready = self._kept(now), now, None
        if self._ready is None:
            self._ready = Annotator.load(
                self._path, self._device, self._threads, self._batch, run_loader=self._run_loader
            )
        return self._ready

    def _kept(self, weights_id: str) -> Path:
        """The weights of now, as after training, as a file of the cache."""
        path = cache.folder() / "das" / f"{weights_id}.safetensors"
        card = self._loaded
        if weights.digest_of(self.network.state_dict()) != card.digest:
            card = trained_from(card, name=f"{card.name} trained further")
        weights.save(path, self.network.state_dict(), card)
        self.card = card
        return path

    def get_patching_structure(
        self, data_shape: tuple[int, int], settings: Settings
    ) -> PatchingStructure:
        """Windows of the network, of as many channels at once as do not need much memory."""
        window, blind, channels = self.card.window_samples, self.card.blind_samples, data_shape[1]
        width = -(-channels // -(-channels // _CHANNELS))
        return PatchingStructure(
            in_samples=window,
            in_channels=width,
            out_samples=window - 2 * blind,
            out_channels=width,
            range_samples=(blind, window - blind),
            range_channels=(0, width),
            overlap_channels=0,
        ).completed(settings.overlap_samples, 0)

    def filter_at(self, rate_hz: float) -> np.ndarray | None:
        """The causal filter that the weights were trained behind; None: none of that kind."""
        found = self.card.filter
        if found is None or found.zero_phase:
            return None
        return butterworth(found.low_hz, found.high_hz, found.order, rate_hz)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Probabilities of the phases, (batch, samples, channels), of patches of the same shape."""
        batch, samples, channels = x.shape
        windows = x.transpose(1, 2).reshape(batch * channels, 1, samples)
        count = len(self.card.components)
        if self.component_strategy == "clone":
            windows = windows.expand(-1, count, -1)
        else:
            padded = windows.new_zeros(batch * channels, count, samples)
            padded[:, self._component : self._component + 1] = windows
            windows = padded
        found = self.network(_normalised(windows, self.card.normalisation))
        curves = found.reshape(batch, channels, found.shape[1], found.shape[2])
        first, stop = self.card.blind_samples, samples - self.card.blind_samples
        return {
            phase: curves[:, :, self.card.classes.index(phase), first:stop].transpose(1, 2)
            for phase in self.card.phases
        }

    def outputs(
        self, patches: Iterator[Patch], stream: Stream, settings: Settings
    ) -> Iterator[tuple[Patch, Annotations]]:
        """See `DASModel.outputs`; channels that do not change are left out and stay zero."""
        backend = self.prepare().engine.backend
        window, blind = self.card.window_samples, self.card.blind_samples
        rows = [self.card.classes.index(phase) for phase in self.card.phases]
        values = np.empty(0, np.float32)
        done = 0
        for (patch, channels), found in backend.run(self._batches(patches, backend)):
            if done == 0:
                shape = (len(rows), len(patch.data), window - 2 * blind)
                values = np.zeros(shape, np.float32)
            for phase, row in enumerate(rows):
                values[phase, channels] = found[: len(channels), row, blind : window - blind]
            done += len(channels)
            if done == np.count_nonzero(patch.live):
                keys = self.card.phases
                yield patch, {key: values[number].T for number, key in enumerate(keys)}
                done = 0

    def _batches(
        self, patches: Iterator[Patch], backend: Any
    ) -> Iterator[tuple[tuple[Patch, np.ndarray], np.ndarray]]:
        """Batches of windows, with the patch and its channels that they are of."""
        shape = (backend.batch, len(self.card.components), self.card.window_samples)
        ring = deque(np.zeros(shape, np.float32) for _ in range(backend.in_flight + 1))
        for patch in patches:
            live = np.flatnonzero(patch.live)
            for first in range(0, len(live), backend.batch):
                channels = live[first : first + backend.batch]
                self._fill(ring[0], patch.data[channels])
                yield (patch, channels), ring[0]
                ring.rotate(-1)

    def _fill(self, target: np.ndarray, windows: np.ndarray) -> None:
        """Put windows (n, samples), normalised, into a batch."""
        n, rule = len(windows), self.card.normalisation
        if self.component_strategy == "clone":
            one = windows[:, None]
            normalise(one, None, "std" if rule == "std-live" else rule)
            target[:n] = one
        else:
            target[:n] = 0
            target[:n, self._component] = windows
            normalise(target[:n], None, rule)

    @property
    def _component(self) -> int:
        """Which component a channel is where the others are zero."""
        return max(self.card.components.find("Z"), 0)

    def save(
        self, path: Path | str, *, name: str | None = None, training: Training | None = None
    ) -> Path:
        """Write the picker's weights as a weights file, for any use of it; see `DASModel.save`."""
        if self._loaded.network == CUSTOM:
            if name is not None or training is not None:
                raise ConfigError(f"name: {self._loaded.name} is kept as a graph and has its name")
            Path(path).write_bytes(self._path.read_bytes())
            return Path(path)
        digest = weights.digest_of(self.network.state_dict())
        card = renamed(self._loaded, digest, name, training)
        networks.save_network(path, self.network, card or self._loaded)
        return Path(path)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Wrap the picker of a .safetensors file of quakeline."""
        return cls(Path(path))

    @classmethod
    def from_pretrained(cls, name: Path | str) -> Self:
        """Wrap a weight set by its name. Raises as the class itself does."""
        return cls(name)

    @classmethod
    def list_pretrained(cls) -> list[str]:
        """Names of the weight sets."""
        return [name for name, card in CARDS.items() if card.output == "samples"]


class ZeroPhase:
    """The filter of a weight set that was trained behind a filter run forwards and backwards."""

    reach_s = FILTER_CONTEXT_S

    def __init__(self, filter: Filter | None) -> None:
        if filter is None:
            raise TypeError("a filter is needed")
        self.filter = filter

    def __call__(self, block: np.ndarray, dt: float, dx: float | None) -> np.ndarray:
        """See `quakeline.das.arrays.Transform`."""
        sos = butterworth(self.filter.low_hz, self.filter.high_hz, self.filter.order, 1 / dt)
        samples = np.asarray(block.T, dtype=float)
        for _ in range(2):
            state = sosfilt_zi(sos)[:, None, :] * samples[:, :1]
            samples = sosfilt(sos, samples, axis=1, zi=state)[0][:, ::-1]
        return np.asarray(samples.T)


def _check(card: Card) -> None:
    if card.members:
        raise ConfigError(f"model: {card.name} is an ensemble; wrap its members one by one")
    if card.output == "window":
        raise ConfigError(
            f"model: {card.name} gives one value per window; fibre data need a network that gives"
            " one per sample"
        )


def _file_of(model: Any) -> Path:
    """The weights file of what the wrapper was given."""
    if isinstance(model, str | os.PathLike):
        return weights_file(os.fspath(model))
    if not hasattr(model, "annotate_batch_pre"):
        raise ConfigError(
            f"model: a {type(model).__name__} given; allowed: the name of a weight set, a"
            " .safetensors file of quakeline, or a WaveformModel of SeisBench"
        )
    from quakeline.models.kinds.seisbench import write_model

    with TemporaryDirectory(prefix="quakeline-") as folder:
        made = write_model(model, Path(folder) / "model.safetensors")
        path = cache.folder() / "das" / f"{weights.card_of(made)[1]}.safetensors"
        with replacing(path) as temporary:
            temporary.write_bytes(made.read_bytes())
    return path


def _normalised(windows: Tensor, rule: str) -> Tensor:
    """What `quakeline.inference.windows.normalise` does, for training."""
    if rule == "none":
        return windows
    if rule in ("max", "scale"):
        largest = windows.abs().amax(dim=(1, 2), keepdim=True)
        scale = torch.exp2(torch.frexp(largest)[1].to(windows.dtype))
        return windows / torch.where(largest > 0, largest if rule == "max" else scale, 1)
    centred = windows - windows.mean(dim=2, keepdim=True)
    spread = centred.square().mean(dim=2, keepdim=True).sqrt()
    live = spread > 0
    scaled = centred / torch.where(live, spread, 1)
    if rule == "std-live":
        scaled = scaled * windows.shape[1] / live.sum(dim=1, keepdim=True).clamp(min=1)
    return scaled
