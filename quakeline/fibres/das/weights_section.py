"""Networks that see many channels of a fibre at once, in the configuration."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, model_validator

from quakeline.core.errors import WeightsError
from quakeline.fibres.das.card_facts import DEFAULT_RATE_HZ, DEFAULT_THRESHOLD, NETWORK, title
from quakeline.models.cards import Card, GivenFiles
from quakeline.models.sections.base import Kind, choice, default_hop
from quakeline.models.sections.ensemble import SINGLE
from quakeline.models.weights import SUFFIX, card_of

if TYPE_CHECKING:
    from quakeline.models.weights import Weights


class Fibres(Kind):
    """A network for fibre data: a DASModel of quakeline, of SeisBench, or of one's own."""

    kind: Literal["das"] = Field(
        "das", description="a network that sees many channels of a fibre at once"
    )
    model: str = Field(
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="MODULE:CLASS, in the working folder or installed, a class that derives from"
        " quakeline's or SeisBench's DASModel, e.g. seisbench.models:DeepSubDAS",
    )
    weights: str = Field(
        min_length=1,
        description="a name that the class's from_pretrained knows, or a path: the .safetensors"
        " file that quakeline's save wrote, the .json or .pt file of SeisBench's",
    )
    sampling_rate_hz: float = Field(
        DEFAULT_RATE_HZ, gt=0, description="rate in Hz at which the network gets the data"
    )
    window_samples: int = Field(ge=2, description="samples of a patch of the network")
    phases: list[str] = Field(
        ["P", "S"], min_length=1, description="outputs of the network that become onsets"
    )
    thresholds: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict,
        description="smallest probability of an onset by phase; 0.3 for others",
    )

    @model_validator(mode="after")
    def _agrees(self) -> Fibres:
        unknown = sorted(set(self.thresholds) - set(self.phases))
        if unknown:
            raise ValueError(
                f"thresholds: {', '.join(unknown)} given; the phases are {', '.join(self.phases)}"
            )
        return self

    @model_validator(mode="after")
    def _has_a_card(self) -> Fibres:
        try:
            self.card()
        except WeightsError as error:
            raise ValueError(f"weights: {error}") from error
        return self

    @property
    def path(self) -> Path | None:
        """The path that `weights` is; None where it is a name."""
        path = Path(self.weights).expanduser()
        return path if "/" in self.weights or path.suffix or path.exists() else None

    def card(self) -> Card:
        """What the section says, and where the weights come from as their file says."""
        said = self._said()
        path = self.path
        if path is None or path.suffix != SUFFIX or not path.is_file():
            return said
        card, _ = card_of(path)
        return replace(
            said,
            name=card.name,
            citation=card.citation,
            licence=card.licence,
            training_data=card.training_data,
            parent=card.parent,
            training=card.training,
            digest=card.digest,
        )

    def _said(self) -> Card:
        phases = tuple(self.phases)
        return Card(
            name=title(self.model.partition(":")[2], Path(self.weights).name),
            network=NETWORK,
            citation="see the network",
            licence="not stated",
            training_data="not stated",
            sampling_rate_hz=self.sampling_rate_hz,
            window_samples=self.window_samples,
            hop_samples=default_hop(self.window_samples, "samples"),
            blind_samples=0,
            components="Z",
            classes=phases,
            phases=phases,
            thresholds=dict.fromkeys(phases, DEFAULT_THRESHOLD) | self.thresholds,
            normalisation="none",
            filter=None,
            output="samples",
            source=GivenFiles(f"{self.model} {self.weights}"),
        )

    def obtain(self) -> Weights:
        """Load the network, and check that it is what the section says."""
        from quakeline.fibres.das.networks import obtain

        return obtain(self.card(), self.model, self.weights, self.path)

    def missing(self) -> list[str]:
        """The path, where it is given and does not exist."""
        path = self.path
        if path is None or path.exists() or any(path.parent.glob(f"{path.name}.*")):
            return []
        return [f"das_weights.weights: {self.weights!r} does not exist"]


KINDS = (*SINGLE, Fibres)
#: A network for fibres: any that looks at single stations, channel by channel, or one of these.
AnyKind = choice(KINDS)
