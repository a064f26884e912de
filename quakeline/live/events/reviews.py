"""When days are reviewed, and what of it is told: new versions of events, and withdrawals."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Iterator, Mapping

import pandas as pd

from quakeline.core.errors import QuakelineError
from quakeline.core.reasons import Code, Reason
from quakeline.core.schemas import ARRIVALS, EVENTS
from quakeline.core.timeline import SECOND
from quakeline.events.chain.material import Material
from quakeline.events.chain.sections import Sections
from quakeline.io.products import provenance, tables
from quakeline.live.background import Background
from quakeline.live.events.files import MEASUREMENTS_TABLE
from quakeline.live.events.measured import Pieces, ids_of
from quakeline.live.events.publication import Publication
from quakeline.live.events.review import Reviewed, Task, made
from quakeline.live.events.updates import REVIEWED, WITHDRAWN, Update, content
from quakeline.live.events.window import Window
from quakeline.live.journal import Place
from quakeline.live.pick_rows import OLD_S
from quakeline.live.remarks import Remarks

#: Versions are told for so long before the session looks at packets again, in seconds.
_SLICE_S = 0.1


class Reviews:
    """Reviews days that are over, one after the other, each once; once more where that failed.

    `material` has stations and velocities; `threads` are the cores of a review. `pieces` keep the
    measurements that it takes.
    """

    def __init__(
        self,
        place: Place,
        material: Material,
        sections: Sections,
        window: Window,
        publication: Publication,
        remarks: Remarks,
        threads: int = 1,
    ) -> None:
        self._place, self._material, self._sections = place, material, sections
        self._window, self._publication, self._remarks = window, publication, remarks
        self._threads = threads
        self.pieces = Pieces(place.folder)
        self.record = provenance.Record("live", 1, {})
        #: The last day that was reviewed; empty: none was.
        self.last = ""
        #: The day after it whose review failed, and is to be tried once more; empty: there is none.
        self.failed = ""
        self._looked_day = ""
        self._next = ""
        self._task: Task | None = None
        self._working: Background[Reviewed] | None = None
        self._made: Reviewed | None = None
        self._begun_s = 0.0
        self._waiting: deque[Update] = deque()
        self._told: list[Update] = []

    def begin(
        self, last: str | None, record: provenance.Record, *, anew: bool, failed: str = ""
    ) -> None:
        """Go on after the last day that was reviewed; None: nobody knows, older days are left.

        `anew`: there was no earlier session; `failed`: the day whose review failed in it.
        """
        self.record, self.failed = record, failed
        self.pieces.begin(anew=anew)
        days = self._place.days()[:-2]
        self.last = last if last is not None else (days[-1] if days else "")

    def measured(self, picks: pd.DataFrame) -> set[str]:
        """The ids of picks around which something was measured that is on disk."""
        days = {self._place.day(int(one.value)) for one in picks["time"]} - {""}
        paths = [self._place.of(day) / MEASUREMENTS_TABLE for day in days]
        parts = [*self.pieces.paths(), *(one for one in paths if one.is_file())]
        return {name for one in parts for name in ids_of(one)}

    # --- days, beside the session

    def work(self, settled_ns: int) -> None:
        """Go on, where events before a time (ns) change no more; takes a fraction of a second."""
        if self._waiting or self._made is not None:
            self._tell(time.monotonic() + _SLICE_S)
        elif self._working is not None:
            if self._working.done:
                self._take()
        elif not self._next:
            self._next = self._due(settled_ns)

    def _due(self, settled_ns: int) -> str:
        """The next day to be reviewed; empty: there is none.

        After a review that failed there is none until another day is over.
        """
        day = self._place.day(settled_ns) if settled_ns > 0 else ""
        if day <= self._looked_day:
            return ""
        self._looked_day = day
        return next((one for one in self._place.days() if self.last < one < day), "")

    def start(self) -> None:
        """Begin with the next day; all that it takes is on disk now."""
        if self._next and self._task is None:
            self._task = self._asked(self._next)
            self._begun_s = time.monotonic()
            self._working = Background(made, self._task)

    def _take(self) -> None:
        assert self._working is not None
        assert self._task is not None
        working, self._working = self._working, None
        try:
            found = working.result()
        except QuakelineError as error:
            self._fail(self._task.day, str(error))
            return
        self._set(found)

    def _fail(self, day: str, error: str) -> None:
        """Say that a review failed; the first time its day stays the next one to be reviewed."""
        if day == self.failed:
            self._remarks.add(day, Reason.of(Code.REVIEW_FAILED_AGAIN, error=error))
            self._end()
        else:
            self._remarks.add(day, Reason.of(Code.REVIEW_FAILED, error=error))
            self.failed = day
            self._forget()

    # --- a replay

    def whole(self) -> None:
        """Review all that was picked, and tell it; all that it takes is on disk."""
        self._task, self._begun_s = self._asked(""), time.monotonic()
        self._set(made(self._task))
        self._tell(float("inf"))

    # --- one review

    def _asked(self, day: str) -> Task:
        place = self._place
        begin, end = place.span(day)
        near = [day]
        if place.by_day:
            near = [place.day(begin - 1), day, place.day(end)]
        known = self._publication.known(near)
        before = [one for one in known.values() if one.time_ns < begin and one.status == REVIEWED]
        after_s = self._window.rules.settle_s + self._window.chain.longest_s
        return Task(
            self._material,
            self._sections,
            place,
            day,
            tuple(near),
            (begin, end),
            round(after_s * SECOND),
            _tables(known),
            frozenset(pick for one in before for pick in one.arrivals["pick_id"]),
            self.record,
            self._threads,
        )

    def _set(self, found: Reviewed) -> None:
        """Note what is to be told of a review."""
        assert self._task is not None
        for day, error in found.unread.items():
            self._remarks.add(day, Reason.of(Code.MEASUREMENTS_UNREADABLE, error=error))
        known = self._publication.known(self._task.days)
        self._made = found
        took_s = time.monotonic() - self._begun_s
        self._told = [*_changed(found, known, self._task, took_s), *self._gone(found, known)]
        self._told.sort(key=lambda one: (one.time_ns, one.event_id))
        self._waiting.extend(self._told)

    def _gone(self, found: Reviewed, known: Mapping[str, Update]) -> Iterator[Update]:
        """Events of the day that its picks together do not make."""
        assert self._task is not None
        for one in known.values():
            if self._place.day(one.time_ns) != self._task.day or one.event_id in found.ids:
                continue
            if one.status != WITHDRAWN:
                yield Update(one.version + 1, WITHDRAWN, one.event, one.arrivals, one.data_ns, 0.0)

    def _tell(self, until_s: float) -> None:
        """Tell versions up to a moment (monotonic), at least one; then the review is over."""
        assert self._made is not None
        picks = self._made.picks
        while self._waiting:
            one = self._waiting[0]
            self._publication.add([one], picks[picks["pick_id"].isin(one.arrivals["pick_id"])])
            self._waiting.popleft()
            if time.monotonic() >= until_s:
                return
        self._window.settle(self._told, picks)
        self.pieces.remove(self._made.spent)
        self._end()

    def _end(self) -> None:
        """Go on after the day of the review."""
        assert self._task is not None
        self.last, self.failed = self._task.day, ""
        self._looked_day = ""  # there may be more days that are over
        self._forget()

    def _forget(self) -> None:
        self._next, self._task, self._made, self._told = "", None, None, []

    def close(self) -> None:
        """Leave a review that is not done: the next session makes it."""
        if self._working is not None:
            self._working.stop()
            self._working = None


def _changed(
    found: Reviewed, known: Mapping[str, Update], task: Task, took_s: float
) -> Iterator[Update]:
    """Versions of the events of a review; `took_s` says how long it took."""
    members = dict(tuple(found.arrivals.groupby("event_id", sort=False)))
    for record in found.events.to_dict("records"):
        row = {str(name): value for name, value in record.items()}
        before = known.get(row["event_id"])
        own = members[row["event_id"]].reset_index(drop=True)
        number = before.version + 1 if before else 1
        late_ns = pd.Timestamp(row["time"]).value + round(OLD_S * SECOND)
        data_ns = before.data_ns if before else int(late_ns)
        new = Update(number, REVIEWED, row, own, data_ns, took_s)
        if before is not None and before.status == REVIEWED:
            is_older = before.time_ns < task.span[0]  # of the review of the day before
            if is_older or content(before) == content(new):
                continue
        yield new


def _tables(known: Mapping[str, Update]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """EVENTS and ARRIVALS of updates."""
    if not known:
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    events = pd.DataFrame([one.event for one in known.values()])
    arrivals = pd.concat([one.arrivals for one in known.values()], ignore_index=True)
    return tables.typed(events, EVENTS), tables.typed(arrivals, ARRIVALS)
