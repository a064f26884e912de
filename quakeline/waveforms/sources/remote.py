"""What sources that download have in common: archive, ledger, rows on what did not come."""

from __future__ import annotations

import logging
import time
from abc import abstractmethod
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Protocol

from pydantic import Field

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason, cells, text_of
from quakeline.core.timeline import SECOND, Span
from quakeline.io.formats.codes import Code as SeedCode
from quakeline.io.products.provenance import digest_of
from quakeline.waveforms.sources import store
from quakeline.waveforms.sources.base import BaseSource, Notify, Obtained, Window, ignored
from quakeline.waveforms.sources.ledger import Entry, claimed
from quakeline.waveforms.sources.web import Patience

if TYPE_CHECKING:
    import pandas as pd

logger = logging.getLogger("quakeline")

#: Stations that are asked for at a time; requests to one host are limited by `connections`.
_THREADS = 16


@dataclass(frozen=True)
class Wanted:
    """A station of the run and the channels to ask for: pairs of location and channel.

    `expected` tells that the pairs are the station's channels, not patterns.
    """

    network: str
    station: str
    choice: tuple[tuple[str, str], ...]
    expected: bool

    @property
    def name(self) -> str:
        """NET.STA."""
        return f"{self.network}.{self.station}"

    def wants(self, record: store.Record) -> bool:
        """Whether a record is of this station and of its channels."""
        return (record.network, record.station) == (self.network, self.station) and any(
            fnmatchcase(record.location, location) and fnmatchcase(record.channel, channel)
            for location, channel in self.choice
        )


@dataclass(frozen=True)
class Answer:
    """What came of a window of a station.

    The outcome is `data`, `no data` or `failed`; with `failed` some records may have come. The
    notes are the reasons, or what of the window did not come.
    """

    outcome: str
    records: tuple[store.Record, ...] = ()
    notes: tuple[Reason, ...] = ()


class Asker(Protocol):
    """Asks servers for windows of stations, from several threads."""

    def windows(self, missing: Span) -> list[Span]:
        """The requests, one after the other, that a missing span is asked for with."""

    def ask(self, station: Wanted, window: Span) -> Answer:
        """Ask for a window of a station."""


class RemoteSource(Patience, BaseSource):
    """A source that downloads into a local archive (SDS), and only what is not there yet."""

    remote: ClassVar[bool] = True

    archive: str | None = Field(
        None,
        description="folder for the downloaded data (an SDS archive with its list of requests),"
        " which several runs may share; null: results/RUN/archive",
    )
    channels: list[SeedCode] = Field(
        default_factory=lambda: ["HH?", "EH?", "BH?", "SH?", "HN?"],
        min_length=1,
        description="channel codes to ask for, with * and ?; of stations whose channels the station"
        " metadata list, these are asked for one by one and missing ones are noticed",
    )
    locations: list[SeedCode] = Field(
        default_factory=lambda: ["*"],
        min_length=1,
        description="location codes to ask for, with * and ?; an empty text is the empty code",
    )
    recheck_h: float = Field(
        24.0,
        gt=0,
        description="hours after which missing data of the last `recent_d` days are asked for again"
        " by `quakeline fetch`; older ones never come",
    )
    recent_d: float = Field(30.0, ge=0, description="days in which late data may still arrive")

    @abstractmethod
    def asker(self, folder: Path, stations: list[Wanted], span: Span) -> Asker:
        """Get ready to ask for a span. Raises DataError or ConfigError where that is in vain."""

    @abstractmethod
    def place(self) -> Any:
        """What decides who is asked, as builtins: with another place everything is asked again."""

    def files(self, span: Span) -> list[Path]:
        """All files of the span in the archive that the configuration names."""
        if self.archive is None:
            return []
        folder = Path(self.archive).expanduser()
        stations = {(p.parts[-2], p.parts[-1]) for p in folder.glob("[0-9]???/*/*")}
        found = [store.holdings(folder, code, span, self._choice) for code in sorted(stations)]
        return sorted(path for paths in found for path in paths)

    def fingerprint(self) -> str:
        """Digest of the settings: nobody can tell cheaply whether a server has other data."""
        return digest_of(self.place())

    @property
    def _choice(self) -> tuple[tuple[str, str], ...]:
        return tuple((x, y) for x in self.locations for y in self.channels)

    @property
    def _selection(self) -> str:
        return digest_of([self.place(), self.channels, self.locations])[:16]

    def obtain(
        self, span: Span, stations: pd.DataFrame, default: Path, notify: Notify = ignored
    ) -> Obtained:
        """Download what is missing. Raises DataError where every request failed."""
        folder = Path(self.archive).expanduser() if self.archive else default
        wanted, rows = self._wanted(stations, span)
        lacking = [one for one in wanted if self._lacks(folder, one, span)]
        asker = self.asker(folder, lacking, span) if lacking else None

        def bring(station: Wanted) -> list[Entry]:
            return self._bring(station, span, folder, asker, notify)

        with ThreadPoolExecutor(_THREADS) as pool:
            entries = list(pool.map(bring, wanted))
        _require_any([entry for some in entries for entry in some])
        files, windows = [], []
        for station, some in zip(wanted, entries, strict=True):
            name = station.name
            windows += [Window(name, e.span, e.outcome, e.notes, e.changed_ns) for e in some]
            rows += [
                _row(station, entry) for entry in some if entry.outcome != "data" or entry.notes
            ]
            codes = (station.network, station.station)
            files += store.holdings(folder, codes, span, station.choice)
        return Obtained(sorted(files), rows, windows)

    def _lacks(self, folder: Path, station: Wanted, span: Span) -> bool:
        with claimed(folder, station.name) as ledger:
            return bool(ledger.missing(span, self._selection, time.time_ns()))

    def _bring(
        self, station: Wanted, span: Span, folder: Path, asker: Asker | None, notify: Notify
    ) -> list[Entry]:
        """Ask for what is missing of a station, one request after the other."""
        with claimed(folder, station.name) as ledger:
            missing = ledger.missing(span, self._selection, time.time_ns())
            windows = [w for part in missing for w in asker.windows(part)] if asker else []
            if not windows:
                notify("known", 0)
            for window in windows:
                assert asker is not None
                answer = asker.ask(station, window)
                n_bytes = store.add(folder, filter(station.wants, answer.records))
                before = ledger.within(window, self._selection)
                ledger.note(self._entry(window, answer, n_bytes, before))
                notify(answer.outcome, n_bytes)
            return ledger.within(span, self._selection)

    def _entry(self, window: Span, answer: Answer, n_bytes: int, before: list[Entry]) -> Entry:
        """What the ledger keeps of an answer."""
        now = time.time_ns()
        day = 86_400 * SECOND
        complete = answer.outcome == "data" and not answer.notes and window.end_ns <= now
        recent = window.end_ns > now - round(self.recent_d * day)
        expires = now + round(self.recheck_h * 3600 * SECOND) if recent and not complete else None
        told = answer.outcome, answer.notes
        same = [old for old in before if (old.outcome, old.notes) == told]
        unchanged = same == before and before and not n_bytes
        return Entry(
            start_ns=window.start_ns,
            end_ns=window.end_ns,
            outcome=answer.outcome,
            notes=answer.notes,
            asked_ns=now,
            changed_ns=max(old.changed_ns for old in before) if unchanged else now,
            expires_ns=expires,
            selection=self._selection,
        )

    def _wanted(
        self, stations: pd.DataFrame, span: Span
    ) -> tuple[list[Wanted], list[dict[str, Any]]]:
        """The stations to ask for, and rows on those that have no channel to ask for."""
        wanted, rows = [], []
        for codes, group in stations.groupby(["network", "station"], sort=True):
            network, name = map(str, codes)
            known = group[group["channel"].notna()]
            if known.empty:
                wanted.append(Wanted(network, name, self._choice, expected=False))
                continue
            pairs = _pairs(known, span)
            matching = tuple(pair for pair in pairs if _matches(pair, self._choice))
            if matching:
                wanted.append(Wanted(network, name, matching, expected=True))
                continue
            names = ", ".join(".".join(pair) for pair in pairs) or "none at this time"
            why = cells("reason", [Reason.of(Code.CHANNELS_NOT_ASKED, channels=names)])
            rows.append({"network": network, "station": name, "status": "no data", **why})
        return wanted, rows


def _pairs(known: pd.DataFrame, span: Span) -> list[tuple[str, str]]:
    """Location and channel codes of the epochs that touch a span."""
    import pandas as pd

    start, end = (pd.Timestamp(t, unit="ns", tz="UTC") for t in (span.start_ns, span.end_ns))
    begun = known["start"].isna() | (known["start"] < end)
    lasting = known["end"].isna() | (known["end"] > start)
    rows = known[begun & lasting]
    return sorted(set(zip(rows["location"], rows["channel"], strict=True)))


def _matches(pair: tuple[str, str], choice: Iterable[tuple[str, str]]) -> bool:
    return any(fnmatchcase(pair[0], x) and fnmatchcase(pair[1], y) for x, y in choice)


def _require_any(entries: list[Entry]) -> None:
    """Raise DataError where every request failed, so that the job fails and is tried again."""
    failed = [entry for entry in entries if entry.outcome == "failed"]
    if failed and len(failed) == len(entries):
        told = list(dict.fromkeys(text_of(entry.notes) for entry in failed))
        more = f" (and {len(told) - 1} other reasons)" if len(told) > 1 else ""
        raise DataError(f"nothing could be fetched: {told[0]}{more}")


def _row(station: Wanted, entry: Entry) -> dict[str, Any]:
    """A row of MANIFEST on a window of which something did not come."""
    import pandas as pd

    start, end = (pd.Timestamp(t, unit="ns", tz="UTC") for t in (entry.start_ns, entry.end_ns))
    return {
        "network": station.network,
        "station": station.station,
        "start": start,
        "end": end,
        "status": "failed" if entry.outcome == "failed" else "no data",
        **cells("reason", entry.notes or (Reason.of(Code.SERVER_EMPTY),)),
    }
