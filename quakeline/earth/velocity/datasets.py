"""Velocity grids in NetCDF and Zarr: vp and vs (or vp_vs) over x, y, z or lat, lon, depth.

Names may be those of other makers, as those of the Earth Model Collaboration of IRIS; units are
taken from the attribute `units` of CF conventions.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from quakeline.core.errors import DataError
from quakeline.earth.velocity.places import Degrees, Places, around, projected
from quakeline.earth.velocity.raw_grid import RawGrid

if TYPE_CHECKING:
    import xarray

_HDF, _CLASSIC = b"\x89HDF\r\n\x1a\n", b"CDF"
_VALUES = {
    "vp": ("vp", "vpkms", "pvelocity", "pwavevelocity", "velp", "pvel", "alpha", "vpabs"),
    "vs": ("vs", "vskms", "svelocity", "swavevelocity", "vels", "svel", "beta", "vsabs"),
    "vp_vs": ("vpvs", "vpvsratio"),
}
_AXES = {
    "x": ("x", "xkm", "easting", "east"),
    "y": ("y", "ykm", "northing", "north"),
    "longitude": ("lon", "longitude", "long"),
    "latitude": ("lat", "latitude"),
    "depth": ("depth", "depthkm", "dep", "z", "zkm"),
    "elevation": ("elevation", "altitude", "height"),
}
#: What a unit is of a km, or of a km/s.
_LENGTHS = {"km": 1.0, "kilometer": 1.0, "kilometre": 1.0, "m": 1e-3, "meter": 1e-3, "metre": 1e-3}
_SPEEDS = {"km/s": 1.0, "kms-1": 1.0, "kms^-1": 1.0, "km.s-1": 1.0, "km/sec": 1.0, "m/s": 1e-3,
           "ms-1": 1e-3, "ms^-1": 1e-3, "m.s-1": 1e-3, "m/sec": 1e-3}  # fmt: skip


def looks_so(path: Path) -> bool:
    """Whether a path is a NetCDF file or a Zarr store."""
    if path.is_dir():
        return any((path / name).is_file() for name in ("zarr.json", ".zgroup", ".zattrs"))
    try:
        with path.open("rb") as file:
            first = file.read(8)
    except OSError:
        return False
    return first == _HDF or first[:3] == _CLASSIC


def read(path: Path) -> RawGrid:
    """Read a NetCDF file or a Zarr store. Raises DataError."""
    import xarray

    given: dict[str, Any] = {"engine": "h5netcdf"}
    if path.is_dir():
        given = {"engine": "zarr", "consolidated": False}
    elif path.read_bytes()[:3] == _CLASSIC:
        given = {"engine": "scipy"}
    try:
        with xarray.open_dataset(path, decode_times=False, **given) as data:
            return _grid(path, data.load())
    except DataError:
        raise
    except Exception as error:
        why = (str(error) or repr(error)).splitlines()[0]
        raise DataError(f"cannot read velocity grid {path}: {why}") from None


def _grid(path: Path, data: xarray.Dataset) -> RawGrid:
    found = {
        what: data[name]
        for what, names in _VALUES.items()
        for name in data.data_vars
        if _plain(name) in names
    }
    if "vp" not in found:
        raise DataError(
            f"velocity grid {path}: variables {', '.join(map(str, data.data_vars)) or 'none'}"
            " given; required: vp and vs (or vp_vs, or velocity.vp_vs), over x, y, z or latitude,"
            " longitude, depth"
        )
    names = _axes(path, found["vp"])
    order = [names["x"], names["y"], names["z"]]
    notes: list[str] = []
    arrays = {}
    for what, values in found.items():
        if set(values.dims) != set(order):
            raise DataError(f"velocity grid {path}: {values.name} has other axes than vp")
        factor = 1.0 if what == "vp_vs" else _factor(path, values, _SPEEDS, notes)
        arrays[what] = values.transpose(*order).to_numpy().astype(np.float64) * factor
    x, y, z = (data[name] for name in order)
    degrees = _meaning(names["x"]) == "longitude"
    axes = [
        axis.to_numpy().astype(np.float64)
        * (1.0 if degrees and n < 2 else _factor(path, axis, _LENGTHS, notes))
        for n, axis in enumerate((x, y, z))
    ]
    if _meaning(names["z"]) == "elevation" or str(z.attrs.get("positive", "")).lower() == "up":
        axes[2] = -axes[2]
        notes.append("elevations as negative depths")
    vs = arrays.get("vs")
    if vs is None and "vp_vs" in arrays:
        ratio = arrays["vp_vs"]
        vs = np.where(ratio > 0, arrays["vp"] / np.where(ratio > 0, ratio, 1), np.nan)
    places = Degrees(float(axes[0].min())) if degrees else _places(data)
    form = "Zarr" if path.is_dir() else "NetCDF"
    return RawGrid(form, (axes[0], axes[1], axes[2]), arrays["vp"], vs, places, notes=tuple(notes))


def _axes(path: Path, values: xarray.DataArray) -> dict[str, str]:
    """The names of the axes along x (or longitude), y (or latitude) and depth."""
    given = {_meaning(name): str(name) for name in values.dims}
    across = ("longitude", "latitude") if "longitude" in given else ("x", "y")
    down = "depth" if "depth" in given else "elevation"
    wanted = [*across, down]
    absent = [name for name in wanted if name not in given]
    if absent or len(values.dims) != 3:
        raise DataError(
            f"velocity grid {path}: {values.name} has the axes"
            f" {', '.join(map(str, values.dims)) or 'none'}; three are needed: x, y, z in km, or"
            " latitude, longitude, depth"
        )
    for name in given.values():
        if name not in values.coords:
            raise DataError(f"velocity grid {path}: axis {name} has no coordinates")
    return dict(zip("xyz", (given[name] for name in wanted), strict=True))


def _meaning(name: Any) -> str:
    return next((what for what, names in _AXES.items() if _plain(name) in names), "")


def _plain(name: Any) -> str:
    return re.sub(r"[^a-z0-9]", "", str(name).lower())


def _factor(
    path: Path, values: xarray.DataArray, known: dict[str, float], notes: list[str]
) -> float:
    """What the stated unit is of a km or km/s; 1 where none is stated."""
    unit = str(values.attrs.get("units", "")).strip()
    plain = re.sub(r"[\s*]", "", unit.lower()).removesuffix("s") if known is _LENGTHS else re.sub(
        r"[\s*]", "", unit.lower()
    )  # fmt: skip
    if not unit:
        return 1.0
    if plain not in known:
        raise DataError(
            f"velocity grid {path}: {values.name} is in {unit!r}; allowed: {', '.join(known)}"
        )
    if known[plain] != 1.0:
        notes.append(f"{values.name} in {unit}")
    return known[plain]


def _places(data: xarray.Dataset) -> Places | None:
    """Where x and y are, as far as attributes say so: `crs`, or the origin of a plane."""
    attributes = dict(data.attrs)
    for name in data.variables:
        wkt = data[name].attrs.get("crs_wkt") or data[name].attrs.get("spatial_ref")
        if wkt:
            attributes.setdefault("crs", wkt)
    turn = float(attributes.get("rotation_deg", 0.0))
    if "crs" in attributes:
        return projected(str(attributes["crs"]), turn)
    if "origin_latitude" in attributes and "origin_longitude" in attributes:
        at = float(attributes["origin_latitude"]), float(attributes["origin_longitude"])
        return around(*at, turn)
    return None
