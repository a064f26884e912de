"""A weight set by its name, made ready."""

from __future__ import annotations

import os
from pathlib import Path

from quakeline.core.errors import ConfigError
from quakeline.inference.annotator import Annotator
from quakeline.models.named import weights_file
from quakeline.models.windowing import AS_ON_CARD, Windowing

DEVICES = ("auto", "cpu", "cuda")


def load(
    model: str | None,
    weights: str | Path | None = None,
    *,
    threads: int | None = None,
    device: str = "auto",
    batch: int | None = None,
    windowing: Windowing = AS_ON_CARD,
) -> Annotator:
    """Make a weight set ready; see `Annotator.load` and `quakeline.models.named.weights_file`.

    `threads` None: all cores that this process may use.
    """
    if device not in DEVICES:
        raise ConfigError(f"device: {device!r} given; allowed: {', '.join(DEVICES)}")
    if threads is not None and threads < 1:
        raise ConfigError(f"threads: {threads} given; allowed: a number above 0")
    given = (("batch", batch, 4096), ("hop_samples", windowing.hop_samples, 1 << 20))
    for name, value, most in given:
        if value is not None and not (isinstance(value, int) and 1 <= value <= most):
            raise ConfigError(f"{name}: {value!r} given; allowed: a whole number, 1 to {most}")
    cores = threads or len(os.sched_getaffinity(0))
    return Annotator.load(weights_file(model, weights), device, cores, batch, windowing)
