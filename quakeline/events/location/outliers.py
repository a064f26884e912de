"""How often an arrival is a pick of something else.

An event is given, at every station and phase, the pick that fits it best. Where picks are many
that is now and then one of another event or of nothing, which came there by chance. So the density
of an arrival's residual has two parts (Jaynes, E. T., 2003, Probability theory, chapter 21): that
of the event's own pick, with the probability that the event left one, and the rate of all others
for the rest. How often an event leaves a pick follows from its arrivals and from the stations
within its reach, by expectation and maximisation.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.earth.sites import Sites
from quakeline.events.location.observations import Observations
from quakeline.events.location.posterior import density

#: Other picks are counted this far before and after an arrival, in s.
_AROUND_S = 60.0
#: No event leaves a pick at every station.
_MOST_RECORDED = 0.95
_ROUNDS = 5
_SMALL_KM = 0.01


@dataclass(frozen=True)
class Others:
    """All picks of a run by site and phase.

    `times_ns` holds the sorted times of each site and phase that has any, by its number in
    `_slots`; `x`, `y` are the local coordinates in km of these sites, shape (k,).
    """

    times_ns: dict[int, np.ndarray]
    x: np.ndarray
    y: np.ndarray

    @classmethod
    def of(cls, picks: pd.DataFrame, sites: Sites) -> Others:
        """Those of PICKS; what stands at no known site is left out."""
        site = sites.find(picks)
        known = (site >= 0) & picks["phase"].isin(["P", "S"]).to_numpy()
        slot = _slots(site[known], (picks["phase"] == "S").to_numpy()[known])
        time = picks["time"].astype("int64").to_numpy()[known]
        order = np.lexsort((time, slot))
        names, first = np.unique(slot[order], return_index=True)
        parts = np.split(time[order], first[1:])
        local = sites.local.iloc[names // 2]
        # No picks are split into one empty part, which has no name.
        times = dict(zip(names.tolist(), parts, strict=False))
        return cls(times, local["x"].to_numpy(), local["y"].to_numpy())

    def among(
        self, seen: Observations, place: np.ndarray, residual_s: np.ndarray, scale_s: np.ndarray
    ) -> Observations:
        """Arrivals of one event with their `foreign_hz`.

        `place` is the event's x and y in km, `residual_s` and `scale_s` are the residuals there
        and their standard deviations, shape (n,).
        """
        rate = self._rates(seen)
        if not rate.any():
            return seen
        reach = np.hypot(seen.x - place[0], seen.y - place[1]).max() + _SMALL_KM
        within = int((np.hypot(self.x - place[0], self.y - place[1]) <= reach).sum())
        slots = max(within, len(seen))
        own = density(residual_s / scale_s) / scale_s
        recorded = len(seen) / slots
        for _ in range(_ROUNDS):
            recorded = min(max(recorded, 1 / slots), _MOST_RECORDED)
            unknown = rate * (1 - recorded) / recorded
            recorded = float((own / (own + unknown)).sum()) / slots
        return replace(seen, foreign_hz=unknown)

    def _rates(self, seen: Observations) -> np.ndarray:
        """Other picks per s of each arrival's site and phase around it."""
        width = round(_AROUND_S * SECOND)
        times = seen.zero_ns + np.round(seen.time_s * SECOND).astype(np.int64)
        count = np.zeros(len(seen))
        slots = _slots(seen.site, seen.is_s).tolist()
        for n, (slot, time) in enumerate(zip(slots, times, strict=True)):
            near = self.times_ns.get(slot)
            if near is not None:
                low, high = np.searchsorted(near, [time - width, time + width])
                count[n] = max(high - low - 1, 0)
        return count / (2 * _AROUND_S)


def _slots(site: np.ndarray, is_s: np.ndarray) -> np.ndarray:
    """Site (row of the sites) and phase as one number."""
    return np.asarray(site * 2 + is_s)
