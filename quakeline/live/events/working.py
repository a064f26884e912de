"""Events of a session at work: picks in, associations in a thread of their own, updates out."""

from __future__ import annotations

import time
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pandas as pd

from quakeline.core.reasons import Code, Reason
from quakeline.core.schemas import MEASUREMENTS, PICKS
from quakeline.core.timeline import SECOND
from quakeline.io.products import provenance, tables
from quakeline.live.events import files
from quakeline.live.events.publication import Publication
from quakeline.live.events.reviews import Reviews
from quakeline.live.events.window import Ask, Window
from quakeline.live.output import Output
from quakeline.live.pick_rows import data_ns_of, frame_of
from quakeline.live.remarks import Remarks
from quakeline.live.results import Picks

#: Associations take one part of the time in so many.
_SHARE = 4
_ALL_KNOWN_NS = 1 << 62

_Made = tuple[pd.DataFrame, pd.DataFrame]


class Working:
    """What a session does for events.

    Parameters
    ----------
    window, publication
        Where picks become events, and where updates go.
    remarks
        Is told of stations without a place, once, and of picks that came too late.
    reviews
        What makes the events of whole days anew; None: nothing does.
    """

    def __init__(
        self,
        window: Window,
        publication: Publication,
        remarks: Remarks,
        reviews: Reviews | None = None,
    ) -> None:
        self._window, self._publication, self._remarks = window, publication, remarks
        self._reviews = reviews
        self._pool = ThreadPoolExecutor(1, "events")
        self._running: tuple[Ask, Future[_Made], float] | None = None
        self._next_s = 0.0
        self._asked_ns: int | None = None
        self._late = 0
        self._placeless: set[tuple[str, str]] = set()
        self._folder: Path | None = None

    def begin(self, output: Output) -> dict[str, pd.DataFrame]:
        """Go on from what an earlier session left in its folder, if there was one.

        Gives those picks of the last days, by NET.STA.LOC.BI, around which nothing was measured.
        """
        window, publication = self._window, self._publication
        found = tables.empty(PICKS)
        if output.state is not None:
            state = output.state.get("events", {"said": {}, "final_ns": 0, "known": []})
            has = window.chain.has
            known = [row for row in output.found if has(row["network"], row["station"])]
            found = tables.typed(frame_of(known), PICKS) if known else found
            updates = publication.resume(state["said"], output.since)
            window.restore(updates, int(state["final_ns"]), found)
            window.know(tuple(codes) for codes in state["known"])
            if known:
                window.add(found, [data_ns_of(row) for row in known], time.perf_counter())
                self._late = window.late
            path = output.folder / files.MEASUREMENTS_TABLE
            if path.is_file():
                window.measure(tables.read(path, MEASUREMENTS))
        with provenance.recording(output.record):
            publication.begin(found, anew=output.state is None)
        output.attach("events", self)
        self._folder = output.folder
        measured = set(window.measured["pick_id"])
        if self._reviews is not None:
            anew = output.state is None
            state = (output.state or {}).get("events", {})
            last, failed = state.get("reviewed"), state.get("review_failed", "")
            self._reviews.begin("" if anew else last, output.record, anew=anew, failed=failed)
            measured |= self._reviews.measured(found)
        lost = found[~found["pick_id"].isin(measured)]
        codes = lost[["network", "station", "location", "instrument"]].agg(".".join, axis=1)
        return {str(label): rows for label, rows in lost.groupby(codes)} if len(lost) else {}

    def add(self, picks: Picks) -> None:
        """Take picks that were given just now."""
        frame = picks.frame
        stations = zip(frame["network"], frame["station"], strict=True)
        known = [self._window.chain.has(*codes) for codes in stations]
        lost = frame.loc[[not one for one in known], ["network", "station"]]
        for codes in set(lost.itertuples(index=False, name=None)) - self._placeless:
            self._placeless.add(codes)
            self._remarks.add(".".join(codes), Reason.of(Code.NO_PLACE_FOR_EVENTS))
        if any(known):
            mine = picks.only(known)
            self._window.add(
                tables.typed(mine.frame, PICKS), mine.data_ns.tolist(), time.perf_counter()
            )

    def measure(self, measurements: list[pd.DataFrame]) -> None:
        """Take what was measured (tables of MEASUREMENTS) around picks."""
        for one in measurements:
            self._window.measure(one)

    def work(self, known_ns: int) -> None:
        """Go on, where all picks before a time (ns) are known; waits only when far behind."""
        far_ns = round(self._window.rules.window_s / 2 * SECOND)
        asked = self._asked_ns
        if asked is None or known_ns < asked:
            asked = self._asked_ns = known_ns
        behind = known_ns > asked + far_ns
        self._finish_running(wait=behind)
        is_time = behind or time.monotonic() >= self._next_s
        is_due = self._window.is_new or self._window.becomes_final(known_ns)
        if self._running is None and is_time and is_due:
            self._begin(known_ns)
        if self._reviews is not None:
            idle = self._running is None and not self._window.is_new
            self._reviews.work(self._window.settled_ns(known_ns, idle=idle))

    def flush(self) -> None:
        """Associate what came, and wait for it."""
        self._finish_running(wait=True)
        if self._window.is_new:
            self._begin(self._asked_ns if self._asked_ns is not None else -_ALL_KNOWN_NS)
            self._finish_running(wait=True)

    def finish(self) -> None:
        """No more picks will come: all events are final, and are reviewed."""
        self._finish_running(wait=True)
        self._begin(_ALL_KNOWN_NS)
        self._finish_running(wait=True)
        if self._reviews is not None:
            self._write_measurements()
            self._reviews.whole()
            self._window.left.clear()
            self._window.is_measured = False

    def _begin(self, known_ns: int) -> None:
        ask = self._window.ask(known_ns)
        self._asked_ns = known_ns
        made = self._pool.submit(self._window.chain.made, ask.job)
        self._running = ask, made, time.monotonic()

    def _finish_running(self, *, wait: bool) -> None:
        if self._running is None or not (wait or self._running[1].done()):
            return
        ask, made, begun = self._running
        self._running = None
        updates = self._window.take(ask, *made.result())
        took = time.monotonic() - begun
        self._next_s = time.monotonic() + max(self._window.rules.step_s, (_SHARE - 1) * took)
        self._publication.add(updates, ask.job.picks)
        if self._window.late > self._late:
            late = Reason.of(Code.LATE_FOR_EVENTS, self._window.late - self._late)
            self._remarks.add("events", late)
            self._late = self._window.late

    def write(self) -> dict[str, Any]:
        """Put all on disk, and give what an earlier session leaves to the next."""
        self._write_measurements()
        if self._reviews is not None:
            self._reviews.start()
        state = {
            "said": self._publication.write(),
            "final_ns": self._window.final_ns,
            "known": self._window.known,
        }
        if self._reviews is not None:
            state |= {"reviewed": self._reviews.last, "review_failed": self._reviews.failed}
        return state

    def _write_measurements(self) -> None:
        """Write what was measured around the picks of the window, and what waits for a review."""
        window = self._window
        if self._folder is None or not window.is_measured:
            return
        some = [window.measured]
        if self._reviews is not None:
            self._reviews.pieces.add(window.left)
            some.insert(0, self._reviews.pieces.write())
        window.left.clear()
        rows = [one for one in some if len(one)]
        whole = pd.concat(rows, ignore_index=True) if rows else some[0]
        tables.write(whole, MEASUREMENTS, self._folder / files.MEASUREMENTS_TABLE)
        window.is_measured = False

    def close(self) -> None:
        """End the thread and the review, and give back the files."""
        self._pool.shutdown(wait=True, cancel_futures=True)
        if self._reviews is not None:
            self._reviews.close()
        self._publication.close()
