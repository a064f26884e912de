"""The base of networks that work on fibre data.

Its names and calls are those of SeisBench's `DASModel`, doi:10.1785/0220210324, so that networks
that were written for that one work here as they are.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
import torch
from torch import Tensor

from quakeline.core.errors import ConfigError
from quakeline.fibres.das import apply, storage
from quakeline.fibres.das.annotating import known_range
from quakeline.fibres.das.applicable import Applicable
from quakeline.fibres.das.apply import Annotations, Patch
from quakeline.fibres.das.options import Settings
from quakeline.fibres.das.patches import PatchingStructure
from quakeline.fibres.das.segments import sections_of
from quakeline.fibres.das.stack import output_coords
from quakeline.fibres.das.stream import Stream
from quakeline.fibres.recordings.arrays import TIME, Transform, as_source
from quakeline.models.ancestry import Training
from quakeline.models.cards import Card, Repository


class DASModel(Applicable, ABC):
    """Base of networks for fibre data: an ordinary torch module, with `annotate` and `classify`.

    Derive from it, implement `forward`, and give the constructor what it needs.

    Parameters
    ----------
    dt_range, dx_range
        Smallest and largest step in time (s) and along the fibre (m) that the network takes; other
        data are resampled by the smallest whole numbers that bring them there. None: any.
    patching_structure
        Size of the patches; None: `get_patching_structure` is overridden.
    buffer_queue_size
        Taken as SeisBench's models do. Here a row and a patch or two wait, whatever it says.
    annotate_forward_kwargs
        Arguments of `forward` when the model is applied.
    annotate_keys
        Which of the outputs of `forward` the callbacks get.
    default_args
        Arguments of `annotate` and `classify` unless the call says otherwise.
    fk_filter_args
        Arguments of an f-k filter of each patch, see `quakeline.fibres.das.fk.FKFilter`; None: no
        filter.
    filter_samples
        A causal filter along time: name of a design function of `scipy.signal` and its arguments,
        corners in Hz, as ("iirfilter", {"N": 4, "btype": "highpass", "Wn": 1.0}).
    transforms
        Further steps before the network, see `quakeline.fibres.recordings.arrays.Transform`.
    citation
        How to cite the network.

    Examples
    --------
    >>> import numpy as np
    >>> import quakeline
    >>> import xarray
    >>> class Amplitude(quakeline.DASModel):
    ...     def __init__(self):
    ...         size = quakeline.PatchingStructure(200, 4, 200, 4, (0, 200), (0, 4))
    ...         super().__init__(annotate_keys=["P"], patching_structure=size)
    ...
    ...     def forward(self, x, argdict=None):  # (batch, samples, channels)
    ...         return {"P": x.abs()}
    >>> times = np.datetime64("2024-01-01", "ns") + np.arange(1000) * np.timedelta64(10, "ms")
    >>> waves = np.random.default_rng(0).normal(scale=0.01, size=(1000, 4)).astype(np.float32)
    >>> waves[500] = 0.9
    >>> data = xarray.DataArray(waves, {"time": times, "distance": np.arange(4.0)})
    >>> callback = quakeline.DASPickingCallback(thresholds=0.5, blinding=(0, 0))
    >>> report = Amplitude().annotate(data, callback)
    >>> report.problems
    []
    >>> picks = callback.get_results_dataframe()
    >>> picks["channel"].tolist(), (picks["time"] == times[500]).all()
    ([0.0, 1.0, 2.0, 3.0], np.True_)
    """

    #: Names of published weights, and where their .safetensors files are.
    pretrained: ClassVar[Mapping[str, Repository]] = {}

    def __init__(
        self,
        dt_range: tuple[float, float] | None = None,
        dx_range: tuple[float, float] | None = None,
        patching_structure: PatchingStructure | None = None,
        buffer_queue_size: int = 8,
        annotate_forward_kwargs: Mapping[str, Any] | None = None,
        annotate_keys: Sequence[str] | None = None,
        default_args: Mapping[str, Any] | None = None,
        fk_filter_args: Mapping[str, Any] | None = None,
        filter_samples: tuple[str, dict[str, Any]] | None = None,
        *,
        transforms: Sequence[Transform] = (),
        citation: str | None = None,
    ) -> None:
        super().__init__()
        self.annotate_keys = list(annotate_keys or ())
        self.patching_structure = patching_structure
        self.dt_range = known_range("dt_range", dt_range)
        self.dx_range = known_range("dx_range", dx_range)
        self.buffer_queue_size = buffer_queue_size
        self.fk_filter_args, self.filter_samples = fk_filter_args, filter_samples
        self.transforms = tuple(transforms)
        self.annotate_forward_kwargs = dict(annotate_forward_kwargs or {})
        self.default_args = dict(default_args or {})
        self._citation = citation or ""
        #: With which card the weights were loaded; None: with none.
        self.card: Card | None = None

    @abstractmethod
    def forward(self, x: Tensor, argdict: dict[str, Any] | None = None) -> dict[str, Tensor]:
        """Annotations of patches.

        Parameters
        ----------
        x
            Shape (batch, samples, channels).
        argdict
            `default_args` with what the call of `annotate` says; given to networks that take it.

        Returns
        -------
        dict
            By annotation key, each (batch, output samples, output channels).
        """

    @property
    def citation(self) -> str:
        """How to cite the network."""
        return self._citation

    def get_model_args(self) -> dict[str, Any]:
        """Arguments, as JSON takes them, by which `load` builds the network again; extend it.

        Those of this base are left out of files where the constructor does not name them.
        """
        return {"citation": self.citation, "buffer_queue_size": self.buffer_queue_size}

    def get_patching_structure(
        self, data_shape: tuple[float, float], argdict: dict[str, Any]
    ) -> PatchingStructure:
        """Patches for a section of (samples, channels), with their overlaps.

        Parameters
        ----------
        data_shape
            Samples and channels behind resampling, about.
        argdict
            `default_args` with what the call of `annotate` says.

        Raises
        ------
        ConfigError
            The model has no patches of its own.
        """
        if self.patching_structure is None:
            raise ConfigError(
                f"{self.name} says nothing of its patches: give patching_structure, or override"
                " get_patching_structure"
            )
        return PatchingStructure.like(self.patching_structure).completed(
            self._argdict_get_with_default(argdict, "overlap_samples"),
            self._argdict_get_with_default(argdict, "overlap_channels"),
        )

    def get_resample_ratios(
        self, data: Any, channel_coord_name: str | None = None
    ) -> tuple[tuple[int, int], tuple[int, int]]:
        """Whole numbers (up, down) by which an array is resampled along time and along the fibre.

        Raises DataError where none bring it into the ranges of the model.
        """
        source = as_source(data, channel_coord_name)
        sections = sections_of(source.coords[TIME])[0]
        return apply.ratios(self, source, max(sections, key=len))

    @staticmethod
    def calc_output_shape_and_coordinates(
        da: Any, patching_structure: PatchingStructure
    ) -> tuple[tuple[int, int], dict[str, Any]]:
        """Shape and coordinates of the output of what `setup` of a callback is told of."""
        return output_coords(da, patching_structure)

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

    def outputs(
        self, patches: Iterator[Patch], stream: Stream, settings: Settings
    ) -> Iterator[tuple[Patch, Annotations]]:
        """Annotations of patches, in their order; override it to compute them another way."""
        batch: list[Patch] = []
        for patch in patches:
            batch.append(patch)
            if len(batch) == settings.batch_size:
                yield from self._computed(batch, settings)
                batch = []
        if batch:
            yield from self._computed(batch, settings)

    def _computed(
        self, batch: list[Patch], settings: Settings
    ) -> Iterator[tuple[Patch, Annotations]]:
        stacked = torch.from_numpy(np.stack([patch.data for patch in batch]))
        x = stacked.transpose(1, 2).to(device=self.device, dtype=self.dtype)
        arguments = dict(self.annotate_forward_kwargs)
        if self._takes_argdict:
            arguments["argdict"] = dict(settings.given)
        training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                found = self(x, **arguments)
                arrays = {key: found[key].float().cpu().numpy() for key in self.annotate_keys}
        finally:
            self.train(training)
        for number, patch in enumerate(batch):
            yield patch, {key: values[number] for key, values in arrays.items()}

    def _settings(self, given: Mapping[str, Any]) -> Settings:
        return Settings.of(self.default_args, given, self._annotate_args, self._takes_argdict)

    def save(
        self,
        path: Path | str,
        weights_docstring: str = "",
        version_str: str | None = None,
        *,
        name: str | None = None,
        training: Training | None = None,
    ) -> Path:
        """Write the weights with their card, and how to build the network, as a weights file.

        Parameters
        ----------
        path
            The .safetensors file to write.
        weights_docstring
            How they were trained in words, where `training` does not say it. Weights that keep the
            card with which they were loaded keep what it says.
        version_str
            Goes into the name of the file, as .vVERSION before the suffix.
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
        anew = name is not None or self.card is None
        told = storage.docstring_as(training, weights_docstring, anew)
        return storage.save(self, storage.versioned(path, version_str), name, told)

    @classmethod
    def load(cls, path: Path | str, version_str: str | None = None) -> Self:
        """Build the network that `save` wrote; nothing is unpickled.

        Called on `DASModel` it finds the class by its name among those that are imported. Raises
        WeightsError where the file is not one of this class.
        """
        return storage.load(cls, storage.versioned(path, version_str))

    @classmethod
    def from_pretrained(
        cls,
        name: Path | str,
        version_str: str | None = "latest",
        update: bool = False,
        force: bool = False,
        wait_for_file: bool = False,
    ) -> Self:
        """Give the network with published weights, or with those of a .safetensors file.

        `update`, `force` and `wait_for_file` have no effect: files are known by their SHA-256, so
        that none can be out of date or half there. Raises WeightsError that lists the known names
        or versions, or where weights cannot be fetched.
        """
        storage.require_version(name, version_str, cls.list_versions(name))
        return storage.from_pretrained(cls, name)

    @classmethod
    def list_pretrained(
        cls, details: bool = False, remote: bool = True
    ) -> list[str] | dict[str, str]:
        """Names that `from_pretrained` knows; with details, and where their files come from.

        `remote` has no effect: the class names its weights, and no server is asked.
        """
        origins = {name: source.origin for name, source in cls.pretrained.items()}
        return origins if details else list(origins)

    @classmethod
    def list_versions(cls, name: Path | str, remote: bool = True) -> list[str]:
        """The version of published weights: digits of the SHA-256 of their files. None of others.

        `remote` has no effect.
        """
        return storage.versions_of(cls, name)
