"""Weights: fetch or read a network's weights and write them as one safetensors file."""

from __future__ import annotations

import logging
from pathlib import Path

from quakeline.models.named import VERSION as VERSION
from quakeline.models.sections import AnyKind, Kind

logger = logging.getLogger("quakeline")

#: The section of any kind; see `quakeline.models.sections`.
Config = Kind
#: All kinds, told apart by `kind`.
AnyConfig = AnyKind


def run(config: Config, *, weights: Path) -> None:
    """Write the weights of the configured network to `weights`, a safetensors file.

    Raises
    ------
    WeightsError
        They cannot be fetched, or what the section names is not these weights.
    OutputError
        The product or the cache cannot be written.
    """
    card, weights_id = config.write(weights)
    logger.info("weights of %s, id %s", card.name, weights_id)
