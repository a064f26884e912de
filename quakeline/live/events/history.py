"""Final events of the last hours and their picks, from which delays of stations are learnt."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.events.location import Locator
from quakeline.events.location.terms import GivenTerms
from quakeline.io.products import tables
from quakeline.live.events.updates import SETTLED, Update

#: So many events are remembered.
_MOST = 150
_PLACES = ["event_id", "time", "latitude", "longitude", "depth_km"]
_PHASES = ["event_id", "pick_id", "phase"]

#: EVENTS, ARRIVALS and PICKS.
Past = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]


class History:
    """Remembers the last versions of events that are final or reviewed, the latest events."""

    def __init__(self) -> None:
        self._events: dict[str, tuple[Update, pd.DataFrame]] = {}

    def add(self, updates: Iterable[Update], picks: pd.DataFrame) -> None:
        """Remember updates that are final or reviewed, with their picks (PICKS).

        Each takes the place of the version that is remembered; an event that is withdrawn, or whose
        picks are not all there, is forgotten.
        """
        for one in updates:
            self._events.pop(one.event_id, None)
            if one.status in SETTLED:
                own = picks[picks["pick_id"].isin(one.arrivals["pick_id"])]
                if len(own) == len(one.arrivals):
                    self._events[one.event_id] = one, own
        latest = sorted(self._events.items(), key=lambda both: both[1][0].time_ns)[-_MOST:]
        self._events = dict(latest)

    def before(self, time_ns: int) -> Past | None:
        """What is remembered of events before a time (ns); None: nothing."""
        some = [both for both in self._events.values() if both[0].time_ns < time_ns]
        if not some:
            return None
        events = pd.DataFrame([one.event for one, _ in some])
        arrivals = pd.concat([one.arrivals for one, _ in some], ignore_index=True)
        picks = pd.concat([own for _, own in some], ignore_index=True)
        return (
            tables.typed(events, EVENTS),
            tables.typed(arrivals, ARRIVALS),
            tables.typed(picks.drop_duplicates("pick_id"), PICKS),
        )


def learnt(locator: Locator, past: Past, window: Past) -> GivenTerms:
    """The delays of stations that the events of the past and those of a window tell together."""
    events, arrivals, picks = past
    known = arrivals["pick_id"].isin(window[1]["pick_id"]) | arrivals["event_id"].isin(
        window[0]["event_id"]
    )
    again = set(arrivals.loc[known, "event_id"])
    older = events[~events["event_id"].isin(again)]
    members = arrivals[arrivals["event_id"].isin(older["event_id"])]
    own = picks[picks["pick_id"].isin(members["pick_id"])]
    return locator.delays(
        pd.concat([older[_PLACES], window[0][_PLACES]], ignore_index=True),
        pd.concat([members[_PHASES], window[1][_PHASES]], ignore_index=True),
        pd.concat([own, window[2]], ignore_index=True).drop_duplicates("pick_id"),
    )
