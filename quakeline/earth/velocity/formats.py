"""Files of 1D velocity models, and what lies between the depths that they list."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np

from quakeline.core.errors import DataError, why_unread
from quakeline.earth.shipped import VELOCITY_MODELS
from quakeline.earth.velocity import programs, taup
from quakeline.earth.velocity.checks import of_velocities, require_sense
from quakeline.earth.velocity.columns import table
from quakeline.earth.velocity.model import VelocityModel
from quakeline.earth.velocity.raw import Raw

#: Forms of other programs; what is none of them is a table.
FORMS = (*taup.FORMS, *programs.FORMS)

#: A table of at least so many depths, of which nearly all steps go up and most are small, is a
#: curve that somebody sampled.
_MANY = 8
_GROWING = 0.8
_SMALL_STEP = 0.03
_CLOSE_KM = 2.0
#: No model of a region reaches so far down.
_NEAR_THE_CORE_KM = 2500.0
#: A jump: a step of so large a share, and so many times as steep as those beside it.
_JUMP, _STEEPER = 0.1, 4.0


def load(path: Path, vp_vs: float = 0.0, interpolation: str = "auto") -> VelocityModel:
    """Read a velocity model; what kind of file it is follows from its content.

    - a table (CSV): depth_km, vp and vs, or vp_vs for vs, also under other programs' names
    - NonLinLoc: LAYER lines (Lomax et al. 2000), with their gradients
    - hypoDD: the lists of a control file, NLAY RATIO, TOP, VEL (Waldhauser 2001)
    - VELEST: a .mod file (Kissling et al. 1995), the P layers and then the S layers
    - GaMMA: the lists z, p, s of its configuration (.json)
    - HASH and SKHASH: lines of depth and vp, without S
    - TauP: named discontinuities (.nd) and .tvel, down to the core

    Parameters
    ----------
    path
        The file.
    vp_vs
        Above 0: S velocities are those of P divided by it, whatever the file says.
    interpolation
        What lies between the depths: `layers` of constant velocity below each, or straight lines
        (`linear`), in which a depth given twice is an interface. `auto`: as the program that the
        form comes from takes it; a table of our own is linear where it looks like a sampled curve.

    Returns
    -------
    The model; its `reading` says what was chosen and why, its `doubts` what looks wrong.

    Raises
    ------
    DataError
        The file cannot be read, or a line of it says why it is no such model.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read velocity table {path}: {why_unread(error, path)}") from None
    raw = _reader(path, text)(path, text)
    if not raw.rows:
        raise DataError(f"velocity table {path}: one row at least is needed")
    chosen, why = _chosen(path, raw, interpolation)
    return replace(_model(path, raw, vp_vs, chosen, why), general=_is_general(raw))


def _is_general(raw: Raw) -> bool:
    """Whether rows are a mean of the Earth's velocities: those of the program, or to the core."""
    shipped = [
        table(path, path.read_text(encoding="utf-8")).rows for path in VELOCITY_MODELS.values()
    ]
    return raw.rows[-1].depth >= _NEAR_THE_CORE_KM or raw.rows in shipped


def _reader(path: Path, text: str) -> Callable[[Path, str], Raw]:
    lines = [line for line in text.splitlines() if line.strip()]
    known = (form.read for form in FORMS if form.recognises(path, lines))
    return next(known, table)


def _chosen(path: Path, raw: Raw, asked: str) -> tuple[str, str]:
    """What lies between the depths, and why."""
    if raw.habit == "own gradients":
        if asked == "linear":
            raise DataError(
                f"velocity model {path}: velocity.interpolation is linear, but {raw.why}; allowed:"
                " auto, layers (which keep them)"
            )
        return raw.habit, raw.why
    repeated = any(a.depth == b.depth for a, b in zip(raw.rows, raw.rows[1:], strict=False))
    if asked != "auto":
        return asked, "velocity.interpolation says so"
    if raw.habit:
        return raw.habit, raw.why
    if repeated and len(raw.rows) > 2:
        return "linear", "a depth is given twice, which is an interface between gradients"
    if sampled_curve(raw):
        curve = f"{_spacing(raw)} with steadily growing velocities look like a gradient"
        jump = _jump(raw)
        if jump is None:
            return "linear", curve
        return "layers", (
            f"{curve}, but vp jumps at {jump:g} km, and a table of gradients has the depth of an"
            " interface twice"
        )
    return "layers", "few depths, or steps between them, as in constant layers"


def sampled_curve(raw: Raw) -> bool:
    """Whether rows look like samples of a curve, not like layers."""
    depth, vp = (np.array([row[k] for row in raw.rows], dtype=float) for k in (0, 1))
    if len(depth) < _MANY:
        return False
    steps = np.diff(vp) / vp[:-1]
    growing = float((steps > 0).mean()) >= _GROWING
    close = float(np.median(np.diff(depth))) <= _CLOSE_KM
    return growing and close and float(np.median(steps)) <= _SMALL_STEP


def _jump(raw: Raw) -> float | None:
    """The first depth at which the velocity jumps, between rows where it changes slowly."""
    depth, vp = (np.array([row[k] for row in raw.rows], dtype=float) for k in (0, 1))
    slope = np.diff(vp) / np.maximum(np.diff(depth), 1e-9)
    before, after = np.r_[slope[1], slope[:-1]], np.r_[slope[1:], slope[-2]]
    steep = slope > _STEEPER * np.maximum(np.abs(before), np.abs(after))
    found = np.flatnonzero(steep & (np.diff(vp) / vp[:-1] > _JUMP))
    return float(depth[found[0] + 1]) if len(found) else None


def _spacing(raw: Raw) -> str:
    apart = float(np.median(np.diff([row.depth for row in raw.rows])))
    return f"{len(raw.rows)} depths {apart:g} km apart"


def _model(path: Path, raw: Raw, vp_vs: float, chosen: str, why: str) -> VelocityModel:
    """Check the rows, complete their S velocities and join them."""
    depth, vp, given, vp_base, vs_base = (
        np.array(c, dtype=float) for c in zip(*raw.rows, strict=True)
    )
    if vp_vs > 0:
        vs, vs_base = vp / vp_vs, vp_base / vp_vs
    elif np.isnan(given).any():
        raise DataError(
            f"velocity table {path}: no S velocities; give them, or velocity.vp_vs in the config"
            " (--vp-vs)"
        )
    else:
        vs = given
    require_sense(path, depth, vp, vs, (vp_base, vs_base), joined=chosen == "linear")
    if chosen == "linear":
        depth, vp, vp_base, vs, vs_base = _joined(depth, vp, vs)
    remarks = of_velocities(depth, vp, vs)
    if chosen == "layers" and raw.habit != "layers" and sampled_curve(raw):
        remarks.insert(
            0,
            f"{_spacing(raw)} with steadily growing velocities look like a gradient, but are read"
            " as constant layers; say velocity.interpolation: linear (--interpolation linear) if"
            " the file samples a curve",
        )
    sloped = chosen != "layers" and len(depth) > 1
    return VelocityModel(
        _tuple(depth),
        _tuple(vp),
        _tuple(vs),
        _tuple(vp_base) if sloped else (),
        _tuple(vs_base) if sloped else (),
        *_errors(raw, depth, vp_vs),
        _reading(path, raw, depth, chosen, why),
        tuple(remarks),
    )


def _errors(
    raw: Raw, depth: np.ndarray, vp_vs: float
) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """Errors of vp and vs at the tops of layers, those of vs by a ratio if one is given."""
    if not raw.errors:
        return (), ()
    row = np.searchsorted([row.depth for row in raw.rows], depth, side="right") - 1
    of_p, of_s = np.array(raw.errors)[np.minimum(row, len(raw.errors) - 1)].T
    return _tuple(of_p), _tuple(of_p / vp_vs if vp_vs > 0 else of_s)


def _joined(depth: np.ndarray, vp: np.ndarray, vs: np.ndarray) -> tuple[np.ndarray, ...]:
    """Tops, and velocities at tops and bases, of the layers between successive depths."""
    last = np.arange(len(depth))
    below = np.minimum(last + 1, len(depth) - 1)
    real = np.r_[np.diff(depth) > 0, True]
    return depth[real], vp[real], vp[below][real], vs[real], vs[below][real]


def _reading(path: Path, raw: Raw, depth: np.ndarray, chosen: str, why: str) -> str:
    if len(depth) == 1:
        return f"{path.name}: one velocity everywhere"
    words = {
        "layers": f"{len(depth)} constant layers",
        "linear": f"{len(raw.rows)} depths joined by straight lines",
        "own gradients": f"{len(depth)} layers with gradients",
    }[chosen]
    unused = f"; not used: {', '.join(raw.unused)}" if raw.unused else ""
    errors = "; it states errors of its velocities" if raw.errors else ""
    return f"{path.name}: {words}, {depth[0]:g} to {depth[-1]:g} km ({why}){errors}{unused}"


def _tuple(values: np.ndarray) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
