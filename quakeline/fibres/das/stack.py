"""Overlapping outputs of patches to one array, section by section, in the order of time."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, Literal, get_args

import numpy as np

from quakeline.core.errors import ConfigError
from quakeline.fibres.das.callbacks import SectionData
from quakeline.fibres.das.patches import PatchCoordinate, PatchingStructure
from quakeline.fibres.recordings.arrays import TIME

Stacking = Literal["avg", "max", "weighted"]
#: Smallest weight of a sample, at the corners of a patch.
_LEAST = 1e-5


def checked(stacking: str) -> Stacking:
    """Give the name of a way to stack. Raises ConfigError for another one."""
    for known in get_args(Stacking):
        if stacking == known:
            return known  # type: ignore[no-any-return]
    raise ConfigError(f"stacking: {stacking!r} given; allowed: {', '.join(get_args(Stacking))}")


def output_coords(
    data: SectionData, structure: PatchingStructure
) -> tuple[tuple[int, int], dict[str, Any]]:
    """Shape and coordinates of the output of a whole section.

    An output sample stands for the input sample at the same part of the covered range.
    """
    from xdas.coordinates import Coordinate

    structure = PatchingStructure.like(structure)
    shape = structure.output_shape(*data.shape)
    firsts = structure.range_samples[0], structure.range_channels[0]
    scales = structure.scale_samples, structure.scale_channels
    coords = {}
    names = (TIME, data.channel_coord_name)
    for name, n, first, scale in zip(names, shape, firsts, scales, strict=True):
        given = data.coords[name]
        if scale == 1:
            coords[name] = given[first : first + n]
            continue
        start, step = given[first].values, given[first + 1].values - given[first].values
        at = (n - 1) / scale
        last = start + (step * at if name != TIME else np.timedelta64(round(data.dt * at * 1e9)))
        ties = {"tie_indices": [0, n - 1], "tie_values": [start, last]}
        coords[name] = Coordinate(ties, dim=name)
    return shape, coords


class Stacker:
    """Stacks the outputs of one annotation key over a section.

    "avg": mean of the patches over a sample; "max": the largest; "weighted": a mean in which
    values count less towards the edges of their patch (a Hann window along both axes). Memory is
    that of the samples of one window, all channels.
    """

    def __init__(self, stacking: Stacking, channels: int, samples: int) -> None:
        self.stacking, self._channels, self._samples = stacking, channels, samples
        self._first = 0
        self._end = 0
        self._sum = np.zeros((0, channels), np.float32)
        self._weight = np.zeros((0, channels), np.float32)

    def add(self, values: np.ndarray, at: PatchCoordinate) -> tuple[int, np.ndarray] | None:
        """Add the output of a patch; gives what no later patch can change, if anything.

        Returns
        -------
        first, values
            First sample, and an array (samples, channels) float32.
        """
        done = self._take(at.sample_int) if at.sample_int > self._first else None
        stop = min(at.sample_int + len(values), self._samples)
        if stop > self._end:
            more = ((0, stop - self._first - len(self._sum)), (0, 0))
            self._sum, self._weight = np.pad(self._sum, more), np.pad(self._weight, more)
            self._end = stop
        here = (
            slice(at.sample_int - self._first, stop - self._first),
            slice(at.channel_int, min(at.channel_int + values.shape[1], self._channels)),
        )
        total, weight = self._sum[here], self._weight[here]
        seen = values[: total.shape[0], : total.shape[1]]
        if self.stacking == "max":
            np.maximum(total, seen, out=total, where=weight > 0)
            np.copyto(total, seen, where=weight == 0)
            weight[:] = 1
        elif self.stacking == "weighted":
            share = _hann(*values.shape)[: total.shape[0], : total.shape[1]]
            total += seen * share
            weight += share
        else:
            total += seen
            weight += 1
        return done

    def finish(self) -> tuple[int, np.ndarray] | None:
        """What is left at the end of a section."""
        return self._take(self._end) if self._end > self._first else None

    def _take(self, stop: int) -> tuple[int, np.ndarray]:
        n = stop - self._first
        weight = self._weight[:n]
        done = self._first, self._sum[:n] / np.where(weight > 0, weight, np.float32(1))
        self._sum, self._weight = self._sum[n:].copy(), self._weight[n:].copy()
        self._first = stop
        return done


class Stackers:
    """A stacker for each annotation key of a section."""

    def __init__(
        self,
        stacking: Stacking,
        data: SectionData,
        structure: PatchingStructure,
        keys: Sequence[str],
    ) -> None:
        self.shape, self.coords = output_coords(data, structure)
        self._stackers = {key: Stacker(stacking, self.shape[1], self.shape[0]) for key in keys}

    def add(
        self, annotations: dict[str, np.ndarray], at: PatchCoordinate
    ) -> list[tuple[str, int, np.ndarray]]:
        """Add a patch; gives key, first sample and values of what is final."""
        found = [
            (key, stacker.add(annotations[key], at)) for key, stacker in self._stackers.items()
        ]
        return [(key, *done) for key, done in found if done is not None]

    def finish(self) -> list[tuple[str, int, np.ndarray]]:
        """What is left at the end of the section."""
        found = [(key, stacker.finish()) for key, stacker in self._stackers.items()]
        return [(key, *done) for key, done in found if done is not None]


@lru_cache(maxsize=4)
def _hann(samples: int, channels: int) -> np.ndarray:
    window = np.outer(np.hanning(samples), np.hanning(channels))
    return np.maximum(window, _LEAST).astype(np.float32)
