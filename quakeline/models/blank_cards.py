"""What networks that have not learnt anything take and give."""

from __future__ import annotations

from dataclasses import replace

from quakeline.models.ancestry import NOT_STATED
from quakeline.models.cards import CARDS, Card, Filter, GivenFiles

#: EarthquakeCNN, of which no weights are at hand; thresholds are for want of others. Its authors'
#: accelerometers are high-passed at 0.5 Hz; seismometers record microseisms there.
EARTHQUAKE_CNN = Card(
    name="earthquake-cnn",
    network="earthquake-cnn",
    citation=NOT_STATED,
    licence=NOT_STATED,
    training_data="",
    sampling_rate_hz=40.0,
    window_samples=80,
    hop_samples=4,
    blind_samples=0,
    components="NEZ",
    classes=("P", "S", "N"),
    phases=("P", "S"),
    thresholds={"P": 0.95, "S": 0.95},
    normalisation="max",
    filter=Filter(low_hz=1.0, high_hz=None, order=4, zero_phase=False),
    output="window",
    source=GivenFiles("trained from scratch"),
)

#: Pickers that can be trained from scratch, by architecture: as weights of it at hand, or those of
#: its authors, take and give.
PICKERS: dict[str, Card] = {
    **{card.network: card for card in reversed(CARDS.values())},
    EARTHQUAKE_CNN.network: EARTHQUAKE_CNN,
}


def untrained(network: str) -> Card:
    """The card of a network of PICKERS with random weights, of nobody."""
    return replace(
        PICKERS[network],
        name=f"untrained-{network}",
        digest="",
        citation=NOT_STATED,
        licence=NOT_STATED,
        training_data="none: random numbers",
        source=GivenFiles("random numbers"),
    )
