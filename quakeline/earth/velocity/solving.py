"""Tables of travel times from stations in a velocity grid, solved once and kept in a folder.

The eikonal equation, with the time as the product of the distance and a smooth factor, is solved by
fast marching of second order. Source: Treister, E. & Haber, E. (2016), A fast marching algorithm
for the factored eikonal equation, J. Comput. Phys. 324, 210-225. The solver is eikonalfm.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from quakeline.core.errors import OutputError
from quakeline.core.geometry import LocalFrame
from quakeline.earth.velocity.grid import VelocityGrid
from quakeline.io.products import caches
from quakeline.io.products.atomic import replacing

logger = logging.getLogger("quakeline")

#: Raised when the same model and station would give another table.
_VERSION = 1
_ORDER = 2
#: Nodes are so much closer to each other in depth: at interfaces errors go with that distance. In
#: layers with jumps of a fifth they were 3 ms (one sigma) at 0.12 km, 15 ms at 0.5 km.
FLAT = 0.125


@dataclass(frozen=True, eq=False)
class Block:
    """Nodes that hold all of a box wherever a station lies in it, which is at a node.

    `low` and `high` are x, y, z in km, `step` the distances of nodes, `counts` their numbers.
    """

    low: np.ndarray
    high: np.ndarray
    step: np.ndarray
    counts: tuple[int, int, int]

    @classmethod
    def between(cls, low: np.ndarray, high: np.ndarray, step: float) -> Block:
        """With nodes as far apart horizontally as `step` says."""
        steps = np.array([step, step, FLAT * step])
        x, y, z = (np.floor((high - low) / steps).astype(int) + 4).tolist()
        return cls(low, high, steps, (x, y, z))

    def node_of(self, station: np.ndarray) -> np.ndarray:
        """The node at which a station at x, y, z in km is, (3,)."""
        return np.asarray(np.ceil((station - self.low) / self.step - 1e-9).astype(np.int64))

    def axes(self, station: np.ndarray) -> list[np.ndarray]:
        """x, y and z in km of the nodes for a station."""
        node = self.node_of(station)
        return [station[n] + (np.arange(self.counts[n]) - node[n]) * self.step[n] for n in range(3)]

    @property
    def table_bytes(self) -> int:
        """Memory of one table."""
        return 4 * self.counts[0] * self.counts[1] * self.counts[2]

    @property
    def words(self) -> str:
        """How large and how dense it is, for people."""
        sides = " x ".join(f"{side:.0f}" for side in self.high - self.low)
        return f"{sides} km, nodes {self.step[0]:g} km apart, {self.step[2]:g} in depth"


@dataclass(frozen=True, eq=False)
class Job:
    """A table that is needed: of a block, a phase, and a station at x, y, z in km."""

    block: Block
    phase: str
    station: np.ndarray


def folder() -> Path:
    """Where tables are kept."""
    return caches.folder() / "travel_times"


def tables(
    model: VelocityGrid, frame: LocalFrame, jobs: Sequence[Job], threads: int
) -> Iterator[tuple[np.ndarray, bool]]:
    """Mean slownesses in s/km at all nodes, in the order of the jobs, and whether they are new.

    Several processes may do this at once: a table of the folder is whole or not there.
    """
    names = [_key(model, frame, job) for job in jobs]
    kept = [_read(name, job) for name, job in zip(names, jobs, strict=True)]
    missing = [job for job, values in zip(jobs, kept, strict=True) if values is None]
    solved = _solved(model, frame, missing, threads)
    for name, values in zip(names, kept, strict=True):
        if values is not None:
            yield values, False
            continue
        new = next(solved)
        _keep(name, new)
        yield new, True


def solve(model: VelocityGrid, frame: LocalFrame, job: Job) -> np.ndarray:
    """Mean slownesses in s/km from a station to the nodes of a block, (x, y, z), as float32."""
    from eikonalfm import factored_fast_marching

    x, y, z = job.block.axes(job.station)
    east, north = np.meshgrid(x, y, indexing="ij")
    places = frame.to_latlon(east.ravel(), north.ravel())
    speed = model.columns(job.phase, *places, z).reshape(job.block.counts)
    source = tuple(job.block.node_of(job.station).tolist())
    found = factored_fast_marching(
        speed.astype(np.float64), source, tuple(job.block.step.tolist()), _ORDER
    )
    return np.asarray(found, dtype=np.float32)


def _solved(
    model: VelocityGrid, frame: LocalFrame, jobs: Sequence[Job], threads: int
) -> Iterator[np.ndarray]:
    """Tables one after the other, in several processes where there are several."""
    work = partial(solve, model, frame)
    if threads < 2 or len(jobs) < 2:
        yield from map(work, jobs)
        return
    # The solver holds the interpreter, so that threads would wait for each other.
    with ProcessPoolExecutor(threads, mp_context=get_context("fork")) as pool:
        yield from pool.map(work, jobs)


def _key(model: VelocityGrid, frame: LocalFrame, job: Job) -> str:
    """The name of a table: what it follows from."""
    known = [
        _VERSION,
        model.digest,
        [round(frame.latitude, 7), round(frame.longitude, 7)],
        *(np.round(values, 4).tolist() for values in (job.block.low, job.block.step, job.station)),
        job.block.counts,
        job.phase,
    ]
    return sha256(json.dumps(known).encode()).hexdigest()[:32]


def _read(name: str, job: Job) -> np.ndarray | None:
    """A table of the folder; None where it is not there, or not whole."""
    path = folder() / f"{name}.npy"
    try:
        values = np.load(path, allow_pickle=False)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError, EOFError) as error:
        logger.warning("%s cannot be read (%s); it is made again", path, error)
        return None
    sound = values.shape == job.block.counts and values.dtype == np.float32
    return values if sound else None


def _keep(name: str, values: np.ndarray) -> None:
    """Put a table into the folder, where that can be written."""
    try:
        with replacing(folder() / f"{name}.npy") as part, part.open("wb") as file:
            np.save(file, values)
    except (OutputError, OSError) as error:
        logger.warning("velocity: travel times are not kept: %s", error)
