"""Ids of events that stay when a run adds data.

A new id holds the origin time to ten seconds, and a letter where several events begin in the same
ten. One more pick moves an origin by hundredths of a second, which would change such an id once in
some hundred times. So each run keeps a ledger (EVENT_IDS) of the ids that it has given: events of
the ledger, and of an earlier catalog that the person names, keep their ids, found by the picks that
they share, or else by time and place. The ledger never forgets: an event that is lost and found
again has its old id, and no other event gets it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import count

import numpy as np
import pandas as pd

from quakeline.core.geometry import distance_azimuth
from quakeline.core.schemas import EVENT_IDS
from quakeline.core.timeline import SECOND, iso

_STEP_S = 10
_LETTERS = "bcdefghijklmnopqrstuvwxyz"
#: Events without common picks are the same when they are closer than this in time and space.
_SAME_S = 2.0
_SAME_KM = 25.0


def new_ids(times_ns: np.ndarray, taken: Collection[str] = ()) -> list[str]:
    """Ids from origin times to ten seconds; where one is taken, with the first free letter."""
    used = set(taken)
    ids = []
    for time in times_ns:
        whole = int(time) // (_STEP_S * SECOND) * _STEP_S * SECOND
        name = "ql" + iso(whole, 0).rstrip("Z").translate({45: None, 58: None})
        ids.append(next(word for word in _words(name) if word not in used))
        used.add(ids[-1])
    return ids


def _words(name: str) -> Iterator[str]:
    yield name
    yield from (name + letter for letter in _LETTERS)
    yield from (f"{name}z{number}" for number in count(2))


def kept_of_all(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    earlier: Sequence[tuple[pd.DataFrame, pd.DataFrame]],
) -> dict[str, str]:
    """As `kept_ids`, for several earlier catalogs; the first that knows an event names it."""
    found: dict[str, str] = {}
    for known_events, known_arrivals in earlier:
        used = found.values()
        more = kept_ids(
            events[~events["event_id"].isin(found)],
            arrivals[~arrivals["event_id"].isin(found)],
            known_events[~known_events["event_id"].isin(used)],
            known_arrivals[~known_arrivals["event_id"].isin(used)],
        )
        found |= more
    return found


def with_ledger(ledger: pd.DataFrame, events: pd.DataFrame, arrivals: pd.DataFrame) -> pd.DataFrame:
    """A ledger (EVENT_IDS) with the events of a run; those that the run lacks stay as they were."""
    lost = ledger[~ledger["event_id"].isin(events["event_id"])]
    rows = arrivals[["event_id", "pick_id"]].merge(events, on="event_id")[EVENT_IDS.names]
    whole = pd.concat([part for part in (lost, rows) if len(part)] or [lost])
    return whole.sort_values(["time", "event_id", "pick_id"], ignore_index=True)


def kept_ids(
    events: pd.DataFrame,
    arrivals: pd.DataFrame,
    known_events: pd.DataFrame,
    known_arrivals: pd.DataFrame,
) -> dict[str, str]:
    """New ids to the ids of the same events in an earlier catalog, for those that are in both.

    Two events are the same when they share at least half of the picks of the smaller one; those
    that share none, when no other is nearer within 2 s and 25 km. All are EVENTS and ARRIVALS.
    """
    both = arrivals[["event_id", "pick_id"]].merge(
        known_arrivals[["event_id", "pick_id"]], on="pick_id", suffixes=("", "_known")
    )
    shared = both.groupby(["event_id", "event_id_known"]).size().reset_index(name="n")
    sizes, known_sizes = (
        arrivals["event_id"].value_counts(),
        known_arrivals["event_id"].value_counts(),
    )
    smaller = np.minimum(
        shared["event_id"].map(sizes).to_numpy(),
        shared["event_id_known"].map(known_sizes).to_numpy(),
    )
    shared = shared[2 * shared["n"].to_numpy() >= smaller]
    pairs = shared.sort_values(["n", "event_id"], ascending=[False, True])
    found: dict[str, str] = {}
    _pair(found, zip(pairs["event_id"], pairs["event_id_known"], strict=True))
    _pair(found, _near(events, known_events))
    return found


def _pair(found: dict[str, str], pairs: Iterable[tuple[str, str]]) -> None:
    """Take pairs in their order, each event at most once."""
    used = set(found.values())
    for new, known in pairs:
        if new not in found and known not in used:
            found[new] = known
            used.add(known)


def _near(events: pd.DataFrame, known: pd.DataFrame) -> list[tuple[str, str]]:
    """Pairs of events that are close in time and space, the closest in time first."""
    known = known.sort_values("time")
    times = known["time"].astype("int64").to_numpy()
    latitude, longitude = known["latitude"].to_numpy(), known["longitude"].to_numpy()
    ids = known["event_id"].to_numpy()
    pairs: list[tuple[int, str, str]] = []
    reach = round(_SAME_S * SECOND)
    places = zip(
        events["event_id"].astype(str),
        events["time"].astype("int64"),
        events["latitude"],
        events["longitude"],
        strict=True,
    )
    for name, time, north, east in places:
        low, high = np.searchsorted(times, [time - reach, time + reach])
        if low == high:
            continue
        rows = slice(low, high)
        apart, _ = distance_azimuth(north, east, latitude[rows], longitude[rows])
        pairs += [
            (abs(int(times[low + k]) - time), name, str(ids[low + k]))
            for k in np.flatnonzero(apart < _SAME_KM)
        ]
    return [(new, old) for _, new, old in sorted(pairs)]
