"""Travel times of a network in a velocity grid: how dense, in how much memory, and at any source.

By reciprocity a table's source is a station. What is kept is the time over the straight distance,
which is nearly even also where the time is not, close to the station, so that it is interpolated
linearly between nodes and multiplied with the exact distance. Nodes are dense around the stations
and, where that would be too many, wider apart in all of the search.
"""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass
from itertools import product
from threading import Lock

import numpy as np
import psutil

from quakeline.core.errors import DataError
from quakeline.earth.velocity import solving
from quakeline.earth.velocity.grid import VelocityGrid
from quakeline.earth.velocity.kinds import Network
from quakeline.earth.velocity.solving import Block

logger = logging.getLogger("quakeline")

#: Memory of all tables that is used at most where nothing else is said, in bytes.
_MEMORY = 1e9
#: The share of the free memory that tables may take, and that of the search which is all of it.
_OF_FREE, _ALL = 0.8, 0.98
#: Nodes of a table: as many are solved in about two seconds; and the share of those farther away.
_FEWEST, _MOST, _WIDE_SHARE = 5e4, 8e5, 0.25
#: Nodes need not be closer than this, in km: the largest error in a gradient was 1 ms.
_CLOSE_KM, _CLOSEST_KM = 1.0, 0.1
#: Dense nodes reach so far around the stations: this share of the extent, within these km.
_AROUND, _AROUND_KM = 0.35, (10.0, 100.0)
#: Dense nodes beside wide ones are worth it from this ratio on.
_DENSER = 1.2
#: Positions that have tables of their own, at most, and how near others share one, in nodes.
_POSITIONS, _SHARED = 256, 0.5
_EXACT_KM, _LEVEL_KM = 0.001, 0.05


class GridTimes:
    """Travel times between the sites of a network and its sources in a velocity grid.

    A table for each phase and position of a station, from the cache folder or made when it is
    first needed; channels of fibres that lie close together share one.
    """

    def __init__(self, model: VelocityGrid, network: Network, threads: int = 1) -> None:
        self.model, self._network, self._threads = model, network, threads
        self._lock = Lock()
        stations = network.stations
        self._table_of, first = _positions(stations[["x", "y", "depth_km"]].to_numpy())
        self._at = stations[["x", "y", "depth_km"]].to_numpy()[first]
        self._made = np.zeros(2 * len(first), dtype=bool)
        blocks = _blocks(model, network, len(first))
        self.memory_bytes = sum(block.table_bytes for block in blocks) * len(self._made)
        _require_memory(blocks, len(first), self.memory_bytes)
        _tell_coverage(model, network)
        self._layers = [Layer.of(block, self._at) for block in blocks]

    def rows_of(self, phases: np.ndarray, site: np.ndarray) -> np.ndarray:
        """Numbers of the tables for pairs of a phase and the number of a site."""
        rows = 2 * self._table_of[site] + (np.asarray(phases) == "S")
        with self._lock:
            missing = np.unique(rows[~self._made[rows]])
            if len(missing):
                self._make(missing)
        return np.asarray(rows, dtype=np.int64)

    def travel(
        self, rows: np.ndarray, east: np.ndarray, north: np.ndarray, depth: np.ndarray
    ) -> np.ndarray:
        """Times in s for offsets in km from the sites to the sources and their depths."""
        return self.sloped(rows, east, north, depth)[0]

    def sloped(
        self, rows: np.ndarray, east: np.ndarray, north: np.ndarray, depth: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """The same, and slopes over x, y and depth of the sources in s/km, shape (..., n, 3)."""
        down = depth - self._at[rows // 2, 2]
        shape = np.broadcast_shapes(rows.shape, np.shape(east), np.shape(down))
        rows = np.broadcast_to(rows, shape).ravel()
        away = np.stack([np.broadcast_to(v, shape).ravel() for v in (east, north, down)])
        slowness, change = self._looked(rows, away)
        distance = np.maximum(np.sqrt((away**2).sum(axis=0)), 1e-9)
        slopes = slowness * away / distance + distance * change
        return (slowness * distance).reshape(shape), slopes.T.reshape((*shape, 3))

    def _looked(self, rows: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean slownesses in s/km, (n,), and their slopes, (3, n), from the densest layer."""
        dense, wide = self._layers[0], self._layers[-1]
        inside = dense.holds(rows, away)
        if dense is wide or inside.all():
            return dense.at(rows, away)
        slowness, change = wide.at(rows, away)
        if inside.any():
            slowness[inside], change[:, inside] = dense.at(rows[inside], away[:, inside])
        return slowness, change

    def _make(self, rows: np.ndarray) -> None:
        """Fill tables from the cache, or solve them."""
        start, solved = time.monotonic(), 0
        jobs = [
            (layer, int(row), solving.Job(layer.block, "PS"[row % 2], self._at[row // 2]))
            for layer in self._layers
            for row in rows
        ]
        made = solving.tables(
            self.model, self._network.frame, [job for _, _, job in jobs], self._threads
        )
        for (layer, row, _), (values, is_new) in zip(jobs, made, strict=True):
            layer.values[row] = values
            solved += is_new
        self._made[rows] = True
        logger.info(
            "velocity: travel times of %d pairs of phase and position: %d tables solved, %d from"
            " %s, in %.0f s",
            len(rows),
            solved,
            len(jobs) - solved,
            solving.folder(),
            time.monotonic() - start,
        )


@dataclass(frozen=True, eq=False)
class Layer:
    """Tables at the nodes of a block: mean slownesses in s/km of all rows, (2 m, x, y, z).

    `node` (m, 3) are the nodes of the stations in the block.
    """

    block: Block
    node: np.ndarray
    values: np.ndarray

    @classmethod
    def of(cls, block: Block, stations: np.ndarray) -> Layer:
        """Empty tables for stations at x, y, z in km, (m, 3); memory is taken when one is made."""
        nodes = np.array([block.node_of(one) for one in stations]).reshape(-1, 3)
        return cls(block, nodes, np.empty((2 * len(stations), *block.counts), dtype=np.float32))

    def _steps(self, rows: np.ndarray, away: np.ndarray) -> np.ndarray:
        """Places in nodes of the block, (3, n), of sources `away` from stations in km."""
        return np.asarray(away / self.block.step[:, None] + self.node[rows // 2].T)

    def holds(self, rows: np.ndarray, away: np.ndarray) -> np.ndarray:
        """Whether sources lie between the nodes."""
        steps, last = self._steps(rows, away), np.array(self.block.counts)[:, None] - 1
        return np.asarray(((steps >= 0) & (steps <= last)).all(axis=0))

    def at(self, rows: np.ndarray, away: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean slownesses in s/km, (n,), and their slopes in s/km2, (3, n); the edge holds on."""
        counts = np.array(self.block.counts)[:, None]
        steps = np.clip(self._steps(rows, away), 0, counts - 1.000001)
        node = steps.astype(np.int64)
        share = steps - node
        strides = np.array([counts[1, 0] * counts[2, 0], counts[2, 0], 1])
        first = rows * int(counts.prod()) + strides @ node
        flat = self.values.reshape(-1)
        corner = {
            bits: flat[first + int(strides @ np.array(bits))] for bits in product((0, 1), repeat=3)
        }
        value = np.zeros(len(rows))
        slope = np.zeros((3, len(rows)))
        for bits, held in corner.items():
            weight = [s if bit else 1 - s for bit, s in zip(bits, share, strict=True)]
            value += held * weight[0] * weight[1] * weight[2]
            for axis in range(3):
                one, other = (weight[n] for n in range(3) if n != axis)
                slope[axis] += (held if bits[axis] else -held) * one * other
        return value, slope / self.block.step[:, None]


def _positions(places: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The table of each place (n, 3), and the first place of each table.

    Places within a metre are one; where there are too many, those within ever more.
    """
    unit = _EXACT_KM
    while True:
        rounded = np.round(places / [unit, unit, min(unit, _LEVEL_KM)]).astype(np.int64)
        _, first, table = np.unique(rounded, axis=0, return_index=True, return_inverse=True)
        if len(first) <= _POSITIONS or unit > _SHARED:
            return table.ravel(), first
        unit *= 2


def _blocks(model: VelocityGrid, network: Network, positions: int) -> list[Block]:
    """Blocks of nodes: a dense one around the stations and a wide one, or one of all the search."""
    places = network.stations[["x", "y", "depth_km"]].to_numpy()
    low = np.minimum(network.box[0], places.min(axis=0))
    high = np.maximum(network.box[1], places.max(axis=0))
    most = float(np.clip(_MEMORY / (10 * max(positions, 1)), _FEWEST, _MOST))
    wanted = model.node_km or float(np.clip(min(model.spacing_km), _CLOSEST_KM, _CLOSE_KM))
    extent = float(np.hypot(*np.ptp(places[:, :2], axis=0)))
    margin = float(np.clip(_AROUND * extent, *_AROUND_KM))
    near_low = np.r_[np.maximum(low[:2], places[:, :2].min(axis=0) - margin), low[2]]
    near_high = np.r_[np.minimum(high[:2], places[:, :2].max(axis=0) + margin), high[2]]
    dense = model.node_km or _step(near_low, near_high, most, wanted)
    one = _step(low, high, most, wanted)
    if one <= (dense if model.node_km else _DENSER * dense):
        return [Block.between(low, high, one)]
    wide = _step(low, high, _WIDE_SHARE * most, wanted)
    return [Block.between(near_low, near_high, dense), Block.between(low, high, wide)]


def _step(low: np.ndarray, high: np.ndarray, most: float, wanted: float) -> float:
    """Distance of nodes in km: as wanted, or as wide as the number of nodes asks for."""
    volume = float(np.prod(np.maximum(high - low, 1.0)))
    return max(wanted, round(float(np.cbrt(volume / solving.FLAT / most)), 2))


def _require_memory(blocks: list[Block], positions: int, size: int) -> None:
    """Say how much memory tables take. Raises DataError where there is not so much."""
    words = "; ".join(block.words for block in blocks)
    free = psutil.virtual_memory().available
    if size > _OF_FREE * free:
        raise DataError(
            f"travel times of {positions} positions ({words}) need {size / 1e9:.1f} GB of memory,"
            f" {free / 1e9:.1f} GB are free: give velocity.node_km a larger value"
        )
    logger.info(
        "velocity: travel times of %d positions: %s; %.0f MB of memory",
        positions,
        words,
        size / 1e6,
    )


def _tell_coverage(model: VelocityGrid, network: Network) -> None:
    """Warn of a grid that does not hold all of the search."""
    low, high = network.box
    share = (np.arange(40) + 0.5) / 40
    x, y = np.meshgrid(*(low[n] + share * (high[n] - low[n]) for n in (0, 1)))
    held = float(model.holds(*network.frame.to_latlon(x.ravel(), y.ravel())).mean())
    top, bottom = max(low[2], model.axes[2][0]), min(high[2], model.axes[2][-1])
    covered = held * max(float(bottom - top), 0.0) / float(high[2] - low[2])
    if covered < _ALL:
        logger.warning(
            "velocity: the velocity grid holds %.0f %% of the search (x %.0f to %.0f, y %.0f to"
            " %.0f, depth %.0f to %.0f km); elsewhere the velocities of its edge hold on",
            100 * covered,
            *np.column_stack([low, high]).ravel(),
        )
