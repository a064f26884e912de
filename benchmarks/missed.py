"""Why references that have picks are in no catalog.

`python -m benchmarks.missed FOLDER [--only NAME] [--quick]`: FOLDER has the sets that
`benchmarks.real_catalogs` reads. Of the references with six picks or more (as there) that the
catalog made with default settings lacks, each has one cause, the first of these that holds:

`shared`: an event within the limits is that of another reference; there is one event for both.
`elsewhere`: half of its picks or more are in one event that is no reference's.
`other`: half of its picks or more are in one event that is another reference's.
`no_origin`: from its own place, with the picks near its times, no origin is found that has the
picks an event needs within the errors of picks.
`odds`: there is one, but its odds against chance are below `associate.min_log_odds`.
`away`: there is one of good odds, farther from the reference than the limits.
`unseen`: there is one, good and within the limits.

`better`: of these references, those for which the origin found from their own place has better odds
than the event that has most of their picks, or than an event needs. What is found there is found
with all picks, and delays and errors of picks as the whole set tells.
"""

from __future__ import annotations

import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks import real_catalogs
from benchmarks.measure import finish
from benchmarks.real_catalogs import ENOUGH, beside, made_of, matched, parser_of_sets, sets
from quakeline.events.association.associate import numbered
from quakeline.events.association.contest import alone
from quakeline.events.association.membership import refined
from quakeline.events.association.network import Network
from quakeline.events.association.pick_errors import PickErrors
from quakeline.events.association.state import State, log_odds
from quakeline.events.chain.associate import Settings, ready
from quakeline.events.chain.material import read

_PASSES = 4
CAUSES = ("shared", "elsewhere", "other", "no_origin", "odds", "away", "unseen")


def main() -> None:
    """Judge each set and keep the figures in benchmarks/results/missed.json."""
    words = parser_of_sets(__doc__).parse_args()
    rows = []
    for folder in sets(words.folder, words.only):
        rows.append({"case": folder.name, **judged(folder)})
        finish("missed", rows, words.quick, keys=("case",))


def judged(folder: Path) -> dict[str, Any]:
    """How many references a set's catalog misses, by cause."""
    with tempfile.TemporaryDirectory() as place:
        made = made_of(folder, folder / "picks.csv", Path(place) / "catalog")
    events = made["events"].reset_index(drop=True)
    reference, found, _ = beside(folder, events)
    scene = _Scene.of(folder, events, made["arrivals"])
    near = real_catalogs.picks_near(scene.material, reference, scene.network.search.tolerance_s)
    enough = np.bincount(near["reference"], minlength=len(reference)) >= ENOUGH
    window = real_catalogs.window(folder / "stations.csv")
    pairs = {event: row for row, event in matched(events, reference, *window)}
    missed = np.flatnonzero(enough & ~found)
    causes = [
        scene.cause(
            reference.iloc[[row]].reset_index(drop=True),
            near["pick"][near["reference"] == row].to_numpy(),
            pairs,
            window,
        )
        for row in missed.tolist()
    ]
    count = Counter(name for name, _ in causes)
    better = Counter(name for name, better in causes if better)
    return {
        "references_6": int(enough.sum()),
        "missed": len(missed),
        "causes": {name: count[name] for name in CAUSES},
        "better": {name: better[name] for name in CAUSES},
    }


@dataclass(frozen=True)
class _Scene:
    """A set, its catalog as association has it, and what its events tell of picks."""

    material: Any
    events: pd.DataFrame
    table: pd.DataFrame
    network: Network
    owner: dict[str, int]

    @classmethod
    def of(cls, folder: Path, events: pd.DataFrame, arrivals: pd.DataFrame) -> _Scene:
        material = read(folder / "picks.csv", folder / "stations.csv", folder / "velocity.csv")
        made = ready(Settings(), material.picks, material.sites, material.model)
        table, names = numbered(made.picks, made.sites)
        table = table.assign(pick_id=names[table["pick_id"]])
        none = PickErrors.expected(len(made.sites.local))
        network = Network(made.sites, made.search, made.finder, none)
        number = dict(zip(events["event_id"], range(len(events)), strict=True))
        owner = dict(
            zip(arrivals["pick_id"], arrivals["event_id"].map(number).tolist(), strict=True)
        )
        assigned = pd.DataFrame({"event_idx": list(owner.values()), "pick_id": list(owner)})
        _, errors = refined(_found(events, network), assigned, table, network)
        network = Network(made.sites, made.search, made.finder, errors)
        return cls(material, events, table, network, owner)

    def cause(
        self,
        one: pd.DataFrame,
        own: np.ndarray,
        pairs: dict[int, int],
        window: tuple[float, float],
    ) -> tuple[str, bool]:
        """The first cause that holds for a reference with some picks, and whether it is better."""
        picks = self.material.picks["pick_id"].iloc[own]
        held = Counter(self.owner[pick] for pick in picks if pick in self.owner)
        most, share = held.most_common(1)[0] if held else (-1, 0)
        alone_odds, there = self._alone(one, picks, window)
        least = self.network.search.min_log_odds
        half = 2 * share >= len(picks)
        better = alone_odds > max(least, self._odds_of(most) if half else least)
        if matched(self.events, one, *window):
            return "shared", better
        if half:
            return ("other" if most in pairs else "elsewhere"), better
        if not np.isfinite(alone_odds):
            return "no_origin", better
        if alone_odds <= least:
            return "odds", better
        return ("unseen" if there else "away"), better

    def _alone(
        self, one: pd.DataFrame, picks: pd.Series, window: tuple[float, float]
    ) -> tuple[float, bool]:
        """Odds of the origin that is found from a reference's place, -inf for none; is it there."""
        found = _found(one, self.network)
        known = picks[picks.isin(self.table["pick_id"])]
        table = self.network.undelayed(self.table)
        state = State.of(found, pd.DataFrame({"event_idx": 0, "pick_id": known}), table)
        for _ in range(_PASSES):
            state = alone(state, table, self.network, np.zeros(0, dtype=np.int64))
        if state.members.empty or state.origins is None:
            return -np.inf, False
        times, places = state.origins[:2]
        latitude, longitude = self.network.sites.frame.to_latlon(*places[:, :2].T)
        event = pd.DataFrame({"time": pd.to_datetime(times, unit="ns", utc=True)})
        event = event.assign(latitude=latitude, longitude=longitude)
        return self._odds(state), bool(matched(event, one, *window))

    def _odds(self, state: State) -> float:
        row = pd.Series(np.arange(len(self.table)), index=self.table["pick_id"])
        used = np.union1d(row[list(self.owner)].to_numpy(), state.members["row"])
        table = self.network.undelayed(self.table)
        assert state.origins is not None
        return float(log_odds(state.members, table, state.origins, self.network, used)[0])

    def _odds_of(self, number: int) -> float:
        """Odds of an event of the catalog."""
        picks = [pick for pick, owner in self.owner.items() if owner == number]
        found = _found(self.events.iloc[[number]], self.network)
        table = self.network.undelayed(self.table)
        state = State.of(found, pd.DataFrame({"event_idx": 0, "pick_id": picks}), table)
        state = alone(state, table, self.network, np.zeros(0, dtype=np.int64))
        return -np.inf if state.members.empty else self._odds(state)


def _found(events: pd.DataFrame, network: Network) -> pd.DataFrame:
    """Events as association has them."""
    places = events[["latitude", "longitude"]].to_numpy(dtype=float)
    x, y = network.sites.frame.to_xy(*places.T)
    times = pd.to_datetime(events["time"], utc=True).astype("datetime64[ns, UTC]")
    depth = events["depth_km"].astype(float).fillna(5.0).clip(*network.search.depth_km)
    return pd.DataFrame(
        {
            "idx": np.arange(len(events)),
            "time_ns": times.astype("int64").to_numpy(),
            "x": x,
            "y": y,
            "z": depth.to_numpy(),
            "associator": "stack",
            "located": True,
        }
    )


if __name__ == "__main__":
    main()
