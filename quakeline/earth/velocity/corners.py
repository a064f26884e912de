"""Travel times in layers whose corners at interfaces are rounded.

Over the depth of a source, times to a station have a corner where the velocity jumps: they fall
towards the interface from above and grow below it. Where arrivals are earlier than any depth
allows, hypocentres gather at the very depth of the corner, although no table knows an interface to
metres. So times are means over each interface at all depths within some distance, up and down: the
corner becomes a parabola, and the times beyond stay as they are.
"""

from __future__ import annotations

import numpy as np

from quakeline.earth.velocity.kinds import Times
from quakeline.earth.velocity.layers import Layers, Profile
from quakeline.earth.velocity.tables import TravelTimes


def rounded(times: Times, within_km: float) -> Times:
    """Times in layers with rounded corners; all others, and those `within_km` 0, as they are."""
    if within_km and isinstance(times, TravelTimes) and not times.model.homogeneous:
        return RoundedTimes(times, within_km)
    return times


class RoundedTimes:
    """Those of tables, means over interfaces that lie up to `within_km` higher or lower.

    Nothing is kept beside the tables: how sharp a corner is follows from the nodes around it.
    """

    def __init__(self, exact: TravelTimes, within_km: float) -> None:
        self.model, self._exact, self._within_km = exact.model, exact, within_km
        self._corners = exact.corners(_jumps(exact.model))

    def rows_of(self, phases: np.ndarray, site: np.ndarray) -> np.ndarray:
        """Numbers of the tables for pairs of a phase and the number of a site."""
        return self._exact.rows_of(phases, site)

    def travel(
        self, rows: np.ndarray, east: np.ndarray, north: np.ndarray, depth: np.ndarray
    ) -> np.ndarray:
        """Times in s for offsets in km from the sites to the sources and their depths."""
        return self._at(rows, np.hypot(east, north), depth)[0]

    def sloped(
        self, rows: np.ndarray, east: np.ndarray, north: np.ndarray, depth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same, and slopes over x, y and depth of the sources in s/km, shape (..., n, 3)."""
        distance = np.maximum(np.hypot(east, north), 1e-9)
        travel, along, down = self._at(rows, distance, depth)
        slopes = [along * east / distance, along * north / distance, down]
        return travel, np.stack(np.broadcast_arrays(*slopes), axis=-1)

    def _at(
        self, rows: np.ndarray, distance: np.ndarray, depth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As `TravelTimes.at`."""
        travel, along, down = self._exact.at(rows, distance, depth)
        lowest, highest = np.min(depth, initial=np.inf), np.max(depth, initial=-np.inf)
        for node, interface in self._corners:
            if not lowest - self._within_km < interface < highest + self._within_km:
                continue
            below = depth - interface
            near = np.broadcast_to(np.abs(below) < self._within_km, travel.shape)
            if not near.any():
                continue
            own = (np.broadcast_to(part, travel.shape)[near] for part in (rows, distance, below))
            later, further, steeper = self._corner(node, *own)
            travel[near] += later
            along[near] += further
            down[near] += steeper
        return travel, along, down

    def _corner(
        self, node: int, rows: np.ndarray, distance: np.ndarray, below: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What a mean over depths of an interface adds to times and to both slopes, (n,).

        `below` is how far sources lie below the interface, in km.
        """
        sharp, growth = self._exact.sharpness(rows, distance, node)
        within = self._within_km
        # The mean of max(below - moved, 0) over all moves, less max(below, 0).
        higher = (below + within) ** 2 / (4 * within) - np.maximum(below, 0)
        return (
            sharp * higher,
            growth * higher,
            sharp * ((below + within) / (2 * within) - (below >= 0)),
        )


def _jumps(model: Layers) -> np.ndarray:
    """Depths in km at which the velocity of P or of S jumps, shape (k,)."""
    found = [_jumps_of(model.profile(phase)) for phase in "PS"]
    return np.unique(np.concatenate(found))


def _jumps_of(profile: Profile) -> np.ndarray:
    return np.asarray(profile.bounds[1:-1][profile.lower[:-1] != profile.upper[1:]])
