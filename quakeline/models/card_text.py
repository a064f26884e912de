"""Cards as JSON text, in which they travel with their weights."""

from __future__ import annotations

import json
from dataclasses import asdict, replace
from functools import cache
from typing import Any

from pydantic import TypeAdapter, ValidationError

from quakeline.core.errors import WeightsError
from quakeline.core.mistakes import explained
from quakeline.models.cards import Card


def as_text(card: Card) -> str:
    """Write a card as JSON text; of its source only what it is called and the files."""
    return json.dumps(_plain(card), sort_keys=True)


def from_text(text: str) -> Card:
    """Read a card that `as_text` wrote; its source is `Given`.

    Raises WeightsError where the text is no card, or contradicts itself.
    """
    try:
        card: Card = _adapter().validate_json(text)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(str(part) for part in first["loc"] if "[" not in str(part)) or "all"
        raise WeightsError(f"the card cannot be read: {place}: {explained(first)}") from error
    check(card)
    return card


def check(card: Card) -> None:
    """Refuse, with a WeightsError, a card whose facts contradict each other."""
    facts = {
        "sampling_rate_hz is above 0": card.sampling_rate_hz > 0,
        "window_samples is above 0": card.window_samples > 0,
        "hop_samples is above 0": card.hop_samples > 0,
        "blind_samples is 0 to half a window": 0 <= 2 * card.blind_samples < card.window_samples,
        "each component is named once": _once(tuple(card.components)),
        "each class is named once": _once(card.classes),
        "phases are classes": set(card.phases) <= set(card.classes),
        "every phase has a threshold": set(card.phases) <= set(card.thresholds),
        "thresholds are 0 to 1": all(0 < value <= 1 for value in card.thresholds.values()),
        "P of a network of events stands in its window": _placed(card),
        "temperature is above 0": card.temperature > 0,
    }
    for fact, holds in facts.items():
        if not holds:
            raise WeightsError(f"the card of {card.name!r} is wrong: it is not so that {fact}")
    for member in card.members:
        check(member)


def _placed(card: Card) -> bool:
    if card.output != "event":
        return card.onset_s is None
    first, last = card.onset_s or (-1.0, -1.0)
    return 0 <= first <= last < card.window_s


def _once(names: tuple[str, ...]) -> bool:
    return bool(names) and len(set(names)) == len(names)


def _plain(card: Card) -> dict[str, Any]:
    source = {"origin": card.source.origin, "files": [asdict(file) for file in card.source.files]}
    alone = asdict(replace(card, members=()))
    return {**alone, "source": source, "members": [_plain(member) for member in card.members]}


@cache
def _adapter() -> TypeAdapter[Card]:
    return TypeAdapter(Card)
