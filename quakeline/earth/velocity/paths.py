"""First arrivals in constant layers, many at once, and how they change with each velocity.

For the layers of a model whose velocities do not fall with depth: the direct ray and the head waves
below source and receiver (Lee, W. H. K. & Stewart, S. W., 1981, Principles and applications of
microearthquake networks, section 4.4). A time changes with a velocity as the ray's length in that
layer, since its path is stationary (Fermat).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Of Newton's method for the direct ray; it comes from one side and ends within rounding.
_STEPS = 25
_PRECISE = 1e-10
_THIN_KM = 1e-6


@dataclass(frozen=True)
class Arrived:
    """First arrivals: `travel_s`, and its slopes over distance and source depth in s/km, (n,).

    `over_speed` are the slopes over the velocities of the layers in s per km/s, (n, layers).
    """

    travel_s: np.ndarray
    over_distance: np.ndarray
    over_depth: np.ndarray
    over_speed: np.ndarray


def first(
    tops: np.ndarray,
    speeds: np.ndarray,
    station_km: np.ndarray,
    source_km: np.ndarray,
    distance: np.ndarray,
) -> Arrived:
    """First arrivals of one phase.

    Parameters
    ----------
    tops, speeds
        Tops of the layers in km and their velocities in km/s, which never fall, shape (layers,);
        the first layer reaches up without end.
    station_km, source_km, distance
        Depths and epicentral distances in km, shape (n,).
    """
    same = np.abs(source_km - station_km) < _THIN_KM
    source_km = np.where(same, station_km + _THIN_KM, source_km)
    bounds = np.r_[-np.inf, tops[1:], np.inf]
    upper, lower = np.minimum(station_km, source_km), np.maximum(station_km, source_km)
    found = _direct(bounds, speeds, station_km, source_km, distance)
    for layer in range(1, len(speeds)):
        if speeds[layer] > speeds[layer - 1] + 1e-9:
            found = _earlier(found, _head(bounds, speeds, layer, upper, lower, source_km, distance))
    return found


def _crossed(bounds: np.ndarray, upper: np.ndarray, lower: np.ndarray) -> np.ndarray:
    """Heights in km of what lies of each layer between two depths, shape (n, layers)."""
    low = np.maximum(upper[:, None], bounds[:-1])
    return np.asarray(np.maximum(np.minimum(lower[:, None], bounds[1:]) - low, 0))


def _direct(
    bounds: np.ndarray,
    speeds: np.ndarray,
    station_km: np.ndarray,
    source_km: np.ndarray,
    distance: np.ndarray,
) -> Arrived:
    """The ray that goes from one depth to the other without turning."""
    height = _crossed(bounds, np.minimum(station_km, source_km), np.maximum(station_km, source_km))
    fastest = np.where(height > 0, speeds, 0).max(axis=1)[:, None]
    # With the tangent of the angle in the fastest layer as unknown, distance is a concave function
    # of it: Newton's method rises to the root from any value below.
    rest = np.maximum(1 - (speeds / fastest) ** 2, 0)
    is_fastest = rest < 1e-12
    free = (height * is_fastest).sum(axis=1)
    ratio = height * speeds / fastest
    most = (ratio * ~is_fastest / np.sqrt(np.where(is_fastest, 1, rest))).sum(axis=1)
    tangent = np.maximum(distance / ratio.sum(axis=1), (distance - most) / free)
    for _ in range(_STEPS):
        root = np.sqrt(1 + rest * tangent[:, None] ** 2)
        missing = distance - (ratio * tangent[:, None] / root).sum(axis=1)
        tangent = tangent + missing / (ratio / root**3).sum(axis=1)
        if np.abs(missing).max(initial=0) < _PRECISE:
            break
    slowness = tangent / np.sqrt(1 + tangent**2) / fastest[:, 0]
    # 1 - (slowness * speed)^2, without the difference of two like numbers.
    cosine = np.sqrt((1 + rest * tangent[:, None] ** 2) / (1 + tangent[:, None] ** 2))
    length = height / cosine
    down = np.sign(source_km - station_km)
    own = np.searchsorted(bounds[1:-1], source_km, side="right")
    own -= (down > 0) & (source_km == bounds[own])
    at_source = np.take_along_axis(cosine, own[:, None], axis=1)[:, 0] / speeds[own]
    travel = (length / speeds).sum(axis=1)
    return Arrived(travel, slowness, down * at_source, -length / speeds**2)


def _head(
    bounds: np.ndarray,
    speeds: np.ndarray,
    layer: int,
    upper: np.ndarray,
    lower: np.ndarray,
    source_km: np.ndarray,
    distance: np.ndarray,
) -> Arrived:
    """The head wave along the top of a layer; infinitely late where there is none."""
    bound = np.full(len(upper), bounds[layer])
    slowness = 1 / speeds[layer]
    height = _crossed(bounds, upper, bound) + _crossed(bounds, lower, bound)
    cosine = np.sqrt(np.maximum(1 - (slowness * speeds) ** 2, 1e-16))
    critical = (height * slowness * speeds / cosine)[:, :layer].sum(axis=1)
    length = height / cosine
    length[:, layer] = distance - critical
    there = (lower <= bound) & (distance >= critical)
    travel = np.where(there, (length / speeds)[:, : layer + 1].sum(axis=1), np.inf)
    own = np.minimum(np.searchsorted(bounds[1:-1], source_km, side="right"), layer - 1)
    over_depth = -cosine[own] / speeds[own]
    over_distance = np.full(len(upper), slowness)
    return Arrived(travel, over_distance, over_depth, -length / speeds**2)


def _earlier(one: Arrived, other: Arrived) -> Arrived:
    takes = other.travel_s < one.travel_s
    return Arrived(
        np.where(takes, other.travel_s, one.travel_s),
        np.where(takes, other.over_distance, one.over_distance),
        np.where(takes, other.over_depth, one.over_depth),
        np.where(takes[:, None], other.over_speed, one.over_speed),
    )
