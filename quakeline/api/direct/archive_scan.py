"""A list of archives to a list of predictions, as Seismo-Performer's program archive_scan.py gives.

Stepnov et al. (2021), doi:10.3390/s21186290. Groups of files go one by one through the engine of
every other command; what is theirs are the options, the rule `archive-scan` and the text.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal

import obspy
import pandas as pd
import scipy
from pydantic import ValidationError

from quakeline.core.errors import ConfigError, DataError, WeightsError, why_unread
from quakeline.core.timeline import SECOND, to_datetime
from quakeline.inference.annotator import Annotator
from quakeline.models.cards import Card
from quakeline.models.named import weights_file
from quakeline.models.weights import SUFFIX, card_of
from quakeline.models.windowing import Windowing
from quakeline.picking.direct.picks import picks_of, settings_of
from quakeline.signal.filters import butterworth
from quakeline.waveforms.preparation.recordings import Recordings, of_files, of_stream
from quakeline.waveforms.sources.archive_list import ArchiveList

#: Weight sets that a file of original weights may be of, by network.
NETWORKS = {
    "performer": ("seismo-performer-v2", "seismo-performer-v1"),
    "cnn": ("spec-cnn-v2", "spec-cnn-v1"),
    "gpd": ("gpd",),
}
#: Blocks of the rule, and their order in the text, in s.
BLOCK_S = 600


Resampling = Literal["band", "interpolate"]


@dataclass(frozen=True)
class Loader:
    """A Python module that makes the network, and the arguments of its `load_model`."""

    module: str
    arguments: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Options:
    """How archives are scanned.

    `network` is a key of NETWORKS, `weights` a file of its weights or None, `loader` stands instead
    of both. `shift` is the step between windows in samples, `batch` None the best one. `resampling`
    "interpolate" filters at the rate of the data and then interpolates, as the authors' program
    does, which folds high frequencies into the band; "band" keeps them out.
    """

    network: str = "performer"
    weights: Path | None = None
    loader: Loader | None = None
    thresholds: dict[str, float] = field(default_factory=dict)
    batch: int | None = None
    shift: int = 10
    filtered: bool = True
    detrended: bool = True
    per_trace: bool = False
    resampling: Resampling = "band"
    device: str = "auto"
    threads: int = 1


@dataclass(frozen=True)
class Scanned:
    """Predictions of a group of files, in their order, or why there are none."""

    files: tuple[Path, ...]
    picks: pd.DataFrame | None
    problem: str = ""
    network_s: float = 0.0


def scan(list_file: Path, options: Options) -> Iterator[Scanned]:
    """Scan the groups of a list, one after the other.

    Raises
    ------
    DataError
        The list cannot be read, or none of the files that it names exists.
    ConfigError, WeightsError
        The network cannot be had, or the options do not fit it.
    """
    groups = ArchiveList(kind="archive_list", list_file=str(list_file)).groups
    if not any(path.exists() for files in groups for path in files):
        raise DataError(f"{list_file}: none of its files exists, the first is {groups[0][0]}")
    annotator = made_ready(options)
    settings = settings_of(annotator.card, options.thresholds, rule="archive-scan")
    for files in groups:
        try:
            recordings = _recordings(files, options, annotator)
            outcome = picks_of(recordings, without_filter(annotator, options), settings)
        except DataError as error:
            yield Scanned(files, None, str(error))
            continue
        picks = outcome.picks
        block = picks["time"].astype("datetime64[ns, UTC]").astype("int64") // (BLOCK_S * SECOND)
        ordered = picks.assign(_block=block).sort_values(["_block", "phase", "time"])
        yield Scanned(files, ordered.drop(columns="_block"), network_s=outcome.network_s)


def made_ready(options: Options) -> Annotator:
    """The network of the options, ready for continuous data."""
    windowing = Windowing(
        hop_samples=options.shift, normalisation="max-600s" if options.per_trace else None
    )
    given = options.device, options.threads, options.batch, windowing
    if options.loader is None:
        path = _weights(options)
        _require_windows(path, card_of(path)[0])
        annotator = Annotator.load(path, *given)
    else:
        with TemporaryDirectory(prefix="quakeline-") as folder:
            path = Path(folder) / f"loaded{SUFFIX}"
            _custom(options.loader).write(path)
            annotator = Annotator.load(path, *given, run_loader=True)
    return annotator


def _require_windows(path: Path, card: Card) -> None:
    """Refuse weights of networks whose peaks are far narrower than what the rule averages over."""
    if card.output != "window":
        raise ConfigError(
            f"--weights: {path} given, of {card.network}, which gives a probability for each"
            " sample; allowed: weights of Seismo-Performer, Spec-CNN or GPD, which give one for"
            " each window (quakeline pick takes any network)"
        )


def _weights(options: Options) -> Path:
    names, given = NETWORKS[options.network], options.weights
    if given is None:
        try:
            return weights_file(names[0])
        except WeightsError as error:
            said = str(error).replace("weights.path", "--weights")
            raise WeightsError(said) from error
    if not given.exists():
        raise ConfigError(f"--weights: {given} does not exist")
    if given.suffix == SUFFIX:
        return weights_file(None, given)
    reasons = []
    for name in names:
        try:
            return weights_file(name, given)
        except WeightsError as error:
            reasons.append(str(error))
    raise WeightsError(
        f"--weights: {given} given; allowed: the original weights of {' or '.join(names)}"
        " (--cnn and --gpd ask for those of other networks), or a .safetensors file; it is none:"
        f" {'; '.join(dict.fromkeys(reasons))}"
    )


def _custom(loader: Loader) -> Any:
    """The section of a network that takes what Seismo-Performer's networks take."""
    from quakeline.models.sections.base import Filter
    from quakeline.models.sections.custom import Custom

    try:
        return Custom(
            loader=loader.module,
            arguments=dict(loader.arguments),
            window_samples=400,
            components="NEZ",
            classes=["P", "S", "N"],
            normalisation="max",
            output="window",
            filter=Filter(low_hz=2.0, order=4, zero_phase=False),
        )
    except ValidationError as error:
        raise ConfigError(f"--model: {loader.module!r} given; allowed: a Python module") from error


def without_filter(annotator: Annotator, options: Options) -> Annotator:
    """The network without its filter where none is wanted, or waveforms went through it before."""
    if options.filtered and options.resampling == "band":
        return annotator
    engines = [replace(one, card=replace(one.card, filter=None)) for one in annotator.engines]
    card = replace(annotator.card, filter=None)
    return replace(annotator, card=card, engines=tuple(engines))


def _recordings(files: tuple[Path, ...], options: Options, annotator: Annotator) -> Recordings:
    """Files as they are, or what is done to them before the engine gets them."""
    filtered, early = options.filtered, options.resampling == "interpolate"
    if not early and (filtered or not options.detrended):
        return of_files(files)
    stream = obspy.Stream()
    for path in files:
        try:
            stream += obspy.read(path)
        except (OSError, TypeError, ValueError) as error:
            raise DataError(f"cannot read {path}: {why_unread(error, path)}") from error
    if options.detrended:
        stream.detrend("linear")
    if early:
        _interpolate(stream, annotator.card, filtered=filtered)
    return of_stream(stream)


def _interpolate(stream: obspy.Stream, card: Card, *, filtered: bool) -> None:
    """Filter traces by the network's filter, then interpolate them to its rate."""
    for trace in stream:
        rule = card.filter if filtered else None
        if rule is not None:
            rate = trace.stats.sampling_rate
            sections = butterworth(rule.low_hz, rule.high_hz, rule.order, rate)
            trace.data = scipy.signal.sosfilt(sections, trace.data.astype(float))
        if trace.stats.sampling_rate != card.sampling_rate_hz:
            trace.interpolate(card.sampling_rate_hz)


def line(station: str, phase: str, probability: float, time_ns: int, digits: int) -> str:
    """A prediction: STATION PHASE probability DD.MM.YYYY HH:MM:SS.ss, the probability cut off."""
    hundredths = (time_ns + SECOND // 200) // (SECOND // 100)
    time = to_datetime(hundredths // 100 * SECOND).strftime("%d.%m.%Y %H:%M:%S")
    cut = int(probability * 10**digits) / 10**digits
    return f"{station} {phase} {cut:.{digits}f} {time}.{hundredths % 100:02d}"


def lines(picks: pd.DataFrame, digits: int) -> list[str]:
    """The predictions of a group as text."""
    times = picks["time"].astype("datetime64[ns, UTC]").astype("int64").tolist()
    columns = picks["station"].tolist(), picks["phase"].tolist(), picks["probability"].tolist()
    return [line(*row, digits) for row in zip(*columns, times, strict=True)]


def thresholds(text: str) -> dict[str, float]:
    """Read `0.95`, for P and S, or `p: 0.9997, s: 0.9995`. Raises ConfigError for other text."""
    found: dict[str, float] = {}
    for part in text.split(","):
        label, colon, number = part.rpartition(":")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        phase = label.strip().upper()
        named = phase in ("P", "S") if colon else "," not in text
        if not 0 < value <= 1 or not named or phase in found:
            raise ConfigError(
                f"--threshold: {text!r} given; allowed: a number above 0 and at most 1, or"
                " 'p: 0.9997, s: 0.9995'"
            )
        found |= {phase: value} if colon else dict.fromkeys(("P", "S"), value)
    return found
