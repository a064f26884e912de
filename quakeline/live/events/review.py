"""The review of a day: the chain of archives on all of its picks together.

An event over midnight belongs to the day of its origin, and comes once: a review takes picks beyond
the end of its day, as far as events of the day may have some, and leaves those before its beginning
to the events that the review of the day before gave them.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, MEASUREMENTS, PICKS
from quakeline.core.timeline import SECOND, iso
from quakeline.events.chain.material import Material
from quakeline.events.chain.sections import Sections
from quakeline.events.chain.whole import made as chain
from quakeline.io.products import provenance, tables
from quakeline.live.events import files
from quakeline.live.events.chain import quiet
from quakeline.live.events.measured import Pieces, days_of, joined, newest_of, rows_of
from quakeline.live.journal import Place
from quakeline.live.output import LINES
from quakeline.live.pick_rows import frame_of

#: Origins that move over midnight between two reviews move by less than this.
_BEFORE_NS = 30 * SECOND


@dataclass(frozen=True)
class Task:
    """What a review takes: stations and velocities (`material` without picks), sections, and files.

    `days` are the day and its neighbours that have files, `span` is the day, [begin, end) in ns,
    `after_ns` what is taken of the next day. Of `earlier` events (EVENTS, ARRIVALS) ids are kept;
    `claimed` picks belong to events of an earlier review. `record` says what made the session.
    """

    material: Material
    sections: Sections
    place: Place
    day: str
    days: tuple[str, ...]
    span: tuple[int, int]
    after_ns: int
    earlier: tuple[pd.DataFrame, pd.DataFrame]
    claimed: frozenset[str]
    record: provenance.Record
    threads: int = 1


@dataclass(frozen=True)
class Reviewed:
    """EVENTS of a day, their ARRIVALS and PICKS.

    `ids` are those of all events that were made, beyond the day too; `spent` are pieces of
    measurements that no later review needs. `unread` are earlier days whose table of measurements
    cannot be read, and why.
    """

    events: pd.DataFrame
    arrivals: pd.DataFrame
    picks: pd.DataFrame
    ids: frozenset[str]
    spent: frozenset[str]
    unread: Mapping[str, str]


def made(task: Task) -> Reviewed:
    """Make the events of a day, and write what was measured around its picks to one table.

    Raises DataError or OutputError where the files of the session cannot be read or written.
    """
    picks = picks_of(task)
    measurements, spent, unread = _measurements(task, picks)
    events, arrivals = tables.empty(EVENTS), tables.empty(ARRIVALS)
    if len(picks):
        with quiet():
            catalog = chain(
                replace(task.material, picks=picks, measurements=measurements),
                task.sections,
                task.threads,
                earlier=[task.earlier],
            ).catalog
        events, arrivals = catalog.events, catalog.arrivals
    own = events[_ns(events["time"]) < task.span[1]]
    arrivals = arrivals[arrivals["event_id"].isin(own["event_id"])]
    used = picks[picks["pick_id"].isin(arrivals["pick_id"])]
    return Reviewed(own, arrivals, used, frozenset(events["event_id"]), spent, unread)


def picks_of(task: Task) -> pd.DataFrame:
    """PICKS that a review takes, in the order of time, of stations whose places are known."""
    begin, end = task.span[0] - _BEFORE_NS, task.span[1] + task.after_ns
    stations = task.material.stations
    places = set(zip(stations["network"], stations["station"], strict=True))

    def is_taken(row: Mapping[str, Any]) -> bool:
        return (
            begin <= row["time_ns"] < end
            and (row["network"], row["station"]) in places
            and row["pick_id"] not in task.claimed
        )

    rows = [row for day in task.days for row in _lines(task.place, day) if is_taken(row)]
    if not rows:
        return tables.empty(PICKS)
    picks = frame_of(rows).drop_duplicates("pick_id")
    return tables.typed(picks.sort_values(["time", "pick_id"], ignore_index=True), PICKS)


def _lines(place: Place, day: str) -> list[dict[str, Any]]:
    """The picks of a day; half a line at the end is left out."""
    path = place.of(day) / LINES
    content = path.read_bytes() if path.is_file() else b""
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def _measurements(
    task: Task, picks: pd.DataFrame
) -> tuple[pd.DataFrame, frozenset[str], dict[str, str]]:
    """MEASUREMENTS around picks, and the pieces of which all rows are in tables of days now.

    And of earlier days whose table cannot be read, why; pieces with rows of these stay.
    """
    root, pieces = task.place.folder, Pieces(task.place.folder)
    there = rows_of(root / files.MEASUREMENTS_TABLE)  # first: rows go from here to pieces meanwhile
    known = [task.place.of(day) / files.MEASUREMENTS_TABLE for day in task.days if day]
    parts = pieces.paths()
    whole = joined([*map(rows_of, (*known, *parts)), there])
    own = whole[days_of(whole) == task.day] if task.day else whole
    last = iso(task.span[1] - _BEFORE_NS, 0)
    spent: list[str] = []
    unread: dict[str, str] = {}
    with provenance.recording(task.record):
        path = task.place.of(task.day) / files.MEASUREMENTS_TABLE
        tables.write(own, MEASUREMENTS, path)
        for one in (one for one in parts if newest_of(one) < last):
            lacking = _added(task, rows_of(one)) if task.day else {}
            unread |= lacking
            spent += [] if lacking else [one.name]
    return whole[whole["pick_id"].isin(picks["pick_id"])], frozenset(spent), unread


def _added(task: Task, rows: pd.DataFrame) -> dict[str, str]:
    """Add rows of older days than that of a review, which the tables of these days do not have.

    There are some where the review of their day failed, or their picks came after it. Gives the
    days whose table cannot be read, and why.
    """
    unread = {}
    for day, some in rows.groupby(days_of(rows)):
        path = task.place.of(str(day)) / files.MEASUREMENTS_TABLE
        if day < task.day:
            try:
                before = rows_of(path)
            except DataError as error:
                unread[str(day)] = str(error)
                continue
            new = some[~some["pick_id"].isin(before["pick_id"])]
            if len(new):
                tables.write(joined([before, new]), MEASUREMENTS, path)
    return unread


def _ns(times: pd.Series) -> np.ndarray:
    return np.asarray(times.astype("datetime64[ns, UTC]").astype("int64"))
