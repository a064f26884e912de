"""Several networks, whose probabilities are combined sample by sample."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from quakeline.models.cards import Card, GivenFiles
from quakeline.models.sections.base import Kind, choice
from quakeline.models.sections.builtin import Builtin
from quakeline.models.sections.custom import Custom
from quakeline.models.sections.seisbench import SeisBench

if TYPE_CHECKING:
    from quakeline.models.weights import Weights

#: Kinds that an ensemble may be made of.
SINGLE = (Builtin, SeisBench, Custom)
_Member = choice(SINGLE)


class Ensemble(Kind):
    """Several networks of one sampling rate; each has its own windows, steps and filter."""

    kind: Literal["ensemble"] = Field("ensemble", description="several networks together")
    members: list[_Member] = Field(  # type: ignore[valid-type]
        min_length=2, description="the networks"
    )
    rule: Literal["mean", "max", "median"] = Field(
        "mean", description="how the probabilities of a sample are combined"
    )
    thresholds: dict[str, Annotated[float, Field(gt=0, le=1)]] = Field(
        default_factory=dict,
        description="smallest probability of a pick by phase; for other phases the mean of the"
        " members' own",
    )

    @model_validator(mode="after")
    def _agrees(self) -> Ensemble:
        cards = self._cards()
        ensembles = [card.name for card in cards if card.members]
        if ensembles:
            raise ValueError(f"members: {ensembles[0]} given, an ensemble; single networks allowed")
        rates = {card.sampling_rate_hz for card in cards}
        if len(rates) > 1:
            given = ", ".join(f"{card.name} {card.sampling_rate_hz:g} Hz" for card in cards)
            raise ValueError(f"members: {given} given; one rate is needed")
        phases = _common(cards)
        if not phases:
            given = ", ".join(f"{card.name} {'/'.join(card.phases)}" for card in cards)
            raise ValueError(f"members: {given} given; a phase that all have is needed")
        unknown = sorted(set(self.thresholds) - set(phases))
        if unknown:
            raise ValueError(
                f"thresholds: {', '.join(unknown)} given; the phases are {', '.join(phases)}"
            )
        return self

    def card(self) -> Card:
        """What all members have in common."""
        return self._of(self._cards())

    def obtain(self) -> Weights:
        """Get the weights of all members."""
        from quakeline.models.weights import together

        found = [member.obtain() for member in self._kinds()]
        return together(self._of([card for _, card in found]), found)

    @property
    def on_disk(self) -> bool:
        """Whether that is so for all members."""
        return all(member.on_disk for member in self._kinds())

    def missing(self) -> list[str]:
        """What is missing for the members."""
        return [
            line.replace("weights.", f"weights.members.{number}.", 1)
            for number, member in enumerate(self._kinds())
            for line in member.missing()
        ]

    def _kinds(self) -> list[Kind]:
        return list(self.members)

    def _cards(self) -> list[Card]:
        return [member.card() for member in self._kinds()]

    def _of(self, cards: list[Card]) -> Card:
        phases = _common(cards)
        means = {
            phase: sum(card.thresholds[phase] for card in cards) / len(cards) for phase in phases
        }
        return Card(
            name=f"{self.rule} of {' and '.join(card.name for card in cards)}",
            network="ensemble",
            citation=_joined(card.citation for card in cards),
            licence=_joined(card.licence for card in cards),
            training_data=_joined(card.trained_with for card in cards),
            sampling_rate_hz=cards[0].sampling_rate_hz,
            window_samples=max(card.window_samples for card in cards),
            hop_samples=max(card.hop_samples for card in cards),
            blind_samples=0,
            components="".join(c for c in "ZNE" if any(c in card.components for card in cards)),
            classes=phases,
            phases=phases,
            thresholds=means | self.thresholds,
            normalisation="none",
            filter=None,
            output="samples",
            source=GivenFiles(self.rule),
            options={"rule": self.rule},
            members=tuple(cards),
        )


def _common(cards: list[Card]) -> tuple[str, ...]:
    first, *others = cards
    return tuple(phase for phase in first.phases if all(phase in o.phases for o in others))


def _joined(texts: Any) -> str:
    return "; ".join(dict.fromkeys(texts))
