"""Events while their picks may change: members, origins, odds, and tables of them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from quakeline.events.association.claims import farthest
from quakeline.events.association.likelihood import Fits, evidence
from quakeline.events.association.network import Network, Origins
from quakeline.events.association.pick_errors import PickErrors

#: Depths at which an event is tried that is not located yet, over the depth it was found at.
_DEPTHS = (1.0, 0.3, 2.0)


@dataclass(frozen=True)
class State:
    """Events while their picks may change.

    `members` (event, row, perhaps residual) numbers the events from 0, `starts` are as in
    `Finder.origins`, `engine` says what found each event, `origins` where they are, once known.
    """

    members: pd.DataFrame
    starts: tuple[np.ndarray, np.ndarray]
    engine: np.ndarray
    origins: Origins | None = None

    @classmethod
    def of(cls, found: pd.DataFrame, assigned: pd.DataFrame, picks: pd.DataFrame) -> State:
        """Events (idx, ...) with their picks (event_idx, pick_id, ...), rows of `picks`."""
        row = pd.Series(np.arange(len(picks), dtype=np.int32), index=picks["pick_id"])
        numbers, event = np.unique(assigned["event_idx"], return_inverse=True)
        # There may be many more candidates than events: numbers of half the size.
        members = pd.DataFrame(
            {"event": event.astype(np.int32), "row": row[assigned["pick_id"]].to_numpy()}
        )
        engine = found.reindex(columns=["idx", "associator"]).set_index("idx")["associator"]
        return cls(
            members.sort_values(["event", "row"], ignore_index=True),
            starts_of(found, assigned),
            engine.loc[numbers].to_numpy(),
        )

    def only(self, kept: np.ndarray) -> State:
        """The events of some numbers, sorted, numbered anew."""
        members = self.members[np.isin(self.members["event"], kept)]
        event = members["event"].to_numpy()
        members = members.assign(event=np.searchsorted(kept, event).astype(event.dtype))
        times, places = self.starts
        origins = None if self.origins is None else _of(self.origins, kept)
        return State(
            members.sort_values(["event", "row"], ignore_index=True),
            (times[kept], places[:, kept]),
            self.engine[kept],
            origins,
        )

    def moved(self, origins: Origins, members: pd.DataFrame) -> State:
        """The events that have new members, with these, at new origins."""
        times, places, _, _ = origins
        there = replace(self, members=members, starts=(times, places[None]), origins=origins)
        return there.only(np.unique(members["event"]))

    def united(self, pairs: np.ndarray) -> State:
        """With the second event of each pair in the first, pairs of shape (k, 2)."""
        into = np.arange(len(self.engine))
        into[pairs[:, 1]] = pairs[:, 0]
        members = self.members.assign(event=into[self.members["event"]])
        return replace(self, members=members).only(np.unique(into))


def _of(origins: Origins, kept: np.ndarray) -> Origins:
    times, places, covariances, stretch = origins
    return times[kept], places[kept], covariances[kept], stretch[kept]


def located(
    members: pd.DataFrame,
    picks: pd.DataFrame,
    starts: tuple[np.ndarray, np.ndarray],
    errors: PickErrors,
    network: Network,
) -> Origins:
    """Origins of events from their members, near starts."""
    return network.finder.origins(rows_of(members, picks, errors), starts)


def log_odds(
    members: pd.DataFrame,
    picks: pd.DataFrame,
    origins: Origins,
    network: Network,
    own: np.ndarray | None = None,
) -> np.ndarray:
    """Logarithm of the odds of each event against chance, shape (m,); `own` as in `evidence`."""
    _, places, covariances, stretch = origins
    event, row = members["event"].to_numpy(), members["row"].to_numpy()
    group, slot = picks["group"].to_numpy(), picks["slot"].to_numpy()
    local = network.sites.local
    xy = local[["x", "y"]].to_numpy()
    reach = farthest(xy[picks["site"].to_numpy()[row]], places, event)
    possible = np.zeros(len(places), dtype=np.int64)
    for site in np.unique(slot) // 2:
        possible += np.hypot(*(xy[site] - places[:, :2]).T) <= reach + 1e-9
    own_s = np.hypot(picks["sigma_s"].to_numpy()[row], network.errors.of(group[row]))
    return evidence(
        Fits(event, row, members["residual"].to_numpy(), stretch[event] * own_s),
        slot,
        picks["time_ns"].to_numpy(),
        possible,
        covariances,
        network.search.volume_km3(local),
        own,
    )


def rows_of(members: pd.DataFrame, picks: pd.DataFrame, errors: PickErrors) -> pd.DataFrame:
    """The picks of events, event by event, with their errors as in `Finder.origins`."""
    row = members["row"].to_numpy()
    rows = pd.DataFrame({name: picks[name].array[row] for name in ("site", "phase", "time_ns")})
    group = picks["group"].to_numpy()[row]
    sigma = np.hypot(picks["sigma_s"].to_numpy()[row], errors.of(group))
    return rows.assign(group=group, event=members["event"].to_numpy(), sigma_s=sigma)


def starts_of(found: pd.DataFrame, assigned: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    """Times in ns, (m,), and places in km, (k, m, 3), of the events that have picks.

    Events that are not located yet are looked for at a few depths.
    """
    events = found.set_index("idx").loc[np.unique(assigned["event_idx"])]
    places = events[["x", "y", "z"]].to_numpy(dtype=float)
    known = events.reindex(columns=["located"])["located"].eq(True).to_numpy()
    depths = [np.where(known, places[:, 2], factor * places[:, 2]) for factor in _DEPTHS]
    starts = np.array([np.column_stack([places[:, :2], depth]) for depth in depths])
    return events["time_ns"].to_numpy(np.int64), starts[:1] if known.all() else starts


def tables_of(state: State, picks: pd.DataFrame) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events as `Grid.associate` gives them; of their picks what `refined` tells."""
    members = state.members
    time_ns, places = state.starts
    found = pd.DataFrame({"idx": np.arange(len(time_ns)), "time_ns": time_ns})
    found[["x", "y", "z"]] = places[0]
    found["located"] = True
    found["associator"] = state.engine
    row = members["row"].to_numpy()
    told = {"pick_id": "pick_id", "place": "place", "phase": "phase", "time": "time_ns"}
    known = {name: picks[of].array[row] for name, of in told.items() if of in picks}
    event, residual = members["event"].to_numpy(), members["residual"].to_numpy()
    return found, pd.DataFrame({**known, "event_idx": event, "residual": residual})
