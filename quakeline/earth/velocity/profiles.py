"""P velocities over depth alone, for programs that take no other model."""

from __future__ import annotations

import numpy as np
import pandas as pd

from quakeline.earth.velocity.kinds import Velocities
from quakeline.earth.velocity.layers import Layers, Profile

#: Depths and velocities in km and km/s, downwards from sea level, with straight lines between them.
Points = tuple[tuple[float, float], ...]

#: A last layer, which is without end, is written to this depth, and so far below its top, in km.
_DEEP_KM, _BELOW_KM = 100.0, 50.0
#: A grid is read at depths so far apart, in km.
_STEP_KM = 1.0


def p_profile(model: Velocities, stations: pd.DataFrame) -> Points:
    """P velocities of a model from sea level down.

    A depth that occurs twice is an interface. Of a model of layers these are its own; of a grid
    they are the means below stations (latitude, longitude) at every kilometre.
    """
    if isinstance(model, Layers):
        return _of_layers(model.profile("P"))
    depths = np.arange(0.0, _DEEP_KM + _STEP_KM / 2, _STEP_KM)
    latitude, longitude = (stations[name].to_numpy(float) for name in ("latitude", "longitude"))
    levels = (np.full(len(stations), depth) for depth in depths)
    speeds = [float(np.mean(model.speed("P", latitude, longitude, level))) for level in levels]
    return tuple(zip(depths.tolist(), speeds, strict=True))


def _of_layers(profile: Profile) -> Points:
    last = float(profile.bounds[-2])
    deep = max(_DEEP_KM, last + _BELOW_KM)
    points = [(0.0, float(profile.at(np.array([0.0]))[0]))]
    for depth, above, below in zip(
        profile.bounds[1:-1], profile.lower[:-1], profile.upper[1:], strict=True
    ):
        if depth > 0:
            points += [(float(depth), float(speed)) for speed in dict.fromkeys((above, below))]
    return (*points, (deep, float(profile.lower[-1])))
