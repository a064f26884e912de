"""Cards of networks that tell what kind of source an event had, from one station's waveforms.

Their weights are files that users name; none is part of quakeline. Which network a file of its
authors is follows from its SHA-256. What users trained themselves is a .safetensors file with a
card of its own. Reading a card loads no network library.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from quakeline.core.errors import WeightsError
from quakeline.io.products.provenance import digest_file
from quakeline.models.ancestry import NOT_STATED
from quakeline.models.cards import Card, GivenFiles, SourceFile
from quakeline.models.weights import SUFFIX, card_of

#: What classes are called here, whatever their authors call them.
EARTHQUAKE, EXPLOSION, NOISE = "earthquake", "explosion", "noise"
SURFACE, COLLAPSE, EVENT = "surface event", "collapse", "event"

#: What cards of both have; a network filters itself, behind the taper of a window.
_ALIKE: dict[str, Any] = {
    "phases": (),
    "thresholds": {},
    "normalisation": "none",
    "filter": None,
    "output": "event",
}

QUAKEXNET = Card(
    name="quakexnet-base",
    network="quakexnet",
    citation="Kharita, A., Denolle, M., Hutko, A. & Hartog, J. R. (2024), A comprehensive machine"
    " learning and deep learning exploration for seismic event classification in the Pacific"
    " Northwest, AGU Fall Meeting",
    licence="MIT (SeisSCOPED/QuakeScope, quakexnet/base.pt.v1)",
    training_data="Pacific Northwest Seismic Network, local distances",
    sampling_rate_hz=50.0,
    window_samples=5000,
    hop_samples=2501,
    blind_samples=0,
    components="ENZ",
    classes=(EARTHQUAKE, EXPLOSION, NOISE, SURFACE),
    **_ALIKE,
    source=GivenFiles(
        "quakexnet_base.pt.v1",
        (
            SourceFile(
                "base.pt.v1", "d2b8881c490f66023a3675e3673200558959553897f105a771ccf97b4e722851"
            ),
        ),
    ),
    onset_s=(10.0, 25.0),
    max_distance_km=300.0,
)

SEISCLASS = Card(
    name="seisclass-3class",
    network="seisclass",
    citation="Zhao, J., seisclass 0.2.5, pypi.org/project/seisclass",
    licence="MIT (seisclass 0.2.5, models/2606/model_3class.h5)",
    training_data=NOT_STATED,
    sampling_rate_hz=100.0,
    window_samples=6000,
    hop_samples=3001,
    blind_samples=0,
    components="ZNE",
    classes=(EARTHQUAKE, EXPLOSION, COLLAPSE),
    **_ALIKE,
    source=GivenFiles(
        "seisclass_model_3class.h5",
        (
            SourceFile(
                "seisclass/models/2606/model_3class.h5",
                "92af3ab105fca0ae27c5d537b8098871b66f3e7254e38be7bf4b6d66156e2e27",
            ),
        ),
    ),
    onset_s=(3.0, 3.0),
    max_distance_km=200.0,
)

#: Networks whose authors' files are known, by name.
EVENT_CARDS = {card.name: card for card in (QUAKEXNET, SEISCLASS)}


def card_of_events(path: Path) -> Card:
    """The card of a file of weights of a network of events.

    Raises
    ------
    WeightsError
        There is no such file, it is none of the known ones, or a network of another kind.
    """
    if not path.is_file():
        raise WeightsError(f"{path} does not exist")
    if path.suffix == SUFFIX:
        card, _ = card_of(path)
    else:
        digest = digest_file(path)
        cards = {file.sha256: card for card in EVENT_CARDS.values() for file in card.source.files}
        if digest not in cards:
            known = "; ".join(f"{one.name}: {one.licence}" for one in EVENT_CARDS.values())
            raise WeightsError(
                f"{path} is no network of events that is known: a {SUFFIX} file of quakeline, or"
                f" {known}"
            )
        card = cards[digest]
    if card.output != "event":
        raise WeightsError(f"{path} holds {card.name}, which tells phases, not kinds of events")
    return card
