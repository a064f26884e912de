"""The chain of archives on the picks of a window: the same steps and settings, no other ones.

What follows from the network alone, travel times above all, is kept from one window to the next.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pandas as pd

from quakeline.core.schemas import ARRIVALS, EVENTS
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Model
from quakeline.events.chain.associate import Network, associated, network_of
from quakeline.events.chain.classify import classified
from quakeline.events.chain.locate import located, locator_of
from quakeline.events.chain.magnitude import sized
from quakeline.events.chain.sections import Sections
from quakeline.events.location.locator import Locator, Past
from quakeline.events.magnitudes.network import Corrections
from quakeline.io.products import tables
from quakeline.live.events.history import apart

#: Columns of the stations and phases that settings of a network follow from.
KNOWN = ["network", "station", "phase"]
#: Station terms that follow from events.
ESTIMATED = ("static", "ssst")


@dataclass(frozen=True)
class Job:
    """Picks of a window (PICKS), what was measured (MEASUREMENTS), and events that have ids.

    `earlier` are EVENTS and ARRIVALS; `known` the stations and phases that have picks at all;
    `past` are final events before the window, which tell of delays of stations as well.
    """

    picks: pd.DataFrame
    measurements: pd.DataFrame
    earlier: tuple[pd.DataFrame, pd.DataFrame]
    known: pd.DataFrame
    past: Past | None = None


@dataclass
class Chain:
    """Stations (STATIONS), velocities and the run's sections, ready to make events of windows."""

    stations: pd.DataFrame
    model: Model
    sections: Sections
    corrections: Corrections | None = None
    threads: int = 1
    _known: tuple[tuple[str, ...], ...] = ()
    _network: Network | None = None
    _locator: Locator | None = None

    def __post_init__(self) -> None:
        self.sites = Sites.of(self.stations)
        self._codes = set(zip(self.stations["network"], self.stations["station"], strict=True))

    def has(self, network: str, station: str) -> bool:
        """Whether the place of a station is known."""
        return (network, station) in self._codes

    @property
    def longest_s(self) -> float:
        """The longest travel time of the last network, in seconds; 0 before the first events."""
        grids = self._network.grids.values() if self._network else ()
        return max((one.longest_s for one in grids), default=0.0)

    @property
    def min_picks(self) -> int:
        """Picks that an event needs in the last network."""
        return self._network.search.min_picks if self._network else 0

    def made(self, job: Job) -> tuple[pd.DataFrame, pd.DataFrame]:
        """EVENTS and ARRIVALS of a window; an event that `job.earlier` knows has its id."""
        if self.sites.table.empty or job.picks.empty:
            return tables.empty(EVENTS), tables.empty(ARRIVALS)
        with quiet():
            self._prepare(job.known)
            return self._made(job)

    def _prepare(self, known: pd.DataFrame) -> None:
        """Make a network ready, if it is another one than last time."""
        codes = tuple(known[KNOWN].itertuples(index=False, name=None))
        if self._network is None or codes != self._known:
            settings = self.sections.associate
            self._network = network_of(settings, known, self.sites, self.model, self.threads)
            self._locator = locator_of(
                self.sections.locate, self._network.sites, self.model, self.threads
            )
            self._known = codes

    def _past_of(
        self, past: Past | None, events: pd.DataFrame, arrivals: pd.DataFrame
    ) -> Past | None:
        """Past events that tell of station terms besides a window, as events of an archive do.

        None where terms do not follow from events: the window is then located alone.
        """
        is_wanted = self.sections.locate.station_terms in ESTIMATED
        return apart(past, events, arrivals) if past and is_wanted else None

    def _made(self, job: Job) -> tuple[pd.DataFrame, pd.DataFrame]:
        sections, picks, sites = self.sections, job.picks, self.sites
        found, grouped = associated(
            sections.associate,
            picks,
            sites,
            self.model,
            self.threads,
            earlier=[job.earlier],
            network=self._network,
        )
        times = sections.associate.times()
        placed = located(
            sections.locate,
            found,
            grouped,
            picks,
            sites,
            self.model,
            self.threads,
            min_interevent_s=times["min_interevent_s"],
            tolerance_s=times["tolerance_s"],
            locator=self._locator,
            past=self._past_of(job.past, found, grouped),
            diagnose=False,
        )
        measured = job.measurements
        sizes = sized(
            sections.magnitude,
            placed.events.reset_index(drop=True),
            placed.arrivals,
            picks,
            measured,
            self.stations,
            self.model,
            self.corrections,
        )
        events, _ = classified(sections.classify, sizes.events, placed.arrivals, picks, measured)
        return events, placed.arrivals


@contextmanager
def quiet() -> Iterator[None]:
    """Leave out what the chain says of each set of picks: windows are too many for that."""
    logger, here = logging.getLogger("quakeline"), threading.get_ident()

    def others(record: logging.LogRecord) -> bool:
        return record.thread != here

    logger.addFilter(others)
    try:
        yield
    finally:
        logger.removeFilter(others)
