"""What every source of raw data offers."""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path

from quakeline.section import Section
from quakeline.timeline import Span


class BaseSource(Section):
    """A place that raw data come from; subclasses add `kind` and their own keys."""

    @abstractmethod
    def files(self, span: Span) -> list[Path]:
        """Files that may hold data of the span, sorted. Raises DataError for an empty archive."""

    @abstractmethod
    def fingerprint(self) -> str:
        """A digest that changes when files come, go or change. Cheap: it reads no content."""

    def named(self, path: Path, codes: str, number: int) -> tuple[str, bool] | None:
        """Codes that a trace has instead of those in its header: see `Naming.of`."""
        return None

    def remark(self, path: Path, codes: str) -> str:
        """What the archive says of a channel of a file; of an unreadable file the codes are ""."""
        return ""
