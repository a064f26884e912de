"""Association of picks to events with PyOcto.

Source: Muenchmeyer, J. (2024), PyOcto: a high-throughput seismic phase associator, Seismica 3,
doi:10.26443/seismica.v3i1.1130.
"""

from __future__ import annotations

import logging
import struct
import tempfile
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
from quakeline.velocity import Domain, VelocityModel, eikonal_times

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
    if len(used) < search.min_picks:
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    zero = int(used["time"].iloc[0].value)
    found, assigned = _run_pyocto(used, zero, sites, model, search, threads)
    return _tables(found, assigned, zero, sites)


def _run_pyocto(
    picks: pd.DataFrame, zero: int, sites: Sites, model: VelocityModel, search: Search, threads: int
) -> tuple[pd.DataFrame, pd.DataFrame]:
    local = sites.local
    stations = pd.DataFrame(
        {
            "id": local.index.astype(str),
            "x": local["x"],
            "y": local["y"],
            "z": local["depth_km"],
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
        octo = _associator(local, model, search, threads, Path(folder))
        found, assigned = octo.associate(table, stations)
    return found, assigned


def _associator(
    local: pd.DataFrame, model: VelocityModel, search: Search, threads: int, folder: Path
) -> Any:
    x, y = (_limits(local[name], search.margin_km) for name in ("x", "y"))
    diagonal = float(np.hypot(x[1] - x[0], y[1] - y[0]))
    deepest = search.depth_km[1] - float(local["depth_km"].min())
    longest = float(np.hypot(diagonal, deepest))
    return pyocto.OctoAssociator(
        xlim=x,
        ylim=y,
        zlim=search.depth_km,
        velocity_model=_velocity(model, search, diagonal, folder),
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


def _limits(values: pd.Series, margin: float) -> tuple[float, float]:
    return float(values.min()) - margin, float(values.max()) + margin


def _velocity(model: VelocityModel, search: Search, reach: float, folder: Path) -> Any:
    """PyOcto's velocity model; a layered one is handed over as its binary table of times."""
    if model.homogeneous:
        return pyocto.VelocityModel0D(model.vp[0], model.vs[0], search.tolerance_s)
    domain = Domain(reach, 0.0, search.depth_km[1])
    times = {}
    for phase in ("P", "S"):
        _, depths, values = eikonal_times(model, phase, 0.0, domain)
        times[phase] = np.ascontiguousarray(values[:, depths > -domain.step / 2])
    path = folder / "times.bin"
    with path.open("wb") as file:
        file.write(struct.pack("iid", *times["P"].shape, domain.step))
        file.write(times["P"].tobytes() + times["S"].tobytes())
    return pyocto.VelocityModel1D(
        path, search.tolerance_s, surface_p_velocity=model.vp[0], surface_s_velocity=model.vs[0]
    )


def _tables(
    found: pd.DataFrame, assigned: pd.DataFrame, zero: int, sites: Sites
) -> tuple[pd.DataFrame, pd.DataFrame]:
    if found.empty:
        return tables.empty(EVENTS), tables.empty(ARRIVALS)
    ordered = found.sort_values("time")
    time_ns = zero + np.round(ordered["time"].to_numpy() * SECOND).astype(np.int64)
    ids = dict(zip(ordered["idx"], _event_ids(time_ns), strict=True))
    best = assigned.sort_values(["event_idx", "probability"], ascending=[True, False])
    best = best.drop_duplicates(["event_idx", "site", "phase"]).sort_values(["event_idx", "time"])
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
    for time in times_ns:
        name = "ql" + iso(int(time), 2).rstrip("Z").translate({45: None, 58: None})
        twins = sum(known.startswith(name) for known in ids)
        ids.append(name + ("" if not twins else chr(ord("a") + twins)))
    return ids
