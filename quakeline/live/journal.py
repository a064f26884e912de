"""Rows that are kept as lines of JSON as soon as they are made, in one file or one a day."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

from quakeline.core.timeline import SECOND, iso, to_ns
from quakeline.io.products.atomic import writing
from quakeline.live.lines import line_of

_DAY_NS = 86_400 * SECOND
_EVER_NS = 1 << 62
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
#: Files of days that are open at once.
_OPEN = 4


@dataclass(frozen=True)
class Place:
    """The folder of a session; `by_day`: with a folder for each day (UTC) of what it holds."""

    folder: Path
    by_day: bool = False

    def day(self, time_ns: int) -> str:
        """The day of a time, as `of` takes it; empty where days are not told apart."""
        return iso(time_ns // _DAY_NS * _DAY_NS, 0)[:10] if self.by_day else ""

    def span(self, day: str) -> tuple[int, int]:
        """A day as [begin, end), in ns since 1970; all times where days are not told apart."""
        if not self.by_day:
            return -_EVER_NS, _EVER_NS
        begin = to_ns(datetime.fromisoformat(day))
        return begin, begin + _DAY_NS

    def of(self, day: str) -> Path:
        """The folder of a day."""
        return self.folder / day if day else self.folder

    def days(self) -> list[str]:
        """The days that have folders, in order."""
        if not self.by_day:
            return [""]
        if not self.folder.is_dir():
            return []
        return sorted(one.name for one in self.folder.iterdir() if _DAY.fullmatch(one.name))


class Journal:
    """Files of lines; `told` counts, by day, the lines that were there when `open` or `read`."""

    def __init__(self, place: Place, name: str) -> None:
        self._place, self._name = place, name
        self._files: dict[str, BinaryIO] = {}
        #: Lines in the files that were read or written, by day.
        self.counts: dict[str, int] = {}

    def path(self, day: str) -> Path:
        """The file of a day."""
        return self._place.of(day) / self._name

    def recent(self, told: Mapping[str, int], since: float) -> list[str]:
        """Days to be read again: those that are counted, and those written since a time (s)."""
        return [
            day
            for day in self._place.days()
            if day in told or (self.path(day).is_file() and self.path(day).stat().st_mtime >= since)
        ]

    def read(self, day: str) -> list[dict[str, Any]]:
        """The rows of a day; half a line at the end is taken off. Raises ValueError."""
        path = self.path(day)
        content = path.read_bytes() if path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))
        rows = [json.loads(line) for line in whole.split(b"\n")[:-1]]
        self.counts[day] = len(rows)
        return rows

    def open(self, day: str) -> BinaryIO:
        """The file of a day, to which lines are appended."""
        if day not in self._files:
            while len(self._files) >= _OPEN:
                self._shut(next(iter(self._files)))
            path = self.path(day)
            with writing(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                self._files[day] = path.open("ab")
        return self._files[day]

    def append(self, day: str, rows: Iterable[Mapping[str, Any]]) -> None:
        """Write rows of a day that was read, or has none; they are there when this returns."""
        lines = [f"{line_of(row)}\n" for row in rows]
        file = self.open(day)
        with writing(self.path(day)):
            file.write("".join(lines).encode())
            file.flush()
        self.counts[day] = self.counts.get(day, 0) + len(lines)

    def sync(self) -> None:
        """Put all lines on disk, so that a power cut loses none of them."""
        for day, file in self._files.items():
            with writing(self.path(day)):
                os.fsync(file.fileno())

    def forget(self, day: str) -> None:
        """Close the file of a day that is over."""
        self.counts.pop(day, None)
        if day in self._files:
            self._shut(day)

    def _shut(self, day: str) -> None:
        file = self._files.pop(day)
        with writing(self.path(day)):
            os.fsync(file.fileno())
            file.close()

    def close(self) -> None:
        """Give back the open files.

        What could not be written raised an error when it was added, and is made again.
        """
        for file in self._files.values():
            with suppress(OSError):
                file.close()
        self._files.clear()
