"""Composites: one mechanism of several small events, whose polarities count together.

Each of them has too few polarities; that mechanisms of events so near each other are alike is the
word of whoever asks for it, as in HASH and SKHASH.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from quakeline.core.geometry import LocalFrame
from quakeline.core.reasons import Code, Reason, cells
from quakeline.core.schemas import MECHANISMS
from quakeline.events.mechanisms.polarities import PolarityEvent
from quakeline.io.products import tables


def clusters(
    events: Sequence[PolarityEvent], within_km: float | None, needed: int
) -> list[list[PolarityEvent]]:
    """Events in groups of one mechanism each, in their order; None: each by itself.

    Of events with fewer polarities than `needed` that with the most takes all others whose
    hypocentres lie within some km of its own, then the next one of the rest; it is the first of its
    group. Events with enough polarities stay by themselves.
    """
    known = np.array([int((event.polarities["polarity"] != 0).sum()) for event in events], int)
    small: list[int] = np.flatnonzero((known > 0) & (known < needed)).tolist()
    if within_km is None or len(small) < 2:
        return [[event] for event in events]
    near = _neighbours([events[n] for n in small], within_km)
    groups: dict[int, list[PolarityEvent]] = {}
    taken: set[int] = set()
    for head in np.argsort(-known[small], kind="stable").tolist():
        if head not in taken:
            others = [one for one in sorted(near[head]) if one not in taken and one != head]
            taken |= {head, *others}
            groups[small[head]] = [events[small[one]] for one in (head, *others)]
    alone = set(range(len(events))) - set(small)
    return [groups.get(n, [event]) for n, event in enumerate(events) if n in groups or n in alone]


def _neighbours(events: Sequence[PolarityEvent], within_km: float) -> list[list[int]]:
    """Numbers of the events near each one, itself among them."""
    places = np.array([[event.latitude, event.longitude, event.depth_km] for event in events])
    frame = LocalFrame.around(places[:, 0], places[:, 1])
    east, north = frame.to_xy(places[:, 0], places[:, 1])
    tree = cKDTree(np.stack([east, north, places[:, 2]], axis=1))
    return [list(found) for found in tree.query_ball_tree(tree, within_km)]


def with_members(
    mechanisms: pd.DataFrame, groups: Sequence[Sequence[PolarityEvent]]
) -> pd.DataFrame:
    """MECHANISMS with a row for each event of a composite, which names the row of all together."""
    rows = [
        {
            "event_id": event.event_id,
            "time": event.time,
            "method": "grid search",
            "polarities": int((event.polarities["polarity"] != 0).sum()),
        }
        | cells("note", [Reason.of(Code.IN_COMPOSITE, event=group[0].event_id)])
        for group in groups
        for event in group[1:]
    ]
    if not rows:
        return mechanisms
    made = tables.typed(pd.DataFrame(rows, columns=MECHANISMS.names), MECHANISMS)
    both = pd.concat([mechanisms, made], ignore_index=True)
    return both.sort_values("time", kind="stable", ignore_index=True)
