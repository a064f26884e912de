"""DAS models as .safetensors files: tensors, and in the metadata how to build the network."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import safetensors.torch

from quakeline import __version__
from quakeline.errors import OutputError, WeightsError
from quakeline.io.atomic import replacing
from quakeline.models import repositories
from quakeline.models.weights import opened, ordered

if TYPE_CHECKING:
    from quakeline.das.model import DASModel

Model = TypeVar("Model", bound="DASModel")
#: Raised when a key of the metadata changes its meaning.
_VERSION = "1"
_VERSION_KEY = "quakeline_das_version"
_SUFFIX = ".safetensors"


def save(model: DASModel, path: Path) -> Path:
    """See `DASModel.save`."""
    metadata = {
        _VERSION_KEY: _VERSION,
        "class": type(model).__name__,
        "arguments": json.dumps(model.get_model_args(), sort_keys=True),
        "default_args": json.dumps(model.default_args, sort_keys=True),
        "citation": model.citation,
        "quakeline": __version__,
    }
    tensors = {name: t.detach().cpu().contiguous() for name, t in model.state_dict().items()}
    try:
        with replacing(path) as temporary:
            temporary.write_bytes(ordered(safetensors.torch.save(tensors, metadata)))
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def load(kind: type[Model], path: Path) -> Model:
    """See `DASModel.load`."""
    with opened(path, "pt") as file:
        state = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
        metadata = dict(file.metadata() or {})
    if metadata.get(_VERSION_KEY) != _VERSION:
        raise WeightsError(f"{path} is not a DAS model that quakeline wrote")
    known: dict[str, type[Model]] = {found.__name__: found for found in _family(kind)}
    if metadata["class"] not in known:
        raise WeightsError(
            f"{path} holds a {metadata['class']}; here can be loaded {', '.join(sorted(known))}:"
            " import its class first"
        )
    try:
        model = known[metadata["class"]](**json.loads(metadata["arguments"]))
        model.default_args = json.loads(metadata["default_args"])
        model.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{path} does not fit {metadata['class']}: {reason}") from error
    return model.eval()


def from_pretrained(kind: type[Model], name: Path | str) -> Model:
    """See `DASModel.from_pretrained`."""
    if str(name).endswith(_SUFFIX):
        return load(kind, Path(name).expanduser())
    if str(name) not in kind.pretrained:
        listed = ", ".join(kind.list_pretrained()) or "none"
        raise WeightsError(
            f"no weights {str(name)!r} of {kind.__name__}; known: {listed}, or a {_SUFFIX} file"
        )
    return load(kind, repositories.fetch(kind.pretrained[str(name)])[0])


def _family(kind: type[Any]) -> list[type[Any]]:
    """A class and all that derive from it, as far as they are imported; no abstract ones."""
    found = [kind, *(other for child in kind.__subclasses__() for other in _family(child))]
    return [one for one in found if not getattr(one, "__abstractmethods__", None)]
