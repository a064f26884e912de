"""Events in a block of picks, by stacking: which origins explain more picks than chance does.

Every pick votes, at each node of a grid, for the origin time that its travel time gives. The origin
whose votes are the least likely to have come by chance takes its picks, is moved to where they fit
best, takes those that fit there, and their votes are withdrawn; and so on. This takes as long as
there are picks, however many events overlap. Votes are counted twice: those of all sites, which
find large events, and those of the few sites nearest to a node, which find small ones, that a few
sites record and chance rarely imitates.
Source: Ringdal, F. & Kvaerna, T. (1989), A multi-channel processing approach to real time network
detection, phase association, and threshold monitoring, Bull. Seismol. Soc. Am. 79, 1927-1940;
Zhang, M., Ellsworth, W. L. & Beroza, G. C. (2019), Rapid earthquake association and location
(REAL), Seismol. Res. Lett. 90, 2276-2284. Withdrawing votes, counting them twice, and the votes
that are needed, are ours.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import pdtrc

from quakeline.earth.sites import Sites
from quakeline.events.association.counted import CountedVotes
from quakeline.events.association.network import Finder
from quakeline.events.association.rules import NEAREST, Search
from quakeline.events.association.stored import StoredVotes
from quakeline.events.association.votes import BESIDE, Reach, Slice, Votes
from quakeline.io.products.compiled import usable

#: Nodes of a grid at most, and travel times that are held at most.
_NODES = 20_000
_TIMES = 4e7
#: A node is this share of a cell of the search; depths are twice as far apart, since depth and
#: origin time do nearly the same to most picks. Bins last as S takes over a share of a node.
_NODE_SHARE = 0.36
_DEPTHS = 2.0
_BIN_SHARE = 0.28
#: Where an origin was tried in vain, none is tried any more within so many steps and bins.
_TRIED, _WIDE = 1.6, 2
#: Sites, or epicentres, whose travel times or distances are made at once.
_TOGETHER = 64
#: Picks below which it takes longer to load compiled functions than to count without them.
_FEW = 200
#: Origins are searched in slices of this length in s, which bounds the memory.
_SLICE_S = 300.0
#: Origins of a slice that may have the votes that are needed by chance.
_BY_CHANCE = 1.0
#: Times that a new origin takes its picks anew.
_ROUNDS = 2


def depends_on(search: Search) -> tuple[Any, ...]:
    """What of a search decides which events a grid finds."""
    return *made_for(search), search.max_distance_km, search.min_picks, search.tolerance_s


def made_for(search: Search) -> tuple[Any, ...]:
    """What of a search decides where the nodes of a grid are."""
    return search.margin_km, search.depth_km, search.node_km


class Grid:
    """Stacking over a grid of a network.

    `longest_s` is its longest travel time, `cell_km` how far nodes are apart across and in depth,
    `width_s` the seconds of origin times whose votes count together.
    """

    name = "stack"

    def __init__(
        self,
        sites: Sites,
        search: Search,
        finder: Finder,
        others: Iterable[Grid] = (),
        picks: int | None = None,
    ) -> None:
        """Take travel times from one of other grids, of the same sites and finder, or make them.

        `picks` are as many as will be searched; None: any number, again and again.
        """
        local = sites.local
        slots = 2 * len(local)
        self._search, self._finder = search, finder
        self._place = sites.place
        self._nodes, step = _grid(local, search, min(_NODES, int(_TIMES / slots)))
        self._step = step
        self._xy = local[["x", "y"]].to_numpy()
        self._rows = [
            finder.times.rows_of(np.full(len(local), phase), np.arange(len(local)))
            for phase in "PS"
        ]
        self._form = form(picks)
        self._made_for = made_for(search)
        known = [grid for grid in others if grid._made_for == self._made_for]
        far_km = search.max_distance_km
        self.depends_on = depends_on(search)
        same = (grid._reach for grid in known if grid._search.max_distance_km == far_km)
        travel = known[0]._reach.travel if known else None
        self._reach: Reach = next(same, None) or self._reached(travel)
        # Of a wide network no node is within reach of all sites.
        self._share = float(self._reach.within.mean(axis=1).max())
        self._bin_s = self._reach.bin_s
        self.longest_s = float(self._reach.ends[1].max())
        self.cell_km = step, step * _DEPTHS
        self.width_s = (2 * BESIDE + 1) * self._bin_s

    def _reached(self, known: np.ndarray | None) -> Reach:
        """Travel times to all nodes, unless they are known, and which sites count there."""
        # Nodes of one epicentre stand together, those of each at the same depths.
        depths = np.unique(self._nodes[:, 2])
        places = self._nodes[:: len(depths), :2]
        reach = self._search.reach_km(self._xy, places)
        within = np.empty((len(places), len(self._xy)), dtype=bool)
        near = np.zeros(within.shape, dtype=bool)
        count = min(NEAREST, len(self._xy))
        for first in range(0, len(places), _TOGETHER):
            own = slice(first, first + _TOGETHER)
            east, north = (places[own, None] - self._xy).transpose(2, 0, 1)
            away = np.hypot(east, north)
            within[own] = away <= reach[own, None]
            rank = np.argpartition(away, count - 1, axis=1)[:, :count]
            np.put_along_axis(near[own], rank, True, axis=1)
        order = self._form.order
        travel, ends = known, np.empty((2, 2 * len(self._xy)), dtype=np.float32)
        if travel is None:
            travel = np.empty((ends.shape[1], len(self._nodes)), dtype=np.float32, order=order)
        for first in range(0, len(self._xy), _TOGETHER):
            sites = np.arange(first, min(first + _TOGETHER, len(self._xy)))
            slots = slice(2 * first, 2 * first + 2 * len(sites))
            if known is None:
                travel[slots] = self._travelled(sites, places, depths)
            times = travel[slots].reshape(-1, len(places), len(depths))
            for slot, own_s in enumerate(times, start=2 * first):
                counts = own_s[within[:, slot // 2]]
                ends[:, slot] = counts.min(initial=np.inf), counts.max(initial=0.0)
        ends[0] = np.minimum(ends[0], ends[1].max())
        bin_s = _BIN_SHARE * self._step / self._finder.times.model.typical("S")
        return Reach(travel, within, near & within, len(depths), ends, bin_s)

    def _travelled(self, sites: np.ndarray, places: np.ndarray, depths: np.ndarray) -> np.ndarray:
        """Travel times in s of P and S from some sites to all nodes, shape (2 * sites, nodes)."""
        made = np.empty((len(sites), 2, len(places), len(depths)), dtype=np.float32)
        for number, site in enumerate(sites):
            east, north = (places - self._xy[site]).T[:, :, None]
            for phase, rows in enumerate(self._rows):
                own = rows[site : site + 1]
                made[number, phase] = self._finder.times.travel(own, east, north, depths)
        return made.reshape(2 * len(sites), -1)

    def associate(
        self, picks: pd.DataFrame, start_s: float, end_s: float
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Events (idx, time, x, y, z) and picks (event_idx, residual, and the columns given).

        `picks` has pick_id, site, phase and time in s, sorted by time.
        """
        times = picks["time"].to_numpy()
        slots = picks["site"].to_numpy() * 2 + (picks["phase"] == "S").to_numpy()
        free = np.ones(len(picks), dtype=bool)
        events: list[tuple[float, ...]] = []
        rows: list[np.ndarray] = []
        left: list[np.ndarray] = []
        edges = np.arange(start_s, end_s + _SLICE_S, _SLICE_S)
        for first, last in pairwise(edges):
            for origin, own, residual in self._slice(times, slots, free, first, last):
                events.append((len(events), origin[3], *origin[:3]))
                rows.append(own)
                left.append(residual)
        found = pd.DataFrame(events, columns=["idx", "time", "x", "y", "z"])
        if not events:
            return found, pd.DataFrame()
        numbers = np.repeat(np.arange(len(events)), [len(own) for own in rows])
        assigned = picks.iloc[np.concatenate(rows)].reset_index(drop=True)
        return found, assigned.assign(event_idx=numbers, residual=np.concatenate(left))

    def _slice(
        self, times: np.ndarray, slots: np.ndarray, free: np.ndarray, first: float, last: float
    ) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        """Origins, rows of picks and their residuals of the events that begin in a slice."""
        rows = np.flatnonzero(free & (times >= first) & (times < last + self.longest_s))
        if len(rows) < self._search.min_picks:
            return []
        span = last - first + self.longest_s
        most = self._most(times[rows])
        needed = self._needed(slots[rows], span, last - first, most)
        # Origins before the slice have bins too, so that no vote falls out of the arrays.
        before = int(np.ceil(self.longest_s / self._bin_s)) + BESIDE
        bins = before + int(np.ceil(span / self._bin_s)) + BESIDE + 1
        inside = slice(before, before + int(np.ceil((last - first) / self._bin_s)))
        begin = first - before * self._bin_s
        picks = Slice(times[rows], slots[rows], begin, bins, inside, needed, most)
        votes = self._form(self._reach, picks)
        found = []
        while best := votes.best():
            column, node = best
            start = np.r_[self._nodes[node], begin + (column + 0.5) * self._bin_s]
            origin, own, left = self._members(picks, free[rows], start)
            if len(own) < self._search.min_picks:
                # Picks of one site and phase voted twice, or do not fit one place.
                low, high = max(column - _WIDE, 0), column + _WIDE + 1
                votes.silence(self._beside(node), low, high)
            else:
                found.append((origin, rows[own], left))
                free[rows[own]] = False
                votes.withdraw(own)
        return found

    def _most(self, times: np.ndarray) -> int:
        """Votes that a bin and those beside it can have at most: sorted times of picks in s."""
        reach = self.longest_s + (2 * BESIDE + 1) * self._bin_s
        last = np.searchsorted(times, times + reach, side="right")
        return int((last - np.arange(len(times))).max())

    def _members(
        self, picks: Slice, free: np.ndarray, start: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The origin that fits the picks around a start best, these picks and their residuals."""
        origin, width = start, (BESIDE + 1) * self._bin_s
        for round_ in range(_ROUNDS + 1):
            left = self._residuals(picks, origin)
            near = np.flatnonzero(free & (np.abs(left) <= max(width, self._search.tolerance_s)))
            near = near[np.argsort(np.abs(left[near]), kind="stable")]
            slots = picks.slots[near]
            once = 2 * self._place[slots // 2] + slots % 2
            own = near[np.unique(once, return_index=True)[1]]
            if len(own) < self._search.min_picks or round_ == _ROUNDS:
                break
            slots = picks.slots[own]
            origin = self._finder.moved(slots // 2, slots % 2 == 1, picks.times[own], origin)
            width = 0.0
        return origin, own, left[own]

    def _residuals(self, picks: Slice, origin: np.ndarray) -> np.ndarray:
        """Seconds of all picks of a slice after the arrivals of an origin; NaN out of reach."""
        east, north = (origin[:2] - self._xy).T
        away = np.hypot(east, north)
        travel = np.empty(2 * len(away))
        for number, rows in enumerate(self._rows):
            travel[number::2] = self._finder.times.travel(rows, east, north, np.array(origin[2]))
        travel[np.repeat(away, 2) > self._search.reach_km(self._xy, origin[None, :2])] = np.nan
        return np.asarray(picks.times - origin[3] - travel[picks.slots])

    def _beside(self, node: int) -> np.ndarray:
        """A node and those beside it."""
        apart = np.abs(self._nodes - self._nodes[node]) / (1.0, 1.0, _DEPTHS)
        return np.flatnonzero((apart <= _TRIED * self._step).all(axis=1))

    def _needed(
        self, slots: np.ndarray, span_s: float, slice_s: float, most: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Score of each number of votes up to `most`, of all sites and of the near ones.

        The score is the logarithm of the number of origins of the slice that have as many votes by
        chance, with the sign turned: negative is chance.
        """
        origins = len(self._nodes) * slice_s / self._bin_s
        rate = len(slots) / span_s * self.width_s
        active = max(len(np.unique(slots)), 1)
        every = rate * self._share
        near = min(rate * 2 * NEAREST / active, every)
        tables = []
        counts = np.arange(most + 1)
        for rate in (every, near):
            with np.errstate(divide="ignore"):
                chance = np.log(pdtrc(np.maximum(counts - 1, 0), rate))
            score = np.log(_BY_CHANCE) - np.log(origins) - chance
            score[counts < self._search.min_picks] = -1.0
            tables.append(score)
        return tables[0], tables[1]


def _grid(local: pd.DataFrame, search: Search, most: int) -> tuple[np.ndarray, float]:
    """Nodes (x, y, z) around the sites, shape (n, 3), and how far they are apart, in km."""
    margin = search.margin_km
    ends = [(local[name].min() - margin, local[name].max() + margin) for name in ("x", "y")]
    low, high = np.array([*ends, search.depth_km]).T
    scale = np.array([1.0, 1.0, _DEPTHS])
    step = max(_NODE_SHARE * search.node_km, float(np.prod((high - low) / scale) / most) ** (1 / 3))
    counts = np.maximum(np.ceil((high - low) / (step * scale)), 1).astype(int)
    middles = [
        a + (b - a) * (np.arange(n) + 0.5) / n for a, b, n in zip(low, high, counts, strict=True)
    ]
    return np.stack(np.meshgrid(*middles, indexing="ij"), -1).reshape(-1, 3), step


def form(picks: int | None = None) -> type[Votes]:
    """What counts votes of so many picks: compiled functions where they can be used, and pay."""
    few = picks is not None and picks < _FEW
    return CountedVotes if not few and usable() else StoredVotes
