"""Lines and polygons of ESRI shapefiles in degrees: faults, coastlines, borders, lakes."""

from __future__ import annotations

import struct
from itertools import pairwise
from pathlib import Path

import numpy as np

from quakeline.core.errors import DataError, why_unread

#: Types of shapes with parts of points; those with heights or measures begin in the same way.
_LINES = (3, 5, 13, 15, 23, 25)
_HEADER, _MAGIC = 100, 9994


def lines(path: Path) -> list[np.ndarray]:
    """Every part of every line or polygon, (n, 2): longitude and latitude in degrees.

    The form is that of the ESRI Shapefile Technical Description (1998). Raises DataError for a file
    that cannot be read, is no shapefile, holds no lines, or whose coordinates are not degrees.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {why_unread(error, path)}") from None
    if len(data) < _HEADER or struct.unpack_from(">i", data)[0] != _MAGIC:
        raise DataError(f"{path} given; a shapefile (.shp) of lines or polygons is allowed")
    try:
        found = [part for begin in _records(data) for part in _parts(data, begin)]
    except (struct.error, ValueError):
        raise DataError(f"{path} is damaged: its records do not end where they say") from None
    if not found:
        raise DataError(f"{path} holds no lines or polygons")
    points = np.concatenate(found)
    if not np.isfinite(points).all() or (np.abs(points) > [360.0, 90.0]).any():
        raise DataError(f"{path} has coordinates that are no longitudes and latitudes in degrees")
    return found


def _records(data: bytes) -> list[int]:
    """Where the content of each record begins."""
    at, found = _HEADER, []
    while at + 8 <= len(data):
        found.append(at + 8)
        length = 2 * struct.unpack_from(">i", data, at + 4)[0]
        if length < 4:
            raise ValueError("a record without content")
        at += 8 + length
    return found


def _parts(data: bytes, begin: int) -> list[np.ndarray]:
    if struct.unpack_from("<i", data, begin)[0] not in _LINES:
        return []
    n_parts, n_points = struct.unpack_from("<ii", data, begin + 36)
    if not 0 < n_parts <= n_points:
        raise ValueError("parts without points")
    begins = [*struct.unpack_from(f"<{n_parts}i", data, begin + 44), n_points]
    points = np.frombuffer(data, "<f8", 2 * n_points, begin + 44 + 4 * n_parts).reshape(-1, 2)
    if np.any(np.diff(begins) <= 0):
        raise ValueError("parts in disorder")
    return [points[a:b] for a, b in pairwise(begins)]
