"""Picks of single channels that belong together: onsets that run along the fibre as one front.

A wave crosses neighbouring channels with a delay that is nearly linear in distance, noise does
not. Around every pick the straight line through it is sought, within the apparent slownesses
allowed, that most neighbouring channels have a pick near: a slant stack of picks, or RANSAC in
which all slownesses are tried instead of random ones (Fischler & Bolles 1981, Commun. ACM 24,
doi:10.1145/358669.358692). A pick is coherent when enough of the channels around it agree; picks
on each other's lines form a front. Networks that see single channels mistake S for P and the
reverse, so the phase belongs to the front (`quakeline.fibres.fronts.front_phases`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components

from quakeline.fibres.fronts.front_phases import phases, ranges
from quakeline.fibres.fronts.settings import FrontSettings

#: Slownesses tried at most, on both signs together.
_MOST_SLOWNESSES = 101
_PICKS_AT_ONCE = 1_000


def clean(picks: pd.DataFrame, live: np.ndarray, rules: FrontSettings) -> pd.DataFrame:
    """Decide of every pick whether it belongs to a front, and of which phase it is.

    Parameters
    ----------
    picks
        With `channel_index`, `distance_m`, `seconds` (any zero), `phase` and `probability`.
    live
        Indices of the channels that could have picks, sorted.
    rules
        What makes a front: the section `das_pick`.

    Returns
    -------
    The picks with `front` (number from 0 in order of time; -1: none), `residual_s` (from the line
    of its neighbours), `support` (part of the live channels around it that agree) and
    `front_phase` (empty without a front). A channel has one pick of a front, that nearest to the
    line.
    """
    result = picks.assign(front=-1, residual_s=np.nan, support=0.0, front_phase="")
    if len(picks) < 2:
        return result
    order = np.argsort(picks["seconds"].to_numpy(), kind="stable")
    ordered = picks.iloc[order]
    found = _Neighbours.of(ordered, live, rules).lines()
    fronts = _fronts(ordered, found, rules)
    for name, values in fronts.items():
        column = result[name].to_numpy().copy()
        column[order] = values
        result[name] = column
    result["front_phase"] = phases(result, rules)
    return result


@dataclass(frozen=True)
class _Lines:
    """The best line of each pick: slowness (s/m), support; pairs of picks on the first one's line.

    Picks without the support that a front needs are the first one of no pair.
    """

    slowness: np.ndarray
    support: np.ndarray
    residual: np.ndarray
    pairs: np.ndarray


@dataclass(frozen=True)
class _Neighbours:
    """Picks (sorted by time) and who lies near enough to be on a line with whom."""

    channel: np.ndarray
    metres: np.ndarray
    seconds: np.ndarray
    live: np.ndarray
    rules: FrontSettings

    @classmethod
    def of(cls, picks: pd.DataFrame, live: np.ndarray, rules: FrontSettings) -> _Neighbours:
        """Those of picks that are sorted by time."""
        channel, metres, seconds = (
            picks[name].to_numpy() for name in ("channel_index", "distance_m", "seconds")
        )
        return cls(channel, metres, seconds, live, rules)

    def lines(self) -> _Lines:
        """The best line through every pick."""
        n = len(self.seconds)
        slowness, support, residual = np.zeros(n), np.zeros(n), np.full(n, np.nan)
        pairs = [np.empty((0, 2), np.int64)]
        for first, centre, other in self._pairs():
            best = self._tried(centre - first, other, first)
            here = first + np.arange(len(best[0]))
            slowness[here], support[here], residual[here] = best[:3]
            on = best[3][support[centre[best[3]]] >= self.rules.min_share]
            pairs.append(np.stack([centre[on], other[on]], axis=1))
        return _Lines(slowness, support, residual, np.concatenate(pairs))

    def _pairs(self) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
        """Blocks of picks: the first one's number, and pairs of a pick and one within reach.

        Pairs are sorted by the pick, the other one's channel and its time.
        """
        n, rules = len(self.seconds), self.rules
        across = rules.reach_channels * self._step / rules.slowest_m_s + rules.tolerance_s
        across *= 1 + 1e-9  # a pick just at the edge counts, whatever the rounding
        since = np.searchsorted(self.seconds, self.seconds - across, "left")
        until = np.searchsorted(self.seconds, self.seconds + across, "right")
        by_channel = np.argsort(self.channel, kind="stable")
        key = self.channel[by_channel].astype(np.int64) * n + by_channel
        offsets = np.arange(-rules.reach_channels, rules.reach_channels + 1)
        for first in range(0, n, _PICKS_AT_ONCE):
            here = slice(first, first + _PICKS_AT_ONCE)
            base = (self.channel[here, None].astype(np.int64) + offsets) * n
            low = np.searchsorted(key, base + since[here, None])
            lengths = np.searchsorted(key, base + until[here, None]) - low
            sizes = lengths.sum(axis=1)
            centre = first + np.repeat(np.arange(len(sizes)), sizes)
            yield first, centre, by_channel[ranges(low.ravel(), lengths.ravel())]

    @cached_property
    def _step(self) -> float:
        """Usual distance of neighbouring channels, in m."""
        steps = np.abs(np.diff(self.metres[np.argsort(self.channel, kind="stable")]))
        jumps = np.diff(np.sort(self.channel))
        known = jumps > 0
        return float(np.median(steps[known] / jumps[known])) if known.any() else 1.0

    @cached_property
    def _slownesses(self) -> np.ndarray:
        """Slownesses so close that a line between two of them is missed by half the tolerance."""
        rules = self.rules
        largest = 1 / rules.slowest_m_s
        reach = rules.reach_channels * max(self._step, 1e-9)
        half = int(np.ceil(largest * reach / rules.tolerance_s))
        half = min(max(half, 1), _MOST_SLOWNESSES // 2)
        values = largest * np.arange(-half, half + 1) / half
        return values[np.argsort(np.abs(values), kind="stable")]

    def _tried(
        self, centre: np.ndarray, other: np.ndarray, first: int
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """Slowness, support and residual of each pick of a block, and which pairs are on a line."""
        n = int(centre.max()) + 1
        dx = self.metres[other] - self.metres[first + centre]
        dt = self.seconds[other] - self.seconds[first + centre]
        count, slowness = np.zeros(n), np.zeros(n)
        for p in self._slownesses:
            on = np.flatnonzero(np.abs(dt - p * dx) <= self.rules.tolerance_s)
            here = _distinct(centre[on], self.channel[other[on]], n)
            better = here > count
            count[better], slowness[better] = here[better], p
        slowness, middle = self._refined(centre, dx, dt, slowness, n)
        on = np.abs(dt - slowness[centre] * dx - middle[centre]) <= self.rules.tolerance_s
        count = _distinct(centre[on], self.channel[other[on]], n)
        return slowness, count / self._asked(first, n), -middle, np.flatnonzero(on)

    def _refined(
        self, centre: np.ndarray, dx: np.ndarray, dt: np.ndarray, slowness: np.ndarray, n: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """Least squares on the picks near the best line: its slowness and its time at the pick."""
        on = np.abs(dt - slowness[centre] * dx) <= self.rules.tolerance_s
        at, x, t = centre[on], dx[on], dt[on]
        s0, sx, st, sxx, sxt = (
            np.bincount(at, weights, minlength=n)
            for weights in (np.ones_like(x), x, t, x * x, x * t)
        )
        spread = s0 * sxx - sx * sx
        fine = spread > 1e-9 * np.maximum(s0 * sxx, 1e-12)
        slope = np.where(fine, (s0 * sxt - sx * st) / np.where(fine, spread, 1), slowness)
        slope = np.clip(slope, -1 / self.rules.slowest_m_s, 1 / self.rules.slowest_m_s)
        return slope, (st - slope * sx) / np.maximum(s0, 1)

    def _asked(self, first: int, n: int) -> np.ndarray:
        """Live channels around each pick of a block, itself included."""
        channel, reach = self.channel[first : first + n], self.rules.reach_channels
        low = np.searchsorted(self.live, channel - reach, "left")
        high = np.searchsorted(self.live, channel + reach, "right")
        return np.asarray(np.maximum(high - low, 1))


def _distinct(centre: np.ndarray, channel: np.ndarray, n: int) -> np.ndarray:
    """How many different channels each centre has; both sorted by centre, then channel."""
    if not len(centre):
        return np.zeros(n)
    new = np.ones(len(centre), bool)
    new[1:] = (centre[1:] != centre[:-1]) | (channel[1:] != channel[:-1])
    return np.asarray(np.bincount(centre[new], minlength=n), dtype=float)


def _fronts(picks: pd.DataFrame, lines: _Lines, rules: FrontSettings) -> dict[str, np.ndarray]:
    """Number the fronts: coherent picks that lie on each other's lines."""
    n = len(picks)
    near = np.abs(np.nan_to_num(lines.residual, nan=np.inf)) <= rules.tolerance_s
    coherent = (lines.support >= rules.min_share) & near
    joined = lines.pairs[coherent[lines.pairs].all(axis=1)]
    links = coo_matrix((np.ones(len(joined), np.int8), (joined[:, 0], joined[:, 1])), shape=(n, n))
    label = connected_components(links, directed=False)[1]
    label[~coherent] = -1
    residual = np.where(coherent, np.abs(lines.residual), np.inf)
    label = _one_per_channel(label, picks["channel_index"].to_numpy(), residual)
    sizes = np.bincount(label[label >= 0], minlength=n)
    label = np.where((label >= 0) & (sizes[label] >= rules.min_channels), label, -1)
    kept, first = np.unique(label[label >= 0], return_index=True)
    renamed = np.full(n + 1, -1)
    renamed[kept[np.argsort(first)]] = np.arange(len(kept))
    return {"front": renamed[label], "residual_s": lines.residual, "support": lines.support}


def _one_per_channel(label: np.ndarray, channel: np.ndarray, residual: np.ndarray) -> np.ndarray:
    """Keep the pick nearest to the line of each channel and front."""
    order = np.lexsort((residual, channel, label))
    again = (np.diff(label[order]) == 0) & (np.diff(channel[order]) == 0)
    result = label.copy()
    result[order[1:][again]] = -1
    return result
