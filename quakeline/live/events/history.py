"""Final events of the last hours and their picks, from which delays of stations are learnt."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable

import pandas as pd

from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.events.location import Locator
from quakeline.events.location.terms import GivenTerms
from quakeline.io.products import tables
from quakeline.live.events.updates import FINAL, Update

#: So many events are remembered, and after so many new ones delays are learnt anew.
_MOST, _EACH = 150, 10
_CODES = ["network", "station", "location", "phase"]

#: EVENTS, ARRIVALS and PICKS.
Past = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


class History:
    """Remembers final events."""

    def __init__(self) -> None:
        self._events: deque[tuple[Update, pd.DataFrame]] = deque(maxlen=_MOST)
        self._new = 0

    def add(self, updates: Iterable[Update], picks: pd.DataFrame) -> None:
        """Remember those updates that are final, with their picks (PICKS)."""
        for one in updates:
            if one.status == FINAL:
                own = picks[picks["pick_id"].isin(one.arrivals["pick_id"])]
                if len(own) == len(one.arrivals):
                    self._events.append((one, own))
                    self._new += 1

    def due(self) -> Past | None:
        """All that is remembered, if enough is new since the last time."""
        if self._new < _EACH:
            return None
        self._new = 0
        events = pd.DataFrame([one.event for one, _ in self._events])
        arrivals = pd.concat([one.arrivals for one, _ in self._events], ignore_index=True)
        picks = pd.concat([own for _, own in self._events], ignore_index=True)
        return (
            tables.typed(events, EVENTS),
            tables.typed(arrivals, ARRIVALS),
            tables.typed(picks.drop_duplicates("pick_id"), PICKS),
        )


def learnt(locator: Locator, past: Past) -> GivenTerms:
    """The delays of stations that a locator with station terms finds in events."""
    events, arrivals, picks = past
    _, weighted = locator.locate(events, arrivals, picks)
    coded = weighted.merge(picks[["pick_id", *_CODES[:3]]], on="pick_id")
    delays = coded.groupby(_CODES)["correction_s"].median().reset_index()
    rows = delays.itertuples(index=False, name=None)
    return GivenTerms({(net, sta, loc, phase): float(s) for net, sta, loc, phase, s in rows})
