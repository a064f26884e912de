"""Settings of association that fit a network, from its geometry and the velocity model.

The rules are ours. A pick may differ from its predicted time by its own error and by what a 1D
model leaves over the way to the stations that an event needs, some percent of the travel time; a
cell is as large as this time in space; a network of many stations makes chance coincidences, so it
asks for more picks.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

from quakeline.earth.sites import Sites
from quakeline.earth.velocity import Model
from quakeline.events.association.rules import Search

AUTO = "auto"
_PICK_ERROR_S = 0.25
_MODEL_SHARE = 0.03
#: Events farther apart than this in s are two, however wide the network is. Where hardly any pick
#: is one of S (less than this share), S taken for P look like another event.
_APART_S, _APART_P_ALONE_S, _SOME_S = 1.5, 4.0, 0.1
_WIDE_KM = 400.0
#: With fewer pairs of a station and a phase an event may have a pick less.
_FEW_SLOTS = 16
#: Events of a wide network are recorded by this many stations at least, and some times farther.
_NEIGHBOURS = 10
_TIMES_FARTHER = 3.0
_LEAST_FAR_KM = 600.0
#: Logarithm of the odds against chance that an event needs; see docs/catalog.md.
_LEAST_LOG_ODDS = 3.0


def depth_range(sites: Sites) -> tuple[float, float]:
    """Depths of sources in km: from the highest station to half the network's extent, 15 to 250."""
    top = float(np.floor(sites.local["depth_km"].min() * 10) / 10)
    return min(top, 0.0), float(np.clip(round(_extent(sites) / 2), 15, 250))


def suggested(
    given: Mapping[str, Any], sites: Sites, model: Model, picks: pd.DataFrame
) -> tuple[Search, list[str]]:
    """Complete the settings of the section `associate` where they say `auto`.

    Parameters
    ----------
    given
        The section; what it says stays.
    sites, model, picks
        The network, the velocities and the PICKS: what these cannot have is not asked of them.

    Returns
    -------
    The search, and a line of text for each setting that was chosen here.
    """
    extent = _extent(sites)
    tolerance = _tolerance_s(given, sites, model)
    used = picks[picks["phase"].isin(["P", "S"])]
    slots = len(used[["network", "station", "phase"]].drop_duplicates())
    has_p = bool((used["phase"] == "P").any())
    chosen: dict[str, Any] = {
        "margin_km": float(np.clip(round(extent / 3), 5, 150)),
        "depth_km": depth_range(sites),
        "min_picks": 5 if slots < _FEW_SLOTS else 6,
        "min_p_picks": 2 if has_p else 0,
        "min_s_picks": 0,
        "min_p_and_s": 0,
        "tolerance_s": tolerance,
        "min_interevent_s": interevent_s(given, sites, model, used["phase"]),
        "node_km": round(float(np.clip(tolerance * model.typical("P") * 1.5, 1, 10)), 1),
        "max_distance_km": _farthest_km(sites, extent),
        "min_log_odds": _LEAST_LOG_ODDS,
    }
    names = [field.name for field in fields(Search)]
    values = {n: given[n] if _fixed(given, n) else chosen[n] for n in names}
    lines = [f"{name} {_words(values[name])}" for name in names if not _fixed(given, name)]
    return Search(**{**values, "depth_km": tuple(values["depth_km"])}), lines


def interevent_s(given: Mapping[str, Any], sites: Sites, model: Model, phases: pd.Series) -> float:
    """Least time between events in s that the section `associate` says, or the network.

    `phases` are those of its picks.
    """
    if _fixed(given, "min_interevent_s"):
        return float(given["min_interevent_s"])
    with_s = float((phases == "S").mean()) >= _SOME_S
    most_s = _APART_S if with_s else _APART_P_ALONE_S
    return float(np.clip(2 * _tolerance_s(given, sites, model), 1, most_s))


def _tolerance_s(given: Mapping[str, Any], sites: Sites, model: Model) -> float:
    if _fixed(given, "tolerance_s"):
        return round(float(given["tolerance_s"]), 2)
    way = min(_extent(sites), _WIDE_KM) / 2
    tolerance = _PICK_ERROR_S + _MODEL_SHARE * way / model.typical("S")
    return round(float(np.clip(tolerance, 0.5, 2.5)), 2)


def _farthest_km(sites: Sites, extent: float) -> float:
    """Stations of a wide network farther than this tell nothing of an event."""
    if extent <= _WIDE_KM:
        return float("inf")
    xy = sites.local[["x", "y"]].drop_duplicates().to_numpy()
    count = min(_NEIGHBOURS, len(xy) - 1)
    away, _ = cKDTree(xy).query(xy, k=count + 1)
    return float(max(_LEAST_FAR_KM, round(_TIMES_FARTHER * float(np.median(away[:, -1])), -1)))


def _fixed(given: Mapping[str, Any], name: str) -> bool:
    return bool(given.get(name, AUTO) != AUTO)


def _words(value: Any) -> str:
    if isinstance(value, tuple):
        return f"{value[0]:g} to {value[1]:g}"
    return "all" if value == np.inf else f"{value:g}"


def _extent(sites: Sites) -> float:
    """Diagonal of the box around the stations in km."""
    local = sites.local
    return float(np.hypot(np.ptp(local["x"]), np.ptp(local["y"])))
