"""Weights by the name of their set: made once per user, then kept as a .safetensors file."""

from __future__ import annotations

from pathlib import Path

from quakeline import __version__
from quakeline.errors import ConfigError, WeightsError
from quakeline.io.atomic import replacing
from quakeline.models import cache
from quakeline.models.cards import CARDS, PHASENET, Card

_OWN = ".safetensors"
#: Raised when the same original files would give other weights; that of the stage `weights`.
VERSION = 1


def weights_file(model: str | None, given: str | Path | None = None) -> Path:
    """Give the weights of a set as a .safetensors file.

    Parameters
    ----------
    model
        Name of the weight set, or a .safetensors file; None: that of the file given, or the
        default one.
    given
        A .safetensors file of quakeline, or the original files as the config key `weights.path`
        takes them; None fetches them. What is made of original files is kept in the cache folder.

    Raises
    ------
    ConfigError
        An unknown model.
    WeightsError
        The weights cannot be had, or what was given is not the weights of this set.
    OutputError
        The cache folder cannot be written.
    """
    if given is None and model is not None and Path(model).suffix == _OWN:
        model, given = None, model
    if given is not None and Path(given).suffix == _OWN:
        path = Path(given).expanduser()
        from quakeline.models.weights import card_of

        name = card_of(path)[0].name
        if model is not None and name != model:
            raise WeightsError(f"{path} holds weights of {name}; the model is {model}")
        return path
    card = known_card(model or PHASENET.name)
    kept = cache.folder() / "pickers" / f"{card.name}-{VERSION}-{__version__}{_OWN}"
    if given is not None or not kept.is_file():
        from quakeline.models.originals import obtain
        from quakeline.models.weights import save

        state, metadata = obtain(card, None if given is None else str(given))
        with replacing(kept) as temporary:
            save(temporary, state, metadata)
    return kept


def known_card(model: str) -> Card:
    """Give the card of a weight set. Raises ConfigError that lists the known ones."""
    if model not in CARDS:
        raise ConfigError(
            f"model: {model!r} given; allowed: {', '.join(CARDS)}, or a {_OWN} file of quakeline"
        )
    return CARDS[model]
