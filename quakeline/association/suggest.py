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

from quakeline.association.rules import Search
from quakeline.sites import Sites
from quakeline.velocity import VelocityModel

AUTO = "auto"
_PICK_ERROR_S = 0.25
_MODEL_SHARE = 0.03
_WIDE_KM = 400.0


def depth_range(sites: Sites) -> tuple[float, float]:
    """Depths of sources in km: from the highest station to half the network's extent, 15 to 250."""
    top = float(np.floor(sites.local["depth_km"].min() * 10) / 10)
    return min(top, 0.0), float(np.clip(round(_extent(sites) / 2), 15, 250))


def suggested(
    given: Mapping[str, Any], sites: Sites, model: VelocityModel
) -> tuple[Search, list[str]]:
    """Complete the settings of the section `associate` where they say `auto`.

    Returns
    -------
    The search, and a line of text for each setting that was chosen here.
    """
    extent = _extent(sites)
    count = len(sites.table[["network", "station"]].drop_duplicates())
    way = min(extent, _WIDE_KM) / 2
    tolerance = np.clip(_PICK_ERROR_S + _MODEL_SHARE * way / float(np.median(model.vs)), 0.3, 2.5)
    tolerance = round(float(given["tolerance_s"]) if _fixed(given, "tolerance_s") else tolerance, 2)
    both = int(np.clip(count // 5, 1, 3))
    chosen: dict[str, Any] = {
        "margin_km": float(np.clip(round(extent / 3), 5, 150)),
        "depth_km": depth_range(sites),
        "min_picks": int(np.clip(5 + count // 6, 5, 12)),
        "min_p_picks": 3 if count < 20 else 4,
        "min_s_picks": both,
        "min_p_and_s": both,
        "tolerance_s": tolerance,
        "min_interevent_s": float(np.clip(2 * tolerance, 1, 4)),
        "node_km": round(float(np.clip(tolerance * np.median(model.vp) * 1.5, 1, 10)), 1),
        "max_distance_km": np.inf if extent <= _WIDE_KM else 300.0,
    }
    names = [field.name for field in fields(Search)]
    values = {n: given[n] if _fixed(given, n) else chosen[n] for n in names}
    values["min_picks"] = max(values["min_picks"], 2 * values["min_p_and_s"])
    lines = [f"{name} {_words(values[name])}" for name in names if not _fixed(given, name)]
    return Search(**{**values, "depth_km": tuple(values["depth_km"])}), lines


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
