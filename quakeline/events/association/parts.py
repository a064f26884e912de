"""Long tables of picks in parts of time: what is held while one is searched is bounded.

Parts end where blocks do, which are the same however a run is cut or extended. Each is associated
for itself, with the picks of a few travel times on both sides, and reports the events that begin in
it or just beside it; delays of stations and errors of picks are learnt in each.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import pandas as pd

from quakeline.core.timeline import SECOND
from quakeline.events.association import blocks
from quakeline.events.association.blocks import BESIDE_S, Found
from quakeline.events.association.rules import Search, enough

#: Picks of a part; what a part takes is about half a kB for each.
AT_MOST = 250_000
#: A last part with less than this share of them is joined to the one before.
_LEAST_SHARE = 0.25
#: The margin of a part, over the longest travel time: events that share picks with events of the
#: part see all of theirs, too.
_TIMES_LONGEST = 3.0


@dataclass(frozen=True)
class Part:
    """Times in ns in which events are reported, and the rows of the picks that are searched."""

    start_ns: float
    end_ns: float
    rows: slice

    def own(self, found: pd.DataFrame, assigned: pd.DataFrame) -> Found:
        """The events that begin in the part or just beside it, with their picks."""
        if found.empty:
            return found, assigned
        beside = BESIDE_S * SECOND
        inside = found["time_ns"].between(self.start_ns - beside, self.end_ns + beside)
        return found[inside], assigned[assigned["event_idx"].isin(found["idx"][inside])]


def parts_of(times_ns: np.ndarray, longest_s: float, at_most: int) -> list[Part]:
    """Parts of picks with sorted times, each of as many whole blocks as have `at_most` picks.

    A block with more is a part of its own. `longest_s` is the longest travel time.
    """
    length = blocks.length_ns(longest_s)
    numbers, counts = np.unique(times_ns // length, return_counts=True)
    cuts, held = [], 0
    for number, count in zip(numbers.tolist(), counts.tolist(), strict=True):
        if held and held + count > at_most:
            cuts.append(number * length)
            held = 0
        held += count
    if cuts and held < _LEAST_SHARE * at_most:
        cuts.pop()
    margin = round(_TIMES_LONGEST * longest_s * SECOND)
    edges = [-np.inf, *cuts, np.inf]
    return [
        Part(start, end, slice(*np.searchsorted(times_ns, [start - margin, end + margin]).tolist()))
        for start, end in pairwise(edges)
    ]


def united(found: list[Found], search: Search) -> Found:
    """The events that parts report, those that two report once, each pick in one event.

    Of a pick that two events share the one that it fits better has it; events that lack what an
    event needs then go. Events and picks are as `refined` tells them.
    """
    events, assigned = blocks.without_twins(*blocks.joined(found))
    if events.empty:
        return events, assigned
    best = assigned.sort_values("residual", key=np.abs, kind="stable")
    best = best.drop_duplicates("pick_id").sort_index()
    is_p = (best["phase"] == "P").to_numpy()
    kept = enough(best["event_idx"].to_numpy(), best["place"].to_numpy(), is_p, search)
    return events[events["idx"].isin(kept)], best[best["event_idx"].isin(kept)]
