"""How windows are laid and joined, where the configuration wants it otherwise than a card."""

from __future__ import annotations

from dataclasses import asdict, dataclass, replace

from quakeline.core.errors import ConfigError
from quakeline.models.cards import Card, Scan, Stacking


@dataclass(frozen=True)
class Windowing:
    """How windows are laid and joined, where it differs from a card; see `Card`. None: as there.

    `normalisation` "max-600s" is what the program of Seismo-Performer's authors does, where the
    division of each window is never reached: small events beside large ones are lost. `filtered`
    False leaves out the filter that the network was trained behind.
    """

    hop_samples: int | None = None
    blind_samples: int | None = None
    stacking: Stacking | None = None
    edge_windows: bool | None = None
    normalisation: Scan | None = None
    filtered: bool = True

    def on(self, card: Card) -> Card:
        """A card with these changes, also of the members of an ensemble.

        Raises ConfigError for a step or blind samples of an ensemble, and for a normalisation of a
        network whose windows are not divided by their largest value.
        """
        given = {name: value for name, value in asdict(self).items() if value is not None}
        if not given.pop("filtered"):
            if card.filter is None and not card.members:
                raise ConfigError(f"annotate.filtered: false given; {card.name} has no filter")
            given["filter"] = None
        if not card.members:
            if self.normalisation and card.normalisation != "max":
                raise ConfigError(
                    f"annotate.normalisation: {self.normalisation!r} given; {card.name} has"
                    f" {card.normalisation!r}; allowed where it is 'max'"
                )
            return replace(card, **given)
        given.pop("normalisation", None)
        for name in ("hop_samples", "blind_samples"):
            if name in given:
                raise ConfigError(
                    f"annotate.{name}: {given[name]} given; members of an ensemble keep their own:"
                    " null"
                )
        return replace(card, **given, members=tuple(self.on(member) for member in card.members))


AS_ON_CARD = Windowing()
