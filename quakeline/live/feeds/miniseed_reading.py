"""Feeds of miniSEED from files that grow and from standard input."""

from __future__ import annotations

import hashlib
import os
import select
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from threading import Event
from typing import Any

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason
from quakeline.live.feeds.protocol import Packet
from quakeline.live.feeds.record_stream import RecordStream
from quakeline.live.notes import Notes

#: Bytes that are read from a file at once: files take turns.
_PIECE = 1 << 20
_PAUSE_S = 0.5
#: A file that is not there for so long is forgotten, in seconds: shares may be away for a moment.
_FORGET_S = 600.0
_UNKNOWN = -1


@dataclass
class _Growing:
    """A file that is followed: which one it is (inode), and how far it was read.

    `mark` is the digest of the last bytes that an earlier session took: before they are looked at,
    the inode is `_UNKNOWN`. `gone_s` is when the file was first missed.
    """

    inode: int
    stream: RecordStream
    read: int
    mark: str = ""
    gone_s: float | None = None

    def state(self) -> list[Any]:
        """What `FilesFeed.state` says of a file."""
        mark = self.mark if self.inode == _UNKNOWN else _digest(self.stream.before)
        return [self.stream.taken, mark]


class FilesFeed:
    """Files that grow (`Feed`); new ones are found as they appear.

    State: of each the bytes that were taken, and a digest of the last of them.

    It never ends by itself: a file may always grow. For the parameters see the section `MiniSeed`.
    Raises DataError where a path does not exist.
    """

    def __init__(
        self, paths: list[str], existing: bool, poll_s: float, state: dict[str, Any] | None
    ) -> None:
        self._given, self._poll_s = paths, poll_s
        self._notes = Notes()
        self._closing = Event()
        self._files: dict[str, _Growing] = {}
        for path, (taken, mark) in (state or {}).items():
            stream = RecordStream(path, self._notes, int(taken))
            self._files[path] = _Growing(_UNKNOWN, stream, int(taken), str(mark))
        if state is None and not existing:
            for path in self._paths():
                with suppress(OSError):  # a link that leads nowhere: all is new when it is there
                    self._files[path] = self._at_end(path)
        absent = [one for one in paths if not Path(_fixed(one)).exists()]
        if absent and state is None:
            raise DataError(f"live.feed.paths: {', '.join(absent)}: no such file or folder")

    def packets(self) -> Iterator[Packet | None]:
        """Packets as files grow; None after each look that found nothing."""
        while not self._closing.is_set():
            found = False
            for path in self._paths():
                for packet in self._grown(path):
                    found = True
                    yield packet
                    if self._closing.is_set():
                        return
            if not found:
                yield None
                self._closing.wait(self._poll_s)

    def state(self) -> dict[str, Any]:
        """Of each file where the last record that was handed out ends."""
        return {path: one.state() for path, one in self._files.items()}

    def remarks(self) -> list[Reason]:
        """What was no record, and files that cannot be read."""
        return self._notes.taken()

    def close(self) -> None:
        """End."""
        self._closing.set()

    def _paths(self) -> list[str]:
        """Files that are there now; those that are gone for long are forgotten."""
        found: dict[str, None] = {}
        for one in self._given:
            path = Path(one)
            if path.is_dir():
                below = (str(p) for p in sorted(path.rglob("*")) if p.is_file())
                found.update(dict.fromkeys(below))
            else:
                found.update(dict.fromkeys(sorted(glob(one, recursive=True))))
        present = [path for path in found if not Path(path).name.startswith(".")]
        self._miss(set(self._files) - set(present))
        return present

    def _miss(self, paths: set[str]) -> None:
        """Forget those of the files that are not there which are away for long."""
        now_s = time.monotonic()
        for path in paths:
            one = self._files[path]
            one.gone_s = now_s if one.gone_s is None else one.gone_s
            if now_s - one.gone_s >= _FORGET_S:
                del self._files[path]

    def _grown(self, path: str) -> Iterator[Packet]:
        """The packets of what was appended to a file, at most a piece of it."""
        try:
            content = self._read(path)
        except OSError as error:
            why = error.strerror or str(error)
            self._notes.add(Reason.of(Code.FEED_FILE_UNREADABLE, why=why).at(path))
            return
        if content:
            yield from self._files[path].stream.feed(content)

    def _read(self, path: str) -> bytes:
        facts = Path(path).stat()
        one = self._files.get(path)
        if one is not None and one.inode != facts.st_ino:
            one = self._files[path] = self._continued(path, facts)
        elif one is None or facts.st_size < one.read:
            one = self._files[path] = self._anew(path, facts)
        one.gone_s = None
        if facts.st_size == one.read:
            return b""
        with Path(path).open("rb") as file:
            file.seek(one.read)
            content = file.read(_PIECE)
        one.read += len(content)
        return content

    def _continued(self, path: str, facts: os.stat_result) -> _Growing:
        """A file of another inode: a copy of the one before, with more behind it, or another."""
        taken, mark = self._files[path].state()
        before = _before(path, taken) if facts.st_size >= taken else b""
        if len(before) and _digest(before) == mark:
            return self._followed(path, facts.st_ino, taken, before)
        return self._anew(path, facts)

    def _anew(self, path: str, facts: os.stat_result) -> _Growing:
        one = self._files.get(path)
        if one is not None and one.read:
            self._notes.add(Reason.of(Code.FEED_FILE_ANEW).at(path))
        return self._followed(path, facts.st_ino, 0)

    def _followed(self, path: str, inode: int, taken: int, before: bytes = b"") -> _Growing:
        return _Growing(inode, RecordStream(path, self._notes, taken, before), taken)

    def _at_end(self, path: str) -> _Growing:
        facts = Path(path).stat()
        before = _before(path, facts.st_size)
        return self._followed(path, facts.st_ino, facts.st_size, before)


def _before(path: str, end: int) -> bytes:
    """The bytes of a file before a place, as many as `RecordStream` remembers."""
    begin = max(end - RecordStream.REMEMBERED, 0)
    with Path(path).open("rb") as file:
        file.seek(begin)
        return file.read(end - begin)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:16]


class InputFeed:
    """Standard input (`Feed`), or any open file; ends with it. What was read cannot be read again.

    `descriptor` is the number of the open file.
    """

    def __init__(self, descriptor: int | None = None) -> None:
        self._descriptor = sys.stdin.fileno() if descriptor is None else descriptor
        self._notes = Notes()
        self._closing = Event()

    def packets(self) -> Iterator[Packet | None]:
        """Packets as they come, until the input ends."""
        stream = RecordStream("standard input", self._notes)
        while not self._closing.is_set():
            ready, _, _ = select.select([self._descriptor], [], [], _PAUSE_S)
            if not ready:
                yield None
                continue
            content = os.read(self._descriptor, _PIECE)
            if not content:
                stream.end()
                return
            yield from stream.feed(content)

    def state(self) -> dict[str, Any]:
        """Nothing: there is no way back."""
        return {}

    def remarks(self) -> list[Reason]:
        """What was no record."""
        return self._notes.taken()

    def close(self) -> None:
        """End."""
        self._closing.set()


def _fixed(pattern: str) -> str:
    """The folder of a pattern up to its first wildcard; a path without one as a whole."""
    parts: list[str] = []
    for part in Path(pattern).parts:
        if set(part) & set("*?["):
            break
        parts.append(part)
    return str(Path(*parts)) if parts else "."
