"""What feeds from servers share: a thread for each server, and one queue of their packets."""

from __future__ import annotations

import queue
import time
from abc import abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Event, Thread
from typing import Any

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason
from quakeline.live.feeds.protocol import Packet
from quakeline.live.feeds.sections import ServerFeed
from quakeline.live.notes import Notes

#: Packets that wait for the reader; more stay on the servers.
_WAITING = 4096
#: How long `packets` waits before it says that nothing came, in seconds.
_PAUSE_S = 0.5
#: How long `close` waits for the threads, in seconds; one that still connects ends by itself.
_PARTING_S = 2.0
#: The longest wait between two attempts to reach a server, in seconds.
_LONGEST_WAIT_S = 60.0
#: At the start a server may say nothing of use for so many times `answer_s`.
_SILENT_STARTS = 6


class Lost(Exception):
    """A server cannot be used, or not any more; says why."""


class Stopped(Exception):
    """The feed was closed."""


@dataclass(frozen=True)
class _Item:
    """A packet of a server, and the positions that hold after it; None: only the positions."""

    server: str
    packet: Packet | None
    positions: dict[str, Any]


class Connection(Thread):
    """One server: it is asked, and asked again whenever it is lost, until the feed is closed.

    Derived classes know the protocol: `stream` talks to the server and hands out what comes.
    `positions` are those after all that was handed out (JSON), from which `stream` goes on.
    """

    def __init__(self, feed: ServersFeed, server: str, positions: dict[str, Any]) -> None:
        super().__init__(name=f"feed {server}", daemon=True)
        self.feed = feed
        self.server = server
        self.settings = feed.settings
        self.positions = dict(positions)
        self.failed: str = ""
        self.settled = Event()
        self.is_new = not positions
        self._active_s = 0.0
        self._answered_s = time.monotonic()

    @abstractmethod
    def stream(self) -> None:
        """Connect, ask, and hand out packets until the server is lost. Raises Lost."""

    @abstractmethod
    def abort(self) -> None:
        """Close the connection, from another thread, so that `stream` ends."""

    def run(self) -> None:
        """Stream, and begin again after a wait that doubles while nothing comes."""
        wait_s = self.settings.retry_s
        try:
            while not self.feed.closing.is_set():
                before = self._active_s
                try:
                    self.stream()
                except Lost as error:
                    self._tell(str(error))
                if self._active_s > before:
                    wait_s = self.settings.retry_s
                self.feed.closing.wait(wait_s)
                wait_s = min(2 * wait_s, _LONGEST_WAIT_S)
        except Stopped:
            pass
        except Exception as error:  # a defect: shown by the thread that reads packets
            if not self.feed.closing.is_set():
                self.feed.broken = error

    def up(self) -> None:
        """Note that the server has accepted what it was asked."""
        self.feed.were_up.add(self.server)
        if self.failed:
            self.note(Code.SERVER_BACK)
        self.failed = ""

    def answered(self) -> None:
        """Note that the server has answered something: it is not silent."""
        self._answered_s = time.monotonic()

    @property
    def silence_s(self) -> float:
        """Seconds since the server answered anything, or since the feed began."""
        return time.monotonic() - self._answered_s

    def begin(self, positions: dict[str, Any]) -> None:
        """Note positions before anything that is still to come, of what had none."""
        self.positions = positions | self.positions
        self.feed.begin(self.server, positions)
        self.settled.set()

    def hand(self, packet: Packet | None, positions: dict[str, Any]) -> None:
        """Put a packet into the queue, however long there is no place. Raises Stopped."""
        wanted = packet if packet is not None and self.feed.wants(packet.codes) else None
        item = _Item(self.server, wanted, positions)
        while True:
            if self.feed.closing.is_set():
                raise Stopped
            try:
                self.feed.waiting.put(item, timeout=_PAUSE_S)
                break
            except queue.Full:
                continue
        self.positions.update(positions)
        self._active_s = time.monotonic()

    def silent_for(self, since_s: float) -> float:
        """Seconds without anything, counted from the last packet or a time (`time.monotonic`)."""
        return time.monotonic() - max(self._active_s, since_s)

    def note(self, code: Code, count: int | None = None, /, **details: Any) -> None:
        """Add a remark that concerns this server."""
        self.feed.notes.add(Reason.of(code, count, **details).at(self.server))

    def _tell(self, why: str) -> None:
        if self.feed.closing.is_set():
            raise Stopped
        self.failed = " ".join(why.split())[:300]
        self.settled.set()
        self.note(Code.SERVER_LOST, why=self.failed)


class ServersFeed:
    """A feed from servers (`Feed`)."""

    def __init__(
        self, settings: ServerFeed, connection: type[Connection], state: dict[str, Any] | None
    ) -> None:
        self.settings = settings
        self.closing = Event()
        self.waiting: queue.Queue[_Item] = queue.Queue(_WAITING)
        self.notes = Notes()
        self.were_up: set[str] = set()
        self.broken: Exception | None = None
        given = state or {}
        self._resumed, self._began_s = any(given.values()), time.monotonic()
        self._wanted: dict[str, bool] = {}
        self._handed = {one: dict(given.get(one, {})) for one in settings.servers}
        self._connections = [connection(self, one, self._handed[one]) for one in settings.servers]
        for one in self._connections:
            one.start()
        for one in self._connections:  # so that the first state says where the feed began
            waited_s = time.monotonic() - self._began_s
            one.settled.wait(0 if self._resumed else max(0.0, settings.answer_s - waited_s))

    def begin(self, server: str, positions: dict[str, Any]) -> None:
        """Take positions of a server from which nothing was handed out yet."""
        for name, position in positions.items():
            self._handed[server].setdefault(name, position)

    def packets(self) -> Iterator[Packet | None]:
        """Packets of all servers as they arrive. Raises DataError where none can be used."""
        while not self.closing.is_set():
            try:
                item = self.waiting.get(timeout=_PAUSE_S)
            except queue.Empty:
                self._require_any()
                yield None
                continue
            self._handed[item.server].update(item.positions)
            if item.packet is not None:
                yield item.packet

    def state(self) -> dict[str, Any]:
        """The positions on each server after the packets that were handed out."""
        return {server: dict(positions) for server, positions in self._handed.items()}

    def remarks(self) -> list[Reason]:
        """What happened on the connections since the last call."""
        return self.notes.taken()

    def close(self) -> None:
        """End all connections."""
        self.closing.set()
        for one in self._connections:
            one.abort()
        end_s = time.monotonic() + _PARTING_S
        for one in self._connections:
            one.join(timeout=max(0.0, end_s - time.monotonic()))

    def wants(self, codes: str) -> bool:
        """Whether a channel is one of those that were asked for."""
        known = self._wanted.get(codes)
        if known is None:
            known = self._wanted[codes] = self.settings.wants(codes)
        return known

    def _require_any(self) -> None:
        if self.broken is not None:
            raise self.broken
        if self.were_up or self._resumed:
            return
        limit_s = _SILENT_STARTS * self.settings.answer_s
        silent = f"no usable answer within {limit_s:g} s"
        failed = [
            (one.server, one.failed or (silent if one.silence_s > limit_s else ""))
            for one in self._connections
        ]
        if all(why for _, why in failed):
            self.close()
            told = "; ".join(f"{server}: {why}" for server, why in failed)
            raise DataError(f"live.feed: no data from the servers: {told}")
