"""Lines and polygons cut to a rectangle."""

from __future__ import annotations

import numpy as np


def cut_line(line: np.ndarray, reach: float) -> list[np.ndarray]:
    """The pieces of a line (n, 2) whose segments touch the square |x|, |y| <= `reach`."""
    if len(line) < 2:
        return []
    low, high = np.minimum(line[:-1], line[1:]), np.maximum(line[:-1], line[1:])
    near = ((low <= reach) & (high >= -reach)).all(axis=1)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], near.view(np.int8), [0]])))
    return [line[start : stop + 1] for start, stop in edges.reshape(-1, 2)]


def cut_polygon(ring: np.ndarray, reach: float) -> np.ndarray:
    """A closed ring (n, 2) within the square |x|, |y| <= `reach`, by Sutherland and Hodgman (1974).

    Shape (m, 2), where m is 0 for a ring outside.
    """
    for axis in (0, 1):
        for sign in (1.0, -1.0):
            if not len(ring):
                return ring
            ring = _behind(ring, axis, sign, reach)
    return ring


def _behind(ring: np.ndarray, axis: int, sign: float, reach: float) -> np.ndarray:
    """The part of a ring where `sign` times the coordinate is at most `reach`."""
    after = np.roll(ring, -1, axis=0)
    here, there = sign * ring[:, axis] - reach, sign * after[:, axis] - reach
    inside = here <= 0
    crossing = inside != (there <= 0)
    share = np.where(crossing, here / np.where(crossing, here - there, 1.0), 0.0)
    between = ring + share[:, None] * (after - ring)
    points = np.stack([ring, between], axis=1).reshape(-1, 2)
    kept = np.stack([inside, crossing], axis=1).ravel()
    return np.asarray(points[kept])
