"""How exactly events lie relative to their neighbours, before and after `quakeline relocate`.

`python -m benchmarks.relocation [--quick]`. Sequences of benchmarks/sequences.py, half of whose
events lie in three clusters, are associated and located in velocities that are 1 to 4 % off, with
delays of the stations, and relocated by their picks, and by differences as waveforms give them:
true ones with an error of 1 ms, of seven in ten of the pairs of arrivals that belong to the events.
The error of a pair of events within 2 km is the length of the found less the true vector between
them. Times are CPU seconds.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.catalog_quality import FRESH, matches
from benchmarks.measure import arguments, finish, timed
from benchmarks.sequences import Plan, Sequence, make
from quakeline.core.geometry import neighbours
from quakeline.core.schemas import ARRIVALS, DIFFERENTIALS
from quakeline.earth.sites import Sites
from quakeline.earth.velocity import VelocityModel
from quakeline.events.association import associate, depth_range, suggested
from quakeline.events.location import Locator
from quakeline.events.relocation.relocate import relocated
from quakeline.io.products import tables
from quakeline.workflow.stages.locate import Config

_NEAR_KM, _WAVES_S, _SHARE = 2.0, 0.001, 0.7
_CODES = ["network", "station", "location", "phase"]


def measured(plan: Plan, model: VelocityModel) -> dict[str, float]:
    """Median errors of neighbours in m, and how long relocation took."""
    sequence = make(plan)
    sites = Sites.of(sequence.stations)
    search, _ = suggested({}, sites, model, sequence.picks)
    options = {**Config().model_dump(), "depth_km": depth_range(sites)}
    locator = Locator(sites, model, **options)
    found, seen = associate(sequence.picks, sites, model, search, threads=2, finder=locator)
    events, seen = locator.locate(found, seen, sequence.picks)
    terms = Locator(sites, model, **{**options, "station_terms": "ssst"})
    corrected, _ = terms.locate(found, seen, sequence.picks)
    arrivals = tables.conform(seen, ARRIVALS).to_pandas()
    pairs = arrivals.merge(sequence.picks.drop(columns=["phase", "event_id"]), on="pick_id")
    waves = _differences(sequence, plan, events, pairs, np.random.default_rng(plan.seed))
    done: list[Any] = []
    alone = timed(
        lambda: done.append(relocated(locator, events, pairs, tables.empty(DIFFERENTIALS)))
    )
    with_waves = timed(lambda: done.append(relocated(locator, events, pairs, waves)))
    catalogs = {
        "located": events,
        "ssst": corrected,
        "picks": done[0].events,
        "waveforms": done[1].events,
    }
    errors = {f"{name}_m": _error(sequence, table, sites) for name, table in catalogs.items()}
    links = int(done[1].moves["links"].sum()) // 2
    cost = {"picks_cpu_s": alone["cpu_s"], "waveforms_cpu_s": with_waves["cpu_s"]}
    return {"events": len(events), "links": links, **errors, **cost}


def _differences(
    sequence: Sequence, plan: Plan, events: pd.DataFrame, pairs: pd.DataFrame, rng: Any
) -> pd.DataFrame:
    """DIFFERENTIALS as waveforms give them, of arrivals that belong to their events."""
    owner = matches(events, sequence.events)
    number = dict(zip(events["event_id"], owner, strict=True))
    own = pairs.assign(source=pairs["event_id"].map(number))
    right = sequence.owner.reindex(own["pick_id"]).to_numpy() == own["source"].to_numpy()
    own = own[right & (own["source"] >= 0)]
    own = own.assign(true_s=_travel(sequence, plan, own))[
        ["event_id", "pick_id", "instrument", "time", "true_s", *_CODES]
    ].rename(columns={"event_id": "holder"})
    close = neighbours(events, 20, 5.0)
    ids = events["event_id"].to_numpy()
    close = close.assign(event_id_1=ids[close["first"]], event_id_2=ids[close["second"]])
    both = close.merge(own, left_on="event_id_1", right_on="holder").merge(
        own, left_on=["event_id_2", *_CODES], right_on=["holder", *_CODES], suffixes=("", "_2")
    )
    both = both[rng.uniform(size=len(both)) < _SHARE]
    origin_ns = pd.Series(events["time"].astype("int64").to_numpy(), index=ids)
    true_ns = pd.Series(sequence.events["time_ns"].to_numpy()[np.maximum(owner, 0)], index=ids)
    names = "event_id_1", "event_id_2"
    travel = [
        (both[time].astype("int64").to_numpy() - origin_ns[both[name]].to_numpy()) / 1e9
        for time, name in zip(("time", "time_2"), names, strict=True)
    ]
    late = [(true_ns - origin_ns)[both[name]].to_numpy() / 1e9 for name in names]
    true = both["true_s"] - both["true_s_2"] + late[0] - late[1]
    difference = true + rng.normal(0, _WAVES_S, len(both))
    made = both.assign(
        component="Z",
        correlation=0.9,
        pick_id_1=both["pick_id"],
        difference_s=difference,
        shift_s=difference - (travel[0] - travel[1]),
    )
    return pd.DataFrame(tables.conform(made[DIFFERENTIALS.names], DIFFERENTIALS).to_pandas())


def _travel(sequence: Sequence, plan: Plan, arrivals: pd.DataFrame) -> np.ndarray:
    """True travel times of arrivals in s, but for the stations' delays."""
    sites = Sites.of(sequence.stations)
    locator = Locator(sites, plan.model, depth_range(sites))
    site = sites.find(arrivals)
    local = sites.local.iloc[site]
    source = sequence.events.iloc[arrivals["source"].to_numpy()]
    x, y = sites.frame.to_xy(source["latitude"].to_numpy(), source["longitude"].to_numpy())
    rows = locator.times.rows_of(arrivals["phase"].to_numpy(), site)
    east, north = x - local["x"].to_numpy(), y - local["y"].to_numpy()
    return locator.times.travel(rows, east, north, source["depth_km"].to_numpy())


def _error(sequence: Sequence, events: pd.DataFrame, sites: Sites) -> float:
    """Median error of the vectors between neighbours in m."""
    match = matches(events, sequence.events)
    kept = np.flatnonzero(match >= 0)
    places = []
    for table in (events.iloc[kept], sequence.events.iloc[match[kept]]):
        xy = sites.frame.to_xy(table["latitude"].to_numpy(), table["longitude"].to_numpy())
        places.append(np.column_stack([*xy, table["depth_km"]]))
    close = neighbours(sequence.events.iloc[match[kept]], len(kept), _NEAR_KM)
    vectors = [place[close["first"]] - place[close["second"]] for place in places]
    return 1000 * float(np.median(np.linalg.norm(vectors[0] - vectors[1], axis=1)))


def main() -> None:
    """Measure all cases and keep the figures in benchmarks/results/relocation.json."""
    words = arguments(__doc__)
    rows = []
    plan, model = FRESH["100, wrong model"]
    for seed in (31, 32, 33):
        hours = plan.hours / 5 if words.quick else plan.hours
        figures = measured(replace(plan, seed=seed, hours=hours), model)
        rounded = {key: round(value, 3) for key, value in figures.items()}
        rows.append({"case": f"100 an hour, seed {seed}", **rounded})
        finish("relocation", rows, words.quick)


if __name__ == "__main__":
    main()
