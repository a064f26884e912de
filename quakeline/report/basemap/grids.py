"""Grids of heights over longitude and latitude: GeoTIFF and NetCDF files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from quakeline.core.errors import DataError, why_unread

#: Points of a grid at most; larger ones are cut by their owner first.
MOST_POINTS = 100_000_000
_LONGITUDES, _LATITUDES = ("lon", "longitude", "x"), ("lat", "latitude", "y")
#: Tags of GeoTIFF: size of a pixel, a tied point, keys, value of no data; model and raster types.
_SCALE, _TIE, _KEYS, _NO_DATA = 33550, 33922, 34735, 42113
_MODEL, _RASTER, _GEOGRAPHIC, _POINT = 1024, 1025, 2, 2

#: What the readers of damaged files raise.
_DAMAGED = (
    OSError,
    ValueError,
    KeyError,
    TypeError,
    SyntaxError,
    EOFError,
    IndexError,
    MemoryError,
    OverflowError,
    RuntimeError,
)


@dataclass(frozen=True)
class Grid:
    """Heights in m, (latitudes, longitudes), NaN where unknown; both axes grow, in degrees."""

    longitudes: np.ndarray
    latitudes: np.ndarray
    heights_m: np.ndarray


def read(path: Path) -> Grid:
    """Read a GeoTIFF in degrees or a NetCDF file with axes of longitude and latitude.

    Raises DataError for a file that is neither, or is damaged.
    """
    try:
        with path.open("rb") as file:
            start = file.read(8)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {why_unread(error, path)}") from None
    try:
        if start[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
            return _grown(*_geotiff(path))
        if start[:4] == b"\x89HDF":
            return _grown(*_netcdf4(path))
        if start[:3] == b"CDF":
            return _grown(*_netcdf3(path))
    except _DAMAGED as error:
        why = " ".join(str(error).split()) or "it asks for more memory than there is"
        raise DataError(f"{path} cannot be read as a grid of heights: {why}") from None
    raise DataError(f"{path} given; a GeoTIFF or NetCDF grid of heights is allowed")


def _grown(longitudes: np.ndarray, latitudes: np.ndarray, heights: np.ndarray) -> Grid:
    """Axes that grow. Raises ValueError where they are no degrees."""
    if len(longitudes) < 2 or len(latitudes) < 2:
        raise ValueError("it has fewer than two rows or columns")
    for axis in (longitudes, latitudes):
        steps = np.diff(axis)
        if not (np.all(steps > 0) or np.all(steps < 0)):
            raise ValueError("its longitudes or latitudes are not in order")
    if np.abs(latitudes).max() > 90.001 or np.abs(longitudes).max() > 360.001:
        raise ValueError("its axes are no degrees of longitude and latitude")
    if longitudes[0] > longitudes[-1]:
        longitudes, heights = longitudes[::-1], heights[:, ::-1]
    if latitudes[0] > latitudes[-1]:
        latitudes, heights = latitudes[::-1], heights[::-1]
    if not np.isfinite(heights).any():
        raise ValueError("it holds no heights")
    return Grid(longitudes, latitudes, heights)


def _geotiff(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from PIL import Image

    try:
        opened = Image.open(path)
    except Image.DecompressionBombError:
        raise ValueError(f"it has more than {MOST_POINTS:,} points") from None
    with opened as picture:
        tags: Any = picture.tag_v2  # type: ignore[attr-defined]
        if _SCALE not in tags or _TIE not in tags:
            raise ValueError("it has no ModelPixelScale and ModelTiepoint")
        keys = tags.get(_KEYS, ())
        known = {keys[i]: keys[i + 3] for i in range(4, len(keys) - 3, 4)}
        if known.get(_MODEL, _GEOGRAPHIC) != _GEOGRAPHIC:
            raise ValueError("it is projected; degrees are needed (gdalwarp -t_srs EPSG:4326)")
        if picture.width * picture.height > MOST_POINTS:
            raise ValueError(f"it has more than {MOST_POINTS:,} points")
        heights = np.asarray(picture, dtype=float)
        no_data = str(tags.get(_NO_DATA, "")).strip("\0 ")
    if heights.ndim != 2:
        raise ValueError("it is a picture with colours, not a grid of heights")
    if no_data:
        heights = np.where(heights == float(no_data), np.nan, heights)
    wide, high = tags[_SCALE][:2]
    column, row, _, east, north = tags[_TIE][:5]
    middle = 0.0 if known.get(_RASTER) == _POINT else 0.5
    longitudes = east + (np.arange(heights.shape[1]) - column + middle) * wide
    latitudes = north - (np.arange(heights.shape[0]) - row + middle) * high
    return longitudes, latitudes, heights


def _netcdf4(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    import h5py

    with h5py.File(path) as file:
        names = {key.lower(): key for key in file if isinstance(file[key], h5py.Dataset)}
        x, y = _axis(names, _LONGITUDES), _axis(names, _LATITUDES)
        longitudes, latitudes = np.asarray(file[x], float), np.asarray(file[y], float)
        shape = (len(latitudes), len(longitudes))
        data = _heights({key: file[key] for key in names.values()}, shape)
        heights = _scaled(np.asarray(data, float), dict(data.attrs))
    return longitudes, latitudes, heights


def _netcdf3(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    from scipy.io import netcdf_file

    with netcdf_file(path, mmap=False) as file:
        names = {key.lower(): key for key in file.variables}
        x, y = _axis(names, _LONGITUDES), _axis(names, _LATITUDES)
        longitudes = np.array(file.variables[x][:], float)
        latitudes = np.array(file.variables[y][:], float)
        shape = (len(latitudes), len(longitudes))
        data = _heights(dict(file.variables), shape)
        heights = _scaled(np.array(data[:], float), dict(data._attributes))
    return longitudes, latitudes, heights


def _axis(names: dict[str, str], wanted: tuple[str, ...]) -> str:
    for name in wanted:
        if name in names:
            return names[name]
    raise ValueError(f"it has no variable {' or '.join(wanted)}")


def _heights(variables: dict[str, Any], shape: tuple[int, int]) -> Any:
    """The variable of this shape. Raises ValueError where there is none."""
    if shape[0] * shape[1] > MOST_POINTS:
        raise ValueError(f"it has more than {MOST_POINTS:,} points")
    for variable in variables.values():
        if tuple(variable.shape) == shape:
            return variable
    raise ValueError("it has no variable of heights over (latitude, longitude)")


def _scaled(values: np.ndarray, attributes: dict[str, Any]) -> np.ndarray:
    """Values with the fill value as NaN, scale and offset applied, as CF conventions say."""
    for name in ("_FillValue", "missing_value"):
        if name in attributes:
            values = np.where(values == np.ravel(attributes[name])[0], np.nan, values)
    scale = float(np.ravel(attributes.get("scale_factor", 1.0))[0])
    return np.asarray(values * scale + float(np.ravel(attributes.get("add_offset", 0.0))[0]))
