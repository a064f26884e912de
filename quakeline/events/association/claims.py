"""Which picks fit which events: each pick to the event that it fits best."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.earth.velocity import Times
from quakeline.events.association.network import Network, Origins
from quakeline.events.association.pick_errors import PickErrors
from quakeline.events.association.rules import enough

#: A pick is taken within so many standard deviations of its prediction.
_WITHIN = 4.5
#: Pairs of events and groups whose distances are computed at once.
_TOGETHER = 200_000
#: How much farther than its farthest pick an event may have further ones.
_FARTHER = 1.1
_BEYOND_KM = 3.0


def fitting(
    members: pd.DataFrame,
    picks: pd.DataFrame,
    origins: Origins,
    alive: np.ndarray,
    errors: PickErrors,
    network: Network,
    allowed: pd.DataFrame | None = None,
    taken: np.ndarray | None = None,
) -> pd.DataFrame:
    """New members (event, row, residual) of the events that still have what an event needs.

    `allowed` are the events and rows that may be members; None: all. Where `taken` is given each
    event is looked at for itself: a pick may be a member of several, but those of the rows that are
    taken of none.
    """
    pairs = _pairs(members, picks, origins, alive, errors, network)
    if allowed is not None:
        known = pd.MultiIndex.from_frame(allowed[["event", "row"]])
        pairs = pairs[pd.MultiIndex.from_frame(pairs[["event", "row"]]).isin(known)]
    if taken is not None:
        pairs = pairs[~np.isin(pairs["row"], taken)]
    while True:
        mine = _best(pairs, alone=taken is not None)
        slot = mine["slot"].to_numpy()
        complete = enough(mine["event"].to_numpy(), slot // 2, slot % 2 == 0, network.search)
        short = ~np.isin(mine["event"], complete)
        if not short.any():
            return mine.sort_values(["event", "row"], ignore_index=True)
        pairs = pairs[np.isin(pairs["event"], complete)]


def _best(pairs: pd.DataFrame, alone: bool = False) -> pd.DataFrame:
    """Of pairs, best first: one event to a pick, unless `alone`, one pick to a phase at a place.

    A pair is taken when it is the first one that is left both of its pick and of its event and
    slot; then all others of these go, and so on: the same pairs as one after the other.
    """
    row = pairs["row"].to_numpy()
    event, slot = pairs["event"].to_numpy(), pairs["slot"].to_numpy()
    _, claim = np.unique(event * (slot.max(initial=0) + 1) + slot, return_inverse=True)
    kinds = (claim,) if alone else (row, claim)
    gone = [np.zeros(kind.max(initial=-1) + 1, dtype=bool) for kind in kinds]
    left = np.arange(len(pairs))
    taken = [left[:0]]
    while len(left):
        first = np.ones(len(left), dtype=bool)
        for kind, out in zip(kinds, gone, strict=True):
            number = np.empty(len(out), dtype=np.int64)
            # Of equal indices the last assignment stays: that of the best pair.
            number[kind[left][::-1]] = left[::-1]
            first &= number[kind[left]] == left
        mine = left[first]
        taken.append(mine)
        for kind, out in zip(kinds, gone, strict=True):
            out[kind[mine]] = True
        lost = [out[kind[left]] for kind, out in zip(kinds, gone, strict=True)]
        left = left[~np.any(lost, axis=0)]
    return pairs.iloc[np.sort(np.concatenate(taken))]


def _pairs(
    members: pd.DataFrame,
    picks: pd.DataFrame,
    origins: Origins,
    alive: np.ndarray,
    errors: PickErrors,
    network: Network,
) -> pd.DataFrame:
    """Events and picks that fit each other: event, row, slot, residual; the likeliest first."""
    place = origins[1]
    local = network.sites.local
    site = picks["site"].to_numpy()
    xy = local[["x", "y"]].to_numpy()
    reach = farthest(xy[site[members["row"]]], place, members["event"].to_numpy())
    most = network.search.reach_km(xy, place[:, :2])
    reach = np.minimum(_FARTHER * reach + _BEYOND_KM, most)
    events = _Events(*origins, reach, alive, network.search.tolerance_s, errors)
    seen = Seen.of(picks, network)
    per = max(_TOGETHER // max(len(seen.groups), 1), 1)
    parts = [
        events.claims(np.arange(first, min(first + per, len(place))), seen)
        for first in range(0, max(len(place), 1), per)
    ]
    event, row, residual, cost = map(np.concatenate, zip(*parts, strict=True))
    best = np.lexsort((event, row, cost))
    return pd.DataFrame(
        {
            "event": event[best],
            "row": row[best],
            "residual": residual[best],
            "slot": picks["slot"].to_numpy()[row[best]],
        }
    )


def farthest(xy: np.ndarray, places: np.ndarray, event: np.ndarray) -> np.ndarray:
    """Distance of each event's farthest pick in km; x and y of each pick's site are given."""
    reach = np.zeros(len(places))
    np.maximum.at(reach, event, np.hypot(*(xy - places[event, :2]).T))
    return reach


@dataclass(frozen=True)
class _Events:
    """Located events: origins, how far each reaches in km, which count, and the tolerance."""

    times_ns: np.ndarray
    places: np.ndarray
    covariances: np.ndarray
    stretch: np.ndarray
    reach_km: np.ndarray
    alive: np.ndarray
    tolerance_s: float
    errors: PickErrors

    def claims(self, own: np.ndarray, seen: Seen) -> tuple[np.ndarray, ...]:
        """Pairs of some of the events and picks: event, row, residual, cost."""
        own = own[self.alive[own]]
        east, north = (self.places[own, None, :2] - seen.xy).transpose(2, 0, 1)
        near = np.hypot(east, north) <= self.reach_km[own, None]
        event, group = np.nonzero(near)
        away = east[near], north[near]
        event = own[event]
        travel = seen.times.travel(seen.tables[group], *away, self.places[event, 2])
        low, high = seen.between(group, self._expected(event, travel), self._width)
        some = np.flatnonzero(high > low)
        event, group, low, high = (values[some] for values in (event, group, low, high))
        away = away[0][some], away[1][some]
        travel, slopes = seen.times.sloped(seen.tables[group], *away, self.places[event, 2])
        slopes = np.column_stack([slopes, np.ones(len(travel))])
        origin = np.einsum("mi,mij,mj->m", slopes, self.covariances[event], slopes)
        expected = self._expected(event, travel)
        count = high - low
        pair = np.repeat(np.arange(len(count)), count)
        row = seen.order[np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - low, count)]
        residual = (seen.time_ns[row] - expected[pair]) / SECOND
        event = event[pair]
        model = self.errors.of(seen.groups[group])[pair]
        variance = self.stretch[event] ** 2 * (seen.sigma_s[row] ** 2 + model**2) + origin[pair]
        u2 = residual**2 / variance
        fits = u2 <= _WITHIN**2
        cost = (u2 + np.log(variance)) / 2
        return tuple(values[fits] for values in (event, row, residual, cost))

    def _expected(self, event: np.ndarray, travel: np.ndarray) -> np.ndarray:
        """Times in ns at which events arrive after seconds of travel."""
        return np.asarray(self.times_ns[event] + np.round(travel * SECOND).astype(np.int64))

    @property
    def _width(self) -> int:
        """The tolerance in ns."""
        return round(self.tolerance_s * SECOND)


@dataclass(frozen=True)
class Seen:
    """Picks by their sites and phases: `groups` are the numbers of those that have any, (g,).

    `xy`, (g, 2), are in km, `tables`, (g,), are numbers of travel times, `time_ns` and `sigma_s`
    those of all picks, (n,). `order` are the rows of picks group by group, sorted by time, and
    `keys`, which rise with it, hold the numbers of groups and the place of a pick in `sorted_ns`.
    """

    times: Times
    groups: np.ndarray
    xy: np.ndarray
    tables: np.ndarray
    order: np.ndarray
    time_ns: np.ndarray
    sigma_s: np.ndarray
    sorted_ns: np.ndarray
    keys: np.ndarray

    @classmethod
    def of(cls, picks: pd.DataFrame, network: Network) -> Seen:
        """Those of picks as `Network.undelayed` gives them."""
        group, time_ns = picks["group"].to_numpy(), picks["time_ns"].to_numpy()
        groups, number = np.unique(group, return_inverse=True)
        site = groups // 2
        by_time = np.argsort(time_ns, kind="stable")
        order = by_time[np.argsort(number[by_time], kind="stable")]
        place = np.empty(len(order), dtype=np.int64)
        place[by_time] = np.arange(len(order))
        return cls(
            network.finder.times,
            groups,
            network.sites.local[["x", "y"]].to_numpy()[site],
            network.finder.times.rows_of(np.array(["P", "S"])[groups % 2], site),
            order,
            time_ns,
            picks["sigma_s"].to_numpy(),
            time_ns[by_time],
            number[order] * (len(order) + 1) + place[order],
        )

    def between(
        self, group: np.ndarray, around_ns: np.ndarray, width_ns: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Where in `order` the picks of groups begin and end that are near some times, (n,)."""
        before = np.searchsorted(self.sorted_ns, around_ns - width_ns)
        until = np.searchsorted(self.sorted_ns, around_ns + width_ns, side="right")
        low = np.zeros(len(group), dtype=np.int64)
        high = low.copy()
        # Of most times no station has a pick.
        some = np.flatnonzero(until > before)
        first = group[some] * (len(self.order) + 1)
        low[some] = np.searchsorted(self.keys, first + before[some])
        high[some] = np.searchsorted(self.keys, first + until[some])
        return low, high
