"""Which names and citations weights may carry: trained ones never those of their authors alone."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

from quakeline.core.errors import ConfigError, WeightsError
from quakeline.models.ancestry import NOT_STATED, Parent, Training
from quakeline.models.cards import CARDS, Card, GivenFiles, Scaler
from quakeline.models.digests import options_text

_LONGEST_NAME = 200


def trained_from(
    parent: Card,
    *,
    name: str,
    training: Training | None = None,
    citation: str = NOT_STATED,
    licence: str = NOT_STATED,
    **changes: Any,
) -> Card:
    """Card of weights that were trained from others: what it expects and gives is as on theirs.

    Parameters
    ----------
    parent
        Card of the weights from which the training began.
    name
        Name of the new weights.
    training
        How they were trained; None: not stated.
    citation, licence
        Of the new weights; those of the parent stay with the parent.
    **changes
        What else differs from the parent's card, as `thresholds`.

    Raises
    ------
    ConfigError
        The name is empty or that of weights of quakeline's own or of the parent, or the parent's
        card was never that of weights.

    Examples
    --------
    >>> import quakeline
    >>> card, network = quakeline.load_network("phasenet")
    >>> done = quakeline.Training(data=("records of the swarm",), date="2024-01-01")
    >>> own = quakeline.trained_from(
    ...     card, name="swarm", training=done, thresholds={"P": 0.5, "S": 0.4}
    ... )
    >>> own.parent.name, own.thresholds
    ('phasenet', {'P': 0.5, 'S': 0.4})
    """
    check_name(name)
    if name in CARDS or name == parent.name:
        raise ConfigError(f"name: {name!r} given; trained weights need a name of their own")
    if not parent.digest:
        raise ConfigError(f"parent: the card of {parent.name} says nothing of its tensors")
    origin = Parent(
        parent.name,
        parent.digest,
        parent.citation,
        parent.licence,
        parent.trained_with,
        parent.parent,
    )
    facts: dict[str, Any] = {
        "name": name,
        "citation": citation,
        "licence": licence,
        "training_data": "",
        "source": GivenFiles(f"trained from {parent.name}"),
        "digest": "",
        "parent": origin,
        "training": training or Training(),
    }
    return replace(parent, **(changes | facts))


def described(card: Card) -> str:
    """From which others weights were trained, in words, also those of members; "" from none."""
    lines = [described(member) for member in card.members]
    if card.parent:
        lines.append(f"{card.name} was trained from {card.parent.described}")
    return "; ".join(filter(None, lines))


def check_name(name: str) -> None:
    """Raise ConfigError unless a name can be that of a file too."""
    if not name or name != name.strip() or len(name) > _LONGEST_NAME or not name.isprintable():
        raise ConfigError(f"name: {name!r} given; allowed: 1 to {_LONGEST_NAME} characters")
    if "/" in name or name.startswith("."):
        raise ConfigError(f"name: {name!r} given; allowed: no '/' and no '.' at the beginning")


def known(card: Card) -> Card:
    """The card of this package for weights that are called as its own; other cards as they are.

    Raises WeightsError where the tensors are not those of quakeline's own card, or are built with
    options that it does not have, and where other weights carry the citation of its own.
    """
    if card.members:
        return replace(card, members=tuple(known(member) for member in card.members))
    _check_parents(card.parent)
    ours = CARDS.get(card.name)
    if ours is None:
        _refuse_borrowed(card)
        return card
    if card.digest != ours.digest:
        raise WeightsError(
            f"the tensors {card.digest[:12]} are called {card.name}, whose own are"
            f" {ours.digest[:12]}: weights that were trained further need a name of their own, see"
            " quakeline.trained_from"
        )
    if card.options not in _choices(ours):
        raise WeightsError(
            f"it has the options {options_text(card.options)}; {card.name} has"
            f" {options_text(ours.options)}"
        )
    return ours if card.options == ours.options else replace(ours, options=card.options)


def _check_parents(parent: Parent | None) -> None:
    """Raise WeightsError where a parent is called as quakeline's own weights and is not these."""
    while parent is not None:
        ours = CARDS.get(parent.name)
        if ours is not None and (parent.digest, parent.citation) != (ours.digest, ours.citation):
            raise WeightsError(
                f"its parent {parent.name} has the tensors {parent.digest[:12]}; {ours.name} has"
                f" {ours.digest[:12]}, and {ours.citation!r} is to be cited"
            )
        parent = parent.parent


def _choices(ours: Card) -> list[dict[str, str]]:
    """Everything that the options of a card may be: only the scaler is free."""
    if "scaler" not in ours.options:
        return [ours.options]
    return [{**ours.options, "scaler": scaler} for scaler in get_args(Scaler)]


def _refuse_borrowed(card: Card) -> None:
    """Raise WeightsError where other tensors carry the citation of quakeline's own networks."""
    digests = {ours.digest for ours in CARDS.values()}
    cited = {(ours.network, ours.citation) for ours in CARDS.values()}
    if card.digest not in digests and (card.network, card.citation) in cited:
        raise WeightsError(
            f"{card.name} is cited as {card.network} of its authors, but its tensors are not"
            " theirs: they belong on its card as the parent, see quakeline.trained_from"
        )
