"""NonLinLoc's grids of velocities: a header (.hdr) and a buffer (.buf) for each phase.

Source: Lomax, A. et al. (2000) and NonLinLoc's GridLib.c and Vel2Grid3D.c. A header has the number
of nodes, the origin and the distance of nodes along x, y, z, and what the values are; then the
transformation to degrees. Values of Vel2Grid are those of cells that begin at a node (the velocity
is taken half a cell behind it), as the finite differences of Grid2Time take them.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from quakeline.core.errors import DataError, why_unread
from quakeline.earth.velocity.places import Places, of_nonlinloc
from quakeline.earth.velocity.raw_grid import GridFacts, RawGrid

_TYPES = (
    "VELOCITY", "VELOCITY_METERS", "SLOWNESS", "VEL2", "SLOW2", "SLOW2_METERS", "SLOW_LEN"
)  # fmt: skip


@dataclass(frozen=True)
class _Header:
    counts: tuple[int, int, int]
    origin: tuple[float, float, float]
    step: tuple[float, float, float]
    kind: str
    dtype: str
    transform: str


def read(path: Path, s_path: Path | None, given: GridFacts) -> RawGrid:
    """Read the grids of P and, where there is one, of S. Raises DataError."""
    header = _header(path.with_suffix(".hdr"))
    cells = given.values != "nodes"
    axes = [
        origin + (np.arange(count) + 0.5 * cells) * step
        for origin, count, step in zip(header.origin, header.counts, header.step, strict=True)
    ]
    places: Places | None = None
    if given.crs is None and given.origin is None:
        places = of_nonlinloc(header.transform, float(axes[0][0]), str(path))
    vs = None
    if s_path is not None:
        other = _header(s_path.with_suffix(".hdr"))
        if (other.counts, other.origin, other.step) != (header.counts, header.origin, header.step):
            raise DataError(f"velocity grids {path} and {s_path}: their nodes differ")
        vs = _velocities(s_path.with_suffix(".buf"), other)
    note = "values of cells" if cells else "values of the nodes"
    vp = _velocities(path.with_suffix(".buf"), header)
    form = f"NonLinLoc {header.kind}"
    return RawGrid(form, (axes[0], axes[1], axes[2]), vp, vs, places, in_cells=cells, notes=(note,))


def _header(path: Path) -> _Header:
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read velocity grid {path}: {why_unread(error, path)}") from None
    words = lines[0].split() if lines else []
    try:
        nx, ny, nz = (int(word) for word in words[:3])
        numbers = [float(word) for word in words[3:9]]
        x, y, z, dx, dy, dz = numbers
    except ValueError:
        raise DataError(
            f"velocity grid {path}: the first line must have nine numbers (nodes, origin and"
            " distance along x, y, z) and the kind of values, as headers of NonLinLoc do"
        ) from None
    kind = words[9].upper() if len(words) > 9 else ""
    if kind not in _TYPES:
        raise DataError(
            f"velocity grid {path}: values of the kind {kind or 'nothing'} given; allowed:"
            f" {', '.join(_TYPES)}"
        )
    if min(nx, ny, nz) < 1 or min(dx, dy, dz) <= 0 or not np.isfinite(numbers).all():
        raise DataError(f"velocity grid {path}: numbers and distances of nodes must be above 0")
    if nx <= 2:
        raise DataError(
            f"velocity grid {path}: {nx} nodes along x, as in NonLinLoc's grids of layers; give the"
            " LAYER lines that it was made of as velocity.table instead"
        )
    if kind == "SLOW_LEN" and not dx == dy == dz:
        raise DataError(
            f"velocity grid {path}: SLOW_LEN needs cubes, but cells are {dx}, {dy}, {dz}"
        )
    transform = next((line for line in lines if line.split()[0].startswith("TRANS")), "")
    dtype = "f8" if len(words) > 10 and words[10].upper() == "DOUBLE" else "f4"
    return _Header((nx, ny, nz), (x, y, z), (dx, dy, dz), kind, dtype, transform)


def _velocities(path: Path, header: _Header) -> np.ndarray:
    """Velocities in km/s, (x, y, z), from a buffer of either byte order; NaN: none there."""
    size = int(np.dtype(header.dtype).itemsize * np.prod(header.counts, dtype=np.int64))
    try:
        found = path.stat().st_size
        if found != size:
            raise DataError(f"velocity grid {path}: {found} bytes, but its header asks for {size}")
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read velocity grid {path}: {why_unread(error, path)}") from None
    best = min(
        (_km_s(np.frombuffer(data, order + header.dtype), header) for order in "<>"),
        key=lambda values: float(np.mean(~((values > 0.01) & (values < 100_000)))),
    )
    return best.reshape(header.counts)


def _km_s(values: np.ndarray, header: _Header) -> np.ndarray:
    with np.errstate(all="ignore"):
        held = values.astype(np.float64)
        if header.kind == "VELOCITY_METERS":
            return np.asarray(held / 1000)
        if header.kind == "VEL2":
            return np.sqrt(held)
        if header.kind == "VELOCITY":
            return held
        slow = {
            "SLOWNESS": held,
            "SLOW_LEN": held / header.step[0],
            "SLOW2": np.sqrt(held),
            "SLOW2_METERS": np.sqrt(held) * 1000,
        }[header.kind]
        return np.where(slow > 0, 1 / np.where(slow > 0, slow, 1), np.nan)
