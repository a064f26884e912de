"""What every source of raw data offers."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from quakeline.core.reasons import Reason
from quakeline.core.section import Section
from quakeline.core.timeline import Span

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True)
class Window:
    """What a server had of a span of a station (NET.STA): `data`, `no data` or `failed`, and why.

    `changed_ns` is when (ns since 1970) it last had another answer.
    """

    station: str
    span: Span
    outcome: str
    notes: tuple[Reason, ...]
    changed_ns: int


@dataclass(frozen=True)
class Obtained:
    """What a source has for a span.

    Local files, rows of MANIFEST on what did not come, and of a download every window.
    """

    files: list[Path]
    rows: list[dict[str, Any]] = field(default_factory=list)
    windows: list[Window] = field(default_factory=list)


#: Hears of each request of a download: what became of it (`data`, `no data`, `failed`, `known`)
#: and the bytes that came.
Notify = Callable[[str, int], None]


def ignored(outcome: str, n_bytes: int) -> None:
    """Do nothing with what is told of requests."""


class BaseSource(Section):
    """A place that raw data come from; subclasses add `kind` and their own keys.

    A local source says which of its files may hold data of a span. A remote one (`remote`) first
    brings them to a folder of this machine, in `obtain`.
    """

    #: Whether data come over the network; jobs that fetch them run where the workflow was started.
    remote: ClassVar[bool] = False

    @abstractmethod
    def files(self, span: Span) -> list[Path]:
        """Files that may hold data of the span, sorted. Raises DataError for an empty archive."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A digest that changes when files come, go or change. Cheap: it reads no content."""

    def named(self, path: Path, codes: str, number: int) -> tuple[str, bool] | None:
        """Codes that a trace has instead of those in its header: see `Naming.of`."""
        return None

    def remarks(self, path: Path, codes: str) -> list[Reason]:
        """What the archive says of a channel of a file; of an unreadable file the codes are ""."""
        return []

    def check(self) -> None:
        """Raise ConfigError for settings that cannot work here, before anything has begun."""

    def fingerprint_of(self, span: Span) -> str:
        """A digest that changes when the files of a span do.

        That of the whole archive, looked up once, where a source cannot tell which files matter.
        """
        return self.whole

    @cached_property
    def whole(self) -> str:
        """The fingerprint when it was first asked for."""
        return self.fingerprint()

    def obtain(
        self, span: Span, stations: pd.DataFrame, default: Path, notify: Notify = ignored
    ) -> Obtained:
        """Bring the data of a span to local files.

        Parameters
        ----------
        span
            What is read: a chunk with its margins.
        stations
            STATIONS: the stations of the run.
        default
            Folder for data that are downloaded, unless the configuration names another.
        notify
            Is called after each request of a download.

        Raises
        ------
        DataError
            The archive is empty, or its server does not exist.
        """
        return Obtained(self.files(span))
