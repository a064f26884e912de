"""Folders that a search by glob pattern passes over in silence, and the state of what it finds."""

from __future__ import annotations

import os
import re
import stat
from collections import defaultdict
from collections.abc import Iterable
from datetime import date
from fnmatch import translate
from glob import has_magic, iglob
from pathlib import Path

from quakeline.io.products.provenance import digest_of

#: Path, size in bytes, time of change in ns since 1970.
State = tuple[str, int, int]
#: Codes of a day as glob patterns.
_ANY = {"%Y": "[0-9]" * 4, "%m": "[0-9]" * 2, "%d": "[0-9]" * 2, "%j": "[0-9]" * 3, "%%": "%"}


def closed(pattern: str) -> list[Path]:
    """Folders on the way of a pattern that may not be read: what is in them is not found."""
    parts = Path(pattern).parts[:-1]
    first = next((n for n, part in enumerate(parts) if has_magic(part)), len(parts))
    ways = [str(Path(*parts[:n])) for n in range(first, len(parts) + 1)]
    folders = {folder for way in ways for folder in iglob(f"{way}/", recursive=True)}
    return sorted(Path(f) for f in folders if not os.access(f, os.R_OK | os.X_OK))


def digest(paths: Iterable[str]) -> str:
    """Digest of names, sizes and times of change of files."""
    return _digest([_state(path) for path in set(paths)])


def _digest(states: list[State]) -> str:
    return digest_of([list(state) for state in sorted(states)])


def _state(path: str) -> State:
    return _of_entry(path, os.lstat(path))


def _of_entry(path: str, entry: os.stat_result) -> State:
    return path, entry.st_size, entry.st_mtime_ns


class Calendar:
    """The state of files by day, for patterns with the codes %Y %m %d %j.

    Each folder is listed once, whatever the number of days: ten years of days would otherwise list
    the folders of a hundred stations thousands of times. What changes later goes unnoticed.
    """

    def __init__(self, patterns: Iterable[str]) -> None:
        self._parts = [pattern.rpartition("/")[::2] for pattern in patterns]
        self._listed: dict[tuple[str, str], dict[tuple[str, ...], list[State]]] = {}
        self._days: dict[date, list[State]] = {}

    def digest(self, days: Iterable[date]) -> str:
        """Digest of the files of some days, and of folders on the way that may not be read."""
        states: set[State] = set()
        for day in days:
            if day not in self._days:
                self._days[day] = list(self._of(day))
            states.update(self._days[day])
        return _digest(list(states))

    def _of(self, day: date) -> Iterable[State]:
        for folder, name in self._parts:
            place = (day.strftime(folder), name)
            if place not in self._listed:
                self._listed[place] = _listing(*place)
            listed = self._listed[place]
            yield from listed[()]
            yield from listed.get(tuple(day.strftime(code) for code in _codes(name)), ())


def _listing(folder: str, name: str) -> dict[tuple[str, ...], list[State]]:
    """Files of a folder pattern by the values of the codes in a name pattern; (): closed folders.

    A name without codes has the files of all days under (), too.
    """
    parts = re.split(r"(%[Ymdj%])", name)
    broad = "".join(_ANY.get(part, part) for part in parts)
    known = re.compile("".join(_expression(part, parts[:n]) for n, part in enumerate(parts)))
    found: dict[tuple[str, ...], list[State]] = defaultdict(list)
    pattern = f"{folder}/{broad}" if folder else broad
    found[()] = [_state(str(path)) for path in closed(pattern)]
    codes = [code[1] for code in _codes(name)]
    for path in iglob(pattern, recursive=True):
        match = known.fullmatch(os.path.basename(path))  # noqa: PTH119
        if match:
            entry = os.lstat(path)
            if not _is_folder(path, entry):
                found[tuple(match[code] for code in codes)].append(_of_entry(path, entry))
    return found


def _is_folder(path: str, entry: os.stat_result) -> bool:
    """Whether a path is a folder, or a link to one."""
    linked = stat.S_ISLNK(entry.st_mode)
    return stat.S_ISDIR(entry.st_mode) or (linked and os.path.isdir(path))  # noqa: PTH112


def _codes(name: str) -> list[str]:
    return sorted(set(re.findall("%[Ymdj]", name.replace("%%", ""))))


def _expression(part: str, before: list[str]) -> str:
    """Regular expression of a part of a name: a code, or what fnmatch understands."""
    if part in _ANY and part != "%%":
        return f"(?P={part[1]})" if part in before else f"(?P<{part[1]}>{_ANY[part]})"
    return re.sub(r"\\[Zz]$", "", translate(_ANY.get(part, part)))
