"""Files that users bring for maps: shapefiles and grids of heights."""

from __future__ import annotations

import struct
from pathlib import Path

import h5py
import numpy as np


def shapefile(path: Path, lines: list[np.ndarray]) -> Path:
    """Write lines (n, 2) as a shapefile, by the ESRI Shapefile Technical Description."""
    records = b""
    for number, line in enumerate(lines, 1):
        box = struct.pack("<4d", *line.min(axis=0), *line.max(axis=0))
        parts = struct.pack("<3i", 1, len(line), 0)
        content = struct.pack("<i", 3) + box + parts + line.astype("<f8").tobytes()
        records += struct.pack(">2i", number, len(content) // 2) + content
    header = struct.pack(">7i", 9994, 0, 0, 0, 0, 0, (100 + len(records)) // 2)
    path.write_bytes(header + struct.pack("<2i8d", 1000, 3, *[0.0] * 8) + records)
    return path


def netcdf4(path: Path, longitudes: np.ndarray, latitudes: np.ndarray, z: np.ndarray) -> Path:
    """Write heights over latitude and longitude."""
    with h5py.File(path, "w") as file:
        file["lon"], file["lat"], file["elevation"] = longitudes, latitudes, z
    return path


def netcdf3(path: Path, longitudes: np.ndarray, latitudes: np.ndarray, z: np.ndarray) -> Path:
    """Write a grid as GMT's older programs do."""
    from scipy.io import netcdf_file

    with netcdf_file(path, "w") as file:
        for name, values in (("x", longitudes), ("y", latitudes)):
            file.createDimension(name, len(values))
            file.createVariable(name, "d", (name,))[:] = values
        file.createVariable("z", "f", ("y", "x"))[:] = z
    return path


def geotiff(
    path: Path, longitudes: np.ndarray, latitudes: np.ndarray, z: np.ndarray, model: int = 2
) -> Path:
    """Write heights as pixels whose middles are the points; `model` 2 is degrees, 1 projected."""
    from PIL import Image
    from PIL.TiffImagePlugin import ImageFileDirectory_v2

    step_x, step_y = longitudes[1] - longitudes[0], latitudes[1] - latitudes[0]
    tags = ImageFileDirectory_v2()
    tags[33550] = (step_x, step_y, 0.0)
    tags[33922] = (0.0, 0.0, 0.0, longitudes[0] - step_x / 2, latitudes[-1] + step_y / 2, 0.0)
    tags[34735] = (1, 1, 0, 2, 1024, 0, 1, model, 1025, 0, 1, 1)
    for tag, kind in ((33550, 12), (33922, 12), (34735, 3)):
        tags.tagtype[tag] = kind
    Image.fromarray(z[::-1].astype("f4")).save(path, format="TIFF", tiffinfo=tags)
    return path
