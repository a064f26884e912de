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
    group, time_ns = picks["group"].to_numpy(), picks["time_ns"].to_numpy()
    sigma, times = picks["sigma_s"].to_numpy(), network.finder.times
    phases = np.array(["P", "S"])
    order = np.argsort(group, kind="stable")
    parts = []
    for rows in np.split(order, np.flatnonzero(np.diff(group[order])) + 1):
        at = site[rows[0]]
        which = group[rows[0]] % 2
        table = times.rows_of(phases[which : which + 1], np.array([at]))
        parts.append(
            events.claims(time_ns[rows], sigma[rows], group[rows[0]], rows, xy[at], times, table)
        )
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

    def claims(
        self,
        observed: np.ndarray,
        sigma: np.ndarray,
        group: int,
        rows: np.ndarray,
        xy: np.ndarray,
        times: Times,
        table: np.ndarray,
    ) -> tuple[np.ndarray, ...]:
        """Pairs of events and picks of one phase at one site: event, row, residual, cost."""
        east, north = (self.places[:, :2] - xy).T
        distance = np.hypot(east, north)
        travel, slopes = times.sloped(table, east, north, self.places[:, 2])
        slopes = np.column_stack([slopes, np.ones(len(travel))])
        origin = np.einsum("mi,mij,mj->m", slopes, self.covariances, slopes)
        expected = self.times_ns + np.round(travel * SECOND).astype(np.int64)
        width = round(self.tolerance_s * SECOND)
        near = self.alive & (distance <= self.reach_km)
        low = np.where(near, np.searchsorted(observed, expected - width), 0)
        high = np.where(near, np.searchsorted(observed, expected + width, side="right"), 0)
        count = high - low
        event = np.repeat(np.arange(len(count)), count)
        pick = np.arange(count.sum()) - np.repeat(np.cumsum(count) - count - low, count)
        residual = (observed[pick] - expected[event]) / SECOND
        model = float(self.errors.sigma_s[group % 2])
        own = self.stretch[event] ** 2 * (sigma[pick] ** 2 + model**2)
        variance = own + origin[event]
        u2 = residual**2 / variance
        fits = u2 <= _WITHIN**2
        cost = (u2 + np.log(variance)) / 2
        return tuple(values[fits] for values in (event, rows[pick], residual, cost))
