"""What every feed is: packets in the order in which they arrive, and where to go on after a stop.

A kind of feed is a section of the configuration (`BaseFeed`) whose `open` gives the feed itself.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from quakeline.core.reasons import Reason
from quakeline.core.section import Section


@dataclass(frozen=True)
class Packet:
    """Samples of one channel without a gap, as they arrived.

    `codes` are NET.STA.LOC.CHA with an empty location where there is none, `start_ns` the time of
    the first sample and `arrived_ns` that of the arrival on this machine, both ns since 1970;
    `samples` have shape (n,). `quality` is what the source says of the data (a letter of miniSEED,
    for example). A feed hands out what arrived: codes, times and samples are checked by who reads
    packets.
    """

    codes: str
    start_ns: int
    rate_hz: float
    samples: np.ndarray
    arrived_ns: int
    quality: str | None = None

    @property
    def end_ns(self) -> int:
        """Time at which the next sample would follow."""
        return self.start_ns + round(len(self.samples) * 1e9 / self.rate_hz)


class Feed(Protocol):
    """A running feed; one thread uses it.

    A server that is lost is asked again by the feed itself, from where it stopped.
    """

    def packets(self) -> Iterator[Packet | None]:
        """Packets as they arrive; ends where no more can come.

        None says that nothing arrived for about half a second, so that the reader can do what
        waits for time to pass. Raises DataError where the feed cannot go on at all: a name that
        does not exist, a server that refuses the selection.
        """

    def state(self) -> dict[str, Any]:
        """Where to go on after all packets that were handed out so far, as JSON has it.

        Who keeps it with the packets handed out before loses and doubles none. What a protocol
        repeats after a cut may come twice all the same: readers drop samples that they have.
        """

    def remarks(self) -> list[Reason]:
        """What happened since the last call and is no packet: cuts, damaged records, refusals.

        One reason for each kind, with its count.
        """

    def close(self) -> None:
        """Stop and give back what is open. `packets` ends; a second call does nothing."""


class BaseFeed(Section, ABC):
    """A kind of feed and its settings; derived classes have `kind: Literal[...]`."""

    #: Whether all data are there from the beginning, so that a session can have done with them. Any
    #: other feed may bring more after its end, and a session of it goes on.
    IS_FINITE: ClassVar[bool] = False
    #: Settings that say how data come, but not which: they may change between two starts.
    CONNECTION: ClassVar[frozenset[str]] = frozenset()

    @abstractmethod
    def open(self, state: dict[str, Any] | None = None) -> Feed:
        """Start, after the packets of an earlier feed where its `state` is given."""

    def recipe(self) -> dict[str, Any]:
        """Those settings that say which data come, as JSON has them."""
        return {k: v for k, v in self.plain().items() if k not in self.CONNECTION}

    def inputs(self) -> dict[str, str]:
        """By name, what tells a file of a finite feed from another one; other feeds have none."""
        return {}
