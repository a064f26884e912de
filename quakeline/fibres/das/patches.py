"""Patches: the pieces of (samples, channels) that a network sees at once, and where they lie.

Names and conventions are those of SeisBench's DAS models, so that callbacks of both sides can be
used with the models of both: Muenchmeyer, J. and others, SeisBench, doi:10.1785/0220210324.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np


@dataclass
class PatchCoordinate:
    """Where a patch lies in an array of (samples, channels): its first corner and its size.

    Positions of output patches are fractions where a network gives fewer values than it gets.

    Examples
    --------
    >>> import numpy as np
    >>> import quakeline
    >>> patch = quakeline.PatchCoordinate(100.5, 0, 200, 4)
    >>> patch.sample_int, np.array(patch).tolist()
    (100, [100.5, 0.0, 200.0, 4.0])
    """

    sample: float
    channel: float
    w_sample: int
    w_channel: int

    @property
    def sample_int(self) -> int:
        """The nearest whole sample."""
        return round(self.sample)

    @property
    def channel_int(self) -> int:
        """The nearest whole channel."""
        return round(self.channel)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> np.ndarray:
        """First sample, first channel, samples, channels."""
        values = [self.sample, self.channel, self.w_sample, self.w_channel]
        return np.array(values, dtype=dtype)


@dataclass
class PatchingStructure:
    """Size of the patches that a network gets and gives, and how they overlap.

    A model may change its own; `annotate` works on a copy.

    Attributes
    ----------
    in_samples, in_channels
        Size of an input patch.
    out_samples, out_channels
        Size of the output of a patch.
    range_samples, range_channels
        The part (first, end) of the input patch that the output covers.
    overlap_samples, overlap_channels
        How far neighbouring input patches overlap, in samples and channels; None: as the call of
        `annotate` says.

    Examples
    --------
    Patches of 200 samples and 4 channels that share half of their samples, on 500 samples:

    >>> import quakeline
    >>> size = quakeline.PatchingStructure(200, 4, 200, 4, (0, 200), (0, 4))
    >>> size.completed(0.5, 0).starts(500, 8)
    ([0, 100, 200, 300], [0, 4])
    >>> size.output_shape(500, 8)
    (500, 8)
    """

    in_samples: int
    in_channels: int
    out_samples: int
    out_channels: int
    range_samples: tuple[int, int]
    range_channels: tuple[int, int]
    overlap_samples: int | None = None
    overlap_channels: int | None = None

    @classmethod
    def like(cls, other: Any) -> PatchingStructure:
        """The same of an object with these attributes, such as SeisBench's."""
        return cls(**{field.name: getattr(other, field.name) for field in fields(cls)})

    @property
    def shift_samples(self) -> int:
        """Step between patches along time, in samples."""
        return self.in_samples - (self.overlap_samples or 0)

    @property
    def shift_channels(self) -> int:
        """Step between patches along the fibre, in channels."""
        return self.in_channels - (self.overlap_channels or 0)

    @property
    def scale_samples(self) -> float:
        """Output samples for one input sample."""
        return self.out_samples / (self.range_samples[1] - self.range_samples[0])

    @property
    def scale_channels(self) -> float:
        """Output channels for one input channel."""
        return self.out_channels / (self.range_channels[1] - self.range_channels[0])

    def completed(self, overlap_samples: float, overlap_channels: float) -> PatchingStructure:
        """The same with overlaps; those below 1 are parts of the patch, others counts."""
        return replace(
            self,
            overlap_samples=_overlap(self.overlap_samples, overlap_samples, self.in_samples),
            overlap_channels=_overlap(self.overlap_channels, overlap_channels, self.in_channels),
        )

    def on_steps_of(self, samples: int, channels: int) -> PatchingStructure:
        """The same with shifts that are multiples of some samples and channels."""
        return replace(
            self,
            overlap_samples=(self.overlap_samples or 0) + self.shift_samples % samples,
            overlap_channels=(self.overlap_channels or 0) + self.shift_channels % channels,
        )

    def starts(self, samples: int, channels: int) -> tuple[list[int], list[int]]:
        """First samples and first channels of the patches that cover an array of this size.

        The last one of each ends with the array, so that it may overlap more than others.
        """
        return (
            _starts(samples, self.in_samples, self.shift_samples),
            _starts(channels, self.in_channels, self.shift_channels),
        )

    def output_of(self, patch: PatchCoordinate) -> PatchCoordinate:
        """Where the output of a patch lies in the output array."""
        return PatchCoordinate(
            patch.sample * self.scale_samples,
            patch.channel * self.scale_channels,
            self.out_samples,
            self.out_channels,
        )

    def output_shape(self, samples: int, channels: int) -> tuple[int, int]:
        """Size of the output array for an input array of this size."""
        cut_samples = self.in_samples - self.range_samples[1] + self.range_samples[0]
        cut_channels = self.in_channels - self.range_channels[1] + self.range_channels[0]
        return (
            math.ceil((samples - cut_samples) * self.scale_samples),
            math.ceil((channels - cut_channels) * self.scale_channels),
        )


def rows_of(
    structure: PatchingStructure, samples: int, channels: int
) -> Iterator[tuple[int, list[PatchCoordinate]]]:
    """All patches of an array in the order of time: first sample of a row, its patches."""
    at_samples, at_channels = structure.starts(samples, channels)
    size = (structure.in_samples, structure.in_channels)
    for sample in at_samples:
        yield sample, [PatchCoordinate(sample, channel, *size) for channel in at_channels]


def _overlap(own: int | None, wanted: float, size: int) -> int:
    if own is not None:
        return own
    return int(wanted * size) if wanted < 1 else int(wanted)


def _starts(n: int, size: int, shift: int) -> list[int]:
    count = -(-(n - size) // shift) + 1
    return [min(k * shift, n - size) for k in range(count)]
