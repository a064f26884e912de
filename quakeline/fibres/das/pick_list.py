"""Picks on a fibre as a sequence of objects that are made as they are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, overload

import numpy as np

#: Picks that are made at once when a list is gone through.
_PORTION = 1024


@dataclass(frozen=True, slots=True)
class DASPick:
    """A pick on a channel; `channel` is its coordinate, as the distance in m.

    Examples
    --------
    >>> import numpy as np
    >>> import quakeline
    >>> pick = quakeline.DASPick(np.datetime64("2024-01-01T00:00:05"), 0.9, 120.0, "P")
    >>> pick.channel, pick.phase
    (120.0, 'P')
    """

    time: np.datetime64
    confidence: float
    channel: Any
    phase: str
    start_time: np.datetime64 | None = None
    end_time: np.datetime64 | None = None


class PickList(Sequence[DASPick]):
    """Picks of one phase, a read-only sequence of `DASPick`; `list(...)` makes a list of it.

    A fibre gives hundreds of thousands of picks. As many Python objects at once let Python's
    collection of garbage stop all threads for tenths of a second; here they are columns until a
    pick is asked for.

    Parameters
    ----------
    phase
        The phase of all picks.
    time, confidence, channel
        Columns of shape (n,): datetime64, probability, and coordinate of the channel.
    """

    def __init__(
        self, phase: str, time: np.ndarray, confidence: np.ndarray, channel: np.ndarray
    ) -> None:
        self.phase, self.time, self.confidence, self.channel = phase, time, confidence, channel

    @classmethod
    def empty(cls, phase: str) -> PickList:
        """No picks."""
        return cls(phase, np.empty(0, "datetime64[ns]"), np.empty(0, np.float32), np.empty(0))

    def __len__(self) -> int:
        return len(self.time)

    def __iter__(self) -> Iterator[DASPick]:
        for first in range(0, len(self), _PORTION):
            part = slice(first, first + _PORTION)
            columns = (self.time[part], self.confidence[part].tolist(), self.channel[part])
            for time, confidence, channel in zip(*columns, strict=True):
                yield DASPick(time, confidence, channel, self.phase)

    @overload
    def __getitem__(self, index: int) -> DASPick: ...

    @overload
    def __getitem__(self, index: slice) -> PickList: ...

    def __getitem__(self, index: int | slice) -> DASPick | PickList:
        """Give a pick, or the picks of a slice."""
        if isinstance(index, slice):
            return PickList(
                self.phase, self.time[index], self.confidence[index], self.channel[index]
            )
        place = range(len(self))[index]
        return next(iter(self[place : place + 1]))

    def __eq__(self, other: object) -> bool:
        """Compare with picks in a list, tuple or `PickList`."""
        if not isinstance(other, (PickList, list, tuple)):
            return NotImplemented
        return len(self) == len(other) and all(a == b for a, b in zip(self, other, strict=True))

    __hash__ = None  # type: ignore[assignment]

    def __repr__(self) -> str:
        return f"<{len(self)} picks of {self.phase}>"
