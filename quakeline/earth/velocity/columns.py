"""Tables of velocities (CSV), by the names that their makers give the columns."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Literal

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.earth.velocity.raw import Raw, Row, Slope, with_bases
from quakeline.io.formats.csv_cells import read_cells

#: Names without anything but letters and figures: what they mean.
_NAMES = {
    "depth_km": ("depthkm", "depth", "dep", "z", "zkm", "top", "topkm", "topdepth", "topdepthkm",
                 "depthtop", "depthtopkm"),
    "vp": ("vp", "vpkms", "vpkmps", "vpkmsec", "p", "pvel", "pvelocity", "alpha"),
    "vs": ("vs", "vskms", "vskmps", "vskmsec", "s", "svel", "svelocity", "beta"),
    "vp_vs": ("vpvs", "vpvsratio"),
}  # fmt: skip
_MEANING = {name: meaning for meaning, names in _NAMES.items() for name in names}
#: Other units that a name may state.
_OTHER_UNITS = {
    **dict.fromkeys(("depthm", "zm", "topm", "depthtopm", "topdepthm"), "depths in km"),
    **dict.fromkeys(("vpms", "vpmps", "vsms", "vsmps", "pms", "sms"), "velocities in km/s"),
}
_THICKNESS = ("thickness", "thicknesskm", "thick", "h", "hkm")
_UNUSED = re.compile(
    r"(rho|dens|q(p|s|mu|kappa|alpha|beta|k)?$|layer|name|comment|damp).*"
    r"|v[ps]?(error|err|sigma|std|stddev|uncertainty|resolution)"
)
#: Columns of the growth of a velocity with depth below a row, in km/s per km.
_GRADIENTS = {
    **dict.fromkeys(("vpgrad", "vpgradient"), "vp"),
    **dict.fromkeys(("vsgrad", "vsgradient"), "vs"),
}
#: Columns of standard errors of velocities, in km/s: those of both, or they are left out.
_ERRORS = {"vperror": "vp", "vserror": "vs"}
_REQUIRED = (
    "required: depth_km, vp, vs (or vp_vs for vs), or the lines of a NonLinLoc, hypoDD (.inp) or"
    " VELEST (.mod) model"
)
#: Names of depths that say tops of layers, and those that programs use which interpolate.
_TOPS = ("top", "topkm", "topdepth", "topdepthkm", "depthtop", "depthtopkm")
_INTERPOLATED = ("depth", "z")


def table(path: Path, text: str) -> Raw:
    """A table with depths, vp, and vs or vp_vs (or neither), under one of the known names.

    Gradients of vp and vs may stand beside them, as may their errors. Columns of other things are
    left out, as is any of which all rows are the same, where there are several rows.
    """
    frame = read_cells(path, "velocity table")
    plain = {name: re.sub(r"[^a-z0-9]", "", name) for name in frame.columns}
    _refuse_other_units(path, plain)
    meaning = {name: _MEANING[word] for name, word in plain.items() if word in _MEANING}
    slopes = {_GRADIENTS[word]: name for name, word in plain.items() if word in _GRADIENTS}
    errors = {_ERRORS[word]: name for name, word in plain.items() if word in _ERRORS}
    errors = errors if len(errors) == len(_ERRORS) else {}
    known_names = {*meaning, *slopes.values(), *errors.values()}
    others = [name for name in plain if name not in known_names]
    constant = set(frame.columns[frame.nunique() == 1]) if len(frame) > 1 else set()
    unused = tuple(name for name in others if _UNUSED.fullmatch(plain[name]) or name in constant)
    found = sorted(meaning.values())
    known = ["depth_km", "vp"], ["depth_km", "vp", "vs"], ["depth_km", "vp", "vp_vs"]
    if found not in known or len(unused) != len(others):
        raise DataError(
            f"velocity table {path}: columns {', '.join(frame.columns)} given; {_REQUIRED}"
        )
    rows = _rows(path, frame[list(meaning)].rename(columns=meaning))
    stated = _stated(path, frame, errors)
    depth = next(plain[name] for name, what in meaning.items() if what == "depth_km")
    named = ", ".join(meaning)
    if slopes and set(slopes) != {"vp", "vs"} & set(found):
        raise DataError(
            f"velocity table {path}: gradients of {', '.join(slopes)} alone given; needed are those"
            f" of all of its velocities, or none"
        )
    if slopes:
        why = f"its columns {', '.join(slopes.values())} are gradients"
        sloped = _sloped(path, frame, slopes, rows)
        return Raw("table", sloped, "own gradients", why, unused, stated)
    if depth in _TOPS:
        why = f"its columns {named} name tops of layers"
        return Raw("table", rows, "layers", why, unused, stated)
    if depth in _INTERPOLATED:
        why = f"its columns are {named}, as in programs that interpolate (QuakeMigrate, PyOcto)"
        return Raw("table", rows, "linear", why, unused, stated)
    return Raw("table", rows, *_commented(text), unused, stated)


def _commented(text: str) -> tuple[Literal["layers", "linear"] | None, str]:
    """What the comments of a table say of what lies between its depths, and how."""
    comments = " ".join(line.partition("#")[2] for line in text.splitlines()).lower()
    is_layers = re.search(r"\blayer(s|ed)?\b", comments) is not None
    is_linear = re.search(r"\b(gradients?|linear|interpolat\w*)\b", comments) is not None
    if is_layers == is_linear:
        return None, ""
    if is_layers:
        return "layers", "a comment in it speaks of layers"
    return "linear", "a comment in it speaks of gradients or interpolation"


def _refuse_other_units(path: Path, plain: dict[str, str]) -> None:
    for name, word in plain.items():
        if word in _OTHER_UNITS:
            raise DataError(
                f"velocity table {path}: column {name} given; needed are {_OTHER_UNITS[word]}:"
                " divide it by 1000 and rename it"
            )
        if word in _THICKNESS:
            raise DataError(
                f"velocity table {path}: column {name} given; needed is depth_km, the depth of the"
                " top of each layer below sea level"
            )


def _sloped(path: Path, frame: pd.DataFrame, slopes: dict[str, str], rows: list[Row]) -> list[Row]:
    """Rows with the velocities at the bases of their layers, by their gradients."""
    growth = frame[list(slopes.values())].apply(pd.to_numeric, errors="coerce")
    if not np.isfinite(growth.to_numpy()).all():
        raise DataError(f"velocity table {path}: every row needs a number as gradient")
    of_p = growth[slopes["vp"]].tolist()
    if "vs" in slopes:
        of_s = growth[slopes["vs"]].tolist()
    else:  # S has the vp/vs of its row down to the next one
        of_s = [p * (row.vs or 0.0) / row.vp for p, row in zip(of_p, rows, strict=True)]
    return with_bases(rows, [Slope(*slope) for slope in zip(of_p, of_s, strict=True)])


def _stated(
    path: Path, frame: pd.DataFrame, errors: dict[str, str]
) -> tuple[tuple[float, float], ...]:
    """Errors of vp and vs of each row in km/s, from their columns; none without these."""
    if not errors:
        return ()
    values = frame[[errors["vp"], errors["vs"]]].apply(pd.to_numeric, errors="coerce").to_numpy()
    if not (np.isfinite(values).all() and (values >= 0).all()):
        raise DataError(
            f"velocity table {path}: every row needs errors in km/s, 0 at least, in the columns"
            f" {', '.join(errors.values())}"
        )
    return tuple((float(p), float(s)) for p, s in values)


def _rows(path: Path, frame: pd.DataFrame) -> list[Row]:
    values = frame.apply(pd.to_numeric, errors="coerce")
    if values.empty or not np.isfinite(values.to_numpy()).all():
        raise DataError(f"velocity table {path}: every row needs three numbers, one row at least")
    vs: list[float | None] = [None] * len(values)
    if "vs" in values:
        vs = values["vs"].tolist()
    if "vp_vs" in values:
        if (values["vp_vs"] <= 1).any():
            raise DataError(f"velocity table {path}: vp_vs must be above 1")
        vs = (values["vp"] / values["vp_vs"]).tolist()
    columns = values["depth_km"].tolist(), values["vp"].tolist(), vs
    return [Row(*row) for row in zip(*columns, strict=True)]
