"""A feed, a session and an output at work together, until the feed ends or somebody stops it."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND, iso
from quakeline.live.events.working import Working
from quakeline.live.feeds.protocol import BaseFeed, Feed
from quakeline.live.output import Output
from quakeline.live.remarks import Remarks
from quakeline.live.results import Picks
from quakeline.live.session import Session

#: Windows that are due wait at most so long for others of their batch, in seconds.
_WAIT_S = 0.25
#: Computing that is so far behind the data is told of, and so near again, in seconds.
_BEHIND_S, _NEAR_S = 10.0, 2.0
#: Seconds between two looks at whether events are to be made.
_LOOK_S = 0.1
#: States to go on from are kept for each so many seconds of arrivals.
_EACH_NS = 15 * SECOND


@dataclass(frozen=True)
class _Place:
    """A state of the feed, and where the samples of each instrument ended then (ns)."""

    feed: dict[str, Any]
    clock_ns: int
    ends: dict[str, int]


class Places:
    """From where a session can go on: states of the feed that are old enough.

    After a stop packets are read again from a state behind which all samples come that count for
    picks which were not given yet.
    """

    def __init__(self, first: dict[str, Any]) -> None:
        self._places: deque[_Place] = deque([_Place(first, 0, {})])

    def note(self, feed: Feed, session: Session) -> None:
        """Remember the present state, if the last one is old."""
        if session.clock_ns - self._places[-1].clock_ns >= _EACH_NS:
            self._places.append(_Place(feed.state(), session.clock_ns, session.progress.ends()))

    def best(self, session: Session) -> dict[str, Any]:
        """The latest state that loses nothing."""
        done = {
            label: session.time_of(sample) - session.reach_ns
            for label, sample in session.progress.needed().items()
        }
        while len(self._places) > 1 and self._is_enough(self._places[1], done):
            self._places.popleft()
        return self._places[0].feed

    @staticmethod
    def _is_enough(place: _Place, done: dict[str, int]) -> bool:
        return all(end <= done.get(label, end) for label, end in place.ends.items())


class Pace:
    """How far computing is behind the data, now and at most (seconds); tells when that changes."""

    def __init__(self, remarks: Remarks) -> None:
        self._remarks = remarks
        self._told = False
        self.behind_s = self.most_s = 0.0

    def note(self, behind_s: float, clock_ns: int) -> None:
        """Note how far it is behind, at a time of the data (ns)."""
        self.behind_s, self.most_s = behind_s, max(self.most_s, behind_s)
        if not self._told and behind_s > _BEHIND_S:
            why = Reason.of(Code.FELL_BEHIND, seconds=behind_s, time=iso(clock_ns, 0))
            self._remarks.add("session", why)
            self._told = True
        elif self._told and behind_s < _NEAR_S:
            self._remarks.add("session", Reason.of(Code.CAUGHT_UP, time=iso(clock_ns, 0)))
            self._told = False


class Running:
    """Runs a session on a feed, and writes its picks.

    `stop` is asked after each packet whether to stop: what is known is then written, and the same
    settings go on from there. `meanwhile` is called as often. `events` makes events of the picks.
    """

    def __init__(
        self,
        settings: BaseFeed,
        session: Session,
        output: Output,
        stop: Callable[[], bool] = lambda: False,
        meanwhile: Callable[[], None] = lambda: None,
        events: Working | None = None,
    ) -> None:
        state = output.state or {}
        self._feed = settings.open(state.get("feed"))
        self._events, self._looked = events, 0.0
        try:
            output.begin()
            if events is not None:
                session.unmeasured.update(events.begin(output))
            output.found.clear()
        except BaseException:
            self._feed.close()
            output.close()
            if events is not None:
                events.close()
            raise
        self._session, self._output = session, output
        self._is_finite = settings.IS_FINITE
        self._stop, self._meanwhile = stop, meanwhile
        session.progress.silent_until.update({k: int(v) for k, v in state.get("done", {}).items()})
        session.progress.remember(state.get("channels", {}))
        self._places = Places(self._feed.state())
        self.pace = Pace(session.remarks)

    def run(self) -> bool:
        """Work until the feed ends (True) or was stopped (False)."""
        feed, session, output = self._feed, self._session, self._output
        try:
            ended = self._work()
            if ended:
                self._give(session.finish())
                output.withdraw()
            if self._events is not None and ended and self._is_finite:
                self._events.finish()
            elif self._events is not None:
                self._events.flush()
            output.write(
                self._places.best(session) if not ended else feed.state(),
                session.progress.all_done(),
                {"channels": session.progress.channels()},
                ended=ended and self._is_finite,
                now=True,
            )
        finally:
            try:
                feed.close()
            finally:
                output.close()
                if self._events is not None:
                    self._events.close()
        return ended

    def _work(self) -> bool:
        session = self._session
        worked = came = time.monotonic()
        for packet in self._feed.packets():
            for reason in self._feed.remarks():
                session.remarks.add("feed", reason)
            backlog_s = 0.0
            if packet is not None:
                session.add(packet)
                came = time.monotonic()
                if not self._is_finite:  # packets of a replay have the times of their data
                    backlog_s = (time.time_ns() - packet.arrived_ns) / SECOND
            else:
                session.idle(time.monotonic() - came)
            self.pace.note(max(session.behind_s, backlog_s), session.clock_ns)
            late = packet is None or time.monotonic() - worked > _WAIT_S
            if session.due >= session.batch or (session.due and late) or packet is None:
                self._give(session.work())
                left = session.due
                while packet is None and left:  # nothing else is to do
                    self._give(session.work())
                    left = session.due if session.due < left else 0
                worked = time.monotonic()
            self._places.note(self._feed, session)
            self._associate()
            self._keep()
            self._meanwhile()
            if self._stop():
                return False
        return True

    def _keep(self) -> None:
        output, session = self._output, self._session
        if not output.is_time:
            return
        done = session.progress.all_done()
        output.write(self._places.best(session), done, {"channels": session.progress.channels()})

    def _give(self, picks: Iterator[Picks]) -> None:
        for one in picks:
            if one.preliminary:
                self._output.announce(one)
                continue
            new = self._output.add(one)
            if new is not None and self._events is not None:
                self._events.add(new)
        if self._events is not None:
            self._events.measure(self._session.measurements())

    def _associate(self) -> None:
        if self._events is None or time.monotonic() < self._looked + _LOOK_S:
            return
        self._looked = time.monotonic()
        known_ns = self._session.progress.known_ns()
        if known_ns is not None:
            self._events.work(known_ns)
