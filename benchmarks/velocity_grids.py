"""A catalog of real picks in a velocity grid beside that of the table which the grid was made of.

`python -m benchmarks.velocity_grids FOLDER [--only NAME] [--quick]`: FOLDER as for
`benchmarks.real_catalogs`; of the sets in it those with a table of gradients. The set's layers are
written as buffers of NonLinLoc (cells of 2 km, 0.5 km deep), its gradients as NetCDF and as Zarr
(nodes 0.05 degrees and 0.5 km apart). Each catalog is made by `quakeline catalog` in a process of
its own: the first one in a grid solves the travel times, `again` reads them from the folder of
caches. Events are the same within 1 s.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray

from benchmarks.measure import finish
from benchmarks.real_catalogs import beside, made_of, matched, parser_of_sets, sets
from benchmarks.stated import offset_km
from quakeline.earth.velocity import VelocityModel, load

_GRADIENT = "velocity_shelly_gradient.csv"
_MARGIN_DEG = 0.7
_DEPTHS = np.arange(-3.0, 60.0, 0.5)
_CELL_KM, _STEP_DEG, _KM_A_DEG = 2.0, 0.05, 111.2
_SAME_S, _SAME_KM = 1.0, 20.0


def main() -> None:
    """Measure each set and keep the figures in benchmarks/results/velocity_grids.json."""
    words = parser_of_sets(__doc__).parse_args()
    rows: list[dict[str, Any]] = []
    for folder in sets(words.folder, words.only):
        if not (folder / _GRADIENT).is_file():
            continue
        for name, table, write in (
            ("NonLinLoc", "velocity.csv", nonlinloc),
            ("NetCDF", _GRADIENT, netcdf),
            ("Zarr", _GRADIENT, zarr),
        ):
            rows.append({"case": folder.name, "form": name, **measured(folder, table, write)})
            finish("velocity_grids", rows, words.quick, kept=words.only)


def measured(
    folder: Path, table: str, write: Callable[[VelocityModel, pd.DataFrame, Path], Path]
) -> dict[str, Any]:
    """A catalog of a table of velocities, and of the grid that is made of it."""
    with tempfile.TemporaryDirectory() as name:
        place = Path(name)
        os.environ["QUAKELINE_CACHE"] = str(place / "cache")
        model, stations = load(folder / table), pd.read_csv(folder / "stations.csv")
        grid = write(model, stations, place)
        layers, first, again = (
            made_of(folder, folder / "picks.csv", place / str(number), velocity)
            for number, velocity in enumerate((folder / table, grid, grid))
        )
        kept = sum(path.stat().st_size for path in (place / "cache").rglob("*.npy"))
    same = again["events"]["latitude"].equals(first["events"]["latitude"])
    figures = {
        "cached_mb": round(kept / 1e6),
        "again_cpu_s": again["cpu_s"],
        "again_is_the_same": bool(same),
        **apart(layers["events"], first["events"]),
    }
    for side, made in (("table", layers), ("grid", first)):
        figures[side] = {
            **beside(folder, made["events"].reset_index(drop=True))[2],
            "events": len(made["events"]),
            "picks": len(made["arrivals"]),
            "cpu_s": made["cpu_s"],
            "peak_mb": made["peak_mb"],
        }
    return figures


def apart(layers: pd.DataFrame, grid: pd.DataFrame) -> dict[str, Any]:
    """How many events of two catalogs are the same, and how far apart: median and 90 %."""
    one, other = (table.reset_index(drop=True) for table in (layers, grid))
    offsets = [
        offset_km(other.iloc[k], one.iloc[n]) for n, k in matched(other, one, _SAME_S, _SAME_KM)
    ]
    across = [float(np.hypot(*offset[:2])) for offset in offsets]
    down = [abs(float(offset[2])) for offset in offsets]
    spread = {
        name: [round(float(np.quantile(values, share)), 2) for share in (0.5, 0.9)]
        for name, values in (("across_km", across), ("down_km", down))
    }
    return {"same": len(offsets), **spread}


def nonlinloc(model: VelocityModel, stations: pd.DataFrame, place: Path) -> Path:
    """Buffers of P and S in cells around a network; the header of P."""
    latitude, longitude = stations["latitude"].mean(), stations["longitude"].mean()
    half = _KM_A_DEG * (np.ptp(stations["latitude"]) / 2 + _MARGIN_DEG)
    half = max(half, _KM_A_DEG * (np.ptp(stations["longitude"]) / 2 + _MARGIN_DEG))
    count = round(2 * half / _CELL_KM)
    step = float(np.diff(_DEPTHS)[0])
    for phase in "PS":
        speed = model.at(_DEPTHS + step / 2, phase)
        held = np.broadcast_to(speed, (count, count, len(speed))).astype("<f4")
        (place / f"layer.{phase}.mod.buf").write_bytes(held.tobytes())
        numbers = f"{count} {count} {len(speed)}  {-half} {-half} {_DEPTHS[0]}"
        where = f"TRANSFORM SIMPLE LatOrig {latitude} LongOrig {longitude} RotCW 0"
        (place / f"layer.{phase}.mod.hdr").write_text(
            f"{numbers}  {_CELL_KM} {_CELL_KM} {step} VELOCITY FLOAT\n{where}\n"
        )
    return place / "layer.P.mod.hdr"


def dataset(model: VelocityModel, stations: pd.DataFrame) -> xarray.Dataset:
    """Velocities at nodes in degrees around a network."""
    axes = {
        name: np.arange(
            stations[name].min() - _MARGIN_DEG, stations[name].max() + _MARGIN_DEG, _STEP_DEG
        )
        for name in ("latitude", "longitude")
    }
    shape = (*(len(axis) for axis in axes.values()), len(_DEPTHS))
    speeds = {
        f"v{phase.lower()}": (
            ("latitude", "longitude", "depth"),
            np.broadcast_to(model.at(_DEPTHS, phase), shape).astype(np.float32),
        )
        for phase in "PS"
    }
    return xarray.Dataset(speeds, {**axes, "depth": _DEPTHS})


def netcdf(model: VelocityModel, stations: pd.DataFrame, place: Path) -> Path:
    """A NetCDF file of `dataset`."""
    dataset(model, stations).to_netcdf(place / "model.nc", engine="h5netcdf")
    return place / "model.nc"


def zarr(model: VelocityModel, stations: pd.DataFrame, place: Path) -> Path:
    """A Zarr store of `dataset`."""
    dataset(model, stations).to_zarr(place / "model.zarr", zarr_format=3, consolidated=False)
    return place / "model.zarr"


if __name__ == "__main__":
    main()
