"""Events in crowded picks, by stacking: how many picks an origin at each place and time explains.

Every pick votes, at each node of a grid, for the origin time that its travel time gives. The origin
with the most votes takes its picks, whose votes are withdrawn, and so on. This takes as long as
there are picks, however many events overlap, where an associator that halves space and time has to
follow nearly every cell.
Source: Ringdal, F. & Kvaerna, T. (1989), A multi-channel processing approach to real time network
detection, phase association, and threshold monitoring, Bull. Seismol. Soc. Am. 79, 1927-1940;
Zhang, M., Ellsworth, W. L. & Beroza, G. C. (2019), Rapid earthquake association and location
(REAL), Seismol. Res. Lett. 90, 2276-2284. Withdrawing votes, and the votes that are needed, are
ours.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from quakeline.association.rules import Search
from quakeline.sites import Sites
from quakeline.velocity import TravelTimes

#: Nodes of a grid at most, and travel times that are held at most.
_NODES = 50_000
_TIMES = 4e7
#: A node is this share of a cell of PyOcto's; bins last as S takes over this share of it.
_NODE_SHARE = 0.36
_BIN_SHARE = 0.28
#: Bins on both sides of a pick's own that count it.
_BESIDE = 1
#: Origins are searched in slices of this length in s, which bounds the memory.
_SLICE_S = 120.0


@dataclass(frozen=True)
class _Votes:
    """Picks of a slice: times in s, numbers of their sites and phases, and votes.

    `counts` has shape (nodes, bins), with empty bins at both ends; `first_s` is the slice's begin.
    """

    times: np.ndarray
    slots: np.ndarray
    counts: np.ndarray
    first_s: float

    def around(self, low: int, high: int) -> np.ndarray:
        """Votes in some bins of the slice and beside them, shape (nodes, high - low)."""
        votes = self.counts[:, low:high].copy()
        for shift in range(1, 2 * _BESIDE + 1):
            votes += self.counts[:, low + shift : high + shift]
        return votes


class Stack:
    """Stacking over a grid of a network; takes and gives the tables that `Octo` does."""

    name = "stack"

    def __init__(self, sites: Sites, search: Search, times: TravelTimes) -> None:
        local = sites.local
        slots = 2 * len(local)
        self._search = search
        self._nodes, step = _grid(local, search, min(_NODES, int(_TIMES / slots)))
        self._travel = np.empty((slots, len(self._nodes)), dtype=np.float32)
        away = np.hypot(
            self._nodes[:, :1] - local["x"].to_numpy(), self._nodes[:, 1:2] - local["y"].to_numpy()
        )
        for number, phase in enumerate("PS"):
            rows = times.rows(np.full(len(local), phase), local["depth_km"].to_numpy())
            self._travel[number::2] = times.at(rows, away, self._nodes[:, 2:])[0].T
        self._travel[np.repeat(away.T, 2, axis=0) > search.max_distance_km] = np.nan
        self._bin_s = _BIN_SHARE * step / float(np.median(times.model.vs))

    def associate(
        self, picks: pd.DataFrame, start_s: float, end_s: float
    ) -> tuple[pd.DataFrame, pd.DataFrame]:
        """Events and picks as `Octo.associate` gives them."""
        times = picks["time"].to_numpy()
        slots = picks["site"].to_numpy() * 2 + (picks["phase"] == "S").to_numpy()
        free = np.ones(len(picks), dtype=bool)
        events: list[tuple[float, ...]] = []
        parts: list[pd.DataFrame] = []
        edges = np.arange(start_s, end_s + _SLICE_S, _SLICE_S)
        for first, last in pairwise(edges):
            for time, node, rows in self._slice(times, slots, free, first, last):
                free[rows] = False
                left = times[rows] - time - self._travel[slots[rows], node]
                parts.append(picks.iloc[rows].assign(event_idx=len(events), residual=left))
                events.append((len(events), time, *self._nodes[node]))
        found = pd.DataFrame(events, columns=["idx", "time", "x", "y", "z"])
        return found, pd.concat(parts, ignore_index=True) if parts else pd.DataFrame()

    def _slice(
        self, times: np.ndarray, slots: np.ndarray, free: np.ndarray, first: float, last: float
    ) -> list[tuple[float, int, np.ndarray]]:
        """Origin times, nodes and rows of picks of the events that begin in a slice."""
        longest = float(np.nanmax(self._travel))
        rows = np.flatnonzero(free & (times >= first) & (times < last + longest))
        least = self._needed(len(rows), last - first + longest, last - first)
        if len(rows) < least:
            return []
        bins = int(np.ceil((last - first) / self._bin_s))
        counts = np.zeros((len(self._nodes), bins + 2 * _BESIDE), dtype=np.int16)
        votes = _Votes(times[rows], slots[rows], counts, first)
        for row in range(len(rows)):
            self._vote(votes, row, 1)
        most = votes.around(0, bins).max(axis=0)
        found = []
        while most.max() >= least:
            column = int(most.argmax())
            node = int(votes.around(column, column + 1).argmax())
            time = first + (column + 0.5) * self._bin_s
            own = self._members(votes, free[rows], time, node)
            if len(own) < least:
                # Picks of one site and phase voted twice.
                counts[node, column : column + 2 * _BESIDE + 1] = 0
                most[column] = votes.around(column, column + 1).max()
                continue
            found.append((time, node, rows[own]))
            free[rows[own]] = False
            ends = np.array([self._vote(votes, row, -1) for row in own])
            low, high = max(ends[:, 0].min() - _BESIDE, 0), min(ends[:, 1].max() + _BESIDE, bins)
            most[low:high] = votes.around(low, high).max(axis=0)
        return found

    def _vote(self, votes: _Votes, row: int, weight: int) -> tuple[int, int]:
        """Add or withdraw the votes of a pick; the first bin that may have changed, and the end."""
        origin = votes.times[row] - self._travel[votes.slots[row]] - votes.first_s
        column = np.floor(origin / self._bin_s)
        bins = votes.counts.shape[1] - 2 * _BESIDE
        nodes = np.flatnonzero((column >= 0) & (column < bins))
        columns = column[nodes].astype(np.int64)
        votes.counts[nodes, columns + _BESIDE] += weight
        return int(columns.min(initial=bins)), int(columns.max(initial=-1)) + 1

    def _members(self, votes: _Votes, free: np.ndarray, time: float, node: int) -> np.ndarray:
        """Picks within the bins around an origin, of each site and phase the nearest."""
        left = np.abs(votes.times - time - self._travel[votes.slots, node])
        near = np.flatnonzero(free & (left <= (_BESIDE + 0.6) * self._bin_s))
        near = near[np.argsort(left[near], kind="stable")]
        return near[np.unique(votes.slots[near], return_index=True)[1]]

    def _needed(self, picks: int, span_s: float, slice_s: float) -> int:
        """Votes that no origin of a slice is expected to get by chance."""
        from scipy.stats import poisson

        width_s = (2 * _BESIDE + 1) * self._bin_s
        origins = len(self._nodes) * slice_s / self._bin_s
        return max(self._search.min_picks, int(poisson.isf(1 / origins, picks / span_s * width_s)))


def _grid(local: pd.DataFrame, search: Search, most: int) -> tuple[np.ndarray, float]:
    """Nodes (x, y, z) around the sites, shape (n, 3), and how far they are apart, in km."""
    margin = search.margin_km
    ends = [(local[name].min() - margin, local[name].max() + margin) for name in ("x", "y")]
    low, high = np.array([*ends, search.depth_km]).T
    step = max(_NODE_SHARE * search.node_km, float(np.prod(high - low) / most) ** (1 / 3))
    counts = np.maximum(np.ceil((high - low) / step), 1).astype(int)
    middles = [
        a + (b - a) * (np.arange(n) + 0.5) / n for a, b, n in zip(low, high, counts, strict=True)
    ]
    return np.stack(np.meshgrid(*middles, indexing="ij"), -1).reshape(-1, 3), step
