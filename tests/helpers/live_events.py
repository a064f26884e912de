"""Events of picks that come bit by bit, and how far they are from those of the whole table."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.geometry import distance_azimuth
from quakeline.core.schemas import MEASUREMENTS
from quakeline.core.timeline import SECOND
from quakeline.events.chain import material
from quakeline.events.chain.merge import Catalog
from quakeline.io.products import tables
from quakeline.live.events.updates import FINAL, Update
from quakeline.live.events.window import Window


def part_of(folder: Path, start: str, seconds: float) -> material.Material:
    """A set of real picks with its stations and velocities, cut to a span."""
    whole = material.read(folder / "picks.csv", folder / "stations.csv", folder / "velocity.csv")
    begin = pd.Timestamp(start)
    time_ = whole.picks["time"]
    inside = (time_ >= begin) & (time_ < begin + pd.Timedelta(seconds=seconds))
    picks = whole.picks[inside].sort_values(["time", "pick_id"], ignore_index=True)
    return replace(whole, picks=picks)


def measured_around(pick_ids: Iterable[str], rms: float = 1.0) -> pd.DataFrame:
    """MEASUREMENTS with a row for each pick, in counts: no magnitude follows from them."""
    row = {"component": "Z", "units": "counts", "first_bin_s": 0.0, "bin_s": 1.0,
           "spectrum_s": 1.0}  # fmt: skip
    rows = [{**row, "pick_id": name, "rms": [rms]} for name in pick_ids]
    return tables.typed(pd.DataFrame(rows), MEASUREMENTS) if rows else tables.empty(MEASUREMENTS)


def steps(picks: pd.DataFrame, step_s: float) -> Iterator[tuple[int, pd.DataFrame]]:
    """Picks step by step: the time up to which all are known (ns), and the new ones."""
    times = picks["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    step = round(step_s * SECOND)
    for at in range(int(times[0]), int(times[-1]) + step, step):
        yield at + step, picks[(times >= at) & (times < at + step)]


def fed(window: Window, picks: pd.DataFrame, step_s: float) -> list[Update]:
    """All updates of a window that picks come to in steps."""
    updates: list[Update] = []
    for known_ns, new in steps(picks, step_s):
        give(window, new)
        updates += looked(window, known_ns)
    return updates + looked(window, 1 << 62)


def give(window: Window, picks: pd.DataFrame) -> None:
    """Hand picks over."""
    if len(picks):
        times = picks["time"].astype("datetime64[ns, UTC]").astype("int64")
        window.add(picks, times.tolist(), time.perf_counter())


def looked(window: Window, known_ns: int) -> list[Update]:
    """What an association gives."""
    ask = window.ask(known_ns)
    return window.take(ask, *window.chain.made(ask.job))


@dataclass(frozen=True)
class Compared:
    """Events of a whole table, those of them that are final events, and final ones without one.

    `apart_km` and `apart_s` have a value for each of those that are in both, as has `stated_km`,
    the stated errors of both epicentres together.
    """

    all: int
    both: int
    same_picks: int
    more: int
    apart_km: np.ndarray
    apart_s: np.ndarray
    stated_km: np.ndarray


def compared(updates: list[Update], catalog: Catalog) -> Compared:
    """Compare final events with a catalog: events are the same that share half of their picks."""
    final = [one for one in updates if one.status == FINAL]
    owner = {pick: one for one in final for pick in one.arrivals["pick_id"]}
    km, seconds, stated, same, used = [], [], [], 0, set()
    for event in catalog.events.to_dict("records"):
        own = catalog.arrivals.query("event_id == @event['event_id']")["pick_id"]
        owners = [owner[pick] for pick in own if pick in owner]
        best = max(owners, key=owners.count, default=None)
        if best is None or 2 * owners.count(best) < min(len(own), len(best.arrivals)):
            continue
        used.add(best.event_id)
        same += set(own) == set(best.arrivals["pick_id"])
        there = np.array([best.event["latitude"]]), np.array([best.event["longitude"]])
        away, _ = distance_azimuth(event["latitude"], event["longitude"], *there)
        km.append(float(away[0]))
        stated.append(
            float(np.hypot(event["horizontal_sigma_km"], best.event["horizontal_sigma_km"]))
        )
        seconds.append(abs(event["time"].value - best.time_ns) / SECOND)
    more = len({one.event_id for one in final} - used)
    n = len(catalog.events)
    return Compared(n, len(km), same, more, np.array(km), np.array(seconds), np.array(stated))
