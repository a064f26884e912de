"""The phase of each front along a fibre, from the labels of its picks and from other fronts.

A front has the label with the larger sum of probabilities. Of two fronts on the same channels, the
second after a delay that hardly changes along the fibre, the first is P (unless P came before it)
and the second S, unless the network was sure of something else.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd

from quakeline.fibres.fronts.settings import FrontSettings

#: A pair of fronts covers the same channels when it shares this part of the smaller one.
_SHARED = 0.5
#: A front whose label has this part of the votes keeps it.
_SURE = 0.9
#: S follows P by more than this many tolerances; the delay changes by this part along the fibre.
_LEAST, _CHANGE = 3.0, 0.05


def phases(picks: pd.DataFrame, rules: FrontSettings) -> np.ndarray:
    """The phase of each pick's front, "" without one.

    Parameters
    ----------
    picks
        With `channel_index`, `seconds`, `phase`, `probability` and `front` (-1: none); a front has
        at most one pick of a channel.
    rules
        How S follows P: the section `das_pick`.

    Returns
    -------
    Shape (picks,), of objects.
    """
    members = picks[picks["front"] >= 0]
    result = np.full(len(picks), "", dtype=object)
    if members.empty:
        return result
    votes = members.pivot_table(
        index="front", columns="phase", values="probability", aggfunc="sum", fill_value=0.0
    ).reindex(columns=["P", "S"], fill_value=0.0)
    share = (votes["P"] / votes.sum(axis=1)).to_numpy()
    middle = members.groupby("front")["seconds"].median().to_numpy()
    order = np.argsort(middle, kind="stable")
    rank = np.empty(len(order), np.int64)
    rank[order] = np.arange(len(order))
    number = rank[np.searchsorted(votes.index.to_numpy(), members["front"].to_numpy())]
    fronts = _Fronts.of(members, number, middle[order], rules)
    is_p = fronts.first_is_p(share[order])
    result[(picks["front"] >= 0).to_numpy()] = np.where(is_p[number], "P", "S")
    return result


@dataclass(frozen=True)
class _Fronts:
    """Fronts, numbered in the order of their median times, and their picks, sorted by channel.

    Attributes
    ----------
    middle, size
        Median time in s, and picks, of each front.
    number, channel, seconds
        Of each pick: its front, channel and time.
    own
        Picks of all fronts, one front behind the other.
    """

    middle: np.ndarray
    size: np.ndarray
    number: np.ndarray
    channel: np.ndarray
    seconds: np.ndarray
    own: np.ndarray
    rules: FrontSettings

    @classmethod
    def of(
        cls, members: pd.DataFrame, number: np.ndarray, middle: np.ndarray, rules: FrontSettings
    ) -> _Fronts:
        """Fronts of picks with a number each."""
        channel, seconds = members["channel_index"].to_numpy(), members["seconds"].to_numpy()
        channel = np.unique(channel, return_inverse=True)[1]
        order = np.lexsort((number, channel))
        number, channel, seconds = number[order], channel[order], seconds[order]
        size = np.bincount(number, minlength=len(middle))
        own = np.argsort(number, kind="stable")
        return cls(middle, size, number, channel, seconds, own, rules)

    def first_is_p(self, share: np.ndarray) -> np.ndarray:
        """Which fronts are P; `share` is the part of P in the votes of each."""
        is_p = share >= 0.5
        for later, before in self._followed():
            for earlier in before.tolist():
                if not is_p[earlier] and share[earlier] > 1 - _SURE:
                    is_p[earlier] = not self._has_p_before(earlier, is_p)
                if is_p[earlier] and share[later] < _SURE:
                    is_p[later] = False
        return is_p

    def _has_p_before(self, front: int, is_p: np.ndarray) -> bool:
        """Whether P came to any part of the fibre before a front, which then is its S."""
        delays = self.middle[front] - self.middle[self._since(front, 1) : front]
        near = (delays > _LEAST * self.rules.tolerance_s) & (delays <= self.rules.max_s_minus_p_s)
        return bool((near & is_p[front - len(delays) : front]).any())

    def _since(self, front: int, times: float) -> int:
        """First of the fronts that are not clearly more than so many longest delays older."""
        oldest = self.middle[front] - times * self.rules.max_s_minus_p_s
        return min(int(np.searchsorted(self.middle, oldest - 1e-6)), front)

    def _followed(self) -> Iterator[tuple[int, np.ndarray]]:
        """Each front, in order of time, and the earlier ones that it follows as S follows P."""
        count = len(self.middle)
        key = self.channel * count + self.number
        ends = np.cumsum(self.size)
        for front in range(1, count):
            first = self._since(front, 2)
            picks = self.own[ends[front] - self.size[front] : ends[front]]
            base = self.channel[picks] * count
            low = np.searchsorted(key, base + first)
            lengths = np.searchsorted(key, base + front) - low
            other = ranges(low, lengths)
            delay = np.repeat(self.seconds[picks], lengths) - self.seconds[other]
            before = self._smooth(front, first, self.number[other] - first, delay)
            near = self.middle[front] - self.middle[before] <= 2 * self.rules.max_s_minus_p_s
            yield front, before[near]

    def _smooth(self, front: int, first: int, number: np.ndarray, delay: np.ndarray) -> np.ndarray:
        """Which fronts before one have enough of its channels, at delays that change smoothly.

        `number` counts from `first`; it and the delay are of each pick on a channel of the front.
        """
        shared = np.bincount(number, minlength=front - first)
        least = _SHARED * np.minimum(self.size[first:front], self.size[front])
        enough = (shared >= least) & (shared >= self.rules.min_channels)
        kept = enough[number]
        number, delay = number[kept], delay[kept]
        found = np.flatnonzero(enough)
        middle = np.full(len(enough), np.nan)
        middle[found] = _medians(number, delay)
        spread = _medians(number, np.abs(delay - middle[number]))
        middle = middle[found]
        allowed = self.rules.tolerance_s + _CHANGE * middle
        behind = (_LEAST * self.rules.tolerance_s < middle) & (middle <= self.rules.max_s_minus_p_s)
        return found[behind & (spread <= allowed)] + first


def _medians(group: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Median of the values of each group, in the order of the groups."""
    if not len(group):
        return np.empty(0)
    order = np.lexsort((values, group))
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    sizes = np.diff(starts, append=len(group))
    low, high = starts + (sizes - 1) // 2, starts + sizes // 2
    return np.asarray((values[order[low]] + values[order[high]]) / 2)


def ranges(first: np.ndarray, lengths: np.ndarray) -> np.ndarray:
    """Whole numbers from each first one on, so many as its length, one range behind the other."""
    ends = np.cumsum(lengths)
    return np.repeat(first - ends + lengths, lengths) + np.arange(ends[-1] if len(ends) else 0)
