"""The picks of the last minutes, and the events that they make: new ones, changed ones, final ones.

Associations take a window: from so long before the earliest event that may still change to the last
pick. Where the picks of all stations are known up to some time, events whose last possible arrival
lies well before it are final: they keep their picks, and no pick joins them any more.
"""

from __future__ import annotations

import time
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.schemas import ARRIVALS, EVENTS, MEASUREMENTS, PICKS
from quakeline.core.timeline import SECOND
from quakeline.io.products import tables
from quakeline.live.events.chain import KNOWN, Chain, Job
from quakeline.live.events.history import History
from quakeline.live.events.section import Events
from quakeline.live.events.updates import (
    FINAL,
    PRELIMINARY,
    SETTLED,
    WITHDRAWN,
    Update,
    is_news,
)

_NEVER_NS = -(1 << 62)


@dataclass(frozen=True)
class Ask:
    """An association to make: the job, and the time before which its events are final (ns)."""

    job: Job
    final_ns: int


class Window:
    """Picks with known places, and the last version of each of their events."""

    def __init__(self, chain: Chain, rules: Events) -> None:
        self.chain, self.rules = chain, rules
        self._picks = tables.empty(PICKS)
        self._new: list[pd.DataFrame] = []
        self._measured: list[pd.DataFrame] = [tables.empty(MEASUREMENTS)]
        #: By pick, when its last packet came (by the feed, ns) and when it was given.
        self._given: dict[str, tuple[int, float]] = {}
        self._known: set[tuple[str, ...]] = set()
        self._events: dict[str, Update] = {}
        self._history = History()
        #: Events that begin before this time are final, in ns.
        self.final_ns = _NEVER_NS
        self.newest_ns = _NEVER_NS
        #: Whether something was measured since somebody set this to False.
        self.is_measured = False
        #: What was measured around picks that left the window, since somebody took it.
        self.left: list[pd.DataFrame] = []
        #: Picks that came when their time was final already.
        self.late = 0

    # --- what comes

    def know(self, codes: Iterable[tuple[str, ...]]) -> None:
        """Count stations and phases (network, station, phase) among those that have picks."""
        self._known.update(codes)

    def add(self, picks: pd.DataFrame, data_ns: Iterable[int], moment: float) -> None:
        """Take picks (PICKS) of stations with known places, given at a moment (perf_counter)."""
        times = _nanoseconds(picks["time"])
        self.late += int((times < self.final_ns).sum())
        self.newest_ns = max(self.newest_ns, int(times.max()))
        self._new.append(picks)
        self.know(picks[KNOWN].itertuples(index=False, name=None))
        for name, came_ns in zip(picks["pick_id"], data_ns, strict=True):
            self._given[name] = (int(came_ns), moment)

    def measure(self, measurements: pd.DataFrame) -> None:
        """Take what was measured (MEASUREMENTS) around picks."""
        if len(measurements):
            self._measured.append(measurements)
            self.is_measured = True

    @property
    def measured(self) -> pd.DataFrame:
        """What was measured around the picks of the window (MEASUREMENTS)."""
        if len(self._measured) > 1:
            return pd.concat([one for one in self._measured if len(one)], ignore_index=True)
        return self._measured[0]

    @property
    def known(self) -> list[list[str]]:
        """Stations and phases (network, station, phase) that have picks, in order."""
        return [list(codes) for codes in sorted(self._known)]

    def restore(self, updates: Iterable[Update], final_ns: int, picks: pd.DataFrame) -> None:
        """Know of events what an earlier session made, in the order in which it made them.

        `picks` (PICKS) hold theirs, as far as they are there.
        """
        self.final_ns = max(self.final_ns, final_ns)
        updates = list(updates)
        self._history.add(updates, picks)
        for one in updates:
            self._events[one.event_id] = one
            if one.status == FINAL:
                self.final_ns = max(self.final_ns, one.time_ns + 1)

    # --- associations

    @property
    def is_new(self) -> bool:
        """Whether something came since the last association."""
        return bool(self._new) or len(self._measured) > 1

    def becomes_final(self, known_ns: int) -> bool:
        """Whether an event becomes final where all picks before a time are known (ns)."""
        return self._first_open_ns() < self.final_at(known_ns)

    def final_at(self, known_ns: int) -> int:
        """Before which time events are final where all picks before `known_ns` are known."""
        late_ns = self.newest_ns - round(self.rules.wait_s * SECOND)
        reach_ns = round((self.rules.settle_s + self.chain.longest_s) * SECOND)
        return max(self.final_ns, max(known_ns, late_ns) - reach_ns)

    def settled_ns(self, known_ns: int, *, idle: bool) -> int:
        """Before which time nothing changes any more where all picks before one are known (ns).

        `idle`: all picks that came were associated.
        """
        at = self.final_at(known_ns)
        return at if idle and self._first_open_ns() >= at else self.final_ns

    def settle(self, updates: Iterable[Update], picks: pd.DataFrame) -> None:
        """Take versions that no association changes any more, with their PICKS, and withdrawals."""
        updates = list(updates)
        self._events.update({one.event_id: one for one in updates})
        self._history.add(updates, picks)

    def ask(self, known_ns: int) -> Ask:
        """What is to be associated now, where all picks before a time are known (ns)."""
        final_ns = self.final_at(known_ns)
        self._gather(min(self.final_ns, self._first_open_ns()))
        known = pd.DataFrame(self.known, columns=KNOWN)
        begin_ns = int(self._picks["time"].min().value) if len(self._picks) else _NEVER_NS
        past = self._history.before(begin_ns)
        job = Job(self._picks, self._measured[0], self._tables(), known, past)
        return Ask(job, final_ns)

    def take(self, ask: Ask, events: pd.DataFrame, arrivals: pd.DataFrame) -> list[Update]:
        """What is new in the events of an association."""
        now = time.perf_counter()
        claimed = {
            pick: one.event_id
            for one in self._events.values()
            if one.status in SETTLED
            for pick in one.arrivals["pick_id"]
        }
        members = dict(tuple(arrivals.groupby("event_id", sort=False)))
        updates, found = [], set()
        for record in events.to_dict("records"):
            row = {str(name): value for name, value in record.items()}
            own = members[row["event_id"]]
            if not self._stays(row, own, claimed):
                continue
            found.add(row["event_id"])
            updates += self._version(row, own, ask.final_ns, now)
        updates += self._withdrawn(found, now)
        self.final_ns = max(self.final_ns, ask.final_ns)
        self._history.add(updates, ask.job.picks)
        updates.sort(key=lambda one: (one.time_ns, one.event_id))
        return updates

    def _stays(
        self, row: Mapping[str, Any], arrivals: pd.DataFrame, claimed: Mapping[str, str]
    ) -> bool:
        """Whether an event may be new or another version: what is final stays, withdrawn or not."""
        before = self._events.get(row["event_id"])
        if before is None or before.status == WITHDRAWN:
            return _ns(row) >= self.final_ns and not _share(arrivals, claimed)
        return before.status not in SETTLED and not _share(arrivals, claimed)

    def _version(
        self, row: Mapping[str, Any], arrivals: pd.DataFrame, final_ns: int, now: float
    ) -> list[Update]:
        before = self._events.get(row["event_id"])
        status = FINAL if _ns(row) < final_ns else PRELIMINARY
        if before is not None and status == PRELIMINARY and not is_news(before, row, arrivals):
            return []
        number = before.version + 1 if before else 1
        given = [self._given[pick] for pick in arrivals["pick_id"] if pick in self._given]
        data_ns = max((came for came, _ in given), default=_ns(row))
        waited = now - max((moment for _, moment in given), default=now)
        made = Update(number, status, row, arrivals.reset_index(drop=True), data_ns, waited)
        self._events[made.event_id] = made
        return [made]

    def _withdrawn(self, found: Collection[str], now: float) -> list[Update]:
        """Events that their picks do not make any more."""
        gone = [
            one
            for name, one in self._events.items()
            if one.status == PRELIMINARY and name not in found
        ]
        made = [
            Update(one.version + 1, WITHDRAWN, one.event, one.arrivals, one.data_ns, 0.0)
            for one in gone
        ]
        self._events.update({one.event_id: one for one in made})
        return made

    # --- memory

    def _first_open_ns(self) -> int:
        """Origin of the earliest event that may still change."""
        times = [one.time_ns for one in self._events.values() if one.status == PRELIMINARY]
        return min(times, default=1 << 62)

    def _gather(self, open_ns: int) -> None:
        """Put together what came, and forget what lies well before a time."""
        first_ns = open_ns - round(self.rules.window_s * SECOND)
        picks = [one for one in (self._picks, *self._new) if len(one)]
        self._new = []
        if picks:
            whole = pd.concat(picks, ignore_index=True).drop_duplicates("pick_id")
            whole = whole[_nanoseconds(whole["time"]) >= first_ns]
            self._picks = whole.sort_values(["time", "pick_id"], ignore_index=True)
        whole = self.measured
        there = whole["pick_id"].isin(self._picks["pick_id"])
        if not there.all():
            self.left.append(whole[~there])
        whole = whole[there]
        whole = whole.drop_duplicates(["pick_id", "component"], keep="last")
        self._measured = [whole.reset_index(drop=True)]
        self._given = {name: self._given[name] for name in self._picks["pick_id"]}
        self._events = {k: one for k, one in self._events.items() if one.time_ns >= first_ns}

    def _tables(self) -> tuple[pd.DataFrame, pd.DataFrame]:
        """EVENTS and ARRIVALS of the last versions."""
        if not self._events:
            return tables.empty(EVENTS), tables.empty(ARRIVALS)
        events = pd.DataFrame([one.event for one in self._events.values()])
        arrivals = pd.concat([one.arrivals for one in self._events.values()], ignore_index=True)
        return tables.typed(events, EVENTS), tables.typed(arrivals, ARRIVALS)


def _share(arrivals: pd.DataFrame, claimed: Mapping[str, str]) -> bool:
    """Whether one of the picks belongs to a final event."""
    return any(pick in claimed for pick in arrivals["pick_id"])


def _ns(row: Mapping[str, Any]) -> int:
    return int(pd.Timestamp(row["time"]).value)


def _nanoseconds(times: pd.Series) -> np.ndarray:
    return np.asarray(times.astype("datetime64[ns, UTC]").astype("int64"))
