"""Applies a DAS model to an array: sections -> rows -> patches -> network -> callback.

Reading, computing and the callback each have a thread; no more than a patch or two waits between
them.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from threading import Event
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.extras import require
from quakeline.core.reasons import Reason
from quakeline.fibres.das.callbacks import DASAnnotateCallback, only_one_section
from quakeline.fibres.das.options import Settings
from quakeline.fibres.das.patches import PatchCoordinate, PatchingStructure
from quakeline.fibres.das.report import AnnotateReport, Problem
from quakeline.fibres.das.segments import Segment, sections_of
from quakeline.fibres.das.stream import Ratio, Row, Stream
from quakeline.fibres.recordings.arrays import TIME, Source, Transform, as_source, spacing
from quakeline.inference.engine import prefetched

if TYPE_CHECKING:
    from quakeline.fibres.das.fk import FKFilter

logger = logging.getLogger("quakeline")

Annotations = dict[str, np.ndarray]
#: As many numbers of dead channels are named in a report.
_NAMED = 20


@dataclass(frozen=True)
class Patch:
    """A patch with the row that it is cut from, and what an f-k filter made of it, if any."""

    coord: PatchCoordinate
    row: Row
    filtered: np.ndarray | None = None

    @property
    def _channels(self) -> slice:
        first = self.coord.channel_int
        return slice(first, first + self.coord.w_channel)

    @property
    def data(self) -> np.ndarray:
        """Shape (channels, samples), float32; not to be changed."""
        return self.row.data[self._channels] if self.filtered is None else self.filtered

    @property
    def live(self) -> np.ndarray:
        """Channels that change, shape (channels,)."""
        return self.row.live[self._channels]

    @property
    def missing(self) -> np.ndarray | None:
        """Where data are missing, shape (channels, samples); None: nowhere."""
        mask = None if self.row.missing is None else self.row.missing[self._channels]
        return mask if mask is not None and mask.any() else None


class AppliedNetwork(Protocol):
    """What is asked of a network that is applied; see `quakeline.fibres.das.model.DASModel`."""

    annotate_keys: list[str]
    dt_range: tuple[float, float] | None
    dx_range: tuple[float, float] | None
    fk_filter_args: Mapping[str, Any] | None
    transforms: tuple[Transform, ...]

    @property
    def name(self) -> str:
        """Name of the network."""

    def get_patching_structure(
        self, data_shape: tuple[float, float], argdict: dict[str, Any]
    ) -> PatchingStructure:
        """Patches for a section of (samples, channels), with their overlaps."""

    def filter_at(self, rate_hz: float) -> np.ndarray | None:
        """Second-order sections of its filter along time."""

    def outputs(
        self, patches: Iterator[Patch], stream: Stream, settings: Settings
    ) -> Iterator[tuple[Patch, Annotations]]:
        """Annotations of patches, in their order."""


def annotate(
    model: AppliedNetwork, data: Any, callback: Any, settings: Settings, cancelled: Event
) -> AnnotateReport:
    """See `DASModel.annotate`; ends after the current patch once `cancelled` is set."""
    require("das", "networks on fibre data")
    source = as_source(data, settings.channel_coord_name)
    report = AnnotateReport()
    found, problems = sections_of(source.coords[TIME])
    report.problems += problems
    streams = _streams(model, source, found, settings, report)
    own = isinstance(callback, DASAnnotateCallback)
    if own:
        callback.begin()
    try:
        for number, stream in enumerate(streams):
            _Run(model, stream, callback, settings, cancelled).go(number, len(streams))
            _tell(stream, report)
    finally:
        if own:
            callback.end()
    report.problems += _absent(source)
    report.problems.sort(key=lambda problem: problem.start)
    for problem in report.problems:
        logger.info("%s", problem)
    if report.problems:
        logger.warning("%s", report.summary())
    return report


def _absent(source: Source) -> list[Problem]:
    """Files of a virtual array that could not be read."""
    found: dict[Reason, tuple[int, int]] = getattr(source, "absent", {})
    coord = source.coords[TIME]
    return [
        Problem("absent", coord[first].values, coord[stop - 1].values, str(reason))
        for reason, (first, stop) in found.items()
    ]


def _streams(
    model: AppliedNetwork,
    source: Source,
    sections: list[Segment],
    settings: Settings,
    report: AnnotateReport,
) -> list[Stream]:
    """The sections that are large enough for a patch. Raises DataError where none is."""
    dx = spacing(source)
    streams = []
    for section in sections:
        stream = _stream(model, source, section, dx, settings)
        samples, channels = stream.shape
        wanted = stream.structure
        if channels < wanted.in_channels:
            raise DataError(
                f"the array has {channels} channels; a patch of {model.name} has"
                f" {wanted.in_channels}"
            )
        if samples < wanted.in_samples:
            detail = f"{max(samples, 0)} samples; a patch has {wanted.in_samples}"
            last = section.time(len(section) - 1)
            report.problems.append(Problem("short", section.start, last, detail))
        else:
            streams.append(stream)
    if not streams:
        reasons = "; ".join(str(problem) for problem in report.problems[:3])
        raise DataError(f"no stretch of the array can be annotated: {reasons}")
    return streams


def ratios(model: AppliedNetwork, source: Source, section: Segment) -> tuple[Ratio, Ratio]:
    """Whole numbers (up, down) that bring a section into the ranges of a model, along both axes.

    Raises DataError where none do, or where the channels lie unevenly and the model has a range.
    """
    along_time = (1, 1) if model.dt_range is None else ratio(section.dt, *model.dt_range, "s")
    if model.dx_range is None:
        return along_time, (1, 1)
    dx = spacing(source)
    if dx is None:
        raise DataError(
            f"the channels lie unevenly along {source.channel_coord_name}; {model.name} needs"
            f" even steps of {model.dx_range[0]:g} to {model.dx_range[1]:g}: interpolate them,"
            " or give parts with even steps one by one"
        )
    return along_time, ratio(dx, *model.dx_range, "m")


def _stream(
    model: AppliedNetwork, source: Source, section: Segment, dx: float | None, settings: Settings
) -> Stream:
    along_time, along_fibre = ratios(model, source, section)
    shape = (
        len(section) * along_time[0] // along_time[1],
        source.shape[1] * along_fibre[0] // along_fibre[1],
    )
    if shape[1] < 1:
        raise DataError(
            f"the array has {source.shape[1]} channels, of which none is left where"
            f" {along_fibre[1]} become {along_fibre[0]}, as {model.name} needs"
        )
    given = model.get_patching_structure(shape, dict(settings.given))
    structure = PatchingStructure.like(given)
    _check(structure)
    dt = section.dt * along_time[1] / along_time[0]
    return Stream(
        source,
        section,
        structure,
        along_time,
        along_fibre,
        model.filter_at(1 / dt),
        (*model.transforms, *settings.transforms),
        dx,
    )


def _check(structure: PatchingStructure) -> None:
    for axis in ("samples", "channels"):
        overlap, size = getattr(structure, f"overlap_{axis}"), getattr(structure, f"in_{axis}")
        if not 0 <= overlap < size:
            raise ConfigError(
                f"overlap_{axis}: {overlap} given; allowed: 0 to {size - 1} for patches of {size}"
            )


def ratio(step: float, least: float, most: float, unit: str, limit: int = 10) -> Ratio:
    """Smallest whole numbers (up, down) by which a step comes into a range.

    Raises DataError where numbers up to `limit` do not.
    """
    slack = 1e-6
    for up in range(1, limit + 1):
        for down in range(1, limit + 1):
            if least * (1 - slack) <= step * down / up <= most * (1 + slack):
                return up, down
    raise DataError(
        f"the array has steps of {step:g} {unit}; {least:g} to {most:g} {unit} are needed, and no"
        f" ratio of whole numbers up to {limit} resamples to that"
    )


@contextmanager
def _bar(shown: bool, total: int, what: str) -> Iterator[Callable[[], None]]:
    """Give a function to call after each patch."""
    if not shown:
        yield lambda: None
        return
    from rich.progress import Progress

    with Progress(transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)


@dataclass
class _Run:
    """One section through network and callback."""

    model: AppliedNetwork
    stream: Stream
    callback: Any
    settings: Settings
    cancelled: Event

    def __post_init__(self) -> None:
        model, stream = self.model, self.stream
        self._fk: FKFilter | None = None
        if model.fk_filter_args is not None:
            from quakeline.fibres.das.fk import filter_of

            self._fk = filter_of(model.fk_filter_args, stream.dt, stream.dx, model.name)

    def go(self, number: int, count: int) -> None:
        structure = self.stream.structure
        self.callback.setup(self.stream, structure, self.model.annotate_keys)
        alone = only_one_section(self.callback)
        if alone and count > 1:
            raise DataError(
                f"the array has {count} gapless sections; {type(alone[0]).__name__} keeps only"
                " one: give it the sections one by one, or use a callback of quakeline"
            )
        starts = structure.starts(*self.stream.shape)
        total = len(starts[0]) * len(starts[1])
        with (
            _bar(self.settings.pbar, total, f"section {number + 1} of {count}") as advance,
            closing(self._annotated()) as annotated,
        ):
            for done, (patch, annotations) in enumerate(annotated):
                out = structure.output_of(patch.coord)
                self.callback.handle_patch(annotations, patch.coord, out)
                advance()
                if self.settings.progress is not None:
                    self.settings.progress(done + 1, total)
                if self.cancelled.is_set():
                    return
        self.callback.finalize()

    def _annotated(self) -> Generator[tuple[Patch, Annotations]]:
        """Patches in order with their annotations; zeros where nothing is recorded."""
        order: deque[Patch] = deque()
        structure = self.stream.structure
        outputs = self.model.outputs(self._live(order), self.stream, self.settings)
        guard = round(self.settings.gap_guard_s / self.stream.dt)
        for patch, found in prefetched(outputs):
            while order[0] is not patch:
                yield order.popleft(), self._zeros()
            order.popleft()
            yield patch, silenced(found, patch, structure, guard)
        while order:
            yield order.popleft(), self._zeros()

    def _live(self, order: deque[Patch]) -> Iterator[Patch]:
        """Patches with anything recorded; all patches are put into `order`."""
        for row in prefetched(self.stream.rows()):
            for coord in row.patches:
                patch = self._filtered(Patch(coord, row))
                order.append(patch)
                if patch.live.any():
                    yield patch

    def _filtered(self, patch: Patch) -> Patch:
        """The patch behind the f-k filter of the model."""
        if self._fk is None:
            return patch
        import torch

        values = torch.from_numpy(np.ascontiguousarray(patch.data.T))[None]
        return replace(patch, filtered=self._fk(values)[0].numpy().T)

    def _zeros(self) -> Annotations:
        structure = self.stream.structure
        shape = (structure.out_samples, structure.out_channels)
        return {key: np.zeros(shape, np.float32) for key in self.model.annotate_keys}


def silenced(
    annotations: Annotations, patch: Patch, structure: PatchingStructure, guard: int
) -> Annotations:
    """Annotations that are zero on dead channels and near missing data."""
    missing = patch.missing
    if missing is None and patch.live.all():
        return annotations
    quiet = np.repeat(~patch.live[:, None], structure.in_samples, axis=1)
    if missing is not None:
        from scipy.ndimage import binary_dilation

        quiet |= binary_dilation(missing, np.ones((1, 2 * guard + 1), bool))
    samples = structure.range_samples[0] + _centres(
        structure.out_samples, structure.scale_samples, structure.in_samples
    )
    channels = structure.range_channels[0] + _centres(
        structure.out_channels, structure.scale_channels, structure.in_channels
    )
    out = quiet[np.minimum(channels, len(quiet) - 1)][:, samples].T
    return {key: np.where(out, np.float32(0), values) for key, values in annotations.items()}


def _centres(n: int, scale: float, size: int) -> np.ndarray:
    return np.asarray(np.minimum((np.arange(n) / scale).astype(int), size - 1))


def _tell(stream: Stream, report: AnnotateReport) -> None:
    """Add what was found in a section to the report."""
    samples, channels = stream.shape
    report.sections += 1
    report.samples += samples
    for first, stop, values in stream.gone:
        report.missing_samples += values
        share = values / ((stop - first) * channels)
        detail = f"{values} values are missing, {share:.3%} of all channels"
        at = stream.time(first), stream.time(stop - 1)
        report.problems.append(Problem("missing", *at, detail))
    dead = np.flatnonzero(~stream.live) if stream.live is not None else np.empty(0, int)
    if len(dead):
        named = ", ".join(map(str, dead[:_NAMED])) + ("..." if len(dead) > _NAMED else "")
        detail = f"{len(dead)} of {channels} channels do not change: {named}"
        at = stream.time(0), stream.time(samples - 1)
        report.problems.append(Problem("dead", *at, detail))
