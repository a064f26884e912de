"""A section as rows of samples for the network: each sample is read, resampled, filtered once.

Memory is that of a few rows (the samples of a window, all channels), however long the section is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from math import ceil, gcd
from typing import Any

import numpy as np
import scipy

from quakeline.fibres.das.patches import PatchCoordinate, PatchingStructure, rows_of
from quakeline.fibres.das.segments import Segment
from quakeline.fibres.recordings.arrays import TIME, Source, Transform
from quakeline.fibres.recordings.virtual_files import filled
from quakeline.signal.gaps import runs_of

Ratio = tuple[int, int]
#: `scipy.signal.resample_poly` looks at so many samples of the lower rate on each side.
_FILTER_HALF = 10


@dataclass(frozen=True)
class Row:
    """All channels over the samples of one window.

    Attributes
    ----------
    sample
        First sample, counted from that of the section behind resampling.
    data
        Shape (channels, samples), float32; zero where data are missing.
    missing
        Where they are, same shape; None: nowhere.
    live
        Channels that change within the row, shape (channels,).
    patches
        The patches of the row.
    """

    sample: int
    data: np.ndarray
    missing: np.ndarray | None
    live: np.ndarray
    patches: list[PatchCoordinate]


@dataclass
class Stream:
    """A section behind resampling, filter and transforms; also what callbacks are told of it.

    Attributes
    ----------
    resample_samples, resample_channels
        Up and down, whole numbers.
    sos
        Second-order sections of a causal filter along time; None: none.
    dx_in
        Step of the channels before resampling; None where they lie unevenly.
    live
        Channels that changed in any row so far.
    """

    source: Source
    section: Segment
    structure: PatchingStructure
    resample_samples: Ratio = (1, 1)
    resample_channels: Ratio = (1, 1)
    sos: np.ndarray | None = None
    transforms: Sequence[Transform] = ()
    dx_in: float | None = None
    dtype: np.dtype[Any] = field(default_factory=lambda: np.dtype(np.float32))
    #: What was missing: first sample, end, and values (samples times channels), in its order.
    gone: list[tuple[int, int, int]] = field(default_factory=list)
    live: np.ndarray | None = None

    def __post_init__(self) -> None:
        self.resample_samples = _reduced(self.resample_samples)
        self.resample_channels = _reduced(self.resample_channels)
        up = self.resample_samples[0], self.resample_channels[0]
        self.structure = self.structure.on_steps_of(*up)

    @property
    def channel_coord_name(self) -> str:
        """Name of the coordinate along the fibre."""
        return self.source.channel_coord_name

    @property
    def data(self) -> Any:
        """The section as it was given, an array of xdas or xarray; nothing of it is read.

        Raises AttributeError where the data come from something else than such an array.
        """
        if not hasattr(self.source, "data"):
            raise AttributeError(
                f"data of a {type(self.source).__name__} are no array: use its read()"
            )
        whole = len(self.section) == self.source.shape[0]
        part = slice(self.section.first, self.section.stop)
        return self.source.data if whole else self.source.data.isel({TIME: part})

    @property
    def patching_structure(self) -> PatchingStructure:
        """Size and overlaps of the patches."""
        return self.structure

    @property
    def filter_sos(self) -> np.ndarray | None:
        """Second-order sections of the filter along time, at the rate behind resampling."""
        return self.sos

    def __len__(self) -> int:
        """Patches."""
        samples, channels = self.structure.starts(*self.shape)
        return len(samples) * len(channels)

    @property
    def dt(self) -> float:
        """Step in s behind resampling."""
        up, down = self.resample_samples
        return self.section.dt * down / up

    @property
    def dx(self) -> float | None:
        """Step of the channels behind resampling; None where they lie unevenly."""
        up, down = self.resample_channels
        return None if self.dx_in is None else self.dx_in * down / up

    @cached_property
    def shape(self) -> tuple[int, int]:
        """(samples, channels) behind resampling.

        A few samples and channels at the end are left out where that lets the last patch begin at
        a sample of the original data, as in SeisBench.
        """
        samples = _length(len(self.section), self.resample_samples)
        channels = _length(self.source.shape[1], self.resample_channels)
        return (
            samples - (samples - self.structure.in_samples) % self.resample_samples[0],
            channels - (channels - self.structure.in_channels) % self.resample_channels[0],
        )

    @cached_property
    def coords(self) -> dict[str, Any]:
        """Coordinates of xdas of "time" and of the channels, behind resampling."""
        from xdas.coordinates import Coordinate

        n = self.shape[0]
        ends = [self.section.start, self.time(n - 1)]
        time = Coordinate({"tie_indices": [0, n - 1], "tie_values": ends}, dim=TIME)
        return {TIME: time, self.channel_coord_name: self._channel_coord()}

    def time(self, sample: float) -> np.datetime64:
        """Time of a sample of the stream."""
        up, down = self.resample_samples
        return self.section.time(sample * down / up)

    def _channel_coord(self) -> Any:
        from xdas.coordinates import Coordinate

        name, count = self.channel_coord_name, self.shape[1]
        given = self.source.coords[name]
        up, down = self.resample_channels
        if (up, down) == (1, 1):
            return given[:count]
        values = np.asarray(given.values).astype(float)
        step = (values[-1] - values[0]) / (len(values) - 1) * down / up
        ends = [values[0], values[0] + step * (count - 1)]
        return Coordinate({"tie_indices": [0, count - 1], "tie_values": ends}, dim=name)

    def rows(self) -> Iterator[Row]:
        """The section as rows, in the order of time."""
        samples, channels = self.shape
        width = self.structure.in_samples
        data = np.empty((channels, 0), np.float32)
        missing: np.ndarray | None = None
        blocks = _Blocks(self)
        end = 0
        for sample, patches in rows_of(self.structure, samples, channels):
            new, gone = blocks.read(end, sample + width)
            kept = end - sample if data.size else 0
            data = _joined(data, kept, new)
            missing = _joined_masks(missing, kept, gone, data.shape)
            end = sample + width
            live = _changing(data, missing)
            self.live = live if self.live is None else self.live | live
            self._note(end - new.shape[1], gone)
            yield Row(sample, data, missing, live, patches)

    def _note(self, first: int, gone: np.ndarray | None) -> None:
        """Remember what is missing in new samples."""
        if gone is None:
            return
        counts = gone.sum(axis=0)
        for lo, hi in (runs_of(counts > 0) + first).tolist():
            values = int(counts[lo - first : hi - first].sum())
            if self.gone and self.gone[-1][1] == lo:
                lo, _, before = self.gone.pop()
                values += before
            self.gone.append((lo, hi, values))


class _Blocks:
    """Reads successive blocks of a stream; a causal filter goes on from one to the next."""

    def __init__(self, stream: Stream) -> None:
        self.stream = stream
        self._state: np.ndarray | None = None
        self._reach = ceil(max((t.reach_s for t in stream.transforms), default=0.0) / stream.dt)

    def read(self, lo: int, hi: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Samples [lo, hi) behind all steps: (channels, hi - lo) float32, and what is missing."""
        stream = self.stream
        first, stop = max(lo - self._reach, 0), min(hi + self._reach, stream.shape[0])
        data, missing = self._resampled(first, stop)
        for transform in stream.transforms:
            data = np.asarray(transform(data.T, stream.dt, stream.dx), dtype=np.float32).T
        data = data[:, lo - first : hi - first]
        if missing is not None:
            missing = missing[:, lo - first : hi - first]
        if stream.sos is not None:
            data = self._filtered(data)
        return data.astype(np.float32, copy=False), missing

    def _resampled(self, first: int, stop: int) -> tuple[np.ndarray, np.ndarray | None]:
        """Samples [first, stop) behind resampling along both axes."""
        stream = self.stream
        (up, down), n = stream.resample_samples, len(stream.section)
        margin = 0 if up == down else ceil(_FILTER_HALF * max(up, down) / up) + 1
        begin = max(first * down // up - margin, 0) // down * down
        end = min(-(-stop * down // up) + margin, n)
        block = stream.source.read(stream.section.first + begin, stream.section.first + end).T
        block, missing = _cleaned(block)
        at = first - begin * up // down
        if up != down:
            block = scipy.signal.resample_poly(block, up, down, axis=1)
            missing = _spread(missing, stream.resample_samples, block.shape[1], axis=1)
        block = block[:, at : at + stop - first]
        missing = None if missing is None else missing[:, at : at + stop - first]
        return self._along_fibre(block, missing)

    def _along_fibre(
        self, block: np.ndarray, missing: np.ndarray | None
    ) -> tuple[np.ndarray, np.ndarray | None]:
        (up, down), channels = self.stream.resample_channels, self.stream.shape[1]
        if up != down:
            block = scipy.signal.resample_poly(block, up, down, axis=0)
            missing = _spread(missing, (up, down), len(block), axis=0)
        missing = None if missing is None else missing[:channels]
        return block[:channels].astype(np.float32, copy=False), missing

    def _filtered(self, data: np.ndarray) -> np.ndarray:
        sos = self.stream.sos
        if self._state is None:
            self._state = scipy.signal.sosfilt_zi(sos)[:, None, :] * data[:, :1].astype(float)
        filtered, self._state = scipy.signal.sosfilt(
            sos, data.astype(float), axis=1, zi=self._state
        )
        return np.asarray(filtered)


def _reduced(ratio: Ratio) -> Ratio:
    common = gcd(*ratio)
    return ratio[0] // common, ratio[1] // common


def _length(n: int, ratio: Ratio) -> int:
    """Samples that `scipy.signal.resample_poly` gives."""
    return -(-n * ratio[0] // ratio[1])


def _cleaned(block: np.ndarray) -> tuple[np.ndarray, np.ndarray | None]:
    """Zeros instead of values that are no numbers, and where they were; (channels, samples)."""
    if not np.issubdtype(block.dtype, np.floating):
        lost = filled(block.T)
        block = block.astype(np.float32)
        if not lost.any():
            return block, None
        block[:, lost] = 0
        return block, np.repeat(lost[None], len(block), axis=0)
    if np.isfinite(block.sum(dtype=np.float64)):
        return block, None
    missing = ~np.isfinite(block)
    return np.where(missing, 0, block), missing


def _changing(data: np.ndarray, missing: np.ndarray | None) -> np.ndarray:
    """Which channels have two different values that are not missing."""
    if missing is None:
        return np.asarray(data.max(axis=1) > data.min(axis=1))
    largest = np.max(data, axis=1, where=~missing, initial=-np.inf)
    return np.asarray(largest > np.min(data, axis=1, where=~missing, initial=np.inf))


def _spread(missing: np.ndarray | None, ratio: Ratio, n: int, axis: int) -> np.ndarray | None:
    """Which resampled values stand on missing ones: those whose neighbours are missing."""
    if missing is None:
        return None
    at = np.arange(n) * ratio[1] / ratio[0]
    last = missing.shape[axis] - 1
    lower, upper = np.floor(at).astype(int), np.ceil(at).astype(int)
    below = np.take(missing, np.minimum(lower, last), axis=axis)
    return np.asarray(below | np.take(missing, np.minimum(upper, last), axis=axis))


def _joined(old: np.ndarray, kept: int, new: np.ndarray) -> np.ndarray:
    """The last `kept` samples of a row with new ones behind them, as a new array."""
    row = np.empty((len(new), kept + new.shape[1]), np.float32)
    if kept:
        row[:, :kept] = old[:, -kept:]
    row[:, kept:] = new
    return row


def _joined_masks(
    old: np.ndarray | None, kept: int, new: np.ndarray | None, shape: tuple[int, ...]
) -> np.ndarray | None:
    mask = np.zeros(shape, bool)
    if old is not None and kept:
        mask[:, :kept] = old[:, -kept:]
    if new is not None:
        mask[:, kept:] = new
    return mask if mask.any() else None
