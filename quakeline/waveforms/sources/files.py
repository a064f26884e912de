"""Local files: whatever obspy reads, found by glob patterns."""

from __future__ import annotations

import re
from datetime import date, timedelta
from functools import cached_property
from glob import glob
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from quakeline.core.errors import DataError
from quakeline.core.timeline import Span, to_datetime
from quakeline.waveforms.sources.base import BaseSource
from quakeline.waveforms.sources.folders import Calendar, closed, digest
from quakeline.waveforms.sources.naming import Naming

_DAY_CODE = re.compile(r"%[Ymdj]")
_CODES = {"%Y", "%m", "%d", "%j", "%%"}


class Files(BaseSource):
    """Local files by glob pattern, in any format that obspy reads."""

    kind: Literal["files"] = Field("files", description="local files")
    paths: list[str] = Field(
        min_length=1,
        description="glob patterns (** for any depth); the codes %Y %m %d %j stand for the year,"
        " month, day and day of year of each day of a chunk, so that a large archive is not"
        " searched as a whole",
    )
    codes: list[Naming] = Field(
        default_factory=list,
        description="codes for files whose headers have none or wrong ones (SEG-Y, WIN, SAC ...);"
        " the first that fits counts",
    )

    @field_validator("paths")
    @classmethod
    def _codes_of_days(cls, value: list[str]) -> list[str]:
        unknown = sorted({code for p in value for code in re.findall("%.?", p)} - _CODES)
        if unknown:
            raise ValueError(f"unknown code {', '.join(unknown)}; allowed: %Y %m %d %j, %% for %")
        return value

    def files(self, span: Span) -> list[Path]:
        """Files that match the patterns for the days of the span, and folders that are closed."""
        patterns = self._patterns(span)
        found = sorted(
            {Path(p) for pattern in patterns for p in _matches(pattern)}
            | {folder for pattern in patterns for folder in closed(pattern)}
        )
        if not found and not self._by_day:
            raise DataError(
                f"the archive is empty: no file matches {', '.join(map(repr, self.paths))}"
                f" (paths of the source){_hint(self.paths)}"
            )
        return found

    def named(self, path: Path, codes: str, number: int) -> tuple[str, bool] | None:
        """Codes of the first of `codes` that fits."""
        found = (one.of(path, codes, number) for one in self.codes)
        return next(filter(None, found), None)

    def fingerprint(self) -> str:
        """Digest of names, sizes and times of change; patterns with day codes are not searched."""
        if self._by_day:
            return "by day"
        return digest({p for one in self.paths for p in _matches(one.replace("%%", "%"))})

    def fingerprint_of(self, span: Span) -> str:
        """With day codes, the digest of the files of the span's days."""
        return self._calendar.digest(_days(span)) if self._by_day else self.whole

    @cached_property
    def _calendar(self) -> Calendar:
        return Calendar(self.paths)

    @property
    def _by_day(self) -> bool:
        return any(_DAY_CODE.search(pattern) for pattern in self.paths)

    def _patterns(self, span: Span) -> list[str]:
        return sorted({day.strftime(p) for p in self.paths for day in _days(span)})


def _days(span: Span) -> list[date]:
    first, last = to_datetime(span.start_ns).date(), to_datetime(span.end_ns).date()
    return [first + timedelta(days=n) for n in range((last - first).days + 1)]


def _hint(patterns: list[str]) -> str:
    """Say it where only folders match."""
    folders = [p for one in patterns for p in glob(one, recursive=True) if Path(p).is_dir()]
    if not folders:
        return ""
    return f"; {folders[0]!r} is a folder: write {str(Path(folders[0], '**', '*'))!r}"


def _matches(pattern: str) -> list[str]:
    """Everything but folders: a broken link is named by the manifest, not left out."""
    return [path for path in glob(pattern, recursive=True) if not Path(path).is_dir()]
