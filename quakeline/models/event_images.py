"""What networks of events are given instead of waveforms, and images for trying them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from quakeline.models import quakexnet, seisclass, spectrogram_cnn
from quakeline.models.cards import Card

#: Makes images of windows (n, components, samples), by the name of the architecture.
PREPARED: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "quakexnet": quakexnet.prepared,
    "seisclass": seisclass.prepared,
    "spectrogram-cnn": spectrogram_cnn.prepared,
}


def of_noise(card: Card, n: int) -> np.ndarray:
    """Images of so many windows of noise, the last one of a single component."""
    random = np.random.default_rng(n)
    windows = random.standard_normal((n, len(card.components), card.window_samples))
    windows[-1, 1:] = 0
    return PREPARED[card.network](windows)
