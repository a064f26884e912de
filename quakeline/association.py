"""Association of picks to events with PyOcto.

Source: Muenchmeyer, J. (2024), PyOcto: a high-throughput seismic phase associator, Seismica 3,
doi:10.26443/seismica.v3i1.1130.
"""

from __future__ import annotations

import logging
import struct
import tempfile
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyocto

from quakeline.io import tables
from quakeline.schemas import ARRIVALS, EVENTS
from quakeline.sites import Sites
from quakeline.timeline import SECOND, iso
from quakeline.velocity import Domain, VelocityModel, first_arrivals

logger = logging.getLogger("quakeline")


@dataclass(frozen=True)
class Search:
    """Where events are searched and what makes one; see the section `associate`."""

    margin_km: float
    depth_km: tuple[float, float]
    min_picks: int
    min_p_picks: int
    min_s_picks: int
    min_p_and_s: int
    tolerance_s: float
    min_interevent_s: float
    node_km: float


def associate(
    picks: pd.DataFrame, sites: Sites, model: VelocityModel, search: Search, threads: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Group picks (PICKS) to events.

    Returns
    -------
    events, arrivals
        EVENTS with preliminary origins, and ARRIVALS. Several picks of one phase at one site keep
        only the most probable within the event.
    """
    owner = sites.find(picks)
    if (owner < 0).any():
        lost = picks[owner < 0]
        names = ", ".join(sorted(set(lost["network"] + "." + lost["station"])))
        logger.warning("associate: %d picks of stations without coordinates: %s", len(lost), names)
    used = picks[owner >= 0].assign(site=owner[owner >= 0])
    used = used[used["phase"].isin(["P", "S"])].sort_values(["time", "pick_id"])
    if len(used) < max(search.min_picks, 1):
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    zero = int(used["time"].iloc[0].value)
    found, assigned = _run_pyocto(used, zero, sites, model, search, threads)
    if found.empty:
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    return _tables(*_settled(found, assigned, search), zero, sites)


def _run_pyocto(
    picks: pd.DataFrame, zero: int, sites: Sites, model: VelocityModel, search: Search, threads: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Events and assigned picks of PyOcto; times in s after `zero`.

    With a layered model PyOcto takes all stations for ones at depth zero and corrects vertically
    for the rest, and knows no sources above zero: so depths are counted from the stations' own.
    """
    local = sites.local
    datum = 0.0 if model.homogeneous else _datum(local["depth_km"], search)
    stations = pd.DataFrame(
        {
            "id": local.index.astype(str),
            "x": local["x"],
            "y": local["y"],
            "z": local["depth_km"] - datum,
        }
    )
    table = pd.DataFrame(
        {
            "pick_id": picks["pick_id"].to_numpy(),
            "site": picks["site"].to_numpy(),
            "probability": picks["probability"].to_numpy(),
            "station": picks["site"].astype(str).to_numpy(),
            "phase": picks["phase"].to_numpy(),
            "time": (picks["time"].astype("int64").to_numpy() - zero) / SECOND,
        }
    )
    with tempfile.TemporaryDirectory() as folder:
        octo = _associator(local, model, search, threads, Path(folder), datum)
        found, assigned = octo.associate(table, stations)
    if not found.empty:
        found["z"] += datum
    return found, assigned


def _datum(depths_km: pd.Series, search: Search) -> float:
    """Depth from which PyOcto counts: of the middle station, or where the search begins."""
    highest = max(search.depth_km[0], float(depths_km.min()))
    return min(float(depths_km.median()), highest)


def _associator(
    local: pd.DataFrame,
    model: VelocityModel,
    search: Search,
    threads: int,
    folder: Path,
    datum: float,
) -> Any:
    x, y = (_limits(local[name], search.margin_km) for name in ("x", "y"))
    diagonal = float(np.hypot(x[1] - x[0], y[1] - y[0]))
    deepest = search.depth_km[1] - float(local["depth_km"].min())
    longest = float(np.hypot(diagonal, deepest))
    return pyocto.OctoAssociator(
        xlim=x,
        ylim=y,
        zlim=_depth_limits(local["depth_km"], model, search, datum),
        velocity_model=_velocity(model, search, diagonal, folder, datum),
        time_before=longest / min(model.vs),
        min_node_size=search.node_km,
        min_node_size_location=min(1.5, search.node_km / 4),
        pick_match_tolerance=search.tolerance_s,
        min_interevent_time=search.min_interevent_s,
        n_picks=search.min_picks,
        n_p_picks=search.min_p_picks,
        n_s_picks=search.min_s_picks,
        n_p_and_s_picks=search.min_p_and_s,
        n_threads=threads,
    )


def _depth_limits(
    depths_km: pd.Series, model: VelocityModel, search: Search, datum: float
) -> tuple[float, float]:
    """Depths of the search, counted from the datum; in a layered model below the stations."""
    top, bottom = search.depth_km
    if not model.homogeneous:
        top = max(top, float(depths_km.min()))
    return top - datum, bottom - datum


def _limits(values: pd.Series, margin: float) -> tuple[float, float]:
    return float(values.min()) - margin, float(values.max()) + margin


def _velocity(
    model: VelocityModel, search: Search, reach: float, folder: Path, datum: float
) -> Any:
    """PyOcto's velocity model; a layered one is handed over as its binary table of times."""
    if model.homogeneous:
        return pyocto.VelocityModel0D(model.vp[0], model.vs[0], search.tolerance_s)
    domain = Domain(reach, datum, search.depth_km[1])
    times = {
        phase: first_arrivals(model, phase, datum, domain.distances, domain.depths)
        for phase in ("P", "S")
    }
    surface = {phase: float(model.at(np.array([datum]), phase)[0]) for phase in ("P", "S")}
    path = folder / "times.bin"
    with path.open("wb") as file:
        file.write(struct.pack("iid", *times["P"].shape, domain.step))
        file.write(times["P"].tobytes() + times["S"].tobytes())
    return pyocto.VelocityModel1D(
        path, search.tolerance_s, surface_p_velocity=surface["P"], surface_s_velocity=surface["S"]
    )


def _settled(
    found: pd.DataFrame, assigned: pd.DataFrame, search: Search
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Give each pick to one event and keep the events that still have the picks they need.

    Of several picks of one phase at one site the most probable counts; a pick that two events
    share goes to the one that it fits better.
    """
    best = assigned.sort_values(["event_idx", "probability"], ascending=[True, False])
    best = best.drop_duplicates(["event_idx", "site", "phase"])
    best = best.sort_values("residual", key=np.abs, kind="stable").drop_duplicates("pick_id")
    phases = best.groupby(["event_idx", "site"])["phase"].agg("".join)
    counts = pd.DataFrame(
        {
            "p": phases.str.contains("P").groupby("event_idx").sum(),
            "s": phases.str.contains("S").groupby("event_idx").sum(),
            "both": (phases.str.len() == 2).groupby("event_idx").sum(),
        }
    )
    enough = (
        (counts["p"] + counts["s"] >= search.min_picks)
        & (counts["p"] >= search.min_p_picks)
        & (counts["s"] >= search.min_s_picks)
        & (counts["both"] >= search.min_p_and_s)
    )
    kept = set(enough.index[enough])
    return found[found["idx"].isin(kept)], best[best["event_idx"].isin(kept)]


def _tables(
    found: pd.DataFrame, assigned: pd.DataFrame, zero: int, sites: Sites
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if found.empty:
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    ordered = found.sort_values("time")
    time_ns = zero + np.round(ordered["time"].to_numpy() * SECOND).astype(np.int64)
    ids = dict(zip(ordered["idx"], _event_ids(time_ns), strict=True))
    best = assigned.sort_values(["event_idx", "time", "pick_id"])
    latitude, longitude = sites.frame.to_latlon(ordered["x"].to_numpy(), ordered["y"].to_numpy())
    events = pd.DataFrame(
        {
            "event_id": [ids[n] for n in ordered["idx"]],
            "time": pd.to_datetime(time_ns, unit="ns", utc=True),
            "latitude": latitude,
            "longitude": longitude,
            "depth_km": ordered["z"].to_numpy(),
            "n_p": _counts(best[best["phase"] == "P"], ordered),
            "n_s": _counts(best[best["phase"] == "S"], ordered),
            "n_stations": _counts(best.drop_duplicates(["event_idx", "site"]), ordered),
            "associator": "pyocto",
            "locator": "pyocto",
            "quality": "preliminary",
        }
    )
    arrivals = pd.DataFrame(
        {
            "event_id": best["event_idx"].map(ids).to_numpy(),
            "pick_id": best["pick_id"].to_numpy(),
            "phase": best["phase"].to_numpy(),
            "residual_s": best["residual"].to_numpy(),
        }
    )
    return events, arrivals


def _counts(assigned: pd.DataFrame, events: pd.DataFrame) -> np.ndarray:
    """How many of the assigned picks belong to each event, in the order of the events."""
    sizes = assigned["event_idx"].value_counts()
    return np.asarray(events["idx"].map(sizes).fillna(0), dtype=np.int64)


def _event_ids(times_ns: np.ndarray) -> list[str]:
    """Ids from the origin times to 0.01 s; a second event at the same time gets a letter."""
    ids: list[str] = []
    seen: Counter[str] = Counter()
    for time in times_ns:
        name = "ql" + iso(int(time), 2).rstrip("Z").translate({45: None, 58: None})
        ids.append(name + (chr(ord("a") + seen[name]) if seen[name] else ""))
        seen[name] += 1
    return ids
