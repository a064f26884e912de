"""What a file of a velocity grid says, checked and made whole: a `GridModel`."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal

import numpy as np

from quakeline.core.errors import DataError
from quakeline.earth.velocity.grid_model import GridModel
from quakeline.earth.velocity.places import Degrees, Places, around, projected

_FASTEST = 15.0
#: Velocities above this are metres per second, distances above the other ones metres.
_METRES_PER_SECOND = 100.0
_DEEP_KM, _FAR_KM = 2000.0, 20_000.0
_RATIOS = (1.45, 2.5)
#: Shares of nodes that are spoken of, and that may be wrong.
_SAID, _FEW = 0.005, 0.01


@dataclass(frozen=True)
class GridFacts:
    """What the user says of a grid; see the section `velocity` of kind grid."""

    vp_vs: float = 0.0
    origin: tuple[float, float] | None = None
    rotation_deg: float = 0.0
    crs: str | None = None
    values: Literal["auto", "nodes", "cells"] = "auto"
    node_km: float | None = None


@dataclass(frozen=True)
class RawGrid:
    """Velocities of a file, and their nodes.

    `axes` are x, y and depth of the nodes, `vp` and `vs` in km/s with shape (x, y, depth), NaN
    where a file has none; `vs` is None where a file has no S. `places` says where x and y are, None
    where the file does not; `x_is_west` is how files of its form count then. With `in_cells` values
    are those of cells with the nodes in their middles. `notes` tell how it
    was read.
    """

    form: str
    axes: tuple[np.ndarray, np.ndarray, np.ndarray]
    vp: np.ndarray
    vs: np.ndarray | None
    places: Places | None
    x_is_west: bool = False
    in_cells: bool = False
    notes: tuple[str, ...] = ()


def model_of(path: Path, raw: RawGrid, given: GridFacts) -> GridModel:
    """Check a grid, complete its S velocities and find its place on earth. Raises DataError."""
    raw = _rising(path, raw)
    _require_axes(path, raw)
    places = _places(path, raw, given)
    vp = np.asarray(raw.vp, dtype=np.float32)
    _require_velocities(path, vp, "vp")
    doubts: list[str] = []
    vp = _filled(path, vp, "vp", doubts)
    if given.vp_vs > 0:
        vs = vp / np.float32(given.vp_vs)
    elif raw.vs is None:
        raise DataError(
            f"velocity grid {path}: no S velocities; give them (file_s), or velocity.vp_vs in the"
            " config (--vp-vs)"
        )
    else:
        vs = np.asarray(raw.vs, dtype=np.float32)
        _require_velocities(path, vs, "vs")
        vs = _filled(path, vs, "vs", doubts)
    vs = _ordered(path, vp, vs, doubts)
    doubts += _ratios(vp, vs)
    notes = [*raw.notes, f"vp/vs {given.vp_vs:g} as given"] if given.vp_vs else [*raw.notes]
    told = f" ({'; '.join(notes)})" if notes else ""
    x, y, z = (f"{axis[0]:g} to {axis[-1]:g}" for axis in raw.axes)
    size = " x ".join(str(len(axis)) for axis in raw.axes)
    reading = (
        f"{path.name}: {raw.form}, {size} nodes, x {x}, y {y} ({places.words}), depth {z} km{told}"
    )
    return GridModel(raw.axes, vp, vs, places, raw.in_cells, given.node_km, reading, tuple(doubts))


def _rising(path: Path, raw: RawGrid) -> RawGrid:
    """The same with axes that rise."""
    axes, vp, vs = list(raw.axes), raw.vp, raw.vs
    for n in range(3):
        if len(axes[n]) > 1 and axes[n][0] > axes[n][-1]:
            axes[n] = axes[n][::-1]
            vp = np.flip(vp, n)
            vs = None if vs is None else np.flip(vs, n)
    return replace(raw, axes=(axes[0], axes[1], axes[2]), vp=vp, vs=vs)


def _require_axes(path: Path, raw: RawGrid) -> None:
    for name, axis in zip(("x", "y", "depth"), raw.axes, strict=True):
        if len(axis) < 2:
            raise DataError(
                f"velocity grid {path}: {len(axis)} node along {name}; a grid needs two or more,"
                " and a model of layers is given as a table (velocity: {kind: table})"
            )
        if not np.isfinite(axis).all() or not (np.diff(axis) > 0).all():
            raise DataError(f"velocity grid {path}: nodes along {name} do not rise steadily")
    depth = raw.axes[2]
    if max(abs(depth[0]), depth[-1]) > _DEEP_KM:
        raise DataError(
            f"velocity grid {path}: depths of {depth[0]:g} to {depth[-1]:g} look like metres;"
            " depths in km are needed: divide them by 1000"
        )
    if depth[-1] <= 0:
        raise DataError(
            f"velocity grid {path}: depths of {depth[0]:g} to {depth[-1]:g} km are all above sea"
            " level; these look like elevations: change their sign"
        )
    if raw.vp.shape != tuple(len(axis) for axis in raw.axes):
        raise DataError(f"velocity grid {path}: {raw.vp.size} velocities do not fit its nodes")
    if raw.vs is not None and raw.vs.shape != raw.vp.shape:
        raise DataError(f"velocity grid {path}: the nodes of P and S differ")


def _places(path: Path, raw: RawGrid, given: GridFacts) -> Places:
    """Where the grid is: as the user says, else as the file says, else in degrees if it can be."""
    x, y = raw.axes[:2]
    if given.crs is not None:
        chosen: Places = projected(given.crs, given.rotation_deg)
    elif given.origin is not None:
        chosen = around(*given.origin, given.rotation_deg, x_is_west=raw.x_is_west)
    elif raw.places is not None:
        chosen = raw.places
    elif min(x[0], y[0] * 2) < -180 or x[-1] > 360 or y[-1] > 90:
        raise DataError(
            f"velocity grid {path}: x {x[0]:g} to {x[-1]:g} and y {y[0]:g} to {y[-1]:g} are no"
            " degrees; give velocity.origin, the latitude and longitude of x = y = 0, and"
            " velocity.rotation_deg, or velocity.crs"
        )
    else:
        chosen = Degrees(float(x[0]))
    if isinstance(chosen, Degrees):
        if y[0] < -90 or y[-1] > 90 or x[-1] - x[0] > 360:
            raise DataError(
                f"velocity grid {path}: longitudes {x[0]:g} to {x[-1]:g} and latitudes {y[0]:g} to"
                f" {y[-1]:g} are no degrees"
            )
    elif max(abs(x).max() / 1, abs(y).max()) > _FAR_KM:
        raise DataError(
            f"velocity grid {path}: x {x[0]:g} to {x[-1]:g} and y {y[0]:g} to {y[-1]:g} look like"
            " metres; km are needed: divide them by 1000, or state their units"
        )
    return chosen


def _require_velocities(path: Path, values: np.ndarray, name: str) -> None:
    known = values[np.isfinite(values)]
    if not len(known) or known.max() <= 0:
        raise DataError(f"velocity grid {path}: no node has a {name} above 0")
    if known.max() > _METRES_PER_SECOND:
        raise DataError(
            f"velocity grid {path}: {name} up to {known.max():g} looks like m/s; velocities in km/s"
            f" are needed: divide {name} by 1000"
        )
    if known.max() > _FASTEST:
        raise DataError(
            f"velocity grid {path}: {name} up to {known.max():g} km/s; velocities in km/s must be"
            f" at most {_FASTEST:g}"
        )


def _filled(path: Path, values: np.ndarray, name: str, doubts: list[str]) -> np.ndarray:
    """Velocities of which those that are missing, or not above 0, are those of the nearest node."""
    from scipy.ndimage import distance_transform_edt

    absent = ~(np.isfinite(values) & (values > 0))
    if not absent.any():
        return values
    share = float(absent.mean())
    if share >= _SAID:
        doubts.append(
            f"{100 * share:.0f} % of the nodes of the velocity grid have no {name} (air, water or"
            " nothing known); there that of the nearest node counts"
        )
    nearest = distance_transform_edt(absent, return_distances=False, return_indices=True)
    return np.asarray(values[tuple(nearest)])


def _ordered(path: Path, vp: np.ndarray, vs: np.ndarray, doubts: list[str]) -> np.ndarray:
    """S velocities below those of P: a few that are not are made so, more are refused."""
    wrong = vs >= vp
    if wrong.mean() > _FEW:
        turned = "; vp and vs look exchanged" if wrong.all() else ""
        i, j, k = np.argwhere(wrong)[0].tolist()
        raise DataError(
            f"velocity grid {path}: vs must be below vp, but at {int(wrong.sum())} nodes it is not:"
            f" vp {vp[i, j, k]:g} and vs {vs[i, j, k]:g} km/s at the first{turned}"
        )
    if wrong.any():
        doubts.append(
            f"vs is not below vp at {int(wrong.sum())} of {wrong.size} nodes of the velocity grid;"
            f" there it is made vp / {_RATIOS[0]}"
        )
    return np.where(wrong, vp / np.float32(_RATIOS[0]), vs)


def _ratios(vp: np.ndarray, vs: np.ndarray) -> list[str]:
    ratio = vp / vs
    found = []
    for odd, what in ((ratio < _RATIOS[0], "low"), (ratio > _RATIOS[1], "high")):
        if odd.mean() >= _SAID:
            found.append(
                f"vp/vs is {np.median(ratio[odd]):.2f} in the middle of {100 * odd.mean():.0f} % of"
                f" the nodes of the velocity grid, unusually {what}: rocks have {_RATIOS[0]} to"
                f" {_RATIOS[1]}"
            )
    return found
