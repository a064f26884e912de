"""Prepared waveforms through the network: a probability per phase and sample."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from quakeline.section import Section

if TYPE_CHECKING:
    import numpy as np
    import torch

    from quakeline.models.cards import Card

VERSION = 1

logger = logging.getLogger("quakeline")


class Config(Section):
    """How the network is applied."""

    hop_samples: int | None = Field(
        None,
        ge=1,
        description="step between windows in samples; null: the network's own (see `weights`)."
        " Not a multiple of 100: some networks put picks on whole seconds of their window",
    )
    batch: int = Field(32, ge=1, le=4096, description="windows in one forward pass")
    device: Literal["auto", "cpu", "cuda"] = Field(
        "auto", description="where the network runs; auto: a GPU when there is one"
    )


def run(
    config: Config, *, waveforms: Path, weights: Path, threads: int, probabilities: Path
) -> None:
    """Write the probabilities (PROBABILITIES) of a chunk.

    The store covers the waveforms less one window on both sides, since samples nearer to the ends
    are not covered by all their windows.
    """
    import torch

    from quakeline.inference.engine import Engine
    from quakeline.io import stores
    from quakeline.models.weights import network
    from quakeline.schemas import PROBABILITIES, WAVEFORMS

    torch.set_num_threads(threads)
    card, module, weights_id = network(weights)
    device = _device(config.device)
    engine = Engine(card, module.to(device), device, _hop(config.hop_samples, card), config.batch)
    source = stores.open_store(waveforms, WAVEFORMS)
    whole = stores.grid_of(source)
    lo = whole.start_sample + card.window_samples
    hi = whole.start_sample + whole.n_samples - card.window_samples
    instruments = stores.labels_of(source, "instruments")
    labels = {"instruments": instruments, "classes": list(card.phases)}
    phases = [card.classes.index(phase) for phase in card.phases]
    reader = _Reader(source, card)
    logger.info("annotate: %d instruments, %s on %s", len(instruments), card.name, device)
    with stores.create(
        probabilities,
        PROBABILITIES,
        stores.Grid(lo, hi - lo, whole.rate_hz),
        labels,
        model=card.name,
        weights_id=weights_id,
    ) as target:
        probability: Any = target["probability"]
        valid: Any = target["valid"]
        for index, curves in engine.annotate(len(instruments), lo, hi, reader):
            probability[index] = curves[phases]
            valid[index] = reader(index, lo, hi)[1].any(axis=0)
            logger.info("annotate: %s, %d of %d", instruments[index], index + 1, len(instruments))


def _hop(wanted: int | None, card: Card) -> int:
    """Step between windows. Raises ConfigError where some samples would lie in no window."""
    from quakeline.errors import ConfigError

    largest = card.window_samples - 2 * card.blind_samples
    if wanted and wanted > largest:
        raise ConfigError(
            f"annotate.hop_samples: {wanted} given; at most {largest} for {card.name}"
        )
    return wanted or card.hop_samples


class _Reader:
    """Reads an instrument of a store once and gives its windows from memory."""

    def __init__(self, store: Any, card: Card) -> None:
        from quakeline.io import stores

        components = stores.labels_of(store, "components")
        self._order = [components.index(name) for name in card.components]
        self._store = store
        self._start = stores.grid_of(store).start_sample
        self._held = -1
        self._data: np.ndarray
        self._valid: np.ndarray

    def __call__(self, index: int, start: int, stop: int) -> tuple[np.ndarray, np.ndarray]:
        if index != self._held:
            self._data = self._store["data"][index][self._order]
            self._valid = self._store["valid"][index][self._order]
            self._held = index
        return (
            _cut(self._data, start - self._start, stop - self._start),
            _cut(self._valid, start - self._start, stop - self._start),
        )


def _cut(array: np.ndarray, start: int, stop: int) -> np.ndarray:
    """Samples [start, stop) of the last axis, zeros outside the array."""
    import numpy as np

    lo, hi = max(start, 0), min(stop, array.shape[-1])
    if (lo, hi) == (start, stop):
        return array[..., start:stop]
    block = np.zeros((*array.shape[:-1], stop - start), dtype=array.dtype)
    if lo < hi:
        block[..., lo - start : hi - start] = array[..., lo:hi]
    return block


def _device(name: str) -> torch.device:
    import torch

    from quakeline.errors import ConfigError

    if name == "cuda" and not torch.cuda.is_available():
        raise ConfigError("annotate.device: 'cuda' given; this machine has no usable GPU")
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    return torch.device(name)
