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

import threading
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import poisson

from quakeline.earth.sites import Sites
from quakeline.events.association.network import Finder
from quakeline.events.association.rules import NEAREST, Search

#: Nodes of a grid at most, and travel times that are held at most.
_NODES = 20_000
_TIMES = 4e7
#: A node is this share of a cell of the search; depths are twice as far apart, since depth and
#: origin time do nearly the same to most picks. Bins last as S takes over a share of a node.
_NODE_SHARE = 0.36
_DEPTHS = 2.0
_BIN_SHARE = 0.28
#: Bins on both sides of a pick's own that count it.
_BESIDE = 1
#: Where an origin was tried in vain, none is tried any more within so many steps and bins.
_TRIED, _WIDE = 1.6, 2
#: Nodes are voted for in blocks whose votes of one kind fit into a processor's cache.
_BLOCK_BYTES, _LEAST_BLOCK = 2**19, 64
#: Origins are searched in slices of this length in s, which bounds the memory.
_SLICE_S = 300.0
#: Origins of a slice that may have the votes that are needed by chance.
_BY_CHANCE = 1.0
#: Times that a new origin takes its picks anew.
_ROUNDS = 2


@dataclass(frozen=True)
class _Votes:
    """Votes of the picks of a slice.

    `times` are in s, `slots` the numbers of their sites and phases; `all` and `near` have shape
    (blocks, bins, width): node n is number n % width of block n // width; the first bin begins at
    `first_s`. `silent` are the parts where there are none any more, whatever is withdrawn.
    """

    times: np.ndarray
    slots: np.ndarray
    all: np.ndarray
    near: np.ndarray
    first_s: float
    silent: list[tuple[Any, ...]]


class Grid:
    """Stacking over a grid of a network."""

    name = "stack"

    def __init__(self, sites: Sites, search: Search, finder: Finder) -> None:
        local = sites.local
        slots = 2 * len(local)
        self._search, self._finder = search, finder
        self._place = sites.place
        self._nodes, step = _grid(local, search, min(_NODES, int(_TIMES / slots)))
        self._step = step
        self._travel = np.empty((slots, len(self._nodes)), dtype=np.float32)
        self._xy = local[["x", "y"]].to_numpy()
        east, north = (self._nodes[:, n : n + 1] - self._xy[:, n] for n in (0, 1))
        away = np.hypot(east, north)
        self._rows = [
            finder.times.rows_of(np.full(len(local), phase), np.arange(len(local)))
            for phase in "PS"
        ]
        for number, rows in enumerate(self._rows):
            for site in range(len(rows)):
                one = rows[site : site + 1], east[:, site], north[:, site], self._nodes[:, 2]
                self._travel[2 * site + number] = finder.times.travel(*one)
        reach = search.reach_km(self._xy, self._nodes[:, :2])
        self._within = np.ascontiguousarray((away <= reach[:, None]).T)
        # Of a wide network no node is within reach of all sites.
        self._share = float(self._within.mean(axis=0).max())
        count = min(NEAREST, len(local))
        rank = np.argpartition(away, count - 1, axis=1)[:, :count]
        near = np.zeros(away.shape, dtype=bool)
        np.put_along_axis(near, rank, True, axis=1)
        self._near = np.ascontiguousarray(near.T) & self._within
        self._bin_s = _BIN_SHARE * step / finder.times.model.typical("S")
        within = np.repeat(self._within, 2, axis=0)
        # Of each site and phase the shortest and the longest time within reach.
        longest = np.max(self._travel, axis=1, initial=0.0, where=within)
        least = np.min(self._travel, axis=1, initial=float(longest.max()), where=within)
        self._ends = np.array([least, longest])
        self.longest_s = float(self._ends[1].max())
        # Votes of a slice take much memory, which is cheaper to clear than to ask for again.
        self._held = threading.local()

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
        parts: list[pd.DataFrame] = []
        edges = np.arange(start_s, end_s + _SLICE_S, _SLICE_S)
        for first, last in pairwise(edges):
            for origin, rows, left in self._slice(times, slots, free, first, last):
                parts.append(picks.iloc[rows].assign(event_idx=len(events), residual=left))
                events.append((len(events), origin[3], *origin[:3]))
        found = pd.DataFrame(events, columns=["idx", "time", "x", "y", "z"])
        return found, pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

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
        before = int(np.ceil(self.longest_s / self._bin_s)) + _BESIDE
        bins = before + int(np.ceil(span / self._bin_s)) + _BESIDE + 1
        votes = self._votes(times[rows], slots[rows], first - before * self._bin_s, bins, most)
        inside = slice(before, before + int(np.ceil((last - first) / self._bin_s)))
        excess = self._excess(votes, inside.start, inside.stop, needed)
        found = []
        while excess.max(initial=-1.0) >= 0:
            column = inside.start + int(excess.argmax())
            node = self._node(votes, column, needed)
            time = votes.first_s + (column + 0.5) * self._bin_s
            start = np.r_[self._nodes[node], time]
            origin, own, left = self._members(votes, free[rows], start)
            if len(own) < self._search.min_picks:
                # Picks of one site and phase voted twice, or do not fit one place.
                self._silence(votes, node, column)
                low, high = column - _WIDE - _BESIDE, column + _WIDE + _BESIDE + 1
            else:
                found.append((origin, rows[own], left))
                free[rows[own]] = False
                first_bin, last_bin = self._withdraw(votes, own)
                low, high = first_bin - _BESIDE, last_bin + _BESIDE + 1
            low, high = max(low, inside.start), min(high, inside.stop)
            if low < high:
                part = self._excess(votes, low, high, needed)
                excess[low - inside.start : high - inside.start] = part
        return found

    def _most(self, times: np.ndarray) -> int:
        """Votes that a bin and those beside it can have at most: sorted times of picks in s."""
        reach = self.longest_s + (2 * _BESIDE + 1) * self._bin_s
        last = np.searchsorted(times, times + reach, side="right")
        return int((last - np.arange(len(times))).max())

    def _votes(
        self, times: np.ndarray, slots: np.ndarray, first_s: float, bins: int, most: int
    ) -> _Votes:
        """The votes of all picks of a slice, of which a bin and those beside it have `most`."""
        width = max(_BLOCK_BYTES // bins, _LEAST_BLOCK)
        shape = 2, -(-len(self._nodes) // width), bins, width
        dtype = np.min_scalar_type(most)
        held = getattr(self._held, "counts", None)
        if held is None or held.shape != shape or held.dtype != dtype:
            held = self._held.counts = np.zeros(shape, dtype)
        else:
            held.fill(0)
        votes = _Votes(times, slots, held[0], held[1], first_s, [])
        self._vote(votes, np.arange(len(times)), np.add)
        return votes

    def _vote(self, votes: _Votes, rows: np.ndarray, how: np.ufunc) -> None:
        """Add or subtract the votes of picks."""
        slots, seconds = votes.slots[rows], (votes.times[rows] - votes.first_s)[:, None]
        width = votes.all.shape[2]
        for block in range(len(votes.all)):
            nodes = slice(block * width, (block + 1) * width)
            travel = self._travel[slots, nodes]
            index = ((seconds - travel) / self._bin_s).astype(np.int64)
            index *= width
            index += np.arange(travel.shape[1])
            for counts, some in ((votes.all, self._within), (votes.near, self._near)):
                own = some[slots // 2, nodes]
                flat = index.reshape(-1) if own.all() else index[own]
                how.at(counts[block].reshape(-1), flat, counts.dtype.type(1))

    def _withdraw(self, votes: _Votes, rows: np.ndarray) -> tuple[int, int]:
        """Withdraw the votes of picks; the first and the last bin of them."""
        self._vote(votes, rows, np.subtract)
        for silent in votes.silent:
            votes.all[silent] = votes.near[silent] = 0
        seconds = votes.times[rows] - votes.first_s
        ends = ((seconds - self._ends[:, votes.slots[rows]]) / self._bin_s).astype(np.int64)
        return int(ends[1].min()), int(ends[0].max())

    def _excess(
        self, votes: _Votes, low: int, high: int, needed: tuple[np.ndarray, np.ndarray]
    ) -> np.ndarray:
        """How much less likely than allowed the best origin of each bin is by chance (log)."""
        most = [
            np.max([_around(block, low, high).max(axis=1) for block in counts], axis=0)
            for counts in (votes.all, votes.near)
        ]
        scores = [table[count] for table, count in zip(needed, most, strict=True)]
        return np.asarray(np.maximum(*scores))

    def _node(self, votes: _Votes, column: int, needed: tuple[np.ndarray, np.ndarray]) -> int:
        """The best node of a bin."""
        beside = slice(column - _BESIDE, column + _BESIDE + 1)
        every, near = (
            counts[:, beside].sum(axis=1, dtype=counts.dtype).reshape(-1)
            for counts in (votes.all, votes.near)
        )
        score = np.maximum(needed[0][every], needed[1][near])
        # Of equals the one that more sites see.
        return int(np.lexsort((every, score))[-1])

    def _members(
        self, votes: _Votes, free: np.ndarray, start: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The origin that fits the picks around a start best, these picks and their residuals."""
        origin, width = start, (_BESIDE + 1) * self._bin_s
        for round_ in range(_ROUNDS + 1):
            left = self._residuals(votes, origin)
            near = np.flatnonzero(free & (np.abs(left) <= max(width, self._search.tolerance_s)))
            near = near[np.argsort(np.abs(left[near]), kind="stable")]
            slots = votes.slots[near]
            once = 2 * self._place[slots // 2] + slots % 2
            own = near[np.unique(once, return_index=True)[1]]
            if len(own) < self._search.min_picks or round_ == _ROUNDS:
                break
            slots = votes.slots[own]
            origin = self._finder.moved(slots // 2, slots % 2 == 1, votes.times[own], origin)
            width = 0.0
        return origin, own, left[own]

    def _residuals(self, votes: _Votes, origin: np.ndarray) -> np.ndarray:
        """Seconds of all picks of a slice after the arrivals of an origin; NaN out of reach."""
        east, north = (origin[:2] - self._xy).T
        away = np.hypot(east, north)
        travel = np.empty(2 * len(away))
        for number, rows in enumerate(self._rows):
            travel[number::2] = self._finder.times.travel(rows, east, north, np.array(origin[2]))
        travel[np.repeat(away, 2) > self._search.reach_km(self._xy, origin[None, :2])] = np.nan
        return np.asarray(votes.times - origin[3] - travel[votes.slots])

    def _silence(self, votes: _Votes, node: int, column: int) -> None:
        """No origin at a node and those beside it around a time any more."""
        apart = np.abs(self._nodes - self._nodes[node]) / (1.0, 1.0, _DEPTHS)
        beside = np.flatnonzero((apart <= _TRIED * self._step).all(axis=1))
        block, number = np.divmod(beside, votes.all.shape[2])
        silent = block, slice(max(column - _WIDE, 0), column + _WIDE + 1), number
        votes.all[silent] = votes.near[silent] = 0
        votes.silent.append(silent)

    def _needed(
        self, slots: np.ndarray, span_s: float, slice_s: float, most: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Score of each number of votes up to `most`, of all sites and of the near ones.

        The score is the logarithm of the number of origins of the slice that have as many votes by
        chance, with the sign turned: negative is chance.
        """
        width_s = (2 * _BESIDE + 1) * self._bin_s
        origins = len(self._nodes) * slice_s / self._bin_s
        rate = len(slots) / span_s * width_s
        active = max(len(np.unique(slots)), 1)
        every = rate * self._share
        near = min(rate * 2 * NEAREST / active, every)
        tables = []
        counts = np.arange(most + 1)
        for rate in (every, near):
            score = np.log(_BY_CHANCE) - np.log(origins) - poisson.logsf(counts - 1, rate)
            score[counts < self._search.min_picks] = -1.0
            tables.append(score)
        return tables[0], tables[1]


def _around(counts: np.ndarray, low: int, high: int) -> np.ndarray:
    """Votes in some bins and beside them, shape (high - low, width), of a block."""
    votes = counts[low - _BESIDE : high - _BESIDE].copy()
    for shift in range(1, 2 * _BESIDE + 1):
        votes += counts[low - _BESIDE + shift : high - _BESIDE + shift]
    return np.asarray(votes)


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
