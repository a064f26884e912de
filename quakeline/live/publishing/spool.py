"""Messages that wait for their receiver, on disk, so that no stop loses them."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from pathlib import Path
from threading import Lock

from quakeline.core.errors import QuakelineError
from quakeline.core.reasons import Code, Reason
from quakeline.io.products.atomic import replacing, writing
from quakeline.live.notes import Notes

#: A file whose messages are all delivered is emptied when it is larger than this, in bytes.
_LARGE = 1_000_000


class Spool:
    """A queue of lines in a file; `NAME.sent` beside it says how many bytes are delivered.

    While the file cannot be written, lines wait in memory, in their order. After a kill the line
    that was just being delivered may be delivered twice, none is lost that `add` has written. A
    power cut may cost the lines since the last `sync`.

    Raises OutputError where there is no writing at the beginning.
    """

    def __init__(self, path: Path, notes: Notes) -> None:
        self._path = path
        self._mark = path.with_name(f"{path.name}.sent")
        self._notes = notes
        self._lock = Lock()
        self._memory: deque[bytes] = deque()
        self._is_synced = False
        with writing(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._size = self._mended()
        self._sent = self._marked()
        with path.open("rb") as file:
            file.seek(self._sent)
            self._lines = file.read().count(b"\n")

    def add(self, line: bytes) -> None:
        """Keep a line (without its end), which may hold anything but a line break."""
        with self._lock:
            self._memory.append(line)
            self._write()

    def sync(self) -> None:
        """Put all lines that were written on disk, so that a power cut loses none of them."""
        with self._lock:
            if not self._is_synced:
                try:
                    with self._path.open("rb") as file:
                        os.fsync(file.fileno())
                except OSError as error:
                    self._tell(error)
                    return
                self._is_synced = True

    def waiting(self) -> int:
        """Lines that are not delivered."""
        with self._lock:
            return self._lines + len(self._memory)

    def first(self) -> bytes | None:
        """The oldest line that is not delivered."""
        with self._lock:
            if self._memory:
                self._write()  # there may be space again
            if self._lines:
                with self._path.open("rb") as file:
                    file.seek(self._sent)
                    return file.readline()[:-1]
            return self._memory[0] if self._memory else None

    def delivered(self) -> None:
        """Take the oldest line out."""
        with self._lock:
            if not self._lines:
                self._memory.popleft()
                return
            with self._path.open("rb") as file:
                file.seek(self._sent)
                self._sent += len(file.readline())
            self._lines -= 1
            try:
                if not self._lines and self._size > _LARGE:
                    os.truncate(self._path, 0)
                    self._size = self._sent = 0
                with replacing(self._mark) as temporary:
                    temporary.write_text(str(self._sent))
            except (
                OSError,
                QuakelineError,
            ) as error:  # the line may be delivered again, which is no loss
                self._tell(error)

    def _write(self) -> None:
        """Move the lines in memory to the file, as far as it can be written."""
        while self._memory:
            content = self._memory[0] + b"\n"
            try:
                with self._path.open("ab") as file:
                    file.write(content)
            except OSError as error:
                with suppress(OSError):
                    os.truncate(self._path, self._size)
                self._tell(error)
                return
            self._is_synced = False
            self._size += len(content)
            self._lines += 1
            self._memory.popleft()

    def _mended(self) -> int:
        """Size of the file without a last line that was not written to its end."""
        self._path.touch()
        content = self._path.read_bytes()
        size = content.rfind(b"\n") + 1
        if size < len(content):
            os.truncate(self._path, size)
        return size

    def _marked(self) -> int:
        """Bytes that are delivered; 0 where that cannot be true."""
        try:
            sent = int(self._mark.read_text())
        except (OSError, ValueError):
            return 0
        return sent if 0 <= sent <= self._size else 0

    def _tell(self, error: BaseException) -> None:
        why = getattr(error, "strerror", None) or str(error)
        self._notes.add(Reason.of(Code.SPOOL_UNWRITABLE, why=why).at(str(self._path)))
