"""SeisBench's DAS models in quakeline's pipeline.

Source: Woollam, J., Muenchmeyer, J. and others (2022), SeisBench - A toolbox for machine learning
in seismology, Seismological Research Letters 93, 1695-1709, doi:10.1785/0220210324. SeisBench is an
optional package; what is here only takes objects of it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from torch import Tensor

from quakeline.core.errors import ConfigError
from quakeline.fibres.das.model import DASModel
from quakeline.fibres.das.options import ANNOTATE_ARGS
from quakeline.fibres.das.patches import PatchingStructure
from quakeline.fibres.das.picks import DASPickingCallback


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

    Examples
    --------
    >>> import quakeline
    >>> import seisbench.models
    >>> theirs = seisbench.models.DASWaveformModelWrapper(seisbench.models.PhaseNet())
    >>> model = quakeline.SeisBenchDASModel(theirs)
    >>> model.annotate_keys
    ['P', 'S']
    """

    def __init__(self, model: Any) -> None:
        if not hasattr(model, "get_patching_structure") or not hasattr(model, "annotate_keys"):
            raise ConfigError(
                f"model: a {type(model).__name__} given; allowed: a DASModel of SeisBench"
            )
        known = {k: v for k, v in model.default_args.items() if k in ANNOTATE_ARGS}
        super().__init__(
            annotate_keys=model.annotate_keys,
            dt_range=model.dt_range,
            dx_range=model.dx_range,
            fk_filter_args=model.fk_filter_args,
            filter_samples=model.filter_samples,
            annotate_forward_kwargs=model.annotate_forward_kwargs,
            default_args=known,
            citation=model.citation or "",
        )
        self.model = model
        self._annotate_args = {**ANNOTATE_ARGS, **model._annotate_args}

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
        self, data_shape: tuple[float, float], argdict: dict[str, Any]
    ) -> PatchingStructure:
        """The patches of the model."""
        given = self.model.get_patching_structure(data_shape, self._arguments(argdict))
        return PatchingStructure.like(given)

    def forward(
        self, x: Tensor, argdict: dict[str, Any] | None = None, **arguments: Any
    ) -> dict[str, Tensor]:
        """What SeisBench's model gives."""
        found: dict[str, Tensor] = self.model(
            x, argdict=self._arguments(argdict or {}), **arguments
        )
        return found

    def _arguments(self, argdict: Mapping[str, Any]) -> dict[str, Any]:
        """SeisBench's `argdict`, with those arguments of the model that quakeline does not know."""
        return {**self.model.default_args, **argdict}
