"""Networks that have not learnt anything, for runs that train their picker from scratch."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator

from quakeline.core.names import known
from quakeline.models.blank_cards import PICKERS, untrained
from quakeline.models.cards import Card
from quakeline.models.sections.base import Kind

if TYPE_CHECKING:
    from quakeline.models.weights import Weights


class Untrained(Kind):
    """An architecture with random weights: what section `train` of a run begins with."""

    kind: Literal["untrained"] = Field(
        "untrained", description="random weights, for a run that trains from scratch"
    )
    network: str = Field(
        description=f"architecture: {', '.join(PICKERS)}",
        json_schema_extra={"enum": list(PICKERS)},
    )
    seed: int = Field(0, ge=0, description="makes the weights")

    @field_validator("network")
    @classmethod
    def _known(cls, value: str) -> str:
        return known(value, PICKERS)

    def card(self) -> Card:
        """What the network expects and gives."""
        return untrained(self.network)

    def obtain(self) -> Weights:
        """Random weights; the same seed gives the same ones."""
        import torch

        from quakeline.models.networks import build

        card = self.card()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            return build(card).state_dict(), card

    @property
    def on_disk(self) -> bool:
        """Nothing is fetched for them."""
        return True
