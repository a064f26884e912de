"""What limits a location."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from quakeline.core.reasons import Code, Reason

#: An azimuthal gap above this means arrivals from one side only.
_LARGE_GAP_DEG = 180.0
#: A source this near to an end of the search is at its limit.
_NEAR_BOUND_KM = 0.05
#: As many arrivals as unknowns, or fewer, leave no residual that could tell an error.
_UNKNOWNS = 4
#: A stated horizontal error above this many km tells hardly more than that there was an event.
_WIDE_KM = 10.0
#: A stated error of depth above both tells hardly more than that there was an event: km, and part
#: of the depths that are searched.
_DEEP_KM, _DEPTHS_PART = 5.0, 1 / 6


def limits_of(
    point: np.ndarray, box: np.ndarray, row: Mapping[str, Any], phases: np.ndarray
) -> list[Reason]:
    """What limits a location; nothing for a good one.

    Parameters
    ----------
    point, box
        The source (x, y, z, t0), and the least and largest x, y, z of the search, (2, 3), in km.
    row
        azimuthal_gap_deg, horizontal_sigma_km and depth_sigma_km of the event.
    phases
        Phases of its arrivals.
    """
    limits = []
    at_low = point[:3] - box[0] < _NEAR_BOUND_KM
    at_high = box[1] - point[:3] < _NEAR_BOUND_KM
    if at_low[2] or at_high[2]:
        end = Code.DEPTH_AT_SHALLOW_END if at_low[2] else Code.DEPTH_AT_DEEP_END
        limits.append(Reason.of(end, depth_km=point[2]))
    if at_low[:2].any() or at_high[:2].any():
        limits.append(Reason.of(Code.EPICENTRE_AT_LIMIT))
    if row["horizontal_sigma_km"] > _WIDE_KM:
        limits.append(Reason.of(Code.EPICENTRE_UNRESOLVED, sigma_km=row["horizontal_sigma_km"]))
    if row["depth_sigma_km"] > max(_DEEP_KM, (box[1, 2] - box[0, 2]) * _DEPTHS_PART):
        limits.append(Reason.of(Code.DEPTH_UNRESOLVED))
    if row["azimuthal_gap_deg"] > _LARGE_GAP_DEG:
        limits.append(Reason.of(Code.OUTSIDE_NETWORK))
    if len(phases) <= _UNKNOWNS:
        limits.append(Reason.of(Code.NO_REDUNDANCY))
    if not (phases == "S").any():
        limits.append(Reason.of(Code.NO_S_ARRIVAL))
    return limits
