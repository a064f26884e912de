"""Arrivals of a catalog as arrays, event by event."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Times


@dataclass(frozen=True)
class Observations:
    """Arrivals in one order; all arrays have shape (n,).

    `site` are rows of the sites, `table` those of the travel times; `is_s` says which are S; `x`,
    `y` are the sites' local coordinates in km; `time_s` are seconds after `zero_ns`, less the
    station terms; `sigma_s` the standard deviations of the picks; `foreign_hz` the rate of picks of
    something else over the probability that the event left one (see `outliers`).
    """

    site: np.ndarray
    table: np.ndarray
    is_s: np.ndarray
    x: np.ndarray
    y: np.ndarray
    time_s: np.ndarray
    sigma_s: np.ndarray
    foreign_hz: np.ndarray
    zero_ns: int

    def __len__(self) -> int:
        return len(self.site)

    def shifted(self, terms_s: np.ndarray) -> Observations:
        """The same arrivals with station terms taken off their times."""
        return replace(self, time_s=self.time_s - terms_s)


def gathered(
    joined: pd.DataFrame, sites: Sites, times: Times, least_sigma_s: float
) -> Iterator[Observations]:
    """Observations of each event of arrivals joined with picks, which stand event by event."""
    picked = joined["time_sigma_s"].astype(float).fillna(least_sigma_s).to_numpy()
    site = sites.find(joined)
    local = sites.local.iloc[site]
    table = times.rows_of(joined["phase"].to_numpy(), site)
    is_s = (joined["phase"] == "S").to_numpy()
    x, y = local["x"].to_numpy(), local["y"].to_numpy()
    time_ns, sigma = joined["time"].astype("int64").to_numpy(), np.maximum(picked, least_sigma_s)
    event = joined["event_id"].to_numpy()
    edges = np.flatnonzero(np.r_[True, event[1:] != event[:-1], True]).tolist()
    for start, end in pairwise(edges):
        part = slice(start, end)
        zero = int(time_ns[part].min())
        seconds = (time_ns[part] - zero) / SECOND
        yield Observations(
            site[part],
            table[part],
            is_s[part],
            x[part],
            y[part],
            seconds,
            sigma[part],
            np.zeros(end - start),
            zero,
        )
