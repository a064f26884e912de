"""Files of 1D velocity models: a simple table, and those of NonLinLoc, hypoDD and VELEST."""

from __future__ import annotations

import re
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.errors import DataError
from quakeline.io.cells import read_cells
from quakeline.velocity.model import VelocityModel

#: Steps of velocity in km/s by which a gradient is made of layers, and how deep the last goes.
_STEP_KM_S = 0.1
_GRADIENT_END_KM = 100.0
_RATIO_NAMES = ("vp_vs", "vpvs", "vp/vs")
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?$")

#: Rows of top, vp and vs (or none where the file has no S).
Rows = list[tuple[float, float, float | None]]


def load(path: Path, vp_vs: float = 0.0) -> VelocityModel:
    """Read a velocity model; what kind of file it is follows from its content.

    - a table (CSV): depth_km, vp and vs, or vp_vs for vs
    - NonLinLoc: LAYER lines (Lomax et al. 2000); gradients become layers in steps of 0.1 km/s
    - hypoDD: the lists of a control file, NLAY RATIO, TOP, VEL (Waldhauser 2001)
    - VELEST: a .mod file (Kissling et al. 1995), the P layers and then the S layers

    Parameters
    ----------
    path
        The file.
    vp_vs
        Above 0: S velocities are those of P divided by it, whatever the file says.

    Raises
    ------
    DataError
        The file cannot be read, or a line of it says why it is no such model.
    """
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read velocity table {path}: {error}") from None
    rows = _reader(path, text)(path, text)
    return _model(path, rows, vp_vs)


def _reader(path: Path, text: str) -> Callable[[Path, str], Rows]:
    lines = [line for line in text.splitlines() if line.strip()]
    if any(line.split()[0].upper() == "LAYER" for line in lines):
        return _nonlinloc
    if path.suffix.lower() == ".inp" or any(re.match(r"\*.*NLAY", s, re.I) for s in lines):
        return _hypodd
    if path.suffix.lower() == ".mod":
        return _velest
    return _table


def _model(path: Path, rows: Rows, vp_vs: float) -> VelocityModel:
    """Check layers and complete their S velocities."""
    if not rows:
        raise DataError(f"velocity table {path}: one row at least is needed")
    depth, vp, given = (list(column) for column in zip(*rows, strict=True))
    if vp_vs > 0:
        vs = [float(p) / vp_vs for p in vp if p is not None]
    elif None in given:
        raise DataError(
            f"velocity table {path}: no S velocities; give them, or velocity.vp_vs in the config"
            " (--vp-vs)"
        )
    else:
        vs = [float(s) for s in given if s is not None]
    p = np.array(vp, dtype=float)
    if not np.isfinite([*depth, *p, *vs]).all():
        raise DataError(f"velocity table {path}: every row needs three numbers")
    if (np.diff(np.array(depth, dtype=float)) <= 0).any():
        raise DataError(f"velocity table {path}: depth_km must increase from row to row")
    if (np.array(vs) <= 0).any() or (p <= vs).any() or (p > 15).any():
        raise DataError(f"velocity table {path}: velocities in km/s must satisfy 0 < vs < vp <= 15")
    return VelocityModel(tuple(map(float, depth)), tuple(map(float, p)), tuple(vs))


def _table(path: Path, text: str) -> Rows:
    """A CSV table with the columns depth_km, vp, and vs or vp_vs (or neither)."""
    frame = read_cells(path, "velocity table")
    frame = frame.rename(columns=dict.fromkeys(_RATIO_NAMES, "vp_vs"))
    if set(frame.columns) not in ({"depth_km", "vp", *last} for last in ([], ["vs"], ["vp_vs"])):
        given = ", ".join(frame.columns)
        raise DataError(
            f"velocity table {path}: columns {given} given; required: depth_km, vp, vs (or vp_vs"
            " for vs), or the lines of a NonLinLoc, hypoDD (.inp) or VELEST (.mod) model"
        )
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
    return list(zip(values["depth_km"].tolist(), values["vp"].tolist(), vs, strict=True))


def _nonlinloc(path: Path, text: str) -> Rows:
    """LAYER depth VpTop VpGrad VsTop VsGrad [rhoTop rhoGrad]; other lines mean other things."""
    layers: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words and words[0].upper() == "LAYER":
            layers.append(_numbers(path, number, words[1:], 5)[:5])
    rows: Rows = []
    for k, (top, vp, vp_slope, vs, vs_slope) in enumerate(layers):
        end = layers[k + 1][0] if k + 1 < len(layers) else max(top, 0) + _GRADIENT_END_KM
        change = max(abs(vp_slope), abs(vs_slope)) * (end - top)
        parts = max(1, int(np.ceil(change / _STEP_KM_S - 1e-9)))
        edges = np.linspace(top, end, parts + 1)
        # Each part has the velocity of its middle.
        for upper, lower in pairwise(edges):
            below = (upper + lower) / 2 - top if parts > 1 else 0.0
            rows.append((float(upper), float(vp + vp_slope * below), float(vs + vs_slope * below)))
    return rows


def _hypodd(path: Path, text: str) -> Rows:
    """NLAY RATIO, then the tops and then the P velocities of the layers, each on a line.

    In a whole control file they are found by the comment `* NLAY RATIO` above them.
    """
    lines = list(enumerate(text.splitlines(), 1))
    heads = [n for n, line in lines if re.match(r"\*.*NLAY", line, re.I)]
    start = heads[0] if heads else 0
    plain = [(n, s.split()) for n, s in lines[start:] if s.strip() and not s.startswith("*")]
    if len(plain) < 3:
        raise DataError(f"velocity model {path}: three lines are needed: NLAY RATIO, TOP, VEL")
    first, ratio = _numbers(path, *plain[0], 2)[:2]
    layers = int(first)
    if layers != first or layers < 1 or ratio <= 1:
        raise DataError(
            f"velocity model {path}, line {plain[0][0]}: NLAY {first:g} and RATIO {ratio:g} given;"
            " allowed: a whole number, and a ratio vp/vs above 1"
        )
    tops = _numbers(path, *plain[1], layers)[:layers]
    speeds = _numbers(path, *plain[2], layers)[:layers]
    return [(top, vp, vp / ratio) for top, vp in zip(tops, speeds, strict=True)]


def _velest(path: Path, text: str) -> Rows:
    """A title, the number of P layers and a line (velocity, depth, damping) for each; then S."""
    lines = [(n, s.split()) for n, s in enumerate(text.splitlines(), 1) if s.strip()][1:]
    blocks: list[list[list[float]]] = []
    while lines and len(blocks) < 2:
        number, words = lines.pop(0)
        count = int(_numbers(path, number, words, 1)[0])
        if not 1 <= count <= len(lines):
            raise DataError(
                f"velocity model {path}, line {number}: {count} layers announced,"
                f" {len(lines)} lines follow"
            )
        blocks.append([_numbers(path, *lines.pop(0), 2)[:2] for _ in range(count)])
    if not blocks:
        raise DataError(f"velocity model {path}: a title and the number of layers are needed")
    tops = sorted({depth for block in blocks for _, depth in block})
    p, *rest = [[_held(block, top) for top in tops] for block in blocks]
    s: list[float | None] = list(rest[0]) if rest else [None] * len(tops)
    return list(zip(tops, p, s, strict=True))


def _held(block: list[list[float]], depth: float) -> float:
    """Velocity of (velocity, top) layers at a depth; above the first its own."""
    above = [speed for speed, top in block if top <= depth]
    return above[-1] if above else block[0][0]


def _numbers(path: Path, line: int, words: list[str], least: int) -> list[float]:
    """The numbers that a line begins with. Raises DataError for fewer than `least`."""
    found = []
    for word in words:
        if not _NUMBER.match(word):
            break
        found.append(float(re.sub("[dD]", "e", word)))
    if len(found) < least:
        raise DataError(
            f"velocity model {path}, line {line}: {' '.join(words) or 'nothing'} given;"
            f" {least} numbers are needed"
        )
    return found
