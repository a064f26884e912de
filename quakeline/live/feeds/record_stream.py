"""Records of miniSEED in bytes that come bit by bit, with anything between them."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator

from quakeline.core.reasons import Code, Reason
from quakeline.live.feeds.protocol import Packet
from quakeline.live.feeds.records import Damaged, Incomplete, decoded
from quakeline.live.notes import Notes

#: How a record may begin: miniSEED 2 with its number and quality, miniSEED 3 with its version.
_BEGINNING = re.compile(rb"[0-9 \0]{6}[DRQM][ \0]|MS\x03")
#: The shortest header; a beginning may be cut so many bytes before the end.
_SHORTEST, _BEGINNING_BYTES = 40, 8
#: Records are at most so long; what claims more is none.
_LONGEST = 1 << 20


class RecordStream:
    """Takes bytes, gives packets.

    `taken` counts the bytes up to the end of the last record that was given or left out: what
    follows is asked for again after a stop. `before` are the last of them, at most `REMEMBERED`.
    """

    REMEMBERED = 512

    def __init__(self, where: str, notes: Notes, taken: int = 0, before: bytes = b"") -> None:
        self._where = where
        self._notes = notes
        self._kept = b""
        self._at = 0  # what was taken of the bytes that are kept
        self.taken = taken
        self.before = before

    def feed(self, content: bytes) -> Iterator[Packet]:
        """Take more bytes; gives the packets of the records that are complete now."""
        self._kept = self._kept[self._at :] + content
        self._at = 0
        arrived_ns = time.time_ns()
        while self._at < len(self._kept):
            try:
                packet, length, doubt = self._decoded(self._at, arrived_ns)
            except Incomplete:
                if not self._is_broken_off():
                    return
                continue
            except Damaged as error:
                if not self._is_left_out(str(error)):
                    return
                continue
            if doubt and self._is_broken_off(within=length):
                continue
            if doubt:
                self._note(Code.READER_WARNS, None, why=doubt)
            self._advance(length)
            if packet is not None:
                yield packet

    def end(self) -> None:
        """Say what is left over when no more bytes come."""
        rest = len(self._kept) - self._at
        if rest:
            self._note(Code.FEED_BYTES, rest)
            self._advance(rest)

    def _decoded(self, at: int, arrived_ns: int = 0) -> tuple[Packet | None, int, str]:
        return decoded(memoryview(self._kept)[at:], arrived_ns)

    def _is_broken_off(self, within: int = _LONGEST) -> bool:
        """Leave out a record that holds another, whole one: whoever wrote it has begun anew."""
        end = min(len(self._kept), self._at + within)
        for found in _BEGINNING.finditer(self._kept, self._at + _SHORTEST, end):
            try:
                _, _, doubt = self._decoded(found.start())
            except (Damaged, Incomplete):
                continue
            if not doubt:
                self._note(Code.FEED_RECORDS_DAMAGED, 1, why="it breaks off")
                self._advance(found.start() - self._at)
                return True
        return len(self._kept) - self._at >= _LONGEST and self._is_left_out("no end")

    def _is_left_out(self, why: str) -> bool:
        """Leave out what is no record, up to where one may begin. False: more bytes are needed."""
        rest = self._kept[self._at : self._at + _SHORTEST]
        if len(rest) < _SHORTEST and _may_begin(rest):
            return False
        begins = bool(_BEGINNING.match(rest))
        length = self._next_beginning(self._at + 1) - self._at
        if begins:
            self._note(Code.FEED_RECORDS_DAMAGED, 1, why=why)
        else:
            self._note(Code.FEED_BYTES, length)
        self._advance(length)
        return True

    def _next_beginning(self, least: int) -> int:
        """Where the next record may begin, or what may be the first bytes of one at the end."""
        found = _BEGINNING.search(self._kept, least)
        if found:
            return found.start()
        for at in range(max(least, len(self._kept) - _BEGINNING_BYTES + 1), len(self._kept)):
            if _may_begin(self._kept[at:]):
                return at
        return len(self._kept)

    def _advance(self, length: int) -> None:
        end = self._at + length
        new = self._kept[max(self._at, end - self.REMEMBERED) : end]
        self.before = (self.before + new)[-self.REMEMBERED :]
        self._at = end
        self.taken += length

    def _note(self, code: Code, count: int | None, **details: str) -> None:
        self._notes.add(Reason.of(code, count, **details).at(self._where))


def _may_begin(content: bytes) -> bool:
    """Whether few bytes may be the first ones of a record."""
    padded = content[:_BEGINNING_BYTES]
    second = padded + b"000000D "[len(padded) :]
    third = padded[:3] + b"MS\x03"[len(padded[:3]) :]
    return bool(_BEGINNING.match(second) or _BEGINNING.match(third))
