"""What cards say of networks that see many channels of a fibre at once, unless told otherwise."""

from __future__ import annotations

from typing import TYPE_CHECKING

from quakeline.models.sections.base import safe

if TYPE_CHECKING:
    from quakeline.models.cards import Card

#: What a card of such a network names as its architecture.
NETWORK = "das"
DEFAULT_RATE_HZ = 100.0
DEFAULT_THRESHOLD = 0.3


def title(kind: str, file: str) -> str:
    """Name of weights that have none: of their class and file."""
    return safe(f"das {kind} {file.split('.')[0]}")


def is_of_fibres(card: Card) -> bool:
    """Whether a card is that of a network which sees many channels at once."""
    return card.network == NETWORK
