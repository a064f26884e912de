"""What a session leaves in its folder, so that a reader never sees half of it.

`picks.jsonl` grows by a line for each pick as soon as it is made. `picks.parquet` (PICKS) is the
same as a table: it is replaced as a whole, now and then and at the end. `session.json` says from
where the session goes on after it was stopped, however it was: a pick that stands in `picks.jsonl`
is never written again. Who was told of it is told again if the state does not say that it was.
"""

from __future__ import annotations

import json
import os
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pandas as pd
import pyarrow as pa

from quakeline.core.errors import ConfigError
from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND, iso
from quakeline.io.products import provenance, tables, targets
from quakeline.io.products.atomic import clear_leftovers, write_text, writing
from quakeline.live.hurry import Announcements
from quakeline.live.session import Picks

TABLE, LINES, STATE, LATENCY = "picks.parquet", "picks.jsonl", "session.json", "latency.json"
#: Files that a session makes in its folder.
NAMES = (TABLE, LINES, STATE, LATENCY)
#: Replacing the table may take this share of the time.
_SHARE = 0.05
_LEAST_S = 1.0
#: So many pieces of the table are made one.
_PARTS = 64
#: Latencies are those of so many last picks of a station.
_LATEST = 10_000
#: What arrives so much later, in seconds, was recorded long ago: how late it is is not said.
_OLD_S = 86_400.0


@dataclass
class Latencies:
    """Latencies of picks by station, in seconds, and what they are made of."""

    waited: dict[str, deque[float]] = field(default_factory=dict)
    computing: dict[str, deque[float]] = field(default_factory=dict)

    def add(self, station: str, waited_s: float, computing_s: float) -> None:
        """Note a pick."""
        for kept, value in ((self.waited, waited_s), (self.computing, computing_s)):
            if value == value:  # NaN is not known
                kept.setdefault(station, deque(maxlen=_LATEST)).append(value)

    def plain(self) -> dict[str, Any]:
        """Median and 99 % of both, for each station and for all; null where nothing is known."""
        every: dict[str, Sequence[float]] = {"all": _all(self.waited), **self.waited}
        computing: dict[str, Sequence[float]] = {"all": _all(self.computing), **self.computing}
        return {
            name: {
                "picks": len(values),
                "data_s": _spread(every[name]) if every.get(name) else None,
                "computing_s": _spread(values),
            }
            for name, values in sorted(computing.items())
            if values
        }


def _all(kept: Mapping[str, Sequence[float]]) -> list[float]:
    return [value for some in kept.values() for value in some]


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 4),
        "p99": round(float(np.percentile(values, 99)), 4),
        "largest": round(float(np.max(values)), 4),
    }


class Output:
    """The folder of a session.

    `recipe` is what the picks follow from; a folder of another recipe whose session has not ended
    is refused. `say` takes each pick as a row, as it is in the file of lines; `settle` is called
    before the state says that picks were said, to put on disk what is to be told of them. With
    `hurry` rows that are said have an id, a version and a status more, and preliminary picks are
    said too; the files hold final picks alone.

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
    ) -> None:
        self.folder, self._command, self._recipe, self._say = folder, command, recipe, say
        self._settle = settle
        self._announced = Announcements() if hurry else None
        self.latencies = Latencies()
        self.state = self._read_state()
        self._tables: list[pa.Table] = []
        self._count = 0
        self._known: set[str] = set()
        self._untold: list[dict[str, Any]] = []
        if self.state is not None:
            self._untold = self._read_lines()[int(self.state.get("said", 0)) :]
        self._lines: BinaryIO | None = None
        self._written, self._wrote_s, self._last_s = -1, 0.0, 0.0

    def begin(self) -> None:
        """Make the folder and its files ready, and tell what an earlier session did not tell."""
        if self.state is None:
            targets.begin_growing(self.folder, self._command, NAMES)
            for name in NAMES:
                (self.folder / name).unlink(missing_ok=True)
        for name in NAMES:
            clear_leftovers(self.folder / name)
        with writing(self.folder):
            self._lines = (self.folder / LINES).open("ab")
        self._say_final(self._untold)

    @property
    def _file(self) -> BinaryIO:
        """The open file of lines."""
        if self._lines is None:
            self.begin()
        assert self._lines is not None
        return self._lines

    def _read_state(self) -> dict[str, Any] | None:
        """What an earlier session of this folder left; None where this one is the first."""
        path = self.folder / STATE
        if not path.is_file():
            return None
        try:
            state: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            same = state["recipe"] == self._recipe.product_id
            ended = bool(state["ended"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ConfigError(f"{path} cannot be read: {error}; remove the folder") from error
        if same:
            return state
        if ended:
            return None
        raise ConfigError(
            f"--output: {str(self.folder)!r} given, the folder of a session with other data or"
            " settings that has not ended; allowed: the same words again, or another folder"
        )

    @property
    def ended(self) -> bool:
        """Whether an earlier session came to the end of its data."""
        return bool(self.state and self.state["ended"])

    def _read_lines(self) -> list[dict[str, Any]]:
        """Read the picks that are there; half a line at the end is taken off."""
        path = self.folder / LINES
        content = path.read_bytes() if path.is_file() else b""
        whole = content[: content.rfind(b"\n") + 1]
        if len(whole) < len(content):
            with path.open("r+b") as file:
                file.truncate(len(whole))
        try:
            rows = [json.loads(line) for line in whole.split(b"\n")[:-1]]
            for row in rows:
                self._note(row)
            if rows:
                self._keep(_frame(rows))
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{path} holds what is no pick: {error}; remove such lines, or the folder"
            ) from error
        return rows

    def _note(self, row: dict[str, Any]) -> None:
        self._known.add(row["pick_id"])
        self.latencies.add(
            f"{row['network']}.{row['station']}",
            float(row.get("data_latency_s", np.nan)),
            float(row["computing_latency_s"]),
        )

    def _keep(self, frame: pd.DataFrame) -> None:
        """Add picks to the table."""
        self._tables.append(tables.conform(frame, PICKS))
        self._count += len(frame)
        if len(self._tables) > _PARTS:
            self._tables = [pa.concat_tables(self._tables).combine_chunks()]

    def add(self, picks: Picks) -> None:
        """Write picks down, and say them, that were not given before."""
        rows = _rows(picks)
        new = [row["pick_id"] not in self._known for row in rows]
        if not any(new):
            return
        fresh = [row for row, is_new in zip(rows, new, strict=True) if is_new]
        for row in fresh:
            self._note(row)
        self._keep(picks.frame[new])
        with writing(self.folder / LINES):
            self._file.write("".join(f"{line_of(row)}\n" for row in fresh).encode())
            self._file.flush()
        self._say_final(fresh)

    def _say_final(self, rows: list[dict[str, Any]]) -> None:
        for row in self._announced.final(rows) if self._announced else rows:
            self._say(row)

    def announce(self, picks: Picks) -> None:
        """Say what is new of preliminary picks; nothing is written down."""
        if self._announced:
            for row in self._announced.preliminary(picks.label, _rows(picks)):
                self._say(row)

    @property
    def is_time(self) -> bool:
        """Whether the table and the state are old enough to be replaced."""
        wait_s = max(_LEAST_S, self._wrote_s / _SHARE)
        return time.perf_counter() - self._last_s >= wait_s

    def write(self, feed: Mapping[str, Any], done: Mapping[str, int], more: Mapping[str, Any],
              *, ended: bool = False, now: bool = False) -> None:  # fmt: skip
        """Replace table and state, if it is time or has to be `now`.

        `feed` is the state of a feed after which the packets came that picks from the samples
        `done` (by instrument) on depend on; `more` is kept beside it.
        """
        if not now and not self.is_time:
            return
        begin = time.perf_counter()
        with writing(self.folder / LINES):
            os.fsync(self._file.fileno())
        self._settle()
        if self._count != self._written:
            with provenance.recording(self._recipe):
                tables.write(self.table(), PICKS, self.folder / TABLE)
            self._written = self._count
            write_text(self.folder / LATENCY, json.dumps(self.latencies.plain(), indent=1) + "\n")
        state = {
            "recipe": self._recipe.product_id,
            "ended": ended,
            "feed": feed,
            "done": dict(done),
            "said": self._count,
            **more,
        }
        write_text(self.folder / STATE, json.dumps(state) + "\n", durable=True)
        if ended:
            targets.end_growing(self.folder, self._command, NAMES)
        self._last_s = time.perf_counter()
        self._wrote_s = self._last_s - begin

    def table(self) -> pd.DataFrame:
        """All picks so far, as PICKS, sorted by time."""
        if not self._tables:
            return tables.empty(PICKS)
        order = [("time", "ascending"), ("pick_id", "ascending")]
        frame: pd.DataFrame = pa.concat_tables(self._tables).sort_by(order).to_pandas()
        return frame

    def close(self) -> None:
        """Give back the open file.

        What could not be written raised an error when it was added, and is computed again.
        """
        if self._lines is not None:
            with suppress(OSError):
                self._lines.close()


def _frame(rows: list[dict[str, Any]]) -> pd.DataFrame:
    """Rows of the file of lines as PICKS."""
    frame = pd.DataFrame(rows)
    frame["time"] = pd.to_datetime(frame.pop("time_ns").astype("int64"), unit="ns", utc=True)
    return frame[[name for name in PICKS.names if name in frame]]


def line_of(row: Mapping[str, Any]) -> str:
    """A pick as a line of JSON."""
    return json.dumps(row, ensure_ascii=False)


def _rows(picks: Picks) -> list[dict[str, Any]]:
    """Picks as JSON-like rows: times as text and as ns, nothing for what is null."""
    frame = tables.conform(picks.frame, PICKS).to_pandas()
    rows = []
    times = frame["time"].astype("datetime64[ns, UTC]").astype("int64").tolist()
    records = frame.drop(columns="time").to_dict("records")
    latencies = picks.data_ns.tolist(), picks.computing_s.tolist()
    for time_ns, row, data_ns, computing_s in zip(times, records, *latencies, strict=True):
        plain = {
            name: _plain(value)
            for name, value in row.items()
            if value is not None and value == value  # NaN is not
        }
        plain |= {
            "time": iso(time_ns, 6),
            "time_ns": time_ns,
            "computing_latency_s": round(computing_s, 6),
        }
        if (late_s := (data_ns - time_ns) / SECOND) < _OLD_S:
            plain["data_latency_s"] = round(late_s, 6)
        rows.append(plain)
    return rows


def _plain(value: Any) -> Any:
    return value.item() if isinstance(value, np.generic) else value
