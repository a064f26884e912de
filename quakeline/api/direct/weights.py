"""A weight set by its name, made ready."""

from __future__ import annotations

import os
from pathlib import Path

from quakeline.core.errors import ConfigError
from quakeline.inference.annotator import Annotator
from quakeline.models.named import weights_file
from quakeline.models.windowing import Windowing

DEVICES = ("auto", "cpu", "cuda")


def load(
    model: str | None,
    weights: str | Path | None = None,
    *,
    threads: int | None = None,
    device: str = "auto",
    batch: int | None = None,
    hop_samples: int | None = None,
    filtered: bool = True,
) -> Annotator:
    """Make a weight set ready; see `Annotator.load` and `quakeline.models.named.weights_file`.

    `threads` None: all cores that this process may use. `hop_samples` is the step between windows,
    None: the network's own; `filtered` False leaves out the filter that it was trained behind.
    """
    if device not in DEVICES:
        raise ConfigError(f"device: {device!r} given; allowed: {', '.join(DEVICES)}")
    if threads is not None and threads < 1:
        raise ConfigError(f"threads: {threads} given; allowed: a number above 0")
    for name, value, most in (("batch", batch, 4096), ("hop_samples", hop_samples, 1 << 20)):
        if value is not None and not (isinstance(value, int) and 1 <= value <= most):
            raise ConfigError(f"{name}: {value!r} given; allowed: a whole number, 1 to {most}")
    cores = threads or len(os.sched_getaffinity(0))
    windowing = Windowing(hop_samples, filtered=filtered)
    return Annotator.load(weights_file(model, weights), device, cores, batch, windowing)
