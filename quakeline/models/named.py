"""Weights by their name or file, for what runs without a workflow."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from quakeline import __version__
from quakeline.core.errors import ConfigError, WeightsError
from quakeline.core.names import proposal, same
from quakeline.models import cache
from quakeline.models.cards import CARDS, PHASENET, Card
from quakeline.models.sections.builtin import Builtin
from quakeline.models.weights import SUFFIX, card_of

if TYPE_CHECKING:
    from torch import nn

#: Raised when the same original files would give other weights; that of the stage `weights`.
VERSION = 1


def weights_file(model: str | None, given: str | Path | None = None) -> Path:
    """Give weights as a .safetensors file.

    Parameters
    ----------
    model
        Name of the weights, or a .safetensors file; None: that of the file given, or the default
        one.
    given
        A .safetensors file of quakeline, or the original files as the config key `weights.path`
        takes them; None fetches them. What is made of original files is kept in the cache folder.

    Raises
    ------
    ConfigError
        An unknown model.
    WeightsError
        The weights cannot be had, or what was given is not the weights of this name.
    OutputError
        The cache folder cannot be written.
    """
    if given is None and model is not None and Path(model).suffix == SUFFIX:
        model, given = None, model
    if given is not None and Path(given).suffix == SUFFIX:
        path = Path(given).expanduser()
        name = card_of(path)[0].name
        if model not in (None, name):
            section(str(model), given)
        return path
    wanted = section(model or PHASENET.name, given)
    kept = cache.folder() / "pickers" / f"{wanted.model}-{VERSION}-{__version__}{SUFFIX}"
    if given is not None or not kept.is_file():
        wanted.write(kept)
    return kept


def load_network(model: str | Path, weights: str | Path | None = None) -> tuple[Card, nn.Module]:
    """Give a network with its weights, to look at or to train further, and its card.

    Parameters
    ----------
    model
        Name of the weights (`quakeline models list`), or a .safetensors file of quakeline.
    weights
        As of `quakeline.pick`.

    Returns
    -------
    card : Card
        What the network expects and gives. Weights that are trained further need one of their own:
        `quakeline.trained_from`, then `quakeline.save_network`.
    network : torch.nn.Module
        On the CPU, in eval mode, with gradients. Input: windows, (batch, components, samples),
        normalised as the card says; output: probabilities, (batch, classes, samples) or
        (batch, classes).

    Raises
    ------
    ConfigError, WeightsError, OutputError
        As `weights_file`; WeightsError also for ensembles and networks made by a loader.
    """
    from quakeline.models.networks import read

    card, network, _ = read(weights_file(str(model), weights))
    return card, network.requires_grad_(True)


def section(model: str, given: str | Path | None = None) -> Builtin:
    """The section of weights of quakeline's own, as a configuration would hold it.

    Raises ConfigError for an unknown model, WeightsError for a file that is not of this model.
    """
    name = known_card(model).name
    try:
        return Builtin(model=name, path=None if given is None else str(given))
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise WeightsError(message) from error


def known_card(model: str) -> Card:
    """Give the card of weights of quakeline's own; capital letters do not matter.

    Raises ConfigError that lists the known ones.
    """
    name = same(model, CARDS)
    if name not in CARDS:
        raise ConfigError(
            f"model: {model!r} given; {proposal(model, CARDS)}allowed: {', '.join(CARDS)}, or a"
            f" {SUFFIX} file of quakeline"
        )
    return CARDS[name]
