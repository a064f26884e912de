"""Tables of travel times between the stations of a network and sources in a domain."""

from __future__ import annotations

import numpy as np

from quakeline.earth.velocity.kinds import Network
from quakeline.earth.velocity.layers import Layers
from quakeline.earth.velocity.rays import Domain, first_arrivals

#: Depths from which rays are traced are a step of the grid apart, but at least and at most, in km.
_TRACED_KM = 0.1, 0.25
#: Where tables hold more times than this, these may bend by so much between deep nodes, in s.
_TIMES = 2.5e7
_BENT_S = 0.001


class TravelTimes:
    """Travel times between stations at given depths and sources in a domain.

    One table for each phase and station depth (to a 25th of the grid's step, 10 m at least), made
    when it is first needed and interpolated linearly; a homogeneous model needs none. By
    reciprocity the table's source is the station. Rays are traced from a few depths only, at most a
    step of the grid and 0.25 km apart, and at interfaces; a station between two of them has the
    mean of their tables, weighted by its depth. Tables share their nodes, so that many arrivals are
    looked up in one go.
    """

    def __init__(self, model: Layers, domain: Domain, stations_km: np.ndarray) -> None:
        self.model, self.domain = model, domain
        self._stations_km = np.asarray(stations_km)
        self._step = domain.step
        self._unit = max(0.01, self._step / 25)
        levels = np.unique(self._level(stations_km))
        self._distances = domain.distances
        bends = np.concatenate([model.tops[1:], levels * self._unit])
        even = domain.depths
        if 2 * len(levels) * len(self._distances) * len(even) > _TIMES:
            deepest = float(np.max(stations_km, initial=domain.top))
            even = _thinned(even, deepest, model.typical("S"))
        self._depths = _nodes(even, domain.step, bends)
        self._rows: dict[tuple[str, int], int] = {}
        # The same by phase (P, S) and site; -1 where there is no table yet.
        self._rows_of = np.full((2, len(self._stations_km)), -1, dtype=np.int64)
        self._traced: dict[tuple[str, float], np.ndarray] = {}
        self._levels: list[tuple[float, float]] = []
        # Room for all stations and both phases: wide networks have hundreds of tables, and no
        # memory for them twice. What is not filled takes none.
        self._tables = self._room(0 if model.homogeneous else 2 * len(levels))

    @classmethod
    def of(cls, model: Layers, network: Network) -> TravelTimes:
        """Those between all sites of a network and all of its sources."""
        xy, depth = (network.stations[names].to_numpy() for names in (["x", "y"], "depth_km"))
        low, high = network.box
        # From a corner of the box to the station that is farthest from it.
        away = np.maximum(xy.max(axis=0) - low[:2], high[:2] - xy.min(axis=0))
        top = min(float(low[2]), float(depth.min()))
        return cls(model, Domain(float(np.hypot(*away)), top, float(high[2]), nodes=1000), depth)

    def rows_of(self, phases: np.ndarray, site: np.ndarray) -> np.ndarray:
        """Numbers of the tables for pairs of a phase and the number of a site."""
        is_s = (np.asarray(phases) == "S").astype(np.int64)
        rows = self._rows_of[is_s, site]
        if (rows < 0).any():
            rows = self.rows(phases, self._stations_km[site])
            self._rows_of[is_s, site] = rows
        return np.asarray(rows)

    def travel(
        self, rows: np.ndarray, east: np.ndarray, north: np.ndarray, depth: np.ndarray
    ) -> np.ndarray:
        """Times in s for offsets in km from the sites to the sources and their depths."""
        distance = np.hypot(east, north)
        if self.model.homogeneous:
            return self._straight(rows, distance, depth)[0]
        near, far, across, _ = self._beside(rows, distance, depth)
        far -= near
        far *= across
        far += near
        return far

    def sloped(
        self, rows: np.ndarray, east: np.ndarray, north: np.ndarray, depth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same, and slopes over x, y and depth of the sources in s/km, shape (..., n, 3)."""
        distance = np.maximum(np.hypot(east, north), 1e-9)
        travel, along, down = self.at(rows, distance, depth)
        slopes = np.empty((*travel.shape, 3))
        slopes[..., 0] = along * east / distance
        slopes[..., 1] = along * north / distance
        slopes[..., 2] = down
        return travel, slopes

    def rows(self, phases: np.ndarray, stations_km: np.ndarray) -> np.ndarray:
        """Numbers of the tables for pairs of a phase and a station depth in km."""
        keys = list(zip(np.asarray(phases).tolist(), self._level(stations_km), strict=True))
        missing = sorted(set(keys) - self._rows.keys())
        if missing:
            self._make([(phase, int(level)) for phase, level in missing])
        return np.array([self._rows[key] for key in keys], dtype=np.int64)

    def at(
        self, rows: np.ndarray, distance: np.ndarray, depth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Times in s, and their slopes over distance and over source depth in s/km.

        `rows` are numbers of tables, shape (n,); `distance` and `depth` in km have shapes that
        broadcast to (..., n). Beyond the domain its edge holds.
        """
        if self.model.homogeneous:
            return self._straight(rows, distance, depth)
        near, far, across, (over_near, over_far, height) = self._beside(rows, distance, depth)
        times = near + (far - near) * across
        over_depth = (over_near * (1 - across) + over_far * across) / height
        return times, (far - near) / self._step, over_depth

    def _beside(
        self, rows: np.ndarray, distance: np.ndarray, depth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray, tuple[np.ndarray, ...]]:
        """Times at the nodes of the distances below and above, and the share of the way between.

        And what either changes between the nodes of the depths above and below, and km between
        these.
        """
        x = np.minimum(distance / self._step, len(self._distances) - 1.000001)
        column = x.astype(np.int64)
        across = x - column
        inside = np.minimum(np.maximum(depth, self._depths[0]), self._depths[-1])
        level = np.searchsorted(self._depths, inside, side="right") - 1
        level = np.minimum(level, len(self._depths) - 2)
        height = self._depths[level + 1] - self._depths[level]
        down = (inside - self._depths[level]) / height
        first = (rows * self._tables.shape[1] + column) * self._tables.shape[2] + level
        flat, next_column = self._tables.reshape(-1), self._tables.shape[2]
        a, b = flat[first], flat[first + 1]
        c, d = flat[first + next_column], flat[first + next_column + 1]
        b -= a
        d -= c
        return a + b * down, c + d * down, across, (b, d, height)

    def corners(self, interfaces: np.ndarray) -> list[tuple[int, float]]:
        """Nodes of depth at interfaces, and these in km, where there are nodes on both sides."""
        nodes = np.searchsorted(self._depths, interfaces)
        inside = (nodes > 0) & (nodes < len(self._depths) - 1)
        pairs = zip(nodes[inside].tolist(), interfaces[inside].tolist(), strict=True)
        return [(node, depth) for node, depth in pairs if self._depths[node] == depth]

    def sharpness(
        self, rows: np.ndarray, distance: np.ndarray, node: int
    ) -> tuple[np.ndarray, np.ndarray]:
        """How much more times grow with depth below a node of depth than above it, in s/km, (n,).

        And how that grows with the distance, in s/km2; `rows` and `distance` as in `at`, (n,).
        """
        x = np.minimum(distance / self._step, len(self._distances) - 1.000001)
        column = x.astype(np.int64)
        above, below = np.diff(self._depths[node - 1 : node + 2])
        around = self._tables[..., node - 1 : node + 2]
        near, far = (
            (three[:, 2] - three[:, 1]) / below - (three[:, 1] - three[:, 0]) / above
            for three in (around[rows, column], around[rows, column + 1])
        )
        return near + (far - near) * (x - column), (far - near) / self._step

    def __call__(
        self, phase: str, station_km: float, distance: np.ndarray, depth: np.ndarray
    ) -> np.ndarray:
        """Times in s for epicentral distances and source depths in km (arrays of one shape)."""
        row = self.rows(np.array([phase]), np.array([station_km]))
        return self.at(row, np.asarray(distance), np.asarray(depth))[0]

    def _level(self, stations_km: np.ndarray) -> np.ndarray:
        """Depths of stations as whole numbers of units; not rounded in a homogeneous model."""
        unit = 1e-6 if self.model.homogeneous else self._unit
        return np.asarray(np.round(np.asarray(stations_km) / unit), dtype=np.int64)

    def _make(self, keys: list[tuple[str, int]]) -> None:
        unit = 1e-6 if self.model.homogeneous else self._unit
        for phase, level in keys:
            self._rows[phase, level] = len(self._levels)
            self._levels.append((level * unit, self.model.speeds(phase)[0]))
        if self.model.homogeneous:
            return
        first = len(self._levels) - len(keys)
        if len(self._levels) > len(self._tables):
            held, self._tables = self._tables, self._room(len(self._levels))
            self._tables[:first] = held[:first]
        for row, (phase, level) in enumerate(keys, start=first):
            self._tables[row] = self._between(phase, level * unit)
        if len(self._levels) == len(self._tables):
            # All stations have theirs.
            self._traced.clear()

    def _room(self, count: int) -> np.ndarray:
        """Tables that are not filled yet."""
        return np.empty((count, len(self._distances), len(self._depths)), dtype=np.float32)

    def _between(self, phase: str, station_km: float) -> np.ndarray:
        """The table of a station, from those of the depths above and below it that are traced."""
        apart = float(np.clip(self._step, *_TRACED_KM))
        above = apart * np.floor(station_km / apart + 1e-9)
        tops = np.array(self.model.tops[1:])
        inside = tops[(tops > above) & (tops < above + apart)]
        depths = np.concatenate([[above], inside, [above + apart]])
        low = int(np.searchsorted(depths, station_km + 1e-9, side="right")) - 1
        share = (station_km - depths[low]) / (depths[low + 1] - depths[low])
        if abs(share) < 1e-6:
            return self._from(phase, depths[low])
        ends = [self._from(phase, depth) for depth in depths[low : low + 2]]
        return np.asarray(ends[0] * np.float32(1 - share) + ends[1] * np.float32(share))

    def _from(self, phase: str, source_km: float) -> np.ndarray:
        """The table of a depth from which rays are traced."""
        key = phase, round(float(source_km), 6)
        if key not in self._traced:
            times = first_arrivals(self.model, *key, self._distances, self._depths)
            self._traced[key] = times.astype(np.float32)
        return self._traced[key]

    def _straight(
        self, rows: np.ndarray, distance: np.ndarray, depth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        station, speed = np.array(self._levels).reshape(-1, 2)[rows].T
        height = depth - station
        path = np.maximum(np.hypot(distance, height), 1e-9)
        return path / speed, distance / path / speed, height / path / speed


def _thinned(depths: np.ndarray, from_km: float, speed: float) -> np.ndarray:
    """Of depths, fewer and fewer below those of stations: fronts are flatter farther from them.

    Between depths that are h apart, the time from a station r above them bends by h^2 / (8 v r).
    """
    apart = np.sqrt(8 * _BENT_S * speed * np.maximum(depths - from_km, 0))
    kept = [0]
    for number in range(1, len(depths)):
        # The next one would be too far.
        end = number == len(depths) - 1
        if end or depths[number + 1] - depths[kept[-1]] > apart[number + 1]:
            kept.append(number)
    return np.asarray(depths[kept])


def _nodes(even: np.ndarray, step: float, bends: np.ndarray) -> np.ndarray:
    """Depths of the nodes, some at the interfaces and the stations, where times bend."""
    bends = np.unique(bends[(bends > even[0]) & (bends < even[-1])])
    apart = np.diff(bends, prepend=-np.inf) > step / 8
    bends = bends[apart]
    near = np.abs(even[:, None] - bends).min(axis=1, initial=np.inf) < step / 8
    return np.unique(np.concatenate([even[~near], bends, even[[0, -1]]]))
