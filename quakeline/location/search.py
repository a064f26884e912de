"""Global search for a hypocentre on nested grids, by the L1 norm of residuals.

The origin time at a node is the median of arrival times less travel times, so that up to half of
the arrivals may be wrong.
Source: Anderson, K. R. (1982), Robust earthquake location using M-estimates, Phys. Earth Planet.
Inter. 30, 119-130; Lomax, A. et al. (2000), Probabilistic earthquake location in 3D and layered
models, in Advances in Seismic Event Location, 101-134.
"""

from __future__ import annotations

import numpy as np

from quakeline.location.observations import Observations
from quakeline.velocity import TravelTimes

_NODES = (11, 11, 7)
_FINER = (5, 5, 5)
_LEVELS = 4
#: Nodes that go on to the next level, and how much finer that is.
_KEPT = 4
_ZOOM = 2.5


def candidates(
    seen: Observations, times: TravelTimes, low: np.ndarray, high: np.ndarray
) -> np.ndarray:
    """Best hypocentres (x, y, z, t0), shape (k, 4), in a box of local km, best first."""
    axes = [np.linspace(a, b, n) for a, b, n in zip(low, high, _NODES, strict=True)]
    nodes = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    step = (high - low) / (np.array(_NODES) - 1)
    offsets = [np.linspace(-1, 1, n) for n in _FINER]
    around = np.stack(np.meshgrid(*offsets, indexing="ij"), -1).reshape(-1, 3)
    origin, misfit = l1(nodes, seen, times)
    for _ in range(_LEVELS):
        best = _apart(nodes, misfit, step)
        nodes = np.clip((nodes[best][:, None] + around * step).reshape(-1, 3), low, high)
        step = step / _ZOOM
        origin, misfit = l1(nodes, seen, times)
    best = _apart(nodes, misfit, step)
    return np.column_stack([nodes[best], origin[best]])


def l1(nodes: np.ndarray, seen: Observations, times: TravelTimes) -> tuple[np.ndarray, np.ndarray]:
    """Origin times and sums of absolute residuals over sigma at nodes of shape (m, 3)."""
    distance = np.hypot(nodes[:, :1] - seen.x, nodes[:, 1:2] - seen.y)
    left = seen.time_s - times.at(seen.table, distance, nodes[:, 2:])[0]
    origin = np.median(left, axis=1)
    return origin, (np.abs(left - origin[:, None]) / seen.sigma_s).sum(axis=1)


def _apart(nodes: np.ndarray, misfit: np.ndarray, step: np.ndarray) -> np.ndarray:
    """The best nodes of which none is a neighbour of a better one."""
    kept: list[int] = []
    for node in np.argsort(misfit, kind="stable")[: 12 * _KEPT]:
        if all((np.abs(nodes[node] - nodes[other]) > 1.2 * step).any() for other in kept):
            kept.append(int(node))
        if len(kept) == _KEPT:
            break
    return np.array(kept)
