"""Pickers of single stations on fibre data, channel by channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor, nn

from quakeline.core.errors import ConfigError
from quakeline.fibres.das import storage
from quakeline.fibres.das.apply import Annotations, Patch
from quakeline.fibres.das.channelwise import (
    Channelwise,
    arguments_of,
    dt_range_of,
    transforms_of,
)
from quakeline.fibres.das.model import DASModel
from quakeline.fibres.das.options import Settings
from quakeline.fibres.das.pickers import picker_of
from quakeline.fibres.das.stream import Stream
from quakeline.fibres.das.training_windows import normalised
from quakeline.fibres.recordings.arrays import Transform
from quakeline.inference.annotator import Annotator
from quakeline.models import cache, networks, weights
from quakeline.models.ancestry import Training
from quakeline.models.cards import CARDS, Card
from quakeline.models.custom import NETWORK as CUSTOM
from quakeline.models.names import trained_from
from quakeline.models.seisbench import Picker as SeisBenchPicker


class DASWaveformModelWrapper(Channelwise, DASModel):
    """Applies a picker of three-component records to fibre data, channel by channel.

    `annotate` takes `blinding` too: samples at the begin and the end of each window whose output is
    left out; unless it is given, as the weights say.

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
    options
        `dx_range`, `fk_filter_args`, `annotate_forward_kwargs`, `buffer_queue_size`: see
        `DASModel`.

    Raises
    ------
    ConfigError
        An unknown name, strategy or device, an ensemble, a network with one value per window, or
        a count or range that is none.
    WeightsError
        The weights cannot be had.

    Examples
    --------
    >>> import numpy as np
    >>> import quakeline
    >>> import xarray
    >>> times = np.datetime64("2024-01-01", "ns") + np.arange(4000) * np.timedelta64(10, "ms")
    >>> waves = np.random.default_rng(0).normal(scale=0.01, size=(4000, 4)).astype(np.float32)
    >>> waves[500] = 0.9
    >>> data = xarray.DataArray(waves, {"time": times, "distance": np.arange(4.0)})
    >>> model = quakeline.DASWaveformModelWrapper("phasenet")
    >>> model.annotate_keys
    ['P', 'S']
    >>> output = model.classify(data)
    >>> len(output.P), output.report.problems
    (0, [])
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
        **options: Any,
    ) -> None:
        picker = picker_of(model, run_loader)
        card = picker.card
        super().__init__(
            annotate_keys=list(picker.rows),
            dt_range=dt_range_of(picker),
            transforms=(*transforms, *transforms_of(picker)),
            default_args={
                **picker.default_args,
                "thresholds": picker.thresholds,
                **(default_args or {}),
            },
            citation=card.citation,
            **options,
        )
        self.card: Card = card
        self._loaded, self._rows = card, picker.rows
        self.component_strategy = component_strategy
        self.network, self._known, self._path = picker.network, picker.known, picker.path
        for parameter in self.network.parameters():
            parameter.requires_grad_(True)  # ScriptModules have no such method of their own
        self._annotate_args = arguments_of(picker)
        self._compute(device, threads, batch)
        self._run_loader = run_loader
        self._ready: Annotator | None = None

    @property
    def model(self) -> nn.Module:
        """The picker: SeisBench's `WaveformModel` where it is one, else quakeline's network."""
        return self.network.model if isinstance(self.network, SeisBenchPicker) else self.network

    def prepare(self) -> Annotator | None:
        """Make the network ready on its device with its weights of now; `annotate` does it too.

        The first time takes seconds, since the network is then compiled. None: torch computes,
        where a class of one's own derives from SeisBench's networks or has its own `forward`.
        """
        if self._path is None or not self._compiles:
            return None
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

    @property
    def _compiles(self) -> bool:
        """Whether the weights file says all of what the network does."""
        own = type(self).forward is not DASWaveformModelWrapper.forward
        return self._path is not None and not own and not self.annotate_forward_kwargs

    def _kept(self, weights_id: str) -> Path:
        """The weights of now, as after training, as a file of the cache."""
        path = cache.folder() / "das" / f"{weights_id}.safetensors"
        card = self._loaded
        if weights.digest_of(self.network.state_dict()) != card.digest:
            card = trained_from(card, name=f"{card.name} trained further")
        weights.save(path, self.network.state_dict(), card)
        self.card = card
        return path

    def forward(self, x: Tensor, argdict: dict[str, Any] | None = None) -> dict[str, Tensor]:
        """Output of the network, (batch, samples, channels), for patches of the same shape."""
        batch, samples, channels = x.shape
        windows = x.transpose(1, 2).reshape(batch * channels, 1, samples)
        count = len(self.card.components)
        if self.component_strategy == "clone":
            windows = windows.expand(-1, count, -1)
        else:
            padded = windows.new_zeros(batch * channels, count, samples)
            padded[:, self._component : self._component + 1] = windows
            windows = padded
        windows = normalised(windows, self.card.normalisation)
        arguments = {**self.default_args, **(argdict or {})}
        if isinstance(self.network, SeisBenchPicker):
            found = self.network(windows, arguments)
        else:
            found = self.network(windows)
        curves = found.reshape(batch, channels, found.shape[1], found.shape[2])
        first, last = self._blinding(arguments)
        return {
            key: curves[:, :, row, first : samples - last].transpose(1, 2)
            for key, row in self._rows.items()
        }

    def outputs(
        self, patches: Iterator[Patch], stream: Stream, settings: Settings
    ) -> Iterator[tuple[Patch, Annotations]]:
        """See `DASModel.outputs`; channels that do not change are left out and stay zero."""
        ready = self.prepare()
        if ready is None:
            yield from super().outputs(patches, stream, settings)
            return
        yield from self._by_engine(ready, patches, stream)

    @property
    def _lenient(self) -> bool:
        return not self._compiles

    def save(
        self,
        path: Path | str,
        weights_docstring: str = "",
        version_str: str | None = None,
        *,
        name: str | None = None,
        training: Training | None = None,
    ) -> Path:
        """Write the picker's weights as a weights file, for any use of it; see `DASModel.save`."""
        if self._path is None:
            raise ConfigError(
                f"{type(self.model).__name__} is known to this process only: save the network by"
                " its own save()"
            )
        file = storage.versioned(path, version_str)
        if self._loaded.network == CUSTOM:
            if name is not None or training is not None:
                raise ConfigError(f"name: {self._loaded.name} is kept as a graph and has its name")
            file.write_bytes(self._path.read_bytes())
            return file
        digest = weights.digest_of(self.network.state_dict())
        told = storage.docstring_as(training, weights_docstring, name is not None)
        card = storage.renamed(self._loaded, digest, name, told)
        networks.save_network(file, self.network, card or self._loaded)
        return file

    @classmethod
    def load(cls, path: Path | str, version_str: str | None = None) -> Self:
        """Wrap the picker of a .safetensors file of quakeline."""
        return cls(storage.versioned(path, version_str))

    @classmethod
    def from_pretrained(
        cls,
        name: Path | str,
        version_str: str | None = "latest",
        update: bool = False,
        force: bool = False,
        wait_for_file: bool = False,
    ) -> Self:
        """Wrap a weight set by its name; see `DASModel.from_pretrained`.

        Raises WeightsError for another version, else as the class itself does.
        """
        storage.require_version(name, version_str, cls.list_versions(name))
        return cls(name)

    @classmethod
    def list_pretrained(
        cls, details: bool = False, remote: bool = True
    ) -> list[str] | dict[str, str]:
        """Names of the weight sets; with details, and their citations. `remote` has no effect."""
        sets = {name: card.citation for name, card in CARDS.items() if card.output == "samples"}
        return sets if details else list(sets)

    @classmethod
    def list_versions(cls, name: Path | str, remote: bool = True) -> list[str]:
        """The version of a weight set: digits of its digest. `remote` has no effect."""
        card = CARDS.get(str(name))
        return [card.digest[:12]] if card else []
