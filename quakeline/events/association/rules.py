"""What makes an event: limits of the search, and the picks that an event needs."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

#: Sites nearest to an origin that count for it farther than others, up to so many times as far.
NEAREST = 6
_TIMES_FARTHER = 2.0
#: Origins in time and space agree up to this square of their distance over their joint uncertainty:
#: 99 % of chi-squared with four degrees of freedom.
AGREE = 13.277


@dataclass(frozen=True)
class Search:
    """Where events are searched and what makes one; see the section `associate`.

    `max_distance_km` is the largest distance of a station from an event, beyond which only its
    nearest few count; infinite: all stations.
    """

    margin_km: float
    depth_km: tuple[float, float]
    min_picks: int
    min_p_picks: int
    min_s_picks: int
    min_p_and_s: int
    tolerance_s: float
    min_interevent_s: float
    node_km: float
    max_distance_km: float = float("inf")
    min_log_odds: float = 0.0

    def steps(self) -> tuple[Search, ...]:
        """Searches one after the other: where most events lie, everywhere, with far stations, too.

        Most events lie within a quarter of the margin and the upper half of the depths. Where far
        stations do not count at all, those beyond half of that distance count in the last one.
        """
        top, bottom = self.depth_km
        near = replace(self, max_distance_km=self.max_distance_km / 2)
        half = top, top + (bottom - top) / 2
        inside = replace(near, margin_km=self.margin_km / 4, depth_km=half)
        return (inside, near) if near == self else (inside, near, self)

    def reach_km(self, sites: np.ndarray, origins: np.ndarray) -> np.ndarray:
        """How far stations count for each origin, in km; x and y of sites and of origins, (m, 2).

        That of the sixth nearest site where it is farther than `max_distance_km`, twice that at
        most: where stations are few, all that recorded an event are far away.
        """
        if not np.isfinite(self.max_distance_km):
            return np.full(len(origins), np.inf)
        away, _ = cKDTree(sites).query(origins, k=[min(NEAREST, len(sites))])
        most = _TIMES_FARTHER * self.max_distance_km
        return np.asarray(np.clip(away[:, 0] + 1e-9, self.max_distance_km, most))

    def volume_km3(self, local: pd.DataFrame) -> float:
        """The volume that is searched around sites with local x and y."""
        sides = [np.ptp(local[name]) + 2 * self.margin_km for name in ("x", "y")]
        return float(np.prod([max(side, 1.0) for side in (*sides, *np.diff(self.depth_km))]))


def settled(
    found: pd.DataFrame, assigned: pd.DataFrame, search: Search
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each pick to one event and keep the events that still have the picks they need.

    Of several picks of one phase at one place the most probable counts; a pick that two events
    share goes to the one that it fits better.

    Parameters
    ----------
    found, assigned
        Events (idx, ...) and their picks (event_idx, pick_id, place, phase, probability, residual).
    search
        The picks that an event needs.
    """
    best = assigned.sort_values(["event_idx", "probability"], ascending=[True, False])
    best = best.drop_duplicates(["event_idx", "place", "phase"])
    best = best.sort_values("residual", key=np.abs, kind="stable").drop_duplicates("pick_id")
    is_p = (best["phase"] == "P").to_numpy()
    kept = enough(best["event_idx"].to_numpy(), best["place"].to_numpy(), is_p, search)
    return found[found["idx"].isin(kept)], best[best["event_idx"].isin(kept)]


def enough(event: np.ndarray, place: np.ndarray, is_p: np.ndarray, search: Search) -> np.ndarray:
    """The events that have the picks they need; event, place and phase of each pick are given."""
    events, number = np.unique(event, return_inverse=True)
    p = np.bincount(number[is_p], minlength=len(events))
    s = np.bincount(number[~is_p], minlength=len(events))
    twice = pd.DataFrame({"number": number, "place": place}).duplicated().to_numpy()
    both = np.bincount(number[twice], minlength=len(events))
    good = (
        (p + s >= search.min_picks)
        & (p >= search.min_p_picks)
        & (s >= search.min_s_picks)
        & (both >= search.min_p_and_s)
    )
    return np.asarray(events[good])
