"""With which network a training begins, and what its weights file holds in the end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar

import numpy as np
import torch
from pydantic import Field, JsonValue, ValidationError
from torch import Tensor, nn

from quakeline.core.errors import ConfigError, WeightsError
from quakeline.core.mistakes import mistakes
from quakeline.core.section import Section
from quakeline.models import spectrogram_cnn
from quakeline.models.ancestry import NOT_STATED
from quakeline.models.blank_cards import PICKERS
from quakeline.models.card_text import check as check_card
from quakeline.models.cards import CARDS, Card, GivenFiles
from quakeline.models.event_cards import EVENT, NOISE, QUAKEXNET
from quakeline.models.event_networks import opened
from quakeline.models.named import load_network
from quakeline.models.names import check_name, trained_from
from quakeline.models.networks import build
from quakeline.models.sections.custom import Custom
from quakeline.models.weights import SUFFIX, digest_of

Kind = TypeVar("Kind", bound=Section)

#: Networks that are trained from scratch, by name of their architecture.
SCRATCH = {**PICKERS,
           QUAKEXNET.network: QUAKEXNET,
           "spectrogram-cnn": spectrogram_cnn.card_for()}  # fmt: skip


class Classifier(Section):
    """A network of events without weights."""

    kind: Literal["spectrogram-cnn", "quakexnet"] = Field(description="the architecture")
    window_s: float | None = Field(
        None,
        ge=5,
        le=3600,
        description="length of a window of spectrogram-cnn in s; null: 400, the least of its"
        " authors'; those of quakexnet have 100",
    )
    classes: list[str] = Field(
        [EVENT, NOISE],
        min_length=2,
        description="kinds of events (column source_type of a data set), noise, or event for all",
    )
    onset_s: tuple[float, float] | None = Field(
        None,
        description="between which seconds of the window P stands; null: 0.1 to 0.3 of it, or 10 to"
        " 25 for quakexnet",
    )


class Blank(Section):
    """A network of SeisBench without weights."""

    kind: Literal["seisbench"] = Field("seisbench", description="a network of SeisBench")
    model: str = Field(min_length=1, description="SeisBench's name of the network")
    arguments: dict[str, JsonValue] = Field(
        default_factory=dict, description="arguments of the network, e.g. phases: NPS"
    )


@dataclass(frozen=True)
class Beginning:
    """A network before it is trained.

    Attributes
    ----------
    card
        What it takes and gives.
    network
        On the CPU, with gradients.
    result
        Card of what comes of it, as far as known.
    """

    card: Card
    network: nn.Module
    result: Card

    def stored(self, state: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """What a weights file holds of a state of the network: its tensors, or its ONNX graph.

        Of a network that a module of the user's made it is the graph, since a weights file runs
        no code.
        """
        if self.card.network != "custom":
            return dict(state)
        from quakeline.models.onnx import export

        self.network.cpu().load_state_dict(dict(state))
        with TemporaryDirectory(prefix="quakeline-") as folder:
            path = Path(folder) / "graph.onnx"
            export(self.card, self.network, path)
            graph = np.frombuffer(path.read_bytes(), np.uint8).copy()
        return {"graph": torch.from_numpy(graph)}


def of_parent(parent: Path, name: str) -> Beginning:
    """Weights that are trained further, also files of the authors of networks of events.

    Raises ConfigError and WeightsError as `load_network`.
    """
    if parent.suffix != SUFFIX:
        given = opened(parent)
        network = given.network.requires_grad_(True)
        card = replace(given.card, digest=digest_of(network.state_dict()))
    else:
        card, network = load_network(parent)
    return Beginning(card, network, trained_from(card, name=name))


def from_scratch(wanted: str | Mapping[str, Any], name: str, seed: int) -> Beginning:
    """A network that has learnt nothing; the same seed gives the same one.

    Parameters
    ----------
    wanted
        An architecture of SCRATCH; or a mapping whose `kind` is seisbench (keys of `Blank`) or
        custom (keys of the section `weights` of kind custom with a loader, which gives a torch
        module) or spectrogram-cnn or quakexnet (keys of `Classifier`).
    name
        Of the weights that are made.

    Raises
    ------
    ConfigError
        There is no such network, or the name is taken.
    WeightsError
        The network cannot be built, or does not give what it should.
    """
    check_name(name)
    if name in CARDS:
        raise ConfigError(f"name: {name!r} given; trained weights need a name of their own")
    torch.manual_seed(seed)
    card, network = _built(wanted)
    result = replace(card, name=name, digest="", training_data="",
                     source=GivenFiles("trained from scratch"))  # fmt: skip
    if card.network == "custom":
        result = replace(result, options={"loader": "", "arguments": "{}", "digest": ""})
    else:
        result = replace(result, citation=NOT_STATED, licence=NOT_STATED)
    return Beginning(card, network.requires_grad_(True), result)


def _built(wanted: str | Mapping[str, Any]) -> tuple[Card, nn.Module]:
    if isinstance(wanted, str):
        if wanted not in SCRATCH:
            raise ConfigError(
                f"network: {wanted!r} given; allowed: {', '.join(SCRATCH)}, or a mapping of kind"
                " spectrogram-cnn, quakexnet, seisbench or custom"
            )
        return SCRATCH[wanted], build(SCRATCH[wanted])
    kind = wanted.get("kind")
    if kind == "seisbench":
        return _of_seisbench(section_of(Blank, wanted))
    if kind == "custom":
        return _of_loader(section_of(Custom, wanted))
    if kind in ("spectrogram-cnn", "quakexnet"):
        return _of_classifier(section_of(Classifier, wanted))
    raise ConfigError(
        f"network.kind: {kind!r} given; allowed: spectrogram-cnn, quakexnet, seisbench, custom, das"
    )


def section_of(kind: type[Kind], given: Mapping[str, Any]) -> Kind:
    """The mapping `network` as one of its kinds. Raises ConfigError."""
    try:
        return kind.model_validate(dict(given))
    except ValidationError as error:
        raise ConfigError(mistakes(error, kind, "network")[0]) from error


def _of_seisbench(section: Blank) -> tuple[Card, nn.Module]:
    from quakeline.models import seisbench
    from quakeline.models.sections.seisbench import described

    picker = seisbench.build(section.model, json.dumps(section.arguments))
    found = seisbench.found_of(picker.model)
    _, card = described(found, name="blank")
    return replace(card, digest=""), found.picker


def _of_classifier(section: Classifier) -> tuple[Card, nn.Module]:
    classes = tuple(section.classes)
    if section.kind == "spectrogram-cnn":
        card = spectrogram_cnn.card_for(section.window_s or spectrogram_cnn.WINDOW_S, classes)
    elif section.window_s is not None:
        raise ConfigError("network.window_s: given; windows of quakexnet have 100 s")
    else:
        card = replace(QUAKEXNET, classes=classes, options={"classes": str(len(classes))})
    if section.onset_s is not None:
        card = replace(card, onset_s=section.onset_s)
    try:
        check_card(card)
    except WeightsError as error:
        raise ConfigError(f"network: {error}") from error
    return card, build(card)


def _of_loader(section: Custom) -> tuple[Card, nn.Module]:
    from quakeline.models import custom

    if section.loader is None:
        raise ConfigError("network: path given; allowed: loader, a module whose network learns")
    loaded = custom.load(section.loader, section.arguments)
    if isinstance(loaded.network, Path):
        raise ConfigError(
            f"network.loader: {section.loader} gives an ONNX graph; needed is a torch module"
        )
    card = section.card()
    custom.check(card, custom.output_of(card, loaded.network))
    return card, loaded.network
