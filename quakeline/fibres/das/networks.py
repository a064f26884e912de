"""Weights files of networks that see many channels at once, and the networks built from them.

The file holds the tensors, its card the class and the arguments that build the network again.
"""

from __future__ import annotations

import importlib
import inspect
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from quakeline.core.errors import WeightsError
from quakeline.fibres.das import storage
from quakeline.fibres.das.model import DASModel
from quakeline.fibres.das.seisbench import SeisBenchDASModel
from quakeline.io.products.provenance import digest_file
from quakeline.models.cards import Card, GivenFiles, SourceFile
from quakeline.models.custom import working_folder_first
from quakeline.models.seisbench import files_of
from quakeline.models.weights import SUFFIX, Weights, load


def obtain(card: Card, model: str, name: str, path: Path | None) -> Weights:
    """Tensors and card of a network for fibres.

    A weights file of quakeline keeps its name, origin and training; rate, window, phases and
    thresholds are those of the configuration.

    Parameters
    ----------
    card
        What the configuration says of it.
    model
        MODULE:CLASS.
    name, path
        Name of published weights; or, where `path` is not None, their file.

    Raises
    ------
    WeightsError
        There is no such class, it cannot be loaded, or it is not what the card says.
    """
    kind = class_of(model)
    try:
        network = kind.from_pretrained(name) if path is None else _from_file(kind, path)
    except WeightsError:
        raise
    except Exception as error:  # classes of anybody
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise WeightsError(
            f"das_weights: {model} cannot be loaded from {name}: {reason}"
        ) from error
    applied = wrapped(network)
    _compare(card, applied)
    taken = _arguments(kind)
    ours = isinstance(network, DASModel)
    given = storage.arguments_of(network) if ours else network.get_model_args()
    arguments = {k: v for k, v in given.items() if k in taken}
    own = network.card if ours else None
    said = own or storage.card_of(applied, model, arguments)
    options = storage.card_of(applied, model, arguments).options
    files = [] if path is None else _files(path)
    sources = tuple(SourceFile(file.name, digest_file(file)) for file in files)
    complete = replace(
        card,
        name=own.name if own else card.name,
        citation=said.citation,
        licence=said.licence,
        training_data=said.training_data,
        source=GivenFiles(card.source.origin, sources),
        options=options,
        parent=said.parent,
        training=said.training,
    )
    return network.state_dict(), complete


def build(path: Path) -> DASModel:
    """Build the network of a weights file, for inference on the CPU.

    Raises WeightsError where the file is damaged or its class is not what it was.
    """
    card, state, _ = load(path)
    model = card.options["model"]
    try:
        network = class_of(model)(**json.loads(card.options["arguments"]))
        network.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{path} does not fit {model}: {reason}") from error
    applied = wrapped(network.eval())
    applied.default_args = json.loads(card.options["default_args"])
    applied.annotate_keys = list(card.phases)
    return applied


def wrapped(network: Any) -> DASModel:
    """The network as a DASModel of quakeline."""
    return network if isinstance(network, DASModel) else SeisBenchDASModel(network)


def class_of(model: str, key: str = "das_weights.model") -> Any:
    """The class that MODULE:CLASS names; `key` is where it was said.

    Raises WeightsError where it cannot be imported, or derives from no DASModel.
    """
    module, _, name = model.partition(":")
    try:
        with working_folder_first():
            found = getattr(importlib.import_module(module), name)
    except Exception as error:  # modules of anybody
        raise WeightsError(
            f"{key}: {model} cannot be imported: {type(error).__name__}: {error}"
        ) from error
    own = isinstance(found, type) and issubclass(found, DASModel)
    if not own and not hasattr(found, "get_patching_structure"):
        raise WeightsError(
            f"{key}: {model} given; a class that derives from quakeline's or"
            " SeisBench's DASModel is needed"
        )
    return found


def _arguments(kind: Any) -> set[str]:
    """Names of what a class takes, those that it hands on to its bases by ** included."""
    names: set[str] = set()
    for base in inspect.getmro(kind):
        begin = vars(base).get("__init__")
        if begin is None:
            continue
        parameters = inspect.signature(begin).parameters.values()
        names |= {parameter.name for parameter in parameters}
        if not any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
            break
    return names - {"self"}


def _from_file(kind: Any, path: Path) -> Any:
    if issubclass(kind, DASModel):
        return kind.load(path)
    tensors, described = files_of(path)
    facts = json.loads(described.read_text(encoding="utf-8")) if described else {}
    network = kind(**facts.get("model_args", {}))
    network.default_args.update(facts.get("default_args") or {})
    network.load_state_dict(torch.load(tensors, map_location="cpu", weights_only=True))
    return network


def _files(path: Path) -> list[Path]:
    if path.suffix == SUFFIX:
        return [path]
    return [file for file in files_of(path) if file is not None]


def _compare(card: Card, network: DASModel) -> None:
    """Raise WeightsError that says what to set where the network is not what the card says."""
    unknown = sorted(set(card.phases) - set(network.annotate_keys))
    if unknown:
        raise WeightsError(
            f"das_weights.phases: {', '.join(unknown)} given; {network.name} gives"
            f" {', '.join(network.annotate_keys)}"
        )
    step = 1 / card.sampling_rate_hz
    low, high = network.dt_range or (step, step)
    if not low * (1 - 1e-6) <= step <= high * (1 + 1e-6):
        raise WeightsError(
            f"das_weights.sampling_rate_hz: {card.sampling_rate_hz:g} given; {network.name} takes"
            f" {1 / high:g} to {1 / low:g} Hz"
        )
    inner = network.model if isinstance(network, SeisBenchDASModel) else network
    known = inner.patching_structure
    if known is not None and known.in_samples != card.window_samples:
        raise WeightsError(
            f"das_weights.window_samples: {card.window_samples} given; {network.name} has"
            f" {known.in_samples}"
        )
