"""Coastlines, borders and lakes of the Earth, as they are part of the package.

They are Natural Earth's of the scale 1:10 million (public domain, www.naturalearthdata.com),
simplified by `docs/make_basemap.py` so that they are off by 2 km at most, beyond 62 degrees of
latitude by 10 km. The file is LZMA of three layers in the order of `LAYERS`: the number of lines,
the number of points of each, and all points as steps of 1/`STEPS` of a degree from the point
before, all longitudes first, in integers of variable length (LEB128, signs by zigzag as in
Protocol Buffers).
"""

from __future__ import annotations

import lzma
from functools import cache
from pathlib import Path

import numpy as np

FILE = Path(__file__).with_name("natural_earth.xz")
LAYERS = ("coastlines", "borders", "lakes")
#: Steps of a degree in the file.
STEPS = 100


def write(layers: dict[str, list[np.ndarray]]) -> None:
    """Write the file of the package; a line is (n, 2): longitude and latitude in degrees."""
    numbers: list[np.ndarray] = []
    for name in LAYERS:
        lines = [_rounded(line) for line in layers[name]]
        lines = [line for line in lines if len(line) > 1]
        numbers.append(np.array([len(lines), *[len(line) for line in lines]], np.int64))
        steps = np.diff(np.concatenate([np.zeros((1, 2), np.int64), *lines]), axis=0)
        numbers += [_zigzag(steps[:, 0]), _zigzag(steps[:, 1])]
    data = _varints(np.concatenate(numbers))
    filters = [{"id": lzma.FILTER_LZMA2, "preset": 9 | lzma.PRESET_EXTREME, "lc": 0, "pb": 0}]
    FILE.write_bytes(lzma.compress(data, filters=filters))


@cache
def layers() -> dict[str, list[np.ndarray]]:
    """All lines of each layer, (n, 2): longitude and latitude in degrees."""
    numbers = _numbers(lzma.decompress(FILE.read_bytes()))
    found, at = {}, 0
    for name in LAYERS:
        n_lines = int(numbers[at])
        lengths = numbers[at + 1 : at + 1 + n_lines]
        at += 1 + n_lines
        n = int(lengths.sum())
        steps = _signed(numbers[at : at + 2 * n]).reshape(2, n)
        at += 2 * n
        points = np.cumsum(steps, axis=1).T / STEPS
        found[name] = np.split(points, np.cumsum(lengths)[:-1])
    return found


def _rounded(line: np.ndarray) -> np.ndarray:
    """Whole steps, without points that fall on the one before."""
    whole = np.rint(np.asarray(line) * STEPS).astype(np.int64)
    moved = np.any(np.diff(whole, axis=0) != 0, axis=1)
    return np.asarray(whole[np.concatenate([[True], moved])])


def _zigzag(values: np.ndarray) -> np.ndarray:
    return np.asarray((values << 1) ^ (values >> 63))


def _signed(values: np.ndarray) -> np.ndarray:
    return np.asarray((values >> 1) ^ -(values & 1))


def _varints(values: np.ndarray) -> bytes:
    made = bytearray()
    for value in values.tolist():
        while value > 127:
            made.append(value & 127 | 128)
            value >>= 7
        made.append(value)
    return bytes(made)


def _numbers(data: bytes) -> np.ndarray:
    """Decode integers of at most three bytes."""
    raw = np.frombuffer(data, np.uint8).astype(np.int64)
    last = raw < 128
    ends = np.flatnonzero(last)
    begins = np.concatenate([[0], ends[:-1] + 1])
    values = raw[begins] & 127
    for place in range(1, int((ends - begins).max()) + 1):
        more = ends - begins >= place
        values[more] |= (raw[begins[more] + place] & 127) << (7 * place)
    return np.asarray(values)
