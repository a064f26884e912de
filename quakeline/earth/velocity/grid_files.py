"""Files of velocity grids in three dimensions, whoever made them."""

from __future__ import annotations

import re
from pathlib import Path

from quakeline.core.errors import DataError
from quakeline.core.extras import require
from quakeline.earth.velocity import datasets, node_lists, nonlinloc_grid
from quakeline.earth.velocity.grid_model import GridModel
from quakeline.earth.velocity.raw_grid import GridFacts, model_of

#: What a user says who says nothing.
NOTHING = GridFacts()
_NONLINLOC = (".hdr", ".buf")
_P = re.compile(r"(?<![A-Za-z0-9])P(?![A-Za-z0-9])")


def is_grid(path: Path) -> bool:
    """Whether a file (or a Zarr store) holds a velocity grid, not a model of layers."""
    if path.suffix.lower() in _NONLINLOC or datasets.looks_so(path):
        return True
    if not path.is_file():
        return False
    try:
        with path.open(encoding="utf-8") as file:
            return node_lists.looks_so(file.read(65_536))
    except (OSError, UnicodeDecodeError):
        return False


def load_grid(path: Path, s_path: Path | None = None, given: GridFacts = NOTHING) -> GridModel:
    """Read a velocity grid; what kind of file it is follows from its name and content.

    - NonLinLoc: a header (.hdr) and a buffer (.buf), of P and of S
    - NetCDF, or a Zarr store: vp and vs over x, y, z or latitude, longitude, depth
    - text that lists the nodes of each axis: simulps, tomoDD, H3DD

    Parameters
    ----------
    path
        The file of P, or of both.
    s_path
        That of S; None: beside the file of P, whose name has S where that has P, if there is one.
    given
        What the user says of it.

    Raises
    ------
    DataError
        A file cannot be read, or a line of why it is no such grid.
    """
    if not path.exists():
        raise DataError(f"cannot read velocity grid {path}: it does not exist")
    if not is_grid(path):
        raise DataError(
            f"velocity grid {path}: neither a header of NonLinLoc (.hdr), NetCDF or Zarr, nor lists"
            " of nodes as of simulps; a model of layers is given as velocity: {kind: table}"
        )
    require("grid", f"velocity grid {path}")
    other = s_path or sibling(path)
    if path.suffix.lower() in _NONLINLOC:
        raw = nonlinloc_grid.read(path, other, given)
    elif datasets.looks_so(path):
        raw = datasets.read(path)
    else:
        raw = node_lists.read(path, other)
    return model_of(path, raw, given)


def sibling(path: Path) -> Path | None:
    """The file of S beside one of P; None where there is none."""
    found = list(_P.finditer(path.name))
    for match in reversed(found):
        other = path.with_name(f"{path.name[: match.start()]}S{path.name[match.end() :]}")
        if other.exists():
            return other
    return None


def files_of(path: Path, s_path: Path | None = None) -> list[Path]:
    """All files that are read of a grid."""
    both = [path, *([other] if (other := s_path or sibling(path)) else [])]
    if path.suffix.lower() in _NONLINLOC:
        return [one.with_suffix(end) for one in both for end in _NONLINLOC]
    return [path] if path.is_dir() or datasets.looks_so(path) else both
