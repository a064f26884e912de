"""Networks of one's own."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from quakeline.models.cards import Card, Given, Normalisation, Output
from quakeline.models.kinds.base import Filter, Kind, default_hop, safe

if TYPE_CHECKING:
    from quakeline.models.weights import Weights


class Custom(Kind):
    """A network of one's own, made by a Python module."""

    kind: Literal["custom"] = Field("custom", description="a network of one's own")
    loader: str = Field(
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$",
        description="Python module, in the working folder or installed, with a function"
        " `load_model(**arguments)` that gives a torch module, a TorchScript module, or the path of"
        " a TorchScript or ONNX file; the network turns (batch, components, samples) into"
        " probabilities, (batch, classes, samples) or (batch, classes)",
    )
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict, description="arguments of `load_model`"
    )
    name: str | None = Field(
        None, min_length=1, description="name in results; null: the last part of `loader`"
    )
    citation: str = Field("not given", description="how to cite the network")
    licence: str = Field("not given", description="licence of the weights")
    training_data: str = Field("not given", description="what the network was trained with")
    sampling_rate_hz: float = Field(100.0, gt=0, description="rate of the waveforms in Hz")
    window_samples: int = Field(ge=2, description="length of a window")
    hop_samples: int | None = Field(
        None,
        ge=1,
        description="step between windows; null: a little less than half a window, or 10 for output"
        " `window`",
    )
    blind_samples: int = Field(
        0, ge=0, description="samples at both ends of a window whose output is not used"
    )
    components: str = Field(
        "ZNE", pattern="^[ZNE]+$", description="order of the network's input channels"
    )
    classes: list[str] = Field(min_length=1, description="order of the network's output channels")
    phases: list[str] | None = Field(
        None, min_length=1, description="classes that become picks; null: those of P and S"
    )
    thresholds: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict, description="smallest probability of a pick by phase; 0.3 for others"
    )
    normalisation: Normalisation = Field(
        "none",
        description="what is done to a window: `std`, each component without its mean over its"
        " deviation; `std-live`, the same times 3 / (number of live components); `max`, over the"
        " largest absolute value; `scale`, times the power of two that brings this below one;"
        " `none`",
    )
    filter: Filter | None = Field(
        None, description="applied to the waveforms before windows are cut; null: none"
    )
    output: Output = Field(
        "samples",
        description="`samples`: a probability for each sample of the window; `window`: one for its"
        " middle",
    )

    @model_validator(mode="after")
    def _agrees(self) -> Custom:
        picked = self._picked()
        unknown = sorted(set(picked) - set(self.classes))
        if unknown or not picked:
            raise ValueError(
                f"phases: {', '.join(unknown) or 'none'} given; the classes are"
                f" {', '.join(self.classes)}"
            )
        foreign = sorted(set(self.thresholds) - set(picked))
        if foreign:
            raise ValueError(
                f"thresholds: {', '.join(foreign)} given; the phases are {', '.join(picked)}"
            )
        if len(set(self.components)) < len(self.components):
            raise ValueError(f"components: {self.components!r} given; each letter once")
        if 2 * self.blind_samples >= self.window_samples:
            raise ValueError(
                f"blind_samples: {self.blind_samples} given; less than half of window_samples"
                f" ({self.window_samples}) is needed"
            )
        return self

    def _picked(self) -> list[str]:
        if self.phases is not None:
            return self.phases
        return [name for name in self.classes if name in ("P", "S")]

    def card(self) -> Card:
        """What the section says."""
        phases = tuple(self._picked())
        return Card(
            name=safe(f"custom {self.name or self.loader.rpartition('.')[2]}"),
            network="custom",
            citation=self.citation,
            licence=self.licence,
            training_data=self.training_data,
            sampling_rate_hz=self.sampling_rate_hz,
            window_samples=self.window_samples,
            hop_samples=self.hop_samples or default_hop(self.window_samples, self.output),
            blind_samples=self.blind_samples,
            components=self.components,
            classes=tuple(self.classes),
            phases=phases,
            thresholds=dict.fromkeys(phases, 0.3) | self.thresholds,
            normalisation=self.normalisation,
            filter=self.filter.on_card() if self.filter else None,
            output=self.output,
            source=Given(self.loader),
        )

    def obtain(self) -> Weights:
        """Call the loader and write its network as a graph."""
        from quakeline.models.custom import obtain

        return obtain(self.card(), self.loader, self.arguments)
