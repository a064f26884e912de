"""Make the basemap of the report from Natural Earth: `make_basemap.py FOLDER`.

FOLDER holds the shapefiles ne_10m_coastline.shp, ne_10m_admin_0_boundary_lines_land.shp and
ne_10m_lakes.shp of https://www.naturalearthdata.com (public domain), in a flat folder. Lines are
simplified by Douglas and Peucker's method until the file is small enough to be part of the
package, and written as `quakeline.report.basemap.natural_earth` reads them.
"""

from __future__ import annotations

import sys
from itertools import pairwise
from pathlib import Path

import numpy as np

from quakeline.report.basemap import natural_earth
from quakeline.report.basemap.shapefiles import lines

FILES = {
    "coastlines": "ne_10m_coastline.shp",
    "borders": "ne_10m_admin_0_boundary_lines_land.shp",
    "lakes": "ne_10m_lakes.shp",
}
#: Degrees by which a simplified line may be off, and how many times more beyond the polar circles.
TOLERANCE, POLAR_LATITUDE, POLAR = 0.013, 62.0, 6.0
#: Width of closed lines below which they are left out, degrees.
LEAST_WIDTH = 0.04


def joined(pieces: list[np.ndarray]) -> list[np.ndarray]:
    """Lines whose ends meet where no third begins, as one."""
    ends: dict[bytes, list[int]] = {}
    for number, line in enumerate(pieces):
        for end in (line[0], line[-1]):
            ends.setdefault(end.tobytes(), []).append(number)
    left, found = set(range(len(pieces))), []
    while left:
        chain = pieces[left.pop()]
        for _ in range(2):
            while True:
                here = ends[chain[-1].tobytes()]
                following = [number for number in here if number in left]
                if len(here) != 2 or len(following) != 1:
                    break
                left.remove(following[0])
                line = pieces[following[0]]
                forward = np.array_equal(line[0], chain[-1])
                chain = np.concatenate([chain, (line if forward else line[::-1])[1:]])
            chain = chain[::-1]
        found.append(chain)
    return found


def simplified(line: np.ndarray, tolerance: float) -> np.ndarray:
    """The points that Douglas and Peucker's method keeps; longitudes count by their length."""
    scale = np.array([np.cos(np.radians(np.clip(line[:, 1].mean(), -80, 80))), 1.0])
    flat, keep = line * scale, np.zeros(len(line), bool)
    keep[[0, -1]] = True
    if np.array_equal(line[0], line[-1]):
        keep[np.hypot(*(flat - flat[0]).T).argmax()] = True
    ends = np.flatnonzero(keep)
    todo = list(pairwise(ends))
    while todo:
        a, b = todo.pop()
        if b - a < 2:
            continue
        chord, between = flat[b] - flat[a], flat[a + 1 : b] - flat[a]
        length = np.hypot(*chord)
        cross = np.abs(chord[0] * between[:, 1] - chord[1] * between[:, 0])
        off = cross / length if length else np.hypot(*between.T)
        if off.max() > tolerance:
            middle = a + 1 + int(off.argmax())
            keep[middle] = True
            todo += [(a, middle), (middle, b)]
    return line[keep]


def main() -> None:
    """Read, simplify, write."""
    folder = Path(sys.argv[1])
    layers = {}
    for name, file in FILES.items():
        made = []
        for line in joined(lines(folder / file)):
            closed = np.array_equal(line[0], line[-1])
            if closed and max(np.ptp(line, axis=0)) < LEAST_WIDTH:
                continue
            polar = abs(line[:, 1].mean()) > POLAR_LATITUDE
            made.append(simplified(line, TOLERANCE * (POLAR if polar else 1.0)))
        layers[name] = made
    natural_earth.write(layers)
    sys.stdout.write(f"{natural_earth.FILE}: {natural_earth.FILE.stat().st_size} bytes\n")


if __name__ == "__main__":
    main()
