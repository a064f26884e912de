"""DAS models as weights files: tensors, and a card that says how to build the network."""

from __future__ import annotations

import inspect
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Protocol, Self, TypeVar

from quakeline.core.errors import ConfigError, OutputError, WeightsError
from quakeline.fibres.das.card_facts import DEFAULT_RATE_HZ, DEFAULT_THRESHOLD, NETWORK, title
from quakeline.fibres.das.patches import PatchingStructure
from quakeline.models import repositories, weights
from quakeline.models.ancestry import NOT_STATED, Training
from quakeline.models.cards import Card, GivenFiles, Repository
from quakeline.models.names import check_name, trained_from
from quakeline.models.sections.base import default_hop

Model = TypeVar("Model", bound="Stored")


class Stored(Protocol):
    """What is asked of a network that is written and read: `DASModel`."""

    annotate_keys: list[str]
    card: Card | None
    default_args: dict[str, Any]
    dt_range: tuple[float, float] | None
    patching_structure: PatchingStructure | None
    pretrained: ClassVar[Mapping[str, Repository]]

    @property
    def name(self) -> str:
        """Name of the network."""

    @property
    def citation(self) -> str:
        """How to cite it."""

    def get_model_args(self) -> dict[str, Any]:
        """Arguments by which it is built again."""

    def state_dict(self) -> dict[str, Any]:
        """Its tensors by name."""

    def load_state_dict(self, state_dict: Mapping[str, Any]) -> Any:
        """Take tensors by name."""

    def eval(self) -> Self:
        """Switch it to inference."""

    @classmethod
    def list_pretrained(
        cls, details: bool = False, remote: bool = True
    ) -> list[str] | dict[str, str]:
        """Names of published weights."""


def save(model: Stored, path: Path, name: str | None, training: Training | None) -> Path:
    """See `DASModel.save`."""
    state = model.state_dict()
    card = renamed(model.card, weights.digest_of(state), name, training)
    if card is None:
        kind = type(model)
        card = card_of(model, f"{kind.__module__}:{kind.__name__}", arguments_of(model))
        called = name or title(kind.__name__, path.name)
        card = replace(card, name=called, training=training or Training())
    try:
        weights.save(path, state, card)
    except OSError as error:
        raise OutputError(f"cannot write {path}: {error.strerror or error}") from error
    return path


def arguments_of(model: Stored) -> dict[str, Any]:
    """Arguments that build a network again: those of the base only where its class names them."""
    named = inspect.signature(type(model).__init__).parameters
    technical = ("citation", "buffer_queue_size")
    given = model.get_model_args().items()
    return {name: value for name, value in given if name in named or name not in technical}


def renamed(
    before: Card | None, digest: str, name: str | None, training: Training | None
) -> Card | None:
    """The card of weights that were loaded with one, and perhaps trained since.

    Parameters
    ----------
    before
        The card with which they were loaded; None: they were not, and neither is there a card.
    digest
        That of the tensors now.
    name, training
        What is given for their new card; None: nothing.

    Raises
    ------
    ConfigError
        They were trained since, and there is no name for them.
    """
    if name is not None:
        check_name(name)
    if before is None or (before.digest == digest and name is None and training is None):
        return before
    if name is None:
        raise ConfigError(
            f"the weights differ from those of {before.name} that were loaded: name=... is needed,"
            " a name of their own"
        )
    return trained_from(before, name=name, training=training)


def card_of(model: Stored, place: str, arguments: dict[str, Any]) -> Card:
    """The card of a network by what it says of itself, for MODULE:CLASS and its arguments.

    A network that takes data of any rate gets the usual one, and one whose patches depend on the
    array a window of one sample: a section of the configuration says what is used.
    """
    phases = tuple(model.annotate_keys)
    step = sum(model.dt_range) / 2 if model.dt_range else 1 / DEFAULT_RATE_HZ
    window = model.patching_structure.in_samples if model.patching_structure else 1
    return Card(
        name=model.name,
        network=NETWORK,
        citation=" ".join((model.citation or "not given").split()),
        licence=NOT_STATED,
        training_data=NOT_STATED,
        sampling_rate_hz=1 / step,
        window_samples=window,
        hop_samples=default_hop(window, "samples"),
        blind_samples=0,
        components="Z",
        classes=phases,
        phases=phases,
        thresholds=dict.fromkeys(phases, DEFAULT_THRESHOLD),
        normalisation="none",
        filter=None,
        output="samples",
        source=GivenFiles(place),
        options={
            "model": place,
            "arguments": json.dumps(arguments, sort_keys=True),
            "default_args": json.dumps(model.default_args, sort_keys=True),
        },
    )


def load(kind: type[Model], path: Path) -> Model:
    """See `DASModel.load`."""
    card, state, _ = weights.load(path)
    if card.network != NETWORK:
        raise WeightsError(f"{path} holds {card.name}, not a DAS model")
    name = card.options["model"].partition(":")[2]
    known: dict[str, type[Model]] = {found.__name__: found for found in _family(kind)}
    if name not in known:
        raise WeightsError(
            f"{path} holds a {name}; here can be loaded {', '.join(sorted(known))}:"
            " import its class first"
        )
    try:
        model = known[name](**json.loads(card.options["arguments"]))
        model.default_args = json.loads(card.options["default_args"])
        model.load_state_dict(state)
    except (RuntimeError, TypeError) as error:
        reason = " ".join(str(error).split())[:160]
        raise WeightsError(f"{path} does not fit {name}: {reason}") from error
    model.card = card
    return model.eval()


def versioned(path: Path | str, version: str | None) -> Path:
    """The path of a version of weights: with .vVERSION before its suffix."""
    found = Path(path)
    if version is None:
        return found
    stem = found.name.removesuffix(weights.SUFFIX)
    return found.with_name(f"{stem}.v{version}{weights.SUFFIX}")


def docstring_as(training: Training | None, docstring: str, anew: bool) -> Training | None:
    """How weights were trained where it is told in words only; a card that stays has its own."""
    told = training is None and docstring and anew
    return Training(data=(docstring,)) if told else training


def require_version(name: Path | str, version: str | None, known: Sequence[str]) -> None:
    """Raise WeightsError unless weights of a name have a version; None and latest: any."""
    if version in (None, "latest") or version in known:
        return
    listed = ", ".join(known) or "none: a file has no versions"
    raise WeightsError(f"{name}: version {version!r} given; known: latest, {listed}")


def versions_of(kind: type[Stored], name: Path | str) -> list[str]:
    """See `DASModel.list_versions`."""
    known = kind.pretrained.get(str(name))
    return [known.key] if known else []


def from_pretrained(kind: type[Model], name: Path | str) -> Model:
    """See `DASModel.from_pretrained`."""
    if str(name).endswith(weights.SUFFIX):
        return load(kind, Path(name).expanduser())
    if str(name) not in kind.pretrained:
        listed = ", ".join(kind.list_pretrained()) or "none"
        raise WeightsError(
            f"no weights {str(name)!r} of {kind.__name__}; known: {listed}, or a {weights.SUFFIX}"
            " file"
        )
    return load(kind, repositories.fetch(kind.pretrained[str(name)])[0])


def _family(kind: type[Any]) -> list[type[Any]]:
    """A class and all that derive from it, as far as they are imported; no abstract ones."""
    found = [kind, *(other for child in kind.__subclasses__() for other in _family(child))]
    return [one for one in found if not getattr(one, "__abstractmethods__", None)]
