"""Every network: how it is built, and how its original files become its weights."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from quakeline.errors import WeightsError
from quakeline.models import custom, eqtransformer, gpd, phasenet, seismo_performer, spec_cnn
from quakeline.models import seisbench as seisbench_models
from quakeline.models.cards import Card


@dataclass(frozen=True)
class Network:
    """How to build a network, and how to turn its original files into its `state_dict`.

    `build` gets the options of the card, `convert` the files in the order of the card's source.
    """

    build: Callable[..., nn.Module]
    convert: Callable[[Sequence[Path]], dict[str, Tensor]]


#: Every network of quakeline's own by its name in cards.
NETWORKS: dict[str, Network] = {
    "phasenet": Network(phasenet.PhaseNet, phasenet.from_files),
    "eqtransformer": Network(eqtransformer.EQTransformer, eqtransformer.from_files),
    "gpd": Network(gpd.GPD, gpd.from_files),
    "seismo-performer": Network(seismo_performer.SeismoPerformer, seismo_performer.from_files),
    "spec-cnn": Network(spec_cnn.SpecCNN, spec_cnn.from_files),
}

#: Builds a network from the options of its card.
_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    **{name: network.build for name, network in NETWORKS.items()},
    "seisbench": seisbench_models.build,
    "custom": custom.build,
}


def build(card: Card) -> nn.Module:
    """Build the network of a card, with weights that mean nothing yet."""
    return _BUILDERS[card.network](**card.options)


def load_state(card: Card, state: Mapping[str, Tensor], place: str) -> nn.Module:
    """Build the network of a card with its weights.

    Parameters
    ----------
    card
        The weight set.
    state
        Exactly the `state_dict` of the network.
    place
        Where they come from, for messages.

    Returns
    -------
    torch.nn.Module
        The network on the CPU, for inference (eval mode, no gradients).

    Raises
    ------
    WeightsError
        Names, shapes or types of the tensors are not those of the network.
    """
    module = build(card)
    expected = {name: (t.shape, t.dtype) for name, t in module.state_dict().items()}
    found = {name: (t.shape, t.dtype) for name, t in state.items()}
    wrong = sorted(
        name for name in expected.keys() | found.keys() if expected.get(name) != found.get(name)
    )
    if wrong:
        raise WeightsError(
            f"{place} does not hold the weights of {card.name}: {len(wrong)} tensors are missing,"
            f" unknown or of another shape or type, the first is {wrong[0]}"
        )
    module.load_state_dict(state)
    return module.eval().requires_grad_(False)
