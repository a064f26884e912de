"""Cards for weights that nobody trained."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from quakeline.models.cards import Card, Given


def nobodys(card: Card, **changes: Any) -> Card:
    """A card like a known one, for random weights, which may not be called as their authors'."""
    facts = {"name": f"nobodys-{card.name}", "citation": "nobody", "digest": ""}
    return replace(card, source=Given("chance"), **{**facts, **changes})
