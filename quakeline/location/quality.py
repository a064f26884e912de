"""What limits a location, in words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

_LARGE_GAP_DEG = 180.0
_NEAR_BOUND_KM = 0.05
_UNKNOWNS = 4


def limits_of(
    point: np.ndarray, box: np.ndarray, row: Mapping[str, Any], phases: np.ndarray
) -> list[str]:
    """What limits a location; nothing for a good one.

    Parameters
    ----------
    point, box
        The source (x, y, z, t0), and the least and largest x, y, z of the search, (2, 3), in km.
    row
        azimuthal_gap_deg, min_distance_km, depth_km and depth_sigma_km of the event.
    phases
        Phases of its arrivals.
    """
    limits = []
    at_low = point[:3] - box[0] < _NEAR_BOUND_KM
    at_high = box[1] - point[:3] < _NEAR_BOUND_KM
    if at_low[2] or at_high[2]:
        side = "shallow" if at_low[2] else "deep"
        limits.append(f"depth at the limit of the search ({side} end, {point[2]:.1f} km)")
    if at_low[:2].any() or at_high[:2].any():
        limits.append("epicentre at the limit of the search")
    if row["depth_sigma_km"] > max(5.0, (box[1, 2] - box[0, 2]) / 6):
        limits.append("depth hardly resolved")
    if row["azimuthal_gap_deg"] > _LARGE_GAP_DEG:
        limits.append("outside the network")
    if len(phases) <= _UNKNOWNS:
        limits.append("no redundancy")
    if not (phases == "S").any():
        limits.append("no S arrival")
    return limits
