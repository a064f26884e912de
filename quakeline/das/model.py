"""The base of networks that work on fibre data."""

from __future__ import annotations

import asyncio
import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from threading import Event
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor, nn

from quakeline.das import apply, storage
from quakeline.das.apply import Annotations, Patch
from quakeline.das.arrays import Transform
from quakeline.das.output import ClassifyOutput
from quakeline.das.patches import PatchingStructure
from quakeline.das.report import AnnotateReport
from quakeline.das.settings import Settings
from quakeline.das.stream import Stream
from quakeline.errors import ConfigError
from quakeline.models.ancestry import Training
from quakeline.models.cards import Card, Repository


class DASModel(nn.Module, ABC):
    """Base of networks for fibre data: an ordinary torch module, with `annotate` and `classify`.

    Derive from it, implement `forward`, and give the constructor what it needs.

    Parameters
    ----------
    annotate_keys
        Which of the outputs of `forward` the callbacks get.
    patching_structure
        Size of the patches; None: `get_patching_structure` is overridden.
    dt_range, dx_range
        Smallest and largest step in time (s) and along the fibre (m) that the network takes; other
        data are resampled by the smallest whole numbers that bring them there. None: any.
    filter_samples
        A causal filter along time: name of a design function of `scipy.signal` and its arguments,
        corners in Hz, as ("iirfilter", {"N": 4, "btype": "highpass", "Wn": 1.0}).
    transforms
        Further steps before the network, see `quakeline.das.arrays.Transform`.
    annotate_forward_kwargs
        Arguments of `forward` when the model is applied.
    default_args
        Arguments of `annotate` and `classify` unless the call says otherwise.
    citation
        How to cite the network.
    """

    #: Names of published weights, and where their .safetensors files are.
    pretrained: ClassVar[Mapping[str, Repository]] = {}

    def __init__(
        self,
        *,
        annotate_keys: Sequence[str] = (),
        patching_structure: PatchingStructure | None = None,
        dt_range: tuple[float, float] | None = None,
        dx_range: tuple[float, float] | None = None,
        filter_samples: tuple[str, dict[str, Any]] | None = None,
        transforms: Sequence[Transform] = (),
        annotate_forward_kwargs: Mapping[str, Any] | None = None,
        default_args: Mapping[str, Any] | None = None,
        citation: str = "",
    ) -> None:
        super().__init__()
        self.annotate_keys = list(annotate_keys)
        self.patching_structure = patching_structure
        self.dt_range, self.dx_range = dt_range, dx_range
        self.filter_samples = filter_samples
        self.transforms = tuple(transforms)
        self.annotate_forward_kwargs = dict(annotate_forward_kwargs or {})
        self.default_args = dict(default_args or {})
        self.citation = citation
        #: With which card the weights were loaded; None: with none.
        self.card: Card | None = None

    @abstractmethod
    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """Annotations of patches.

        Parameters
        ----------
        x
            Shape (batch, samples, channels).

        Returns
        -------
        dict
            By annotation key, each (batch, output samples, output channels).
        """

    @property
    def name(self) -> str:
        """Name of the network."""
        return type(self).__name__

    @property
    def classify_callback(self) -> type[Any]:
        """Class of the callback that `classify` uses; override it."""
        raise NotImplementedError(f"{self.name} names no callback for classify; use annotate")

    def get_model_args(self) -> dict[str, Any]:
        """Arguments, as JSON takes them, by which `load` builds the network again; override it."""
        return {}

    def get_patching_structure(
        self, data_shape: tuple[int, int], settings: Settings
    ) -> PatchingStructure:
        """Patches for a section of (samples, channels), with their overlaps.

        Raises ConfigError where the model has no patches of its own.
        """
        if self.patching_structure is None:
            raise ConfigError(
                f"{self.name} says nothing of its patches: give patching_structure, or override"
                " get_patching_structure"
            )
        return self.patching_structure.completed(
            settings.overlap_samples, settings.overlap_channels
        )

    def filter_at(self, rate_hz: float) -> np.ndarray | None:
        """Second-order sections of `filter_samples` at a sampling rate. Raises ConfigError."""
        if self.filter_samples is None:
            return None
        import scipy.signal

        name, arguments = self.filter_samples
        try:
            design = getattr(scipy.signal, name)
            return np.asarray(design(**arguments, output="sos", fs=rate_hz))
        except (AttributeError, TypeError, ValueError) as error:
            raise ConfigError(
                f"filter_samples: {name} with {arguments} at {rate_hz:g} Hz: {error}"
            ) from error

    def annotate(self, data: Any, callback: Any, **kwargs: Any) -> AnnotateReport:
        """Apply the network to an array and hand its output to a callback, patch by patch.

        Memory does not grow with the array: virtual arrays are read piece by piece. Gaps split the
        array; each gapless section is annotated by itself.

        Parameters
        ----------
        data
            One `xdas.DataArray`, or a `quakeline.das.arrays.Source`.
        callback
            A `DASAnnotateCallback`, or one of SeisBench.
        **kwargs
            See `quakeline.das.settings.Settings`.

        Returns
        -------
        AnnotateReport
            What was left out, and why.

        Raises
        ------
        DataError
            The array cannot be used, or no stretch of it is long enough.
        ConfigError
            An unknown argument or an impossible value.
        """
        return apply.annotate(self, data, callback, self._settings(kwargs), Event())

    def classify(self, data: Any, **kwargs: Any) -> ClassifyOutput:
        """Apply the network with its usual callback, and give the results of that.

        Keyword arguments are those of the callback and of `annotate`, which see.
        """
        callback, rest = self._callback(kwargs)
        report = self.annotate(data, callback, **rest)
        return ClassifyOutput(self.name, callback.get_results_dict(), report)

    async def annotate_async(self, data: Any, callback: Any, **kwargs: Any) -> AnnotateReport:
        """Do what `annotate` does beside an event loop, which stays free.

        When the task is cancelled, the work ends after the current patch.
        """
        stop = Event()
        settings = self._settings(kwargs)
        work = asyncio.ensure_future(
            asyncio.to_thread(apply.annotate, self, data, callback, settings, stop)
        )
        try:
            return await asyncio.shield(work)
        except asyncio.CancelledError:
            stop.set()
            await asyncio.wait([work])
            raise

    async def classify_async(self, data: Any, **kwargs: Any) -> ClassifyOutput:
        """Do what `classify` does beside an event loop, which stays free."""
        callback, rest = self._callback(kwargs)
        report = await self.annotate_async(data, callback, **rest)
        results = await asyncio.to_thread(callback.get_results_dict)
        return ClassifyOutput(self.name, results, report)

    def outputs(
        self, patches: Iterator[Patch], stream: Stream, settings: Settings
    ) -> Iterator[tuple[Patch, Annotations]]:
        """Annotations of patches, in their order; override it to compute them another way."""
        batch: list[Patch] = []
        for patch in patches:
            batch.append(patch)
            if len(batch) == settings.batch_size:
                yield from self._computed(batch)
                batch = []
        if batch:
            yield from self._computed(batch)

    def _computed(self, batch: list[Patch]) -> Iterator[tuple[Patch, Annotations]]:
        first = next(self.parameters(), torch.empty(0))
        stacked = torch.from_numpy(np.stack([patch.data for patch in batch]))
        x = stacked.transpose(1, 2).to(device=first.device, dtype=first.dtype)
        training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                found = self(x, **self.annotate_forward_kwargs)
                arrays = {key: found[key].float().cpu().numpy() for key in self.annotate_keys}
        finally:
            self.train(training)
        for number, patch in enumerate(batch):
            yield patch, {key: values[number] for key, values in arrays.items()}

    def _settings(self, given: Mapping[str, Any]) -> Settings:
        return Settings.of(self.default_args, given)

    def _callback(self, given: Mapping[str, Any]) -> tuple[Any, dict[str, Any]]:
        """The usual callback with its arguments, and the arguments of `annotate`."""
        kind = self.classify_callback
        names = inspect.signature(kind).parameters
        wanted = {**{k: v for k, v in self.default_args.items() if k in names}, **given}
        own = {name: value for name, value in wanted.items() if name in names}
        return kind(**own), {name: value for name, value in given.items() if name not in names}

    def save(
        self, path: Path | str, *, name: str | None = None, training: Training | None = None
    ) -> Path:
        """Write the weights with their card, and how to build the network, as a weights file.

        Parameters
        ----------
        path
            The .safetensors file to write.
        name
            Name of the weights. Those that were loaded from a file and trained since need one of
            their own, and name the former ones as their parent. None: that with which they were
            loaded, or one made of the class and the file.
        training
            How they were trained; None: not stated.

        Raises
        ------
        ConfigError
            Trained weights without a name of their own, or an impossible one.
        OutputError
            The file cannot be written.
        """
        return storage.save(self, Path(path), name, training)

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """Build the network that `save` wrote; nothing is unpickled.

        Called on `DASModel` it finds the class by its name among those that are imported. Raises
        WeightsError where the file is not one of this class.
        """
        return storage.load(cls, Path(path))

    @classmethod
    def from_pretrained(cls, name: Path | str) -> Self:
        """Give the network with published weights, or with those of a .safetensors file.

        Raises WeightsError that lists the known names, or where weights cannot be fetched.
        """
        return storage.from_pretrained(cls, name)

    @classmethod
    def list_pretrained(cls) -> list[str]:
        """Names that `from_pretrained` knows."""
        return list(cls.pretrained)
