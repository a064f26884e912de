"""A text file that lists files: Seismo-Performer's input, one group of components per line.

Each line names the files of one station and time in the order N, E, Z (Stepnov et al. 2021,
doi:10.3390/s21186290).
"""

from __future__ import annotations

import shlex
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Literal

from pydantic import Field

from quakeline.core.errors import DataError, why_unread
from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import Span
from quakeline.io.products.provenance import digest_of
from quakeline.waveforms.sources.base import BaseSource

_ORDER = ("N", "E", "Z")
#: Last letters of channel codes that may stand at each place.
_FITTING = {"N": "N1", "E": "E2", "Z": "Z3"}
_SHOWN = 60


@dataclass(frozen=True)
class Place:
    """Where a file is listed: number of the line, and component by the order of its files."""

    line: int
    component: str


class ArchiveList(BaseSource):
    """Files that a text file lists, one group of component files per line in the order N, E, Z."""

    kind: Literal["archive_list"] = Field(
        "archive_list", description="a text file that lists files, as Seismo-Performer takes it"
    )
    list_file: str = Field(
        description="one group per line: the files of the components N, E, Z, or one or two files,"
        " parted by spaces (quotes around names with spaces); blank lines and comments (#) are"
        " skipped; names are relative to the folder of this file"
    )

    def files(self, span: Span) -> list[Path]:
        """All files of the list; the span does not narrow them."""
        return sorted(self._places)

    def fingerprint(self) -> str:
        """Digest of the list, and of sizes and times of change of its files."""
        stats = []
        for path in sorted(self._places):
            try:
                stat = path.stat()
                stats.append([str(path), stat.st_size, stat.st_mtime_ns])
            except OSError:
                stats.append([str(path), -1, -1])
        return digest_of([self._text, stats])

    def remarks(self, path: Path, codes: str) -> list[Reason]:
        """What does not fit between the list and a channel of a file; the codes are used."""
        places = self._places[path]
        doubts = [doubt for place in places for doubt in self._doubts(place, codes)]
        if codes and len(places) > 1:
            lines = ", ".join(str(place.line) for place in places)
            doubts.append(Reason.of(Code.LISTED_TWICE, lines=lines, file=self.list_file))
        return doubts

    def _doubts(self, place: Place, codes: str) -> list[Reason]:
        where = {"line": place.line, "file": self.list_file}
        if not codes:
            return [Reason.of(Code.LISTED_AT, **where)]
        letter, listed = codes[-1].upper(), place.component
        if not listed or letter in _FITTING[listed]:
            return []
        channel = codes.rpartition(".")[2]
        return [Reason.of(Code.LISTED_ELSEWHERE, component=listed, channel=channel, **where)]

    @cached_property
    def groups(self) -> list[tuple[Path, ...]]:
        """The files of each line that names some. Raises DataError that names a wrong line."""
        found = [group for _, group in self._lines() if group]
        if not found:
            raise DataError(f"{self.list_file} (fetch.source.list_file) lists no files")
        return found

    @cached_property
    def _text(self) -> str:
        try:
            return Path(self.list_file).read_text(encoding="utf-8-sig")
        except UnicodeDecodeError as error:
            raise DataError(
                f"{self.list_file} (fetch.source.list_file) is no text file: it should list the"
                " waveform files"
            ) from error
        except OSError as error:
            why = why_unread(error, self.list_file)
            raise DataError(
                f"{self.list_file} (fetch.source.list_file) cannot be opened: {why}"
            ) from error

    @cached_property
    def _places(self) -> dict[Path, list[Place]]:
        """Where each file is listed. Raises DataError that names the line."""
        places: dict[Path, list[Place]] = defaultdict(list)
        for number, group in self._lines():
            components = _ORDER if len(group) == len(_ORDER) else ("",) * len(group)
            for path, component in zip(group, components, strict=True):
                places[path].append(Place(number, component))
        if not places:
            raise DataError(f"{self.list_file} (fetch.source.list_file) lists no files")
        return dict(places)

    def _lines(self) -> Iterator[tuple[int, tuple[Path, ...]]]:
        for number, line in enumerate(self._text.splitlines(), 1):
            yield number, self._group(number, line)

    def _group(self, number: int, line: str) -> tuple[Path, ...]:
        try:
            words = shlex.split(line)
        except ValueError as error:
            raise self._mistake(number, line, "a quotation mark is not closed") from error
        comment = next((i for i, word in enumerate(words) if word.startswith("#")), len(words))
        words = words[:comment]
        if len(words) > len(_ORDER):
            raise self._mistake(number, line, f"{len(words)} files; allowed: N E Z, or fewer")
        folder = Path(self.list_file).parent
        group = tuple(folder / word for word in words)
        if len(set(group)) < len(group):
            raise self._mistake(number, line, "a file is named twice")
        return group

    def _mistake(self, number: int, line: str, what: str) -> DataError:
        text = " ".join(line.split())[:_SHOWN]
        return DataError(f"{self.list_file}, line {number}: {what}: {text!r}")
