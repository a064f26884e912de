"""What every way of publishing offers: it takes messages at once and delivers them when it can."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

from quakeline.core.reasons import Reason
from quakeline.core.section import Section


class Publisher(Protocol):
    """Takes picks; never waits for the receiver, and never loses a message."""

    def publish(self, kind: str, row: Mapping[str, Any]) -> None:
        """Take a message, a row as a mapping; it is a `pick`, `preliminary` or an `event`."""

    def sync(self) -> None:
        """Put messages that wait on disk, so that a power cut loses none of them."""

    def waiting(self) -> int:
        """Messages that are not delivered yet."""

    def remarks(self) -> list[Reason]:
        """What happened since the last call: a receiver that refuses, a disk that is full."""

    def close(self, wait_s: float = 5.0) -> int:
        """Deliver what can be delivered within so many seconds, and end.

        Gives the number of messages that wait; they are delivered after the next `open` of the
        same folder.
        """


class BasePublisher(Section, ABC):
    """A way of publishing and its settings; derived classes have `kind: Literal[...]`."""

    @abstractmethod
    def open(self, folder: Path) -> Publisher:
        """Start. Messages that wait are kept in a folder of this machine, also over a stop."""
