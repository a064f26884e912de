"""SDS archives, the SeisComP data structure: YEAR/NET/STA/CHAN.TYPE/NET.STA.LOC.CHAN.TYPE.YEAR.DAY.

Layout: https://www.seiscomp.de/seiscomp3/doc/applications/slarchive/SDS.html
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, timedelta
from functools import cached_property
from glob import escape, iglob
from itertools import product
from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import Span, to_datetime
from quakeline.io.formats.codes import normal_id, spellings
from quakeline.waveforms.sources.base import BaseSource
from quakeline.waveforms.sources.folders import Calendar, closed

_YEAR = re.compile(r"[12]\d{3}")
_DAY = timedelta(days=1)
_LAYOUT = "YEAR/NET/STA/CHAN.{type}/NET.STA.LOC.CHAN.{type}.YEAR.DAY"
_SHOWN = 4
_CODES = ["*"]


class Sds(BaseSource):
    """An archive in the SeisComP data structure, on one or more disks."""

    kind: Literal["sds"] = Field("sds", description="SDS archive (SeisComP data structure)")
    roots: list[str] = Field(
        min_length=1, description="folders that hold the folders of the years; patterns are allowed"
    )
    networks: list[str] = Field(_CODES, description="network codes, glob patterns")
    stations: list[str] = Field(_CODES, description="station codes, glob patterns")
    locations: list[str] = Field(_CODES, description="location codes, glob patterns; '' for none")
    channels: list[str] = Field(_CODES, description="channel codes, glob patterns, e.g. [HH?, EH?]")
    type: str = Field("D", pattern=r"^[A-Z]$", description="type of data: D for waveforms")

    @field_validator("networks", "stations", "locations", "channels")
    @classmethod
    def _some(cls, value: list[str]) -> list[str]:
        wrong = [code for code in value if "/" in code or "." in code]
        if not value or wrong:
            raise ValueError(f"{wrong or value} given; allowed: codes or patterns such as HH?")
        return value

    def files(self, span: Span) -> list[Path]:
        """Files of the span's days and of the day before them.

        A record that begins before midnight is in the file of the day in which it begins. Folders
        that may not be read are among the files: the manifest names them.
        """
        found = {Path(path) for path in self._of_days(span)}
        if not found:
            self._require_archive()
        return sorted(found)

    def fingerprint(self) -> str:
        """Files of a day are looked for when the day is worked on, not before."""
        return "by day"

    def fingerprint_of(self, span: Span) -> str:
        """Digest of the files of the span's days."""
        return self._calendar.digest(_days(span))

    @cached_property
    def _calendar(self) -> Calendar:
        plain = (one.replace("%", "%%") for one in self._patterns("\0Y", "\0j"))
        return Calendar(one.replace("\0", "%") for one in plain)

    def remarks(self, path: Path, codes: str) -> list[Reason]:
        """Say it where the name of a file does not tell what is in it."""
        named = normal_id(".".join(path.name.split(".")[:4]))
        lies = codes and codes != named
        return [Reason.of(Code.NAMED_OTHERWISE, codes=named)] if lies else []

    def _of_days(self, span: Span) -> Iterator[str]:
        for day in _days(span):
            yield from self._of(f"{day:%Y}", f"{day:%j}")

    def _of(self, year: str, day: str) -> Iterator[str]:
        for pattern in self._patterns(year, day):
            yield from iglob(pattern)
            yield from map(str, closed(pattern))

    def _patterns(self, year: str, day: str) -> Iterator[str]:
        codes = (self.networks, self.stations, self.locations, self.channels)
        given = (self.roots, *map(spellings, codes))
        for root, net, sta, loc, cha in product(*given):
            folder = f"{root.rstrip('/') or '/'}/{year}/{net}/{sta}/{cha}.{self.type}"
            yield f"{folder}/{net}.{sta}.{loc}.{cha}.{self.type}.{year}.{day}"

    def _require_archive(self) -> None:
        """Raise DataError unless there is any file of any day."""
        if next(self._of("[12][0-9][0-9][0-9]", "[0-9][0-9][0-9]"), None) is None:
            layout = _LAYOUT.format(type=self.type)
            raise DataError(f"no SDS archive ({layout}): {self._found_instead()} (fetch.source)")

    def _found_instead(self) -> str:
        """The first level at which nothing fits, and what is there."""
        levels = [
            (["[12][0-9][0-9][0-9]"], "no folder of a year"),
            (self.networks, "no folder of the networks"),
            (self.stations, "no folder of the stations"),
            ([f"{one}.{self.type}" for one in self.channels], "no folder of the channels"),
        ]
        above = list(self.roots)
        for number, (patterns, missing) in enumerate(levels):
            folders = sorted(Path(p) for one in above for p in iglob(one) if Path(p).is_dir())
            if not folders:
                return f"there is no folder {', '.join(map(repr, self.roots))}"
            above = [f"{escape(str(folder))}/{one}" for folder in folders for one in patterns]
            if not any(Path(path).is_dir() for one in above for path in iglob(one)):
                asked = f" {', '.join(patterns)}" if number else ""
                return f"{missing}{asked} in {_listed(folders)}{_hint(folders[0], number)}"
        folders = sorted(Path(path) for one in above for path in iglob(one))
        return f"no file of that name in {_listed(folders)}"


def _days(span: Span) -> list[date]:
    """The days of a span and the one before."""
    first, last = (to_datetime(time).date() for time in (span.start_ns, span.end_ns - 1))
    return [first + n * _DAY for n in range(-1, (last - first).days + 1)]


def _listed(folders: list[Path]) -> str:
    """A folder and what it holds."""
    inside = sorted(path.name for path in folders[0].iterdir())
    more = f" and {len(inside) - _SHOWN} more" if len(inside) > _SHOWN else ""
    others = f" (and {len(folders) - 1} folders more)" if len(folders) > 1 else ""
    return f"{folders[0]}{others}, which holds {', '.join(inside[:_SHOWN]) or 'nothing'}{more}"


def _hint(root: Path, level: int) -> str:
    """Where the archive seems to begin, if the root is one level too high or too low."""
    if level:
        return ""
    if _YEAR.fullmatch(root.resolve().name):
        return f"; the root seems to be {root.resolve().parent}"
    below = next((p for p in root.glob("*/[12][0-9][0-9][0-9]") if p.is_dir()), None)
    return f"; the root seems to be {below.parent}" if below else ""
