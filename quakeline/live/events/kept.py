"""The last versions of the events of a day, in little memory, as the tables that are written."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from quakeline.core.schemas import ARRIVALS, EVENTS, Table
from quakeline.io.products import tables
from quakeline.live.events.updates import WITHDRAWN, Update


@dataclass(frozen=True)
class Head:
    """Of an update what tables of events do not hold; see `Update`."""

    version: int
    status: str
    time_ns: int
    data_ns: int
    computing_s: float


class Day:
    """Events of a day by id; `is_new` says that tables on disk are older."""

    def __init__(self, updates: Iterable[Update] = ()) -> None:
        self.heads: dict[str, Head] = {}
        self._events, self._arrivals = EVENTS.arrow.empty_table(), ARRIVALS.arrow.empty_table()
        self._new: dict[str, Update] = {}
        self._old: set[str] = set()
        self.is_new = True
        for one in updates:
            self.put(one)

    def put(self, one: Update) -> None:
        """Take a version; it replaces the one before."""
        head = Head(one.version, one.status, one.time_ns, one.data_ns, one.computing_s)
        self.heads[one.event_id] = head
        self._new[one.event_id] = one
        self.is_new = True

    def drop(self, event_id: str) -> None:
        """Forget an event, if it is there."""
        if self.heads.pop(event_id, None) is not None:
            self._new.pop(event_id, None)
            self._old.add(event_id)
            self.is_new = True

    def updates(self) -> dict[str, Update]:
        """All versions, those that were withdrawn too."""
        self._join()
        rows = self._events.to_pandas().to_dict("records")
        members = dict(tuple(self._arrivals.to_pandas().groupby("event_id", sort=False)))
        none = tables.empty(ARRIVALS)
        found = {}
        for record in rows:
            row = {str(name): value for name, value in record.items()}
            name = row["event_id"]
            head = self.heads[name]
            own = members.get(name, none).reset_index(drop=True)
            found[name] = Update(
                head.version, head.status, row, own, head.data_ns, head.computing_s
            )
        return found

    def tables(self) -> tuple[pa.Table, pa.Table]:
        """EVENTS and ARRIVALS of what is not withdrawn, in the order of time."""
        self._join()
        gone = [name for name, head in self.heads.items() if head.status == WITHDRAWN]
        events = _without(self._events, gone)
        events = events.sort_by([("time", "ascending"), ("event_id", "ascending")])
        arrivals = _without(self._arrivals, gone)
        place = pc.index_in(arrivals["event_id"], value_set=events["event_id"].combine_chunks())
        keys = pa.table({"place": place, "row": pa.array(range(len(arrivals)))})
        order = pc.sort_indices(keys, [("place", "ascending"), ("row", "ascending")])
        return events, arrivals.take(order)

    def _join(self) -> None:
        """Put what is new into the tables."""
        if not self._new and not self._old:
            return
        old, some = [*self._old, *self._new], list(self._new.values())
        self._old, self._new = set(), {}
        new = [pd.DataFrame([one.event for one in some])] if some else []
        self._events = _joined(EVENTS, _without(self._events, old), new)
        rows = [one.arrivals for one in some if len(one.arrivals)]
        self._arrivals = _joined(ARRIVALS, _without(self._arrivals, old), rows)


def _without(table: pa.Table, ids: list[str]) -> pa.Table:
    """The rows of other events."""
    return table.filter(
        pc.invert(pc.is_in(table["event_id"], value_set=pa.array(ids, pa.string())))
    )


def _joined(schema: Table, table: pa.Table, frames: list[pd.DataFrame]) -> pa.Table:
    more = [tables.conform(pd.concat(frames, ignore_index=True), schema)] if frames else []
    return pa.concat_tables([table, *more]).combine_chunks()
