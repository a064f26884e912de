"""Networks of events with their weights: windows of a station to probabilities of classes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from quakeline.core.errors import WeightsError
from quakeline.models import networks, weights
from quakeline.models.cards import Card
from quakeline.models.event_cards import card_of_events
from quakeline.models.event_images import PREPARED
from quakeline.models.weights import SUFFIX

#: Least probability of which a logarithm is taken.
_LEAST = 1e-12


@dataclass(frozen=True)
class EventNetwork:
    """A network of events, its card and the id of its weights."""

    card: Card
    network: nn.Module
    weights_id: str

    def probabilities(self, windows: np.ndarray) -> np.ndarray:
        """Probabilities of the classes of the card, (n, classes), at its temperature.

        Parameters
        ----------
        windows
            Motion in any unit, shape (n, components, samples), components and rate as on the card.
        """
        if not len(windows):
            return np.zeros((0, len(self.card.classes)))
        images = PREPARED[self.card.network](windows)
        with torch.inference_mode():
            found = self.network(torch.from_numpy(images)).numpy().astype(float)
        return at_temperature(found, self.card.temperature)


def at_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """Probabilities (n, classes) whose logarithms are divided by a temperature.

    Above 1 they become less sure, below more (Guo et al. 2017, Proc. Mach. Learn. Res. 70,
    1321-1330).
    """
    powers = np.maximum(probabilities, _LEAST) ** (1 / temperature)
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))


def opened(path: Path) -> EventNetwork:
    """The network of a file: its authors', or one that quakeline trained.

    Raises WeightsError as `card_of_events`, and where the file is damaged.
    """
    card = card_of_events(path)
    if path.suffix == SUFFIX:
        card, network, weights_id = networks.read(path)
        return EventNetwork(card, network, weights_id)
    state = state_of(card, path)
    network = networks.load_state(card, state, str(path))
    return EventNetwork(card, network, weights.weights_id(state, card.options))


def state_of(card: Card, path: Path) -> dict[str, Tensor]:
    """The tensors of a file of a network's authors. Raises WeightsError."""
    if card.network not in networks.EVENT_NETWORKS:
        raise WeightsError(f"{path}: {card.network} is no network of events")
    return networks.EVENT_NETWORKS[card.network].convert([path])
