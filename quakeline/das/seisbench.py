"""SeisBench's DAS models in quakeline's pipeline.

Source: Woollam, J., Muenchmeyer, J. and others (2022), SeisBench - A toolbox for machine learning
in seismology, Seismological Research Letters 93, 1695-1709, doi:10.1785/0220210324. SeisBench is an
optional package; what is here only takes objects of it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import fields
from typing import Any

from torch import Tensor

from quakeline.das.apply import Annotations, Patch
from quakeline.das.model import DASModel
from quakeline.das.patches import PatchingStructure
from quakeline.das.picks import DASPickingCallback
from quakeline.das.settings import Settings
from quakeline.das.stream import Stream
from quakeline.errors import ConfigError, DataError

_SETTINGS = frozenset(field.name for field in fields(Settings))


class SeisBenchDASModel(DASModel):
    """A `DASModel` of SeisBench as one of quakeline: its network, its patches, its filters.

    Parameters
    ----------
    model
        The model, as DeepSubDAS. SeisBench's `DASWaveformModelWrapper` works here too; wrapping its
        `model` in that of quakeline is several times faster.

    Raises
    ------
    ConfigError
        Something else was given.
    """

    def __init__(self, model: Any) -> None:
        if not hasattr(model, "get_patching_structure") or not hasattr(model, "annotate_keys"):
            raise ConfigError(
                f"model: a {type(model).__name__} given; allowed: a DASModel of SeisBench"
            )
        known = {k: v for k, v in model.default_args.items() if k in _SETTINGS}
        super().__init__(
            annotate_keys=model.annotate_keys,
            dt_range=model.dt_range,
            dx_range=model.dx_range,
            filter_samples=model.filter_samples,
            annotate_forward_kwargs=model.annotate_forward_kwargs,
            default_args=known,
            citation=model.citation or "",
        )
        self.model = model

    @property
    def name(self) -> str:
        """SeisBench's name of the network."""
        return str(self.model.name)

    @property
    def classify_callback(self) -> type[Any]:
        """Quakeline's picking callback where SeisBench's model picks, else its own callback."""
        kind: type[Any] = self.model.classify_callback
        return DASPickingCallback if kind.__name__ == DASPickingCallback.__name__ else kind

    def get_patching_structure(
        self, data_shape: tuple[int, int], settings: Settings
    ) -> PatchingStructure:
        """The patches of the model."""
        given = self.model.get_patching_structure(data_shape, self._arguments(settings))
        return PatchingStructure.like(given)

    def forward(self, x: Tensor, **arguments: Any) -> dict[str, Tensor]:
        """What SeisBench's model gives."""
        found: dict[str, Tensor] = self.model(x, argdict=dict(self.model.default_args), **arguments)
        return found

    def outputs(
        self, patches: Iterator[Patch], stream: Stream, settings: Settings
    ) -> Iterator[tuple[Patch, Annotations]]:
        """See `DASModel.outputs`; the model's f-k filter runs on each patch, as in SeisBench."""
        given = self.model.fk_filter_args
        if given is None:
            yield from super().outputs(patches, stream, settings)
            return
        if stream.dx is None:
            raise DataError(f"{self.name} has an f-k filter; it needs channels at even steps")
        from seisbench.models.das_base import FKFilter

        before = FKFilter(dt=stream.dt, dx=stream.dx, **given)
        hook = self.model.register_forward_pre_hook(lambda _, x: (before(x[0]), *x[1:]))
        try:
            yield from super().outputs(patches, stream, settings)
        finally:
            hook.remove()

    def _arguments(self, settings: Settings) -> dict[str, Any]:
        """SeisBench's `argdict`."""
        own = {
            "overlap_samples": settings.overlap_samples,
            "overlap_channels": settings.overlap_channels,
        }
        return {**self.model.default_args, **own}
