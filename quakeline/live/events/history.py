"""Final events of the last hours and their picks, from which delays of stations are learnt."""

from __future__ import annotations

from collections.abc import Iterable

import pandas as pd

from quakeline.core.schemas import ARRIVALS, EVENTS, PICKS
from quakeline.events.location.locator import Past
from quakeline.io.products import tables
from quakeline.live.events.updates import SETTLED, Update

#: So many events are remembered.
_MOST = 150


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


def apart(past: Past, events: pd.DataFrame, arrivals: pd.DataFrame) -> Past:
    """The past without events that a window (EVENTS, ARRIVALS) has too, by id or by a pick."""
    older, members, picks = past
    known = members["pick_id"].isin(arrivals["pick_id"])
    again = {*members.loc[known, "event_id"], *events["event_id"]}
    members = members[~members["event_id"].isin(again)]
    return (
        older[~older["event_id"].isin(again)],
        members,
        picks[picks["pick_id"].isin(members["pick_id"])],
    )
