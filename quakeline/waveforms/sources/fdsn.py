"""FDSN web services: continuous data from data centres, by fdsnws-dataselect.

A station is asked for in windows of limited length. What came is compared with what was asked: an
answer that breaks off is asked for again, and holes in it once more, so that only gaps that the
server has confirmed count as gaps.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from quakeline.core.reasons import Code, Reason
from quakeline.core.timeline import SECOND, Span, iso
from quakeline.waveforms.sources import store
from quakeline.waveforms.sources.fdsn_access import Credentials, Providers, covers
from quakeline.waveforms.sources.ledger import without
from quakeline.waveforms.sources.remote import Answer, RemoteSource, Wanted
from quakeline.waveforms.sources.store import Record
from quakeline.waveforms.sources.web import Refused, TooLarge, Web

#: Shorter holes in an answer are not asked for again, in seconds.
_SHORTEST_HOLE_S = 1.0
#: Holes that are asked for one by one; of more, the span from the first to the last is.
_MOST_LINES = 50
#: Requests that a server calls too large are halved down to this, in seconds.
_SHORTEST_WINDOW_S = 10.0

#: Windows of a pair of location and channel code or patterns.
Holes = dict[tuple[str, str], list[Span]]


class Fdsn(Providers, RemoteSource):
    """Data centres with FDSN web services; what comes is kept in an SDS archive."""

    kind: Literal["fdsn"] = Field("fdsn", description="FDSN web services (dataselect)")
    auth: Literal["none", "password", "eida-token"] = Field(
        "none",
        description="credentials for restricted data, from the environment: QUAKELINE_FDSN_USER and"
        " QUAKELINE_FDSN_PASSWORD, or QUAKELINE_EIDA_TOKEN, the path of a token's file",
    )
    request_h: float = Field(
        24.0, gt=0, le=240, description="longest window of a request of a station, in hours"
    )

    def check(self) -> None:
        """Raise ConfigError for unknown data centres and missing credentials."""
        super().check()
        Credentials(self.auth).check()

    def place(self) -> Any:
        """The data centres."""
        return [self.providers, self.routing_url, self.auth]

    def asker(self, folder: Path, stations: list[Wanted], span: Span) -> _Asker:
        """Find out which data centres to ask."""
        self.check()
        web = Web(folder, self)
        lines = [line for one in stations for line in _lines(one, _whole(one, span))]
        roots = self.roots(web, "dataselect", lines)
        return _Asker(web, roots, Credentials(self.auth), self.request_h)


@dataclass
class _Asker:
    web: Web
    roots: list[tuple[str, list[str] | None]]
    credentials: Credentials
    request_h: float

    def windows(self, missing: Span) -> list[Span]:
        """Cut at multiples of the length of a request, counted since 1970."""
        step = round(self.request_h * 3600 * SECOND)
        edges = range(missing.start_ns // step * step, missing.end_ns, step)
        return [
            Span(max(edge, missing.start_ns), min(edge + step, missing.end_ns)) for edge in edges
        ]

    def ask(self, station: Wanted, window: Span) -> Answer:
        """Ask one data centre after the other until nothing is missing."""
        records: dict[Record, None] = {}
        failures: list[Reason | None] = []
        holes = _whole(station, window)
        asked = False
        for root, lines in self.roots:
            if not covers(lines, station.network, station.station):
                continue
            asked = True
            try:
                failures.append(self._fill(root, station, window, records, holes))
            except TooLarge as error:
                if window.seconds < 2 * _SHORTEST_WINDOW_S:
                    failures.append(
                        Reason.of(Code.REQUEST_TOO_LARGE, why=str(error), seconds=window.seconds)
                    )
                    continue
                return _both(*(self.ask(station, half) for half in _halves(window)))
            except Refused as error:
                failures.append(Reason.of(Code.REQUEST_FAILED, why=str(error)))
            holes = _holes(station, window, records)
            if records and not holes and (station.expected or not failures[-1]):
                break
        if not asked:
            return Answer("no data", notes=(Reason.of(Code.NOT_ROUTED),))
        why = tuple(dict.fromkeys(failure for failure in failures if failure))
        doubtful = bool(holes) or not records or not station.expected
        if why and doubtful:
            return Answer("failed", tuple(records), why)
        if not records:
            return Answer("no data", notes=(Reason.of(Code.SERVER_EMPTY),))
        return Answer("data", tuple(records), _lacking(holes))

    def _fill(
        self,
        root: str,
        station: Wanted,
        window: Span,
        records: dict[Record, None],
        holes: Holes,
    ) -> Reason | None:
        """Ask a data centre for holes until it has no more; returns what is wrong with the answer.

        The answer's records are added to those there are.
        """
        auth = self.credentials.of(self.web, root)
        url = f"{root}/dataselect/1/query{'auth' if auth else ''}"
        problem = ""
        for attempt in range(self.web.attempts):
            if problem:
                self.web.pause(attempt, None, f"{station.name}: {problem}")
            body = "\n".join([*_lines(station, holes), ""]).encode()
            reply = self.web.ask(url, auth, data=body)
            before = len(records)
            found, damage = store.split(reply.content)
            records.update(dict.fromkeys(filter(station.wants, found)))
            problem = reply.problem or damage
            left = _holes(station, window, records)
            if not problem and (not left or len(records) == before):
                return None
            if reply.problem and len(records) == before:
                break
            if station.expected or not problem:
                holes = left or holes
        return Reason.of(Code.ANSWER_BROKEN, why=problem) if problem else None


def _lacking(holes: Holes) -> tuple[Reason, ...]:
    """Say what did not come though it was asked for twice."""
    parts = [
        f"{location}.{channel} {sum(span.seconds for span in spans):.0f} s"
        for (location, channel), spans in holes.items()
    ]
    return (Reason.of(Code.SERVER_LACKS, channels=", ".join(parts)),) if parts else ()


def _both(one: Answer, other: Answer) -> Answer:
    """The answer to a window from those to its halves."""
    outcomes = {one.outcome, other.outcome}
    outcome = next(o for o in ("failed", "data", "no data") if o in outcomes)
    notes = tuple(dict.fromkeys((*one.notes, *other.notes)))
    return Answer(outcome, (*one.records, *other.records), notes)


def _halves(window: Span) -> tuple[Span, Span]:
    middle = (window.start_ns + window.end_ns) // 2
    return Span(window.start_ns, middle), Span(middle, window.end_ns)


def _whole(station: Wanted, window: Span) -> Holes:
    return {pair: [window] for pair in station.choice}


def _holes(station: Wanted, window: Span, records: Iterable[Record]) -> Holes:
    """What of a window is in no record: of the channels expected, else of those that came."""
    come: dict[tuple[str, str], list[Record]] = {}
    for record in records:
        come.setdefault(record.codes, []).append(record)
    pairs = station.choice if station.expected else sorted(come)
    holes = {}
    for pair in pairs:
        own = come.get(pair, [])
        step = max((1.0 / record.rate_hz for record in own if record.rate_hz > 0), default=0.0)
        half = round(step * SECOND / 2)  # the times of a request are inclusive
        spans = [Span(r.start_ns - half, r.end_ns + half) for r in own]
        shortest = max(_SHORTEST_HOLE_S, 1.5 * step)
        left = [span for span in without(window, spans) if span.seconds > shortest]
        if left:
            holes[pair] = left
    return holes


def _lines(station: Wanted, holes: Holes) -> list[str]:
    """The lines of a request (fdsnws-dataselect POST): NET STA LOC CHA START END."""
    if sum(map(len, holes.values())) > _MOST_LINES:
        holes = {pair: [Span(s[0].start_ns, s[-1].end_ns)] for pair, s in holes.items()}
    return [
        f"{station.network} {station.station} {location or '--'} {channel}"
        f" {_time(span.start_ns)} {_time(span.end_ns)}"
        for (location, channel), spans in holes.items()
        for span in spans
    ]


def _time(time_ns: int) -> str:
    return iso(time_ns, digits=6).removesuffix("Z")
