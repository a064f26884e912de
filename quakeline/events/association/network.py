"""What association knows of a network: its sites, the rules, what locates, and errors of picks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Times
from quakeline.events.association.pick_errors import PickErrors
from quakeline.events.association.rules import Search

Origins = tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]


class Finder(Protocol):
    """What locates events while their picks may still change; see `location.Locator`."""

    @property
    def times(self) -> Times:
        """Travel times between all sites and all sources."""

    def origins(self, members: pd.DataFrame, starts: tuple[np.ndarray, np.ndarray]) -> Origins:
        """Times in ns, places in km, covariances and factors of the errors of arrivals."""

    def terms(self, members: pd.DataFrame, origins: Origins) -> np.ndarray:
        """Delays in s of arrivals of these origins, one for each site and phase."""

    def moved(
        self, site: np.ndarray, is_s: np.ndarray, time_s: np.ndarray, start: np.ndarray
    ) -> np.ndarray:
        """x, y, z, t0 in km and s that fit arrivals best, from a start."""


@dataclass(frozen=True)
class Network:
    """Sites, the rules of a search, what locates, and what is known of the errors of picks."""

    sites: Sites
    search: Search
    finder: Finder
    errors: PickErrors

    def undelayed(self, picks: pd.DataFrame) -> pd.DataFrame:
        """Picks, sorted by time, with the delays of their stations taken off their times.

        `group` numbers their sites and phases, `slot` their places and phases.
        """
        site, is_s = picks["site"].to_numpy(), (picks["phase"] == "S").to_numpy()
        group, slot = 2 * site + is_s, 2 * self.sites.place[site] + is_s
        delay_ns = np.round(self.errors.delay_s[group] * SECOND).astype(np.int64)
        time_ns = picks["time_ns"].to_numpy() - delay_ns
        return picks.assign(time_ns=time_ns, group=group, slot=slot)
