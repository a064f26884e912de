"""Updates of events on their way out: kept on disk, then told, so that no stop loses one."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import pandas as pd

from quakeline.core.errors import ConfigError
from quakeline.io.formats.quakeml import Labels
from quakeline.live.events import files
from quakeline.live.events.kept import Day
from quakeline.live.events.updates import Update, read
from quakeline.live.journal import Journal, Place

#: Events of so many days stay in memory.
_DAYS = 2


class Publication:
    """Keeps updates in the folder of a session, and tells them.

    `say` takes each update once it is on its way to disk; `labels` sign the QuakeML, which names
    channels of `stations` (STATIONS). `settings` are the sections that events follow from.
    """

    def __init__(
        self,
        place: Place,
        stations: pd.DataFrame,
        labels: Labels,
        say: Callable[[Update], None] = lambda update: None,
        settings: Mapping[str, Any] | None = None,
    ) -> None:
        self._place, self._stations, self._labels, self._say = place, stations, labels, say
        self._settings = settings or {}
        self._journal = Journal(place, files.LINES)
        self._days: dict[str, Day] = {}
        self._untold: list[Update] = []

    def resume(self, told: Mapping[str, int], since: float) -> list[Update]:
        """The updates of the last days, in their order; `told` counts those that were told."""
        found: list[Update] = []
        for day in self._journal.recent(told, since):
            updates = self._read(day)
            found += updates
            self._untold += updates[told.get(day, 0) :]
        return sorted(found, key=lambda one: (one.event_id, one.version))

    def begin(self, picks: pd.DataFrame, *, anew: bool) -> None:
        """Tell what an earlier session did not tell; `anew`: there was none.

        `picks` (PICKS) hold those of the events.
        """
        if anew:
            files.clear(self._place.folder)
        files.write_setup(self._place.folder, self._stations, self._settings)
        if not self._place.by_day:
            self._journal.open("")
        for one in self._untold:
            self._tell(one, picks)
        self._untold.clear()

    def _read(self, day: str) -> list[Update]:
        try:
            updates = [read(row) for row in self._journal.read(day)]
        except (ValueError, KeyError, TypeError) as error:
            raise ConfigError(
                f"{self._journal.path(day)} holds what is no update of an event: {error}; remove"
                " such lines, or the folder"
            ) from error
        self._days[day] = Day(updates)
        self._leave_older(day)
        return updates

    def _leave_older(self, day: str) -> None:
        """Keep the last version alone of events whose origins moved over midnight."""
        own = self._days[day]
        for other in self._days.values():
            for event_id in own.heads.keys() & other.heads.keys() if other is not own else ():
                is_last = own.heads[event_id].version > other.heads[event_id].version
                (other if is_last else own).drop(event_id)

    def known(self, days: Iterable[str]) -> dict[str, Update]:
        """The last versions of the events of some days, by id, those that were withdrawn too."""
        for day in days:
            if day not in self._days and self._journal.path(day).is_file():
                self._read(day)
        found = [self._days[day].updates() for day in days if day in self._days]
        return {name: one for some in found for name, one in some.items()}

    def add(self, updates: Iterable[Update], picks: pd.DataFrame) -> None:
        """Write updates down, and say them; `picks` (PICKS) hold theirs."""
        for one in updates:
            day = self._place.day(one.time_ns)
            if day not in self._days:
                self._read(day)
            for name, other in self._days.items():  # its origin may have moved over midnight
                if name != day:
                    other.drop(one.event_id)
            self._days[day].put(one)
            self._journal.append(day, [one.kept()])
            self._tell(one, picks)

    def _tell(self, update: Update, picks: pd.DataFrame) -> None:
        folder = self._place.of(self._place.day(update.time_ns))
        files.write_version(folder, update, picks, self._stations, self._labels)
        self._say(update)

    def write(self) -> dict[str, int]:
        """Put lines on disk and replace the tables; gives the counts of lines that were told."""
        self._journal.sync()
        if not self._place.by_day:
            self._days.setdefault("", Day())
        for name, day in self._days.items():
            folder = self._place.of(name)
            if day.is_new or not (folder / files.EVENTS_TABLE).exists():
                files.write_tables(folder, day)
                day.is_new = False
        told = dict(self._journal.counts)
        for name in sorted(self._days)[:-_DAYS]:
            del self._days[name]
            self._journal.forget(name)
        return told

    def close(self) -> None:
        """Give back the open files."""
        self._journal.close()
