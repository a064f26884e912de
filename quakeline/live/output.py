"""What a session leaves in its folder, so that a reader never sees half of it.

`picks.jsonl` grows by a line for each pick as soon as it is made. `picks.parquet` (PICKS) is the
same as a table: it is replaced as a whole, now and then and at the end. `session.json` says from
where the session goes on after it was stopped, however it was: a pick that stands in `picks.jsonl`
is never written again. Who was told of it is told again if the state does not say that it was.

A session without an end has a folder for each day of its picks, such as `2026-11-30`, with a file
of lines and a table of its own, so that its memory does not grow.
"""

from __future__ import annotations

import json
import math
import time
from collections.abc import Callable, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any, Protocol

import pandas as pd
import pyarrow as pa

from quakeline.core.errors import ConfigError
from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND, iso
from quakeline.io.products import provenance, tables, targets
from quakeline.io.products.atomic import clear_leftovers, write_text
from quakeline.live.hurry import Announcements
from quakeline.live.journal import Journal, Place
from quakeline.live.latencies import Latencies
from quakeline.live.pick_rows import frame_of, rows_of
from quakeline.live.results import Picks
from quakeline.live.upgrades import continued, goes_on, version_of

TABLE, LINES, STATE, LATENCY = "picks.parquet", "picks.jsonl", "session.json", "latency.json"
#: Files that a session makes in its folder.
NAMES = (TABLE, LINES, STATE, LATENCY)
#: Replacing the table may take this share of the time.
_SHARE = 0.05
_LEAST_S = 1.0
#: So many pieces of a table are made one.
_PARTS = 64
#: Tables of so many days stay in memory.
_DAYS = 2
#: Files this much older than the state were written before it, in seconds.
_CLOCK_S = 5.0


class Part(Protocol):
    """What is kept beside the picks, in the same folder."""

    def write(self) -> dict[str, Any]:
        """Put all on disk, and give what the state is to hold of it."""


class _Day:
    """The picks of a day: their ids, and the table in pieces."""

    def __init__(self) -> None:
        self.known: set[str] = set()
        self.tables: list[pa.Table] = []
        self.is_new = False

    def keep(self, rows: pa.Table) -> None:
        """Add picks, as PICKS, to the table."""
        self.tables.append(rows)
        self.is_new = True
        if len(self.tables) > _PARTS:
            self.tables = [pa.concat_tables(self.tables).combine_chunks()]

    def table(self) -> pa.Table:
        """All picks so far, as PICKS, sorted by time."""
        if not self.tables:
            return PICKS.arrow.empty_table()
        order = [("time", "ascending"), ("pick_id", "ascending")]
        return pa.concat_tables(self.tables).sort_by(order)


class Output:
    """The folder of a session.

    `recipe` is what the picks follow from; a folder of another recipe whose session has not ended
    is refused. `say` takes each pick as a row, as it is in the file of lines; `settle` is called
    before the state says that picks were said, to put on disk what is to be told of them. With
    `hurry` rows that are said have an id, a version and a status more, and preliminary picks are
    said too; the files hold final picks alone. `names` are files that a session makes beside its
    own. `by_day` is for sessions without an end: these also go on after an upgrade of the program,
    which tables of later picks tell.

    Raises
    ------
    ConfigError
        The folder belongs to another session that did not end.
    """

    def __init__(
        self,
        folder: Path,
        command: str,
        recipe: provenance.Record,
        say: Callable[[dict[str, Any]], None] = lambda row: None,
        settle: Callable[[], None] = lambda: None,
        *,
        hurry: bool = False,
        names: tuple[str, ...] = (),
        by_day: bool = False,
    ) -> None:
        self.folder, self._command, self._recipe, self._say = folder, command, recipe, say
        self._settle, self._names = settle, (*NAMES, *names)
        self.place = Place(folder, by_day)
        self.latencies = Latencies()
        #: Versions of the program that worked on this session before.
        self.earlier: list[dict[str, Any]] = []
        #: Whether a session of other data or settings, which had ended, makes room.
        self.replaces = False
        self.state = self._read_state()
        self._announced = self._announcements() if hurry else None
        self._days: dict[str, _Day] = {}
        self._journal = Journal(self.place, LINES)
        self._parts: dict[str, Part] = {}
        self._untold: list[dict[str, Any]] = []
        #: The picks that were there at the beginning, as far as they are of the last days.
        self.found: list[dict[str, Any]] = []
        #: When the state was written, or a little before (s since 1970).
        self.since = 0.0
        if self.state is not None:
            self.since = (folder / STATE).stat().st_mtime - _CLOCK_S
            self._resume(_counts(self.state.get("said", 0)))
        self._wrote_s, self._last_s = 0.0, 0.0

    def _resume(self, told: dict[str, int]) -> None:
        for day in self._journal.recent(told, self.since):
            rows = self._read_lines(day)
            self.found += rows
            self._untold += rows[told.get(day, 0) :]

    def begin(self) -> None:
        """Make the folder and its files ready, and tell what an earlier session did not tell."""
        if self.state is None:
            targets.begin_growing(self.folder, self._command, self._names)
            for name in self._names:
                (self.folder / name).unlink(missing_ok=True)
        for day in ["", *self._days]:
            for name in self._names:
                clear_leftovers(self.place.of(day) / name)
        if not self.place.by_day:
            self._journal.open("")
        self._say_final(self._untold)

    def attach(self, name: str, part: Part) -> None:
        """Let a part be written whenever picks are; the state holds what it gives, by its name."""
        self._parts[name] = part

    def _read_state(self) -> dict[str, Any] | None:
        """What an earlier session of this folder left; None where this one is the first."""
        path = self.folder / STATE
        if not path.is_file():
            return None
        try:
            state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            same = state["recipe"] == self._recipe.product_id
            ended = bool(state["ended"])
            self.earlier = list(state.get("earlier", []))
            if not same and self.place.by_day:
                same = self._is_upgrade(state)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}; remove the folder") from error
        if same:
            return state
        if ended:
            self.replaces = True
            return None
        raise ConfigError(
            f"--output: {str(self.folder)!r} given, the folder of a session with other data or"
            " settings that has not ended; allowed: the same words again, or another folder"
        )

    def _announcements(self) -> Announcements:
        try:
            return Announcements((self.state or {}).get("announced", []))
        except (KeyError, TypeError, ValueError) as error:
            path = self.folder / STATE
            raise ConfigError(f"{path} cannot be read: {error}; remove the folder") from error

    def _is_upgrade(self, state: dict[str, Any]) -> bool:
        """Whether an earlier version of the program left the state; notes which one it was."""
        before = state.get("made_by", {})
        if not goes_on(before, self._recipe):
            return False
        until = iso(int((self.folder / STATE).stat().st_mtime) * SECOND, 0)
        self.earlier.append(version_of(before, until))
        return True

    @property
    def record(self) -> provenance.Record:
        """What the session follows from, and which versions of the program made it."""
        return continued(self._recipe, self.earlier)

    @property
    def ended(self) -> bool:
        """Whether an earlier session came to the end of its data."""
        return bool(self.state and self.state["ended"])

    def _read_lines(self, name: str) -> list[dict[str, Any]]:
        """Read the picks of a day that are there."""
        day = self._days.setdefault(name, _Day())
        try:
            rows = self._journal.read(name)
            for row in rows:
                self._note(day, row)
            if rows:
                day.keep(tables.conform(frame_of(rows), PICKS))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{self._journal.path(name)} holds what is no pick: {error}; remove such lines, or"
                " the folder"
            ) from error
        return rows

    def _note(self, day: _Day, row: dict[str, Any]) -> None:
        day.known.add(row["pick_id"])
        self.latencies.add(
            f"{row['network']}.{row['station']}",
            float(row.get("data_latency_s", math.nan)),
            float(row["computing_latency_s"]),
        )

    def add(self, picks: Picks) -> Picks | None:
        """Write picks down, and say them, that were not given before; gives these."""
        table = tables.conform(picks.frame, PICKS)
        rows = rows_of(picks, table)
        days = [self.place.day(row["time_ns"]) for row in rows]
        for name in dict.fromkeys(days):
            if name not in self._days:
                self._read_lines(name)
        known = zip(rows, days, strict=True)
        new = [row["pick_id"] not in self._days[name].known for row, name in known]
        if not any(new):
            return None
        fresh, table = picks.only(new), table.filter(pa.array(new))
        both = [(name, row) for row, name, is_new in zip(rows, days, new, strict=True) if is_new]
        for name, some in groupby(enumerate(both), lambda one: one[1][0]):
            self._keep(name, table, list(some))
        self._say_final([row for _, row in both])
        return fresh

    def _say_final(self, rows: list[dict[str, Any]]) -> None:
        for row in self._announced.final(rows) if self._announced else rows:
            self._say(row)

    def _keep(self, name: str, table: pa.Table, some: list[Any]) -> None:
        """Write rows of one day, and add them to its table."""
        day, rows = self._days[name], [row for _, (_, row) in some]
        for row in rows:
            self._note(day, row)
        day.keep(table.take([number for number, _ in some]))
        self._journal.append(name, rows)

    def announce(self, picks: Picks) -> None:
        """Say what is new of preliminary picks; nothing is written down."""
        if self._announced:
            rows = rows_of(picks) if len(picks.frame) else []
            for row in self._announced.preliminary(picks.label, rows, picks.until_ns):
                self._say(row)

    def withdraw(self) -> None:
        """Say of preliminary picks that are left that they will not be final."""
        for row in self._announced.withdraw_all() if self._announced else []:
            self._say(row)

    @property
    def is_time(self) -> bool:
        """Whether the table and the state are old enough to be replaced."""
        wait_s = max(_LEAST_S, self._wrote_s / _SHARE)
        return time.perf_counter() - self._last_s >= wait_s

    def write(self, feed: Mapping[str, Any], done: Mapping[str, int], more: Mapping[str, Any],
              *, ended: bool = False, now: bool = False) -> None:  # fmt: skip
        """Replace tables and state, if it is time or has to be `now`.

        `feed` is the state of a feed after which the packets came that picks from the samples
        `done` (by instrument) on depend on; `more` is kept beside it.
        """
        if not now and not self.is_time:
            return
        begin = time.perf_counter()
        self._journal.sync()
        self._settle()
        with provenance.recording(self.record):
            self._write_tables()
            parts = {name: part.write() for name, part in self._parts.items()}
        state = {
            "recipe": self._recipe.product_id,
            "made_by": self._recipe.as_json(),
            "earlier": self.earlier,
            "ended": ended,
            "feed": feed,
            "done": dict(done),
            "said": dict(self._journal.counts),
            **({"announced": self._announced.kept()} if self._announced else {}),
            **more,
            **parts,
        }
        write_text(self.folder / STATE, json.dumps(state) + "\n", durable=True)
        self._forget()
        if ended:
            targets.end_growing(self.folder, self._command, self._names)
        self._last_s = time.perf_counter()
        self._wrote_s = self._last_s - begin

    def _write_tables(self) -> None:
        if not self.place.by_day:
            self._days.setdefault("", _Day())
        is_new = False
        for name, day in self._days.items():
            path = self.place.of(name) / TABLE
            if day.is_new or not path.exists():
                tables.write_arrow(day.table(), path)
                day.is_new, is_new = False, True
        if is_new:
            text = json.dumps(self.latencies.plain(), indent=1)
            write_text(self.folder / LATENCY, text + "\n")

    def _forget(self) -> None:
        """Leave days that are over; picks that still come for one read it again."""
        for name in sorted(self._days)[:-_DAYS]:
            del self._days[name]
            self._journal.forget(name)

    def table(self) -> pd.DataFrame:
        """The picks of the last days, as PICKS."""
        some = [day.table() for _, day in sorted(self._days.items())]
        frame: pd.DataFrame = pa.concat_tables([PICKS.arrow.empty_table(), *some]).to_pandas()
        return frame

    def close(self) -> None:
        """Give back the open files."""
        self._journal.close()


def _counts(said: Any) -> dict[str, int]:
    return {str(day): int(n) for day, n in said.items()} if isinstance(said, dict) else {"": said}
