"""Networks of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, JsonValue, model_validator

from quakeline.core.errors import WeightsError
from quakeline.models.cards import Card, GivenFiles, Normalisation, PickerOutput
from quakeline.models.sections.base import Filter, Kind, default_hop, safe
from quakeline.models.weights import card_of

if TYPE_CHECKING:
    from quakeline.models.weights import Weights


class Custom(Kind):
    """A network of one's own, made by a Python module or from a weights file with its card."""

    kind: Literal["custom"] = Field("custom", description="a network of one's own")
    path: str | None = Field(
        None,
        min_length=1,
        description="a .safetensors file of quakeline, of any network for single stations: its card"
        " says everything, and no other key is given; no code is run, a network that was made by a"
        " loader is computed as its graph, on CPUs",
    )
    loader: str | None = Field(
        None,
        pattern=r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*$",
        description="instead of `path`: Python module, in the working folder or installed, with a"
        " function `load_model(**arguments)` that gives a torch module, a TorchScript module, or"
        " the path of a TorchScript or ONNX file; the network turns (batch, components, samples)"
        " into probabilities, (batch, classes, samples) or (batch, classes)",
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
    window_samples: int | None = Field(
        None, ge=2, description="length of a window; a loader needs it"
    )
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
    classes: list[str] | None = Field(
        None,
        min_length=1,
        description="order of the network's output channels; a loader needs them",
    )
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
    output: PickerOutput = Field(
        "samples",
        description="`samples`: a probability for each sample of the window; `window`: one for its"
        " middle",
    )

    @model_validator(mode="after")
    def _is_complete(self) -> Custom:
        if self.path is not None:
            alone = dict(Custom.model_construct(path=self.path))
            more = [name for name, value in self if value != alone[name]]
            if more:
                raise ValueError(f"path given with {', '.join(more)}; allowed: path alone")
            self._on_file()
            return self
        needed = ("loader", "window_samples", "classes")
        missing = [name for name in needed if getattr(self, name) is None]
        if missing:
            raise ValueError(f"{', '.join(missing)} not given; needed unless path is given")
        return self

    @model_validator(mode="after")
    def _agrees(self) -> Custom:
        if self.path is not None or self.classes is None or self.window_samples is None:
            return self
        picked = self._picked()
        unknown = sorted(set(picked) - set(self.classes))
        if unknown or not picked:
            raise ValueError(
                f"phases: {', '.join(unknown) or 'none'} given; the classes are"
                f" {', '.join(self.classes)}"
            )
        unknown = sorted(set(self.thresholds) - set(picked))
        if unknown:
            raise ValueError(
                f"thresholds: {', '.join(unknown)} given; the phases are {', '.join(picked)}"
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
        return [name for name in self.classes or () if name in ("P", "S")]

    def _on_file(self) -> Card | None:
        """The card of the weights file, where it is there."""
        path = Path(self.path or "").expanduser()
        if not path.is_file():
            return None
        try:
            card, _ = card_of(path)
        except WeightsError as error:
            raise ValueError(f"path: {error}") from error
        if card.network == "das":
            raise ValueError(f"path: {path} is of a network for fibres: das_weights takes it")
        if card.output == "event":
            raise ValueError(f"path: {path} tells kinds of events: classify.weights takes it")
        return card

    def card(self) -> Card:
        """What the section says, or the card of the weights file."""
        return self._on_file() or self._said()

    def _said(self) -> Card:
        phases, window = tuple(self._picked()), self.window_samples or 2
        loader = self.loader or Path(self.path or "").stem
        return Card(
            name=safe(f"custom {self.name or loader.rpartition('.')[2]}"),
            network="custom",
            citation=self.citation,
            licence=self.licence,
            training_data=self.training_data,
            sampling_rate_hz=self.sampling_rate_hz,
            window_samples=window,
            hop_samples=self.hop_samples or default_hop(window, self.output),
            blind_samples=self.blind_samples,
            components=self.components,
            classes=tuple(self.classes or ()),
            phases=phases,
            thresholds=dict.fromkeys(phases, 0.3) | self.thresholds,
            normalisation=self.normalisation,
            filter=self.filter.on_card() if self.filter else None,
            output=self.output,
            source=GivenFiles(loader),
        )

    def obtain(self) -> Weights:
        """Read the file; or call the loader and write its network as a graph."""
        from quakeline.models.custom import from_file, obtain

        if self.loader is None:
            return from_file(Path(self.path or "").expanduser())
        return obtain(self.card(), self.loader, self.arguments)

    @property
    def on_disk(self) -> bool:
        """Whether a file is given in place of a loader."""
        return self.loader is None

    def missing(self) -> list[str]:
        """The path, where it is given and does not exist."""
        if self.path and not Path(self.path).expanduser().is_file():
            return [f"weights.path: {self.path!r} does not exist"]
        return []
