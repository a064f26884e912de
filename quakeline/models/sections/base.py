"""What every kind of weights has."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BeforeValidator, Field

from quakeline.core.registry import one_of
from quakeline.core.section import Section
from quakeline.models import cards
from quakeline.models.cards import Card

if TYPE_CHECKING:
    from quakeline.models.weights import Weights


class Kind(Section):
    """Which network picks, and where its weights come from."""

    kind: str = Field(description="which of the kinds below")

    @abstractmethod
    def card(self) -> Card:
        """What the network expects and gives, as far as the configuration tells."""

    @abstractmethod
    def obtain(self) -> Weights:
        """Tensors and their card. Raises WeightsError where they cannot be had."""

    @property
    def on_disk(self) -> bool:
        """Whether `obtain` does no more than read files that the section names.

        False where it would fetch weights, or call a loader.
        """
        return False

    def write(self, path: Path) -> tuple[Card, str]:
        """Write the weights as a .safetensors file; give their card and id.

        Raises
        ------
        WeightsError
            They cannot be had, or what the section names is not these weights.
        OutputError
            The file or the cache cannot be written.
        """
        from quakeline.models.weights import save

        state, card = self.obtain()
        return card, save(path, state, card)

    @property
    def digest_of_file(self) -> str:
        """Digest of the tensors of files that the section names, but for quakeline's own weights.

        A file of the same name may hold other weights tomorrow.
        """
        card = self.card()
        own = (one.digest for one in card.members or (card,) if one.name not in cards.CARDS)
        return " ".join(digest for digest in own if digest)

    def missing(self) -> list[str]:
        """A line for each file that the section names and that does not exist."""
        return []


class Filter(Section):
    """The Butterworth filter that the weights were trained behind."""

    low_hz: float | None = Field(None, gt=0, description="lower corner in Hz; null: open")
    high_hz: float | None = Field(None, gt=0, description="upper corner in Hz; null: open")
    order: int = Field(4, ge=1, le=10, description="order of one pass")
    zero_phase: bool = Field(
        False, description="forwards and backwards; false: forwards alone, causal"
    )

    def on_card(self) -> cards.Filter:
        """The same on a card."""
        return cards.Filter(self.low_hz, self.high_hz, self.order, self.zero_phase)


def default_hop(window_samples: int, output: cards.Output) -> int:
    """Step between windows where nothing else is known: a little less than half a window."""
    if output == "window":
        return min(10, window_samples)
    hop = max(window_samples // 2 - 11, 1)
    return hop if hop % 100 else hop + 1


def choice(kinds: tuple[type[Section], ...]) -> Any:
    """Return the annotation of a field that holds one of some kinds; `builtin` needs no `kind`."""
    return Annotated[one_of(kinds), BeforeValidator(_builtin_by_default)]


def _builtin_by_default(given: Any) -> Any:
    if isinstance(given, Mapping) and "kind" not in given:
        return {"kind": "builtin", **given}
    return given


def safe(name: str) -> str:
    """Make a part of a file name of a name: small letters, digits, hyphens."""
    return "-".join("".join(c if c.isalnum() else " " for c in name.lower()).split())
