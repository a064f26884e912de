"""What is known of networks that read polarities: windows, files, terms."""

from __future__ import annotations

from dataclasses import dataclass

#: Rate of the waveforms that these networks take.
RATE_HZ = 100.0


@dataclass(frozen=True)
class PolarityCard:
    """What is known of a network: its name, window, origin and terms.

    `samples` is the length of its window and `onset` the sample of the arrival in it.
    """

    name: str
    samples: int
    onset: int
    file: str
    licence: str
    citation: str


DITING_MOTION = PolarityCard(
    "DiTingMotion",
    128,
    64,
    "DiTingMotionJul.onnx of AutoQuake",
    "MIT",
    "Zhao, M., et al., 2023, DiTingMotion: A deep-learning first-motion-polarity classifier and its"
    " application to focal mechanism inversion, Front. Earth Sci. 11, 1103914",
)
PNSN_POLAR = PolarityCard(
    "pnsn-polar",
    1024,
    512,
    "polar.onnx of github.com/cangyeone/pnsn",
    "GPL-3.0",
    "Yu, Z. Y., pnsn: pickers for the seismic network of China, github.com/cangyeone/pnsn",
)
POLAR_CAP = PolarityCard(
    "PolarCAP",
    64,
    32,
    "PolarCAP.h5 of its authors",
    "GPL-3.0",
    "Chakraborty, M., et al., 2022, PolarCAP: A deep learning approach for first motion polarity"
    " classification of earthquake waveforms, Artif. Intell. Geosci. 3, 46-52",
)
CARDS = (DITING_MOTION, PNSN_POLAR, POLAR_CAP)
