"""A weight set by its name, made ready."""

from __future__ import annotations

import os
from pathlib import Path

from quakeline.core.errors import ConfigError
from quakeline.inference.annotator import Annotator
from quakeline.models.named import weights_file

DEVICES = ("auto", "cpu", "cuda")


def load(
    model: str | None,
    weights: str | Path | None = None,
    *,
    threads: int | None = None,
    device: str = "auto",
    batch: int | None = None,
) -> Annotator:
    """Make a weight set ready; see `Annotator.load` and `quakeline.models.named.weights_file`.

    `threads` None: all cores that this process may use.
    """
    if device not in DEVICES:
        raise ConfigError(f"device: {device!r} given; allowed: {', '.join(DEVICES)}")
    if threads is not None and threads < 1:
        raise ConfigError(f"threads: {threads} given; allowed: a number above 0")
    cores = threads or len(os.sched_getaffinity(0))
    return Annotator.load(weights_file(model, weights), device, cores, batch)
