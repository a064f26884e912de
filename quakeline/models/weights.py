"""Weights of networks as safetensors files, and the networks built from them.

A file says in its metadata which network it is for, where its weights come from, how to cite them
and under which licence they stand; `weights_id` is a digest of the tensors themselves. For weight
sets that are not in `CARDS` the metadata hold the whole card. A file of an ensemble holds the
tensors and metadata of each member, the tensors under "0.", "1." and so on. Nothing is ever
unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, get_args

import safetensors

from quakeline import __version__
from quakeline.errors import WeightsError
from quakeline.io import provenance
from quakeline.models.cards import CARDS, Card, Scaler, as_text, from_text

if TYPE_CHECKING:
    from torch import Tensor, nn

#: Version of the metadata; raised when a key changes its meaning.
FORMAT_VERSION = "1"
_FORMAT_KEY = "quakeline_weights_version"
_NO_OPTIONS: Mapping[str, str] = {}
_MEMBERS = "members"
_BUILTIN = frozenset(card.network for card in CARDS.values())

#: What `save` needs: tensors by name, and metadata.
Weights = tuple[dict[str, "Tensor"], dict[str, str]]


def network(path: Path, member: int | None = None) -> tuple[Card, nn.Module, str]:
    """Build the network that a weights file is for.

    Parameters
    ----------
    path
        A safetensors file that `save` wrote.
    member
        Which member of an ensemble; None for a file of one network.

    Returns
    -------
    card : Card
        What the network expects and gives.
    module : torch.nn.Module
        The network on the CPU, for inference (eval mode, no gradients).
    weights_id : str
        Digest of the weights, 12 hexadecimal digits.

    Raises
    ------
    WeightsError
        As `load`, or the tensors are not those of the network.
    """
    from quakeline.models.networks import build, load_state

    card, state, metadata = load(path, member)
    if card.network == "custom":
        return card, build(card), metadata["weights_id"]
    return card, load_state(card, state, str(path)), metadata["weights_id"]


def describe(card: Card, sources: Mapping[str, str]) -> dict[str, str]:
    """Metadata of weights of a network; `sources` maps the files they come from to SHA-256."""
    own = {} if card.network in _BUILTIN else {"card": as_text(card)}
    return {
        **own,
        "model": card.name,
        "citation": card.citation,
        "licence": card.licence,
        "training_data": card.training_data,
        "options": _as_text(card.options),
        "source": card.source.origin,
        "source_sha256": json.dumps(dict(sources), sort_keys=True),
    }


def card_by(metadata: Mapping[str, str]) -> Card:
    """Give the card of weights by what `describe` gave."""
    if "card" in metadata:
        return from_text(metadata["card"])
    card = CARDS[metadata["model"]]
    return replace(card, options=json.loads(metadata["options"]))


def together(card: Card, members: Sequence[Weights]) -> Weights:
    """Weights of an ensemble from those of its members."""
    state: dict[str, Tensor] = {}
    metadata = []
    for number, (tensors, described) in enumerate(members):
        state |= {f"{number}.{name}": tensor for name, tensor in tensors.items()}
        digest = weights_id(tensors, json.loads(described["options"]))
        metadata.append({**described, _FORMAT_KEY: FORMAT_VERSION, "weights_id": digest})
    digests = " ".join(described["weights_id"] for described in metadata)
    sources = [json.loads(described["source_sha256"]) for described in metadata]
    whole = replace(card, options={**card.options, "weights_ids": digests})
    described = describe(whole, {name: sha for files in sources for name, sha in files.items()})
    return state, {**described, _MEMBERS: json.dumps(metadata, sort_keys=True)}


def save(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> str:
    """Write weights as a safetensors file; the same weights and metadata give the same bytes.

    Parameters
    ----------
    path
        The file to write.
    state
        The network's `state_dict`.
    metadata
        What `describe` gives; the digest of the weights, versions and the running stage's
        provenance are added.

    Returns
    -------
    str
        The digest of the weights.
    """
    import safetensors.torch

    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    complete = {
        **metadata,
        _FORMAT_KEY: FORMAT_VERSION,
        "weights_id": weights_id(tensors, json.loads(metadata["options"])),
        "quakeline": __version__,
        provenance.KEY: json.dumps(provenance.current(), sort_keys=True),
    }
    path.write_bytes(ordered(safetensors.torch.save(tensors, complete)))
    return complete["weights_id"]


def load(path: Path, member: int | None = None) -> tuple[Card, dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file that `save` wrote; `member` is that of an ensemble.

    Returns
    -------
    card : Card
        The network that the weights are for.
    state : dict
        Its `state_dict`.
    metadata : dict
        Everything that `save` stored, as text.

    Raises
    ------
    WeightsError
        The file is missing, damaged, not from quakeline or of an unknown network.
    """
    state, metadata = _read(path)
    if member is not None:
        prefix = f"{member}."
        metadata = _of_members(path, metadata)[member]
        state = {
            name.removeprefix(prefix): tensor
            for name, tensor in state.items()
            if name.startswith(prefix)
        }
    card = _card(path, metadata)
    if weights_id(state, card.options) != metadata["weights_id"]:
        raise WeightsError(f"{path} is damaged: its tensors do not have the digest it names")
    return card, state, metadata


def card_of(path: Path) -> tuple[Card, str]:
    """Read which network a safetensors file is for, and the digest of its weights.

    Its tensors are not read. Raises WeightsError as `load`.
    """
    metadata = _metadata(path)
    return _card(path, metadata), metadata["weights_id"]


def members_of(path: Path) -> list[tuple[Card, str]]:
    """Read cards and digests of the members of an ensemble; empty for a file of one network."""
    members = _of_members(path, _metadata(path))
    return [(_card(path, metadata), metadata["weights_id"]) for metadata in members]


def tensor_of(path: Path, name: str) -> bytes:
    """Read the bytes of one tensor of a file, without loading PyTorch. Raises WeightsError."""
    with opened(path, "np") as file:
        if name not in file.keys():  # noqa: SIM118
            raise WeightsError(f"{path} is damaged: it does not hold {name}")
        return bytes(file.get_tensor(name).tobytes())


def _of_members(path: Path, metadata: Mapping[str, str]) -> list[dict[str, str]]:
    with _described(path):
        return [dict(member) for member in json.loads(metadata.get(_MEMBERS, "[]"))]


@contextmanager
def _described(path: Path) -> Iterator[None]:
    """Raise WeightsError where the block cannot make sense of a file's metadata."""
    try:
        yield
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        raise WeightsError(f"{path} is damaged: its description cannot be read: {error}") from error


def _metadata(path: Path) -> dict[str, str]:
    with opened(path, "np") as file:
        return dict(file.metadata() or {})


def weights_id(state: Mapping[str, Tensor], options: Mapping[str, str] = _NO_OPTIONS) -> str:
    """Digest of weights: 12 hexadecimal digits of a SHA-256.

    It covers the name, type, shape and bytes of every tensor in the order of names, and the options
    by which the network is built where there are any.
    """
    import torch

    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    if options:
        digest.update(_as_text(options).encode())
    return digest.hexdigest()[:12]


def _card(path: Path, metadata: Mapping[str, str]) -> Card:
    """Card of a file by its metadata, with the options by which its network is built."""
    version, model = metadata.get(_FORMAT_KEY), metadata.get("model")
    if version is None or model is None:
        raise WeightsError(f"{path} is a safetensors file, but not one that quakeline wrote")
    if version != FORMAT_VERSION:
        raise WeightsError(f"{path} has format version {version}; expected {FORMAT_VERSION}")
    if model not in CARDS and "card" not in metadata:
        raise WeightsError(f"{path} is for the network {model!r}; known are {', '.join(CARDS)}")
    if "weights_id" not in metadata:
        raise WeightsError(f"{path} is damaged: it does not name the digest of its tensors")
    if "card" in metadata:
        with _described(path):
            return from_text(metadata["card"])
    card = CARDS[model]
    options = metadata.get("options", "{}")
    for choice in _choices(card):
        if options == _as_text(choice.options):
            return choice
    raise WeightsError(f"{path} has the options {options}; {model} has {_as_text(card.options)}")


def _choices(card: Card) -> list[Card]:
    """A card with everything that its options may be: only the scaler is free."""
    if "scaler" not in card.options:
        return [card]
    others = [replace(card, options={**card.options, "scaler": s}) for s in get_args(Scaler)]
    return [card, *others]


def _as_text(options: Mapping[str, str]) -> str:
    return json.dumps(dict(options), sort_keys=True)


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    with opened(path, "pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        return state, dict(file.metadata() or {})


@contextmanager
def opened(path: Path, framework: str) -> Iterator[Any]:
    """Open a safetensors file. Raises WeightsError where it is missing or damaged."""
    try:
        with safetensors.safe_open(path, framework=framework) as file:
            yield file
    except FileNotFoundError as error:
        raise WeightsError(f"weights file {path} does not exist") from error
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
    except safetensors.SafetensorError as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{path} is damaged or not a safetensors file: {reason}") from error


def ordered(content: bytes) -> bytes:
    """Put the metadata of a safetensors file in the order of keys.

    The library writes them in a random order, so that equal weights would give unequal files.
    """
    end = 8 + int.from_bytes(content[:8], "little")
    header = json.loads(content[8:end])
    header["__metadata__"] = dict(sorted(header["__metadata__"].items()))
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text + content[end:]
