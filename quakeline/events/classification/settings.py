"""The section `classify`: hand-set rules, or a network that looks at waveforms."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from quakeline.core.registry import one_of
from quakeline.core.section import MayBeAuto, Section

if TYPE_CHECKING:
    from quakeline.models.cards import Card


class Priors(Section):
    """Shares of the classes among the events of a region before anything is known of one."""

    earthquake: float = Field(0.8, gt=0, description="share of earthquakes")
    blast: float = Field(0.1, gt=0, description="share of blasts and other active sources")
    noise: float = Field(0.1, gt=0, description="share of picks that are no event")


class Classifier(Section):
    """What tells the kinds of events."""

    kind: str = Field(description="which of the kinds below")


class Rules(Classifier):
    """A rule with hand-set weights on features of the picks (docs/catalog.md); not trained.

    No event is removed: the class and its probability stand beside it.
    """

    kind: Literal["rules"] = Field("rules", description="the classifier")
    priors: Priors = Priors()


class EventWeights(Section):
    """Which network looks at the waveforms of a station, and where its windows may be."""

    path: str = Field(
        min_length=1,
        description="a .safetensors file that quakeline trained, or the authors' file of QuakeXNet"
        " (base.pt.v1) or of seisclass (model_3class.h5)",
    )
    vertical_alone: bool = Field(
        False,
        description="whether instruments count of which a component is missing: the vertical takes"
        " the place of all three; networks are less often right then",
    )

    @cached_property
    def card(self) -> Card:
        """What the network expects and gives. Raises WeightsError."""
        from quakeline.models.event_cards import card_of_events

        return card_of_events(Path(self.path))

    @property
    def margin_s(self) -> float:
        """Seconds of data that a pick at the edge of a chunk needs beyond it."""
        from quakeline.events.classification.placing import PAD_S

        first, last = self.card.onset_s or (0.0, 0.0)
        return max(last, self.card.window_s - first) + PAD_S


class Network(Classifier):
    """A network that looks at the waveforms of each station with a P of an event.

    Its probabilities are averaged over the stations. No event is removed: the class and its
    probability stand beside it, and a network that is not sure says `unknown`.
    """

    kind: Literal["network"] = Field("network", description="the classifier")
    weights: EventWeights = Field(description="the network")
    min_stations: int = Field(
        2, ge=1, description="an event that fewer stations tell of has the class unknown"
    )
    min_probability: float = Field(
        0.6,
        ge=0,
        le=1,
        description="smallest mean probability of a class, below it the class is unknown",
    )
    min_agreement: float = Field(
        0.5,
        ge=0,
        le=1,
        description="smallest share of the stations to which that class is the most probable one,"
        " below it the class is unknown",
    )
    max_distance_km: Annotated[Annotated[float, Field(gt=0)] | None, MayBeAuto()] = Field(
        None,
        description="stations farther from the epicentre do not count; auto: as far as the network"
        " was tried, if its card says it",
    )


def _rules_by_default(given: Any) -> Any:
    if isinstance(given, Mapping) and "kind" not in given:
        return {"kind": "rules", **given}
    return given


KINDS: tuple[type[Classifier], ...] = (Rules, Network)
AnyClassifier: Any = Annotated[one_of(KINDS), BeforeValidator(_rules_by_default)]
