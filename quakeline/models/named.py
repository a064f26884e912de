"""Weights by their name or file, for what runs without a workflow."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import ValidationError

from quakeline import __version__
from quakeline.core.errors import ConfigError, WeightsError
from quakeline.core.names import proposal, same
from quakeline.io.products.provenance import digest_file, digest_of
from quakeline.models import cache
from quakeline.models.cards import CARDS, PHASENET, Card
from quakeline.models.sections.builtin import Builtin
from quakeline.models.sections.seisbench import KNOWN, SeisBench
from quakeline.models.weights import SUFFIX, card_of

if TYPE_CHECKING:
    from torch import nn

#: Begins the name of weights of SeisBench: seisbench:PhaseNet/stead.
SEISBENCH = "seisbench:"
#: Raised when the same original files would give other weights; that of the stage `weights`.
VERSION = 1


def weights_file(model: str | None, given: str | Path | None = None) -> Path:
    """Give weights as a .safetensors file.

    Parameters
    ----------
    model
        Name of the weights, `seisbench:NETWORK/WEIGHTS` for those of SeisBench, or a .safetensors
        file; None: that of the file given, or the default one.
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
    if model is not None and is_of_seisbench(model):
        return _file_of_seisbench(model, given)
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
        Name of the weights (`quakeline models list`), `seisbench:NETWORK/WEIGHTS`, or a
        .safetensors file of quakeline.
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

    Examples
    --------
    >>> import quakeline
    >>> import torch
    >>> card, network = quakeline.load_network("phasenet")
    >>> card.window_samples, card.sampling_rate_hz, card.classes
    (3000, 100.0, ('N', 'P', 'S'))
    >>> network(torch.zeros(1, 3, card.window_samples)).shape
    torch.Size([1, 3, 3000])
    """
    from quakeline.models.networks import read

    card, network, _ = read(weights_file(str(model), weights))
    return card, network.requires_grad_(True)


def section(model: str, given: str | Path | None = None) -> Builtin:
    """The section of weights of quakeline's own, as a configuration would hold it.

    Raises ConfigError for an unknown model, WeightsError for a file that is not of this model.
    """
    name, _ = named_card(model)
    try:
        return Builtin(model=name, path=None if given is None else str(given))
    except ValidationError as error:
        message = error.errors()[0]["msg"].removeprefix("Value error, ")
        raise WeightsError(message) from error


def is_of_seisbench(model: str) -> bool:
    """Whether a name is one of weights of SeisBench."""
    return model.lower().startswith(SEISBENCH)


def of_seisbench(model: str) -> SeisBench:
    """The section of weights that a name `seisbench:NETWORK/WEIGHTS` means.

    WEIGHTS is a name that SeisBench knows, or a path. Raises ConfigError for another form, or a
    network that is not known.
    """
    network, _, weights = model[len(SEISBENCH) :].partition("/")
    if not network or not weights:
        raise ConfigError(
            f"model: {model!r} given; allowed: {SEISBENCH}NETWORK/WEIGHTS, such as"
            f" {SEISBENCH}PhaseNet/stead, where WEIGHTS are a name of SeisBench's or a path"
        )
    known = same(network, KNOWN)
    if known not in KNOWN:
        raise ConfigError(
            f"model: {model!r} given; {proposal(network, KNOWN)}networks are {', '.join(KNOWN)}"
        )
    return SeisBench(model=known, weights=weights)


def _file_of_seisbench(model: str, given: str | Path | None) -> Path:
    """Weights of SeisBench as a .safetensors file, with the facts that they state themselves."""
    if given is not None:
        raise ConfigError(f"model {model!r} names its weights; `weights` cannot be given as well")
    wanted = of_seisbench(model)
    kept = cache.folder() / "pickers" / _name_of_seisbench(wanted)
    if not kept.is_file():
        wanted.write_as_stated(kept)
    return kept


def _name_of_seisbench(wanted: SeisBench) -> str:
    """The cache's name of weights, for files of a user one of their own for each content."""
    given = [digest_file(file) for file in wanted.files()]
    own = f"-{digest_of([str(wanted.path), *given])[:12]}" if given else ""
    return f"{wanted.card().name}{own}-{VERSION}-{__version__}{SUFFIX}"


def named_card(model: str, known: Mapping[str, Card] = CARDS) -> tuple[str, Card]:
    """The name of weights as it is spelt, and their card: of a network of SeisBench what is usual.

    `known` are the cards of other names; capital letters do not matter. Raises ConfigError that
    lists the known names, or of SeisBench the networks.
    """
    if is_of_seisbench(model):
        wanted = of_seisbench(model)
        return f"{SEISBENCH}{wanted.model}/{wanted.weights}", wanted.card()
    name = same(model, known)
    if name not in known:
        raise ConfigError(
            f"model: {model!r} given; {proposal(model, known)}allowed: {', '.join(known)}, or a"
            f" {SUFFIX} file of quakeline, or {SEISBENCH}NETWORK/WEIGHTS"
        )
    return name, known[name]
