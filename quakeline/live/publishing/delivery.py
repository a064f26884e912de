"""A thread that delivers messages in their order, and tries again until it can."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread

from quakeline.core.reasons import Code, Reason
from quakeline.live.notes import Notes
from quakeline.live.publishing.spool import Spool

_LOOK_S, _CLOSING_WAIT_S = 0.5, 0.1
_FIRST_WAIT_S, _LONGEST_WAIT_S = 1.0, 60.0


class Undelivered(Exception):
    """A receiver did not take a message; says why."""


class Delivery(Thread):
    """Delivers what a spool holds.

    Parameters
    ----------
    where
        Words for the receiver in remarks.
    spool
        File of the messages that wait.
    send
        Delivers one line; raises Undelivered.
    first_wait_s
        Wait after a first failure; it doubles up to a minute.
    """

    def __init__(
        self,
        where: str,
        spool: Path,
        send: Callable[[bytes], None],
        first_wait_s: float = _FIRST_WAIT_S,
    ) -> None:
        super().__init__(name=f"deliver to {where}", daemon=True)
        self.notes = Notes()
        self.spool = Spool(spool, self.notes)
        self._where = where
        self._send = send
        self._first_wait_s = first_wait_s
        self._news, self._closing = Event(), Event()
        self._last_try_s = float("inf")
        self._failed = 0
        self.start()

    def add(self, line: bytes) -> None:
        """Take a line; it is delivered when those before it are."""
        self.spool.add(line)
        self._news.set()

    def run(self) -> None:
        """Deliver until closed."""
        wait_s = self._first_wait_s
        while not self._over():
            try:
                line = self.spool.first()
                if line is not None:
                    self._send(line)
                    self.spool.delivered()
            except (Undelivered, OSError) as error:
                self._tell(str(error))
                self._pause(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
                continue
            wait_s = self._first_wait_s
            if line is not None:
                self._tell_success()
            elif self._closing.is_set():
                return
            else:
                self._news.wait(_LOOK_S)
                self._news.clear()

    def close(self, wait_s: float) -> int:
        """Deliver for so many seconds more, and end; gives the number of messages that wait."""
        self._last_try_s = time.monotonic() + wait_s
        self._closing.set()
        self._news.set()
        self.join(timeout=wait_s + 1.0)
        return self.spool.waiting()

    def _over(self) -> bool:
        return self._closing.is_set() and time.monotonic() >= self._last_try_s

    def _pause(self, wait_s: float) -> None:
        """Wait before the next attempt; while closing only for a moment, as little time is left."""
        if self._closing.is_set():
            time.sleep(_CLOSING_WAIT_S)
        else:
            self._closing.wait(wait_s)

    def _tell(self, why: str) -> None:
        self._failed = max(self._failed, self.spool.waiting())
        words = " ".join(why.split())[:300]
        self.notes.add(Reason.of(Code.DELIVERY_FAILS, why=words).at(self._where))

    def _tell_success(self) -> None:
        if self._failed and not self.spool.waiting():
            self.notes.add(Reason.of(Code.DELIVERED_AGAIN, self._failed).at(self._where))
            self._failed = 0
