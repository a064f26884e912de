"""Cuts the time of an array into sections: gapless, evenly sampled, none twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from quakeline.core.clock import STEP
from quakeline.core.errors import DataError
from quakeline.fibres.das.report import Problem

#: Jumps below this part of a sample are the clock's and no gaps.
_JITTER = STEP
#: A section is evenly sampled when no known time is farther from its straight line, in samples.
_BENT = 0.5
#: Times that are known at fewer samples than one in so many are those of files, and of the clock.
_SPARSE = 100


@dataclass(frozen=True)
class Segment:
    """Samples [first, stop) of an array, at even steps of `dt` seconds from the time `start`."""

    first: int
    stop: int
    start: np.datetime64
    dt: float

    def __len__(self) -> int:
        """Samples."""
        return self.stop - self.first

    def time(self, sample: float) -> np.datetime64:
        """Time of a sample that is counted from the section's first one."""
        return self.start + np.timedelta64(round(sample * self.dt * 1e9), "ns")


def sections_of(coord: Any) -> tuple[list[Segment], list[Problem]]:
    """Cut a time coordinate at gaps and overlaps.

    Parameters
    ----------
    coord
        The coordinate "time" of an `xdas.DataArray`: interpolated, sampled or dense.

    Returns
    -------
    sections, problems
        The sections in the order of time, and what lies between them. Of samples that are there
        twice the first ones stay.

    Raises
    ------
    DataError
        The coordinate does not hold times, or fewer than two.
    """
    at, times = _known(coord)
    if len(coord) < 2:
        raise DataError("the array has fewer than two samples; at least one patch is needed")
    dt = _typical_step(at, times)
    sections: list[Segment] = []
    problems: list[Problem] = []
    bounds = [0, *_cuts(at, times, dt), len(coord)]
    for first, stop in pairwise(bounds):
        inside = (at >= first) & (at < stop)
        for found in _straight(at[inside], times[inside], first, stop):
            if isinstance(found, Segment):
                _append(sections, found, problems)
            else:
                problems.append(found)
    return sections, problems


def _known(coord: Any) -> tuple[np.ndarray, np.ndarray]:
    """Indices, and times in ns, between which times lie on straight lines."""
    if not np.issubdtype(coord.dtype, np.datetime64):
        raise DataError(f"the coordinate time holds {coord.dtype}; datetime64 is needed")
    if hasattr(coord, "tie_lengths"):
        starts = np.asarray(coord.tie_indices)
        ends = starts + np.asarray(coord.tie_lengths) - 1
        at = np.unique(np.concatenate([starts, ends]))
        values = coord[at].values
    elif hasattr(coord, "tie_indices"):
        at, values = coord.tie_indices, coord.tie_values
    else:
        at, values = np.arange(len(coord)), np.asarray(coord.values)
    return np.asarray(at), np.asarray(values).astype("datetime64[ns]").astype(np.int64)


def _typical_step(at: np.ndarray, times: np.ndarray) -> float:
    """Step in ns: the median over the stretches between known times, by their lengths."""
    counts, lengths = np.diff(at), np.diff(times)
    inner = counts > 1 if (counts > 1).any() else np.ones(len(counts), bool)
    steps, weights = lengths[inner] / counts[inner], counts[inner]
    order = np.argsort(steps)
    half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    step = float(steps[order][half])
    if step <= 0:
        raise DataError(f"the times of the array step by {step:g} ns; they must grow")
    return step


def _cuts(at: np.ndarray, times: np.ndarray, dt: float) -> list[int]:
    """Indices of samples that do not follow the one before them by one step."""
    single = np.diff(at) == 1
    jump = np.abs(np.diff(times) - dt) > _JITTER * dt
    return [int(index) for index in at[1:][single & jump]]


def _straight(
    at: np.ndarray, times: np.ndarray, first: int, stop: int
) -> Iterator[Segment | Problem]:
    """Gapless samples as sections with even steps: a clock that drifts makes several."""
    start, end = (np.datetime64(int(t), "ns") for t in (times[0], times[-1]))
    if stop - first < 2:
        yield Problem("short", start, end, "a single sample between two gaps")
        return
    own = (times[-1] - times[0]) / (at[-1] - at[0])
    off = np.abs(times - times[0] - own * (at - at[0])) / own
    worst = int(off.argmax())
    if off[worst] <= _BENT:
        yield Segment(first, stop, start, float(own) / 1e9)
    elif len(at) * _SPARSE > stop - first:
        detail = f"times lie up to {off[worst]:.3g} samples off even steps of {own / 1e9:g} s"
        yield Problem("uneven", start, end, detail)
    else:
        turn = int(at[worst])
        dt = (times[worst] - times[worst - 1]) / (at[worst] - at[worst - 1])
        before = np.append(at[:worst], turn - 1), np.append(times[:worst], times[worst] - dt)
        yield from _straight(*before, first, turn)
        yield from _straight(at[worst:], times[worst:], turn, stop)


def _append(sections: list[Segment], section: Segment, problems: list[Problem]) -> None:
    """Add a section behind the last one, without what that one has already."""
    if sections:
        last = sections[-1]
        follows = last.time(len(last))
        ahead = float((follows - section.start) / np.timedelta64(1, "ns")) / 1e9 / section.dt
        if ahead > _JITTER:
            cut = min(int(np.ceil(ahead - _JITTER)), len(section))
            end = section.time(cut - 1)
            detail = f"{cut} samples are there twice; the first ones are used"
            problems.append(Problem("overlap", section.start, end, detail))
            first = section.first + cut
            section = Segment(first, section.stop, section.time(cut), section.dt)
        elif ahead < -_JITTER:
            detail = f"{-ahead * section.dt:.6g} s without data"
            problems.append(Problem("gap", follows, section.start, detail))
    if len(section) > 1:
        sections.append(section)
