"""Every network: how it is built, how its original files become its weights, and weights files."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn

from quakeline.core.errors import ConfigError, WeightsError
from quakeline.models import (
    custom,
    earthquake_cnn,
    eqtransformer,
    gpd,
    phasenet,
    quakexnet,
    seisclass,
    seismo_performer,
    spec_cnn,
    spectrogram_cnn,
    weights,
)
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

#: Networks that tell kinds of events, see `quakeline.models.event_networks`.
EVENT_NETWORKS: dict[str, Network] = {
    "quakexnet": Network(quakexnet.QuakeXNet, quakexnet.from_files),
    "seisclass": Network(seisclass.SeisClass, seisclass.from_files),
}

#: Builds a network from the options of its card.
_BUILDERS: dict[str, Callable[..., nn.Module]] = {
    **{name: network.build for name, network in NETWORKS.items()},
    **{name: network.build for name, network in EVENT_NETWORKS.items()},
    "earthquake-cnn": earthquake_cnn.EarthquakeCNN,
    "spectrogram-cnn": spectrogram_cnn.SpectrogramCNN,
    "seisbench": seisbench_models.build,
    custom.NETWORK: custom.build,
}


def build(card: Card) -> nn.Module:
    """Build the network of a card, with weights that mean nothing yet.

    Raises WeightsError where it is no network of single stations.
    """
    if card.network not in _BUILDERS:
        raise WeightsError(
            f"{card.name} is a network {card.network!r}; those for single stations are"
            f" {', '.join(_BUILDERS)}"
        )
    return _BUILDERS[card.network](**card.options)


def read(
    path: Path, member: int | None = None, run_loader: bool = False
) -> tuple[Card, nn.Module, str]:
    """Build the network of a weights file.

    Parameters
    ----------
    path
        A safetensors file that `save_network` or `weights.save` wrote.
    member
        Which member of an ensemble; None for a file of one network.
    run_loader
        Whether the Python module that the file of a custom network names may be run: where the
        user has named it too.

    Returns
    -------
    card : Card
        What the network expects and gives.
    module : torch.nn.Module
        The network on the CPU, for inference (eval mode, no gradients).
    weights_id : str
        Id of the weights, 12 hexadecimal digits.

    Raises
    ------
    WeightsError
        As `weights.load`, or the tensors are not those of the network.
    """
    card, state, weights_id = weights.load(path, member)
    if card.network != custom.NETWORK:
        return card, load_state(card, state, str(path)), weights_id
    if not run_loader:
        raise WeightsError(
            f"{path} names code, the module {card.options.get('loader', '')!r}, that builds its"
            " network; a file alone is computed as its graph, on CPUs: device cpu"
        )
    return card, build(card), weights_id


def save_network(path: Path | str, network: nn.Module | Mapping[str, Tensor], card: Card) -> str:
    """Write a network, or its `state_dict`, with its card as a weights file.

    Parameters
    ----------
    path
        The .safetensors file to write, whole or not at all.
    network
        The network, or its `state_dict`.
    card
        Its card: for weights that were trained, what `names.trained_from` gives.

    Returns
    -------
    str
        Id of the weights, 12 hexadecimal digits.

    Raises
    ------
    WeightsError
        The tensors are not those of such a network, or the card is that of other ones.
    ConfigError
        The file is to have another suffix than .safetensors.
    OutputError
        The file cannot be written.

    Examples
    --------
    >>> import quakeline
    >>> card, network = quakeline.load_network("phasenet")
    >>> own = quakeline.trained_from(card, name="swarm")
    >>> len(quakeline.save_network("swarm.safetensors", network, own))
    12
    >>> again, _ = quakeline.load_network("swarm.safetensors")
    >>> again.name
    'swarm'
    """
    target = Path(path).expanduser()
    if target.suffix != weights.SUFFIX:
        raise ConfigError(f"path: {str(path)!r} given; allowed: *{weights.SUFFIX}")
    state = network.state_dict() if isinstance(network, nn.Module) else network
    if card.network in NETWORKS:
        load_state(card, state, "the network given")
    return weights.save(target, state, card)


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
    try:
        module = build(card)
    except TypeError as error:
        raise WeightsError(f"{place}: {card.network} cannot be built: {error}") from error
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
