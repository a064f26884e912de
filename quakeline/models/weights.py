"""Weights of networks as safetensors files, each with its card.

The card is JSON text in the metadata: what the network expects and gives, where its weights come
from, how to cite them, under which licence they stand, from which others they were trained and
how, and the digest of the tensors. Whoever reads a file compares its tensors with that digest, and
weights that are called as those of quakeline's own networks with the digest that is known here. A
file of an ensemble holds the tensors of each member under "0.", "1." and so on, their cards on its
own. Nothing is ever unpickled.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import safetensors

from quakeline import __version__
from quakeline.core.errors import WeightsError, why_unread
from quakeline.io.products import provenance
from quakeline.io.products.atomic import replacing
from quakeline.models import card_text, digests, names
from quakeline.models.cards import CARDS, Card

if TYPE_CHECKING:
    from torch import Tensor

SUFFIX = ".safetensors"
#: Version of the metadata; raised when a key changes its meaning.
FORMAT_VERSION = "2"
#: Files of this version held the cards of networks that are not quakeline's own, and no digests.
_FORMER_VERSION = "1"
_FORMER_DAS_KEY = "quakeline_das_version"
_FORMAT_KEY = "quakeline_weights_version"
_CARD, _ID = "card", "weights_id"
#: Option of an ensemble's card: the ids of its members.
_MEMBER_IDS = "weights_ids"

#: What `save` needs: tensors by name, and their card.
Weights = tuple[dict[str, "Tensor"], Card]


def together(card: Card, members: Sequence[Weights]) -> Weights:
    """Weights of an ensemble from those of its members."""
    state: dict[str, Tensor] = {}
    cards, ids = [], []
    for number, (tensors, member) in enumerate(members):
        state |= {f"{number}.{name}": tensor for name, tensor in tensors.items()}
        digest = digests.of_tensors(tensors, member.options)
        cards.append(replace(member, digest=digest.tensors))
        ids.append(digest.weights_id)
    options = {**card.options, _MEMBER_IDS: " ".join(ids)}
    return state, replace(card, options=options, members=tuple(cards))


def save(path: Path, state: Mapping[str, Tensor], card: Card) -> str:
    """Write weights with their card, whole or not at all; the same give the same bytes.

    Parameters
    ----------
    path
        The .safetensors file to write.
    state
        The network's `state_dict`.
    card
        Its digest is that of these tensors, or "" and is filled in. Versions and the running
        stage's provenance are added beside it.

    Returns
    -------
    str
        The id of the weights, 12 hexadecimal digits.

    Raises
    ------
    WeightsError
        The card is that of other tensors, or contradicts itself.
    OutputError
        The file cannot be written.
    """
    import safetensors.torch

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    digest = digests.of_tensors(tensors, card.options)
    if card.digest not in ("", digest.tensors):
        raise WeightsError(
            f"these are not the weights of {card.name}, whose tensors are {card.digest[:12]}, but"
            f" {digest.tensors[:12]}: what was trained further needs a name of its own, see"
            " quakeline.trained_from"
        )
    complete = replace(card, digest=digest.tensors)
    card_text.check(complete)
    names.known(complete)
    metadata = {
        _CARD: card_text.as_text(complete),
        _ID: digest.weights_id,
        _FORMAT_KEY: FORMAT_VERSION,
        "quakeline": __version__,
        provenance.KEY: json.dumps(provenance.current(), sort_keys=True),
    }
    with replacing(path) as temporary:
        temporary.write_bytes(_ordered(safetensors.torch.save(tensors, metadata)))
    return digest.weights_id


def load(path: Path, member: int | None = None) -> tuple[Card, dict[str, Tensor], str]:
    """Read a safetensors file that `save` wrote; `member` is that of an ensemble.

    Returns
    -------
    card : Card
        The network that the weights are for.
    state : dict
        Its `state_dict`.
    weights_id : str
        The id of the weights.

    Raises
    ------
    WeightsError
        The file is missing, damaged, not from quakeline or of an unknown network, or its tensors
        are not those of its card.
    """
    card, weights_id = card_of(path)
    prefix = ""
    if member is not None:
        card, weights_id = members_of(path)[member]
        prefix = f"{member}."
    with _opened(path, "pt") as file:
        state = {
            name.removeprefix(prefix): file.get_tensor(name)
            for name in file.keys()  # noqa: SIM118
            if name.startswith(prefix)
        }
    return card, state, weights_id


def card_of(path: Path) -> tuple[Card, str]:
    """Read the card of a safetensors file, compared with its tensors, and the id of its weights.

    PyTorch is not needed. Raises WeightsError as `load`.
    """
    with _opened(path, "np") as file:
        metadata = dict(file.metadata() or {})
    with _described(path):
        card, weights_id = _stated(path, metadata)
        content = memoryview(path.read_bytes())
        ids = card.options[_MEMBER_IDS].split() if card.members else []
        members = tuple(
            _compared(content, member, member_id, f"{number}.")
            for number, (member, member_id) in enumerate(zip(card.members, ids, strict=True))
        )
        card = _compared(content, replace(card, members=members), weights_id)
        return names.known(card), weights_id


def members_of(path: Path) -> list[tuple[Card, str]]:
    """Read cards and ids of the members of an ensemble; empty for a file of one network."""
    card, _ = card_of(path)
    if not card.members:
        return []
    return list(zip(card.members, card.options[_MEMBER_IDS].split(), strict=True))


def tensor_of(path: Path, name: str) -> bytes:
    """Read the bytes of one tensor of a file, without loading PyTorch. Raises WeightsError."""
    with _opened(path, "np") as file:
        if name not in file.keys():  # noqa: SIM118
            raise WeightsError(f"{path} is damaged: it does not hold {name}")
        return bytes(file.get_tensor(name).tobytes())


def weights_id(state: Mapping[str, Tensor], options: Mapping[str, str] = digests.NO_OPTIONS) -> str:
    """Id of weights in memory, 12 hexadecimal digits; see `quakeline.models.digests`."""
    return digests.of_tensors(state, options).weights_id


def digest_of(state: Mapping[str, Tensor]) -> str:
    """SHA-256 of tensors in memory; see `quakeline.models.digests`."""
    return digests.of_tensors(state).tensors


@contextmanager
def _described(path: Path) -> Iterator[None]:
    """Raise WeightsError that names the file where the block cannot make sense of it."""
    try:
        yield
    except WeightsError as error:
        if str(error).startswith(str(path)):
            raise
        raise WeightsError(f"{path}: {error}") from error
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, RecursionError) as error:
        reason = " ".join(str(error).split())[:200]
        raise WeightsError(
            f"{path} is damaged: its description cannot be read: {reason}"
        ) from error


def _stated(path: Path, metadata: Mapping[str, str]) -> tuple[Card, str]:
    """Card and id as a file states them, still to be compared with its tensors."""
    version = metadata.get(_FORMAT_KEY)
    if _FORMER_DAS_KEY in metadata:
        raise WeightsError(
            f"{path} is a DAS model in a format without a card: build the network, give it the"
            " tensors by safetensors.torch.load_file, and save it again"
        )
    if version is None or not {_CARD, "model"} & metadata.keys():
        raise WeightsError(f"{path} is a safetensors file, but not one that quakeline wrote")
    if version not in (FORMAT_VERSION, _FORMER_VERSION):
        raise WeightsError(f"{path} has format version {version}; expected {FORMAT_VERSION}")
    if _ID not in metadata:
        raise WeightsError(f"{path} is damaged: it does not name the digest of its tensors")
    if _CARD in metadata:
        return card_text.from_text(metadata[_CARD]), metadata[_ID]
    model = metadata["model"]
    if version != _FORMER_VERSION or model not in CARDS:
        raise WeightsError(f"{path} is for the network {model!r}; known are {', '.join(CARDS)}")
    options = json.loads(metadata.get("options", "{}"))
    return replace(CARDS[model], digest="", options=options), metadata[_ID]


def _compared(content: memoryview, card: Card, weights_id: str, prefix: str = "") -> Card:
    """The card with the digest of the tensors. Raises WeightsError where it states another one."""
    found = digests.of_file(content, card.options, prefix)
    if card.digest not in ("", found.tensors) or weights_id != found.weights_id:
        raise WeightsError(
            f"the tensors are not those of its card, {card.name}: their digest is"
            f" {found.tensors[:12]}, their id {found.weights_id}; the card says"
            f" {card.digest[:12] or 'none'} and {weights_id}: the file is damaged, or was changed"
            " without a name of its own"
        )
    return replace(card, digest=found.tensors)


@contextmanager
def _opened(path: Path, framework: str) -> Iterator[Any]:
    """Open a safetensors file. Raises WeightsError where it is missing or damaged."""
    try:
        with safetensors.safe_open(path, framework=framework) as file:
            yield file
    except FileNotFoundError as error:
        raise WeightsError(f"weights file {path} does not exist") from error
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {why_unread(error, path)}") from error
    except safetensors.SafetensorError as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{path} is damaged or not a safetensors file: {reason}") from error


def _ordered(content: bytes) -> bytes:
    """Put the metadata of a safetensors file in the order of keys.

    The library writes them in a random order, so that equal weights would give unequal files.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]
