"""What is wrong with a velocity model, or looks so: units, order, ratios, what stations see."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from quakeline.core.errors import DataError
from quakeline.earth.velocity.layers import Layers
from quakeline.earth.velocity.raw import GRADIENT_END_KM

_FASTEST = 15.0
#: Velocities above this are metres per second, as are depths in metres where so deep a rock is so
#: slow.
_METRES_PER_SECOND = 100.0
_DEEP_KM, _SLOW_KM_S = 150.0, 7.0
#: Ratios vp/vs of dry, cracked rock and of wet sediment; beyond them one of the two is wrong.
_RATIOS = (1.45, 2.5)
#: Sound in air and water: P velocities in km/s below which no rock is.
_AIR, _WATER = 0.5, 1.3


def require_sense(
    path: Path,
    depth: np.ndarray,
    vp: np.ndarray,
    vs: np.ndarray,
    bases: tuple[np.ndarray, np.ndarray],
    *,
    joined: bool,
) -> None:
    """Refuse rows that are no model.

    `bases` are vp and vs at the bases of the layers, NaN where none are stated; `joined` allows a
    depth twice. Raises DataError.
    """
    if not np.isfinite([*depth, *vp, *vs]).all():
        raise DataError(f"velocity table {path}: every row needs three numbers")
    if vp.max() > _METRES_PER_SECOND:
        raise DataError(
            f"velocity table {path}: vp up to {vp.max():g} looks like m/s; velocities in km/s are"
            " needed: divide vp and vs by 1000"
        )
    if (depth > _DEEP_KM).any() and (vp[depth > _DEEP_KM] < _SLOW_KM_S).any():
        k = int(np.flatnonzero((depth > _DEEP_KM) & (vp < _SLOW_KM_S))[0])
        raise DataError(
            f"velocity table {path}: a depth of {depth[k]:g} with vp {vp[k]:g} km/s looks like"
            " metres; depths in km are needed: divide them by 1000"
        )
    steps = np.diff(depth)
    if (steps < 0).any():
        k = int(np.flatnonzero(steps < 0)[0])
        upwards = "; these look like elevations: change their sign" if (steps < 0).all() else ""
        raise DataError(
            f"velocity table {path}: depth_km must increase from row to row, but {depth[k + 1]:g}"
            f" follows {depth[k]:g}{upwards}"
        )
    again = np.flatnonzero(steps == 0)
    if len(again) and (not joined or again[0] == 0 or (np.diff(again) == 1).any()):
        raise DataError(
            f"velocity table {path}: depth_km must increase from row to row, but"
            f" {depth[again[0]]:g} is given twice; twice is an interface, allowed below the first"
            " row with velocity.interpolation: linear"
        )
    _require_bases(path, depth, _absurd(vp, vs), *bases)
    if _absurd(vp, vs).any():
        turned = "; vp and vs look exchanged" if (vp < vs).all() else ""
        raise DataError(
            f"velocity table {path}: velocities in km/s must satisfy 0 < vs < vp <= 15{turned}"
        )


def _require_bases(
    path: Path, depth: np.ndarray, wrong: np.ndarray, vp: np.ndarray, vs: np.ndarray
) -> None:
    """Refuse gradients by which rows that are not `wrong` have wrong velocities at their bases."""
    found = np.flatnonzero(_absurd(vp, vs) & ~wrong)
    if not len(found):
        return
    k = int(found[0])
    is_end = k == len(vp) - 2 and depth[k + 1] == max(depth[k], 0.0) + GRADIENT_END_KM
    end = " (a last gradient holds for 100 km: end it by a row with 0)" if is_end else ""
    raise DataError(
        f"velocity table {path}: the gradients below {depth[k]:g} km lead to vp {vp[k]:g} and vs"
        f" {vs[k]:g} at {depth[k + 1]:g} km{end}; velocities in km/s must satisfy 0 < vs < vp <= 15"
    )


def _absurd(vp: np.ndarray, vs: np.ndarray) -> np.ndarray:
    return np.asarray((vs <= 0) | (vp <= vs) | (vp > _FASTEST))


def of_velocities(depth: np.ndarray, vp: np.ndarray, vs: np.ndarray) -> list[str]:
    """What looks wrong in velocities by themselves."""
    ratio = vp / vs
    found = []
    for odd, what in ((ratio < _RATIOS[0], "low"), (ratio > _RATIOS[1], "high")):
        if odd.any():
            k = int(np.flatnonzero(odd)[0])
            found.append(
                f"vp/vs is {ratio[k]:.2f} at {depth[k]:g} km ({int(odd.sum())} of {len(ratio)}"
                f" depths), unusually {what}: rocks have {_RATIOS[0]} to {_RATIOS[1]}; are vp and"
                " vs of one model?"
            )
    return found


def doubts(model: Layers, stations_km: np.ndarray) -> list[str]:
    """What looks wrong in a model, and in how stations lie in it.

    Parameters
    ----------
    model
        The model.
    stations_km
        Depths of the stations in km below sea level, shape (n,).
    """
    found = list(model.doubts)
    if not len(stations_km) or model.homogeneous:
        return found
    highest = float(np.min(stations_km))
    vp = model.at(np.asarray(stations_km), "P")
    slow = vp < _WATER
    if slow.any():
        what = "air" if vp.min() < _AIR else "water"
        found.append(
            f"{int(slow.sum())} of {len(vp)} stations lie where the model has vp"
            f" {vp.min():.2f} km/s, as in {what}: begin it with rock above the highest station,"
            f" which is {-highest:.2f} km above sea level"
        )
    if highest < model.tops[0] - 0.1:
        found.append(
            f"the model begins at {model.tops[0]:g} km, the highest station is"
            f" {-highest:.2f} km above sea level: its first velocity, vp {model.vp[0]:g} km/s,"
            " is taken up to there"
        )
    above = model.vp[: int(np.searchsorted(model.tops, highest, side="right"))]
    if above and max(above) > above[-1]:
        found.append(
            f"the model is faster above the highest station (vp {max(above):g} km/s) than at it"
            f" (vp {above[-1]:g} km/s): rays run there, where no ground is"
        )
    return found
