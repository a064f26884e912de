"""What has been asked of a server for a station: a small file each, so that nothing is asked twice.

The file is replaced after every request, whole or not at all, and after the data were written: a
process that is killed asks again for its last request at most. A station's lock keeps jobs that run
at the same time from asking for the same.
"""

from __future__ import annotations

import fcntl
import json
import logging
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any, TextIO

from quakeline.core.reasons import Reason, packed, unpacked
from quakeline.core.timeline import Span
from quakeline.io.products.atomic import write_text, writing

logger = logging.getLogger("quakeline")

FOLDER = ".requests"
_VERSION = 1


@dataclass(frozen=True)
class Entry:
    """What became of a window [start_ns, end_ns) of a station.

    The outcome is `data`, `no data` or `failed`; a window that failed is asked for again, one that
    expires (ns since 1970) also, from then on. The selection stands for what was asked of whom.
    `changed_ns` is when the answer was last another than before.
    """

    start_ns: int
    end_ns: int
    outcome: str
    notes: tuple[Reason, ...]
    asked_ns: int
    changed_ns: int
    expires_ns: int | None
    selection: str

    @property
    def span(self) -> Span:
        """The window."""
        return Span(self.start_ns, self.end_ns)

    def holds(self, selection: str, now_ns: int) -> bool:
        """Whether the answer counts, so that the window need not be asked for again."""
        fresh = self.expires_ns is None or now_ns < self.expires_ns
        return self.outcome != "failed" and self.selection == selection and fresh


_FIELDS = fields(Entry)


class Ledger:
    """The requests for one station, of all runs that share an archive."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._entries = _read(path)

    def missing(self, span: Span, selection: str, now_ns: int) -> list[Span]:
        """The parts of a span that must be asked for, in order of time."""
        return without(span, [e.span for e in self._entries if e.holds(selection, now_ns)])

    def within(self, span: Span, selection: str) -> list[Entry]:
        """What became of the parts of a span."""
        return [
            entry
            for entry in self._entries
            if entry.selection == selection
            and entry.start_ns < span.end_ns
            and entry.end_ns > span.start_ns
        ]

    def note(self, new: Entry) -> None:
        """Write down what became of a request, in place of what was known of the same window."""
        kept = [new]
        for old in self._entries:
            if old.selection != new.selection:
                kept.append(old)
                continue
            for rest in without(old.span, [new.span]):
                kept.append(replace(old, start_ns=rest.start_ns, end_ns=rest.end_ns))
        self._entries = sorted(kept, key=lambda e: (e.selection, e.start_ns))
        lines = ",\n".join(json.dumps(_stored(entry)) for entry in self._entries)
        write_text(self._path, f'{{"version": {_VERSION}, "requests": [\n{lines}\n]}}\n')


def without(span: Span, covered: Iterable[Span]) -> list[Span]:
    """The parts of a span that others leave over, in order of time."""
    rest, place = [], span.start_ns
    for other in sorted(covered):
        if other.end_ns <= place:
            continue
        if other.start_ns >= span.end_ns:
            break
        if other.start_ns > place:
            rest.append(Span(place, other.start_ns))
        place = other.end_ns
    if place < span.end_ns:
        rest.append(Span(place, span.end_ns))
    return rest


@contextmanager
def claimed(folder: Path, station: str) -> Iterator[Ledger]:
    """Hold the ledger of a station (NET.STA) of an archive; others wait for it meanwhile."""
    path = folder / FOLDER / f"{station}.json"
    with _locked(path.with_suffix(".lock")):
        yield Ledger(path)


@contextmanager
def slot(folder: Path, host: str, connections: int) -> Iterator[None]:
    """Take one of a host's places, of which there are few for all jobs that share an archive."""
    with _locked(folder / FOLDER / "hosts" / f"{host}.queue"):
        taken = _free_place(folder / FOLDER / "hosts", host, connections)
    try:
        yield
    finally:
        taken.close()


def _free_place(folder: Path, host: str, connections: int) -> TextIO:
    """Wait for a place of a host; nobody else looks meanwhile, since all queue for it."""
    while True:
        for number in range(connections):
            file = (folder / f"{host}.{number}").open("a")
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                file.close()
            else:
                return file
        time.sleep(0.01)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Hold a lock that ends with the process, however it ends."""
    with writing(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a")
    with file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _read(path: Path) -> list[Entry]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
        if content["version"] != _VERSION:
            raise ValueError(f"version {content['version']}")
        return [_restored(entry) for entry in content["requests"]]
    except FileNotFoundError:
        return []
    except (ValueError, TypeError, KeyError) as error:
        logger.warning("%s cannot be read (%s): everything is asked for again", path, error)
        return []


def _stored(entry: Entry) -> list[Any]:
    """The fields in order; notes as codes."""
    return [getattr(entry, f.name) if f.name != "notes" else packed(entry.notes) for f in _FIELDS]


def _restored(values: list[Any]) -> Entry:
    given = dict(zip((field.name for field in _FIELDS), values, strict=True))
    return Entry(**{**given, "notes": unpacked(given["notes"])})
