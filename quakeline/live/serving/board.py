"""What a page shows of a session: stations, health, the last picks and events; threads share it."""

from __future__ import annotations

import queue
import time
from collections import Counter, OrderedDict, deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from threading import Lock
from typing import Any

from quakeline.core.timeline import SECOND
from quakeline.live.lines import line_of
from quakeline.live.serving.traces import BANDS, Traces
from quakeline.live.session import Session

#: The page shows so many last picks and events, and traces of so many instruments.
MOST_PICKS, MOST_EVENTS, MOST_TRACES = 100, 200, 12
#: The page is told of health and traces this often, in seconds.
_EACH_S = 1.0
#: Messages that wait for one reader; one that is slower begins anew.
_MOST_WAITING = 256
#: Columns of picks that are shown.
_SHOWN = (
    "phase",
    "time",
    "probability",
    "time_sigma_s",
    "status",
    "data_latency_s",
    "computing_latency_s",
)
#: What lines of events have beside single values.
_TABLES = ("arrivals", "event")
#: Readers at once.
MOST_READERS = 32


@dataclass(frozen=True)
class Figures:
    """Counts and latencies at one moment, as metrics have them."""

    counts: dict[str, int] = field(default_factory=dict)
    picks: dict[str, int] = field(default_factory=dict)
    events: int = 0
    behind_s: float = 0.0
    most_behind_s: float = 0.0
    health: list[dict[str, Any]] = field(default_factory=list)


class Board:
    """Keeps what is shown, and hands changes to readers; who writes never waits for them.

    `facts` are told to each reader first: the name of the session, stations and where they lie.
    """

    def __init__(self, facts: Mapping[str, Any]) -> None:
        self._facts = dict(facts)
        self._lock = Lock()
        self._readers: list[queue.Queue[bytes]] = []
        self._picks: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._events: OrderedDict[str, dict[str, Any]] = OrderedDict()
        self._last: dict[str, float] = {}
        self._computing: dict[str, deque[float]] = {}
        self._phases: Counter[str] = Counter()
        self._by_label: Counter[str] = Counter()
        self._n_events = 0
        self._traces = Traces()
        self._fresh = False
        self._looked_s = 0.0
        self._figures = Figures()

    # --- what the session does

    def row(self, row: Mapping[str, Any]) -> None:
        """Take a line that the session says: a pick, or an event (kind `event`)."""
        if row.get("kind") == "event":
            self._event(dict(row))
        else:
            self._pick(dict(row))

    def _pick(self, row: dict[str, Any]) -> None:
        name = str(row.get("id", row["pick_id"]))
        label = ".".join(str(row[k]) for k in ("network", "station", "location", "instrument"))
        final = row.get("status", "final") == "final"
        with self._lock:
            if final:
                self._phases[str(row["phase"])] += 1
                self._by_label[label] += 1
                self._last[label] = time.monotonic()
                kept = self._computing.setdefault(label, deque(maxlen=1000))
                kept.append(float(row["computing_latency_s"]))
            shown = {"id": name, "label": label, **{k: row[k] for k in _SHOWN if k in row}}
            self._keep(self._picks, name, shown, MOST_PICKS)
            self._tell("pick", shown)

    def _event(self, row: dict[str, Any]) -> None:
        name = str(row.get("id", row.get("event_id", "")))
        with self._lock:
            known = self._events.get(name)
            if known and int(known.get("version", 0)) > int(row.get("version", 0)):
                return
            self._n_events += known is None
            row = {**{k: v for k, v in row.items() if k not in _TABLES}, "id": name}
            self._keep(self._events, name, row, MOST_EVENTS)
            self._tell("event", row)

    @staticmethod
    def _keep(
        kept: OrderedDict[str, dict[str, Any]], name: str, row: dict[str, Any], most: int
    ) -> None:
        kept.pop(name, None)
        kept[name] = row
        while len(kept) > most:
            kept.popitem(last=False)

    def look(self, session: Session, pace: Any, now_ns: int) -> None:
        """Note how the session is, at most once a second; `now_ns` is the time of its data now."""
        now = time.monotonic()
        if now - self._looked_s < _EACH_S:
            return
        self._looked_s = now
        instruments = session.progress.instruments()
        health = [
            {
                "label": one.label,
                "delay_s": round(max(now_ns - one.end_ns, 0) / SECOND, 3),
                "picks": self._by_label[one.label],
                "computing_s": self._middle(one.label),
            }
            for one in instruments
        ]
        counts = {k: v for k, v in vars(session.counts).items() if isinstance(v, int)}
        with self._lock:
            self._figures = Figures(
                counts, dict(self._phases), self._n_events, pace.behind_s, pace.most_s, health
            )
            if not self._readers:
                self._traces.again()
                return
            if self._fresh:
                self._traces.again()
                self._fresh = False
            order = sorted(instruments, key=lambda one: (-self._last.get(one.label, 0), one.label))
            traces = self._traces.new(order[:MOST_TRACES])
            self._tell("tick", {**self._tick(), "now": now_ns / SECOND, "traces": traces})

    def _middle(self, label: str) -> float | None:
        some = sorted(self._computing.get(label, ()))
        return some[len(some) // 2] if some else None

    def _tick(self) -> dict[str, Any]:
        figures = self._figures
        return {
            "counts": figures.counts,
            "picks": figures.picks,
            "events": figures.events,
            "behind_s": round(figures.behind_s, 3),
            "health": figures.health,
        }

    # --- what readers get

    @property
    def figures(self) -> Figures:
        """Counts and latencies as they were last noted."""
        return self._figures

    def subscribe(self) -> queue.Queue[bytes] | None:
        """A queue of messages that begins with all that is shown; None: too many readers."""
        with self._lock:
            if len(self._readers) >= MOST_READERS:
                return None
            reader: queue.Queue[bytes] = queue.Queue(_MOST_WAITING)
            begin = {
                **self._facts,
                **self._tick(),
                "bands": list(BANDS),
                "last_picks": list(self._picks.values()),
                "last_events": list(self._events.values()),
            }
            reader.put_nowait(_message("begin", begin))
            self._readers.append(reader)
            self._fresh = True
            return reader

    def unsubscribe(self, reader: queue.Queue[bytes]) -> None:
        """Forget a reader."""
        with self._lock:
            if reader in self._readers:
                self._readers.remove(reader)

    def reads(self, reader: queue.Queue[bytes]) -> bool:
        """Whether a reader still gets messages."""
        return reader in self._readers

    def _tell(self, kind: str, content: Mapping[str, Any]) -> None:
        if not self._readers:
            return
        message = _message(kind, content)
        for reader in list(self._readers):
            try:
                reader.put_nowait(message)
            except queue.Full:
                self._readers.remove(reader)


def _message(kind: str, content: Mapping[str, Any]) -> bytes:
    """A message of server-sent events; JSON has no line ends of its own."""
    return f"event: {kind}\ndata: {line_of(content)}\n\n".encode("utf-8", "replace")
