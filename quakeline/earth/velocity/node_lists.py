"""Text files of velocity grids that list the nodes of each axis: simulps, tomoDD, H3DD, Vel2Grid3D.

The first line has the numbers of nodes along x, y and z among others; then come the x, y and z of
the nodes, in simulps lists of nodes that stay fixed (three whole numbers each, ended by 0 0 0), and
the velocities of P, x fastest and depth slowest. There may be as many values of S, or of vp/vs.
Source: Thurber, C. H. (1983), J. Geophys. Res. 88, 8226-8236 (simulps); Zhang, H. & Thurber, C. H.
(2003), Bull. Seismol. Soc. Am. 93, 1875-1889 (tomoDD). With x and y in km x points to the west
where y points to the north, as in simulps and NonLinLoc's Vel2Grid3D.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from quakeline.core.errors import DataError, why_unread
from quakeline.earth.velocity.raw_grid import RawGrid

_WHOLE = re.compile(r"[+-]?\d+$")
_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eEdD][+-]?\d+)?$")
#: Ratios vp/vs that a list may have.
_RATIOS = (1.3, 2.6)


def counts_of(line: str) -> tuple[int, int, int] | None:
    """Numbers of nodes along x, y, z in the first line of such a file; None in other lines."""
    words = []
    for word in line.split():
        if not _NUMBER.match(word):
            break
        words.append(word)
    whole = [int(word) for word in words if _WHOLE.match(word)]
    if len(words) < 4 or len(whole) < 3 or min(whole[:3]) < 2:
        return None
    return whole[0], whole[1], whole[2]


def looks_so(text: str) -> bool:
    """Whether a text begins as such a file does."""
    lines = [line for line in text.splitlines()[:12] if line.strip()]
    counts = counts_of(lines[0]) if lines else None
    return counts is not None and len(lines) > 3


def read(path: Path, s_path: Path | None) -> RawGrid:
    """Read a file of P, or of P and S or vp/vs, and perhaps another one of S. Raises DataError."""
    axes, blocks = _blocks(path)
    notes: list[str] = []
    vs = None
    if s_path is not None:
        other, of_s = _blocks(s_path)
        if any(not np.array_equal(a, b) for a, b in zip(axes, other, strict=True)):
            raise DataError(f"velocity grids {path} and {s_path}: their nodes differ")
        vs = of_s[0]
    elif len(blocks) > 1:
        vs, note = _of_second(*blocks)
        notes.append(note)
    degrees = bool(np.abs(axes[0]).max() <= 360 and np.abs(axes[1]).max() <= 90)
    return RawGrid(
        "lists of nodes (simulps, tomoDD)", axes, blocks[0], vs, None, x_is_west=True,
        notes=tuple(notes) if degrees else (*notes, "x to the west"),
    )  # fmt: skip


def _of_second(vp: np.ndarray, second: np.ndarray) -> tuple[np.ndarray, str]:
    """S velocities from the second list of a file, which has them or vp/vs."""

    def fits(ratio: np.ndarray) -> float:
        return float(((ratio > _RATIOS[0]) & (ratio < _RATIOS[1])).mean())

    with np.errstate(all="ignore"):
        as_vs = vp / second
    if fits(second) >= fits(as_vs):
        return np.where(second > 0, vp / np.where(second > 0, second, 1), np.nan), "vp/vs in it"
    return second, "vs in it"


def _blocks(path: Path) -> tuple[tuple[np.ndarray, np.ndarray, np.ndarray], list[np.ndarray]]:
    """Nodes along x, y, z, and the lists of values, each (x, y, z)."""
    try:
        lines = [line for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
    except (OSError, UnicodeDecodeError) as error:
        raise DataError(f"cannot read velocity grid {path}: {why_unread(error, path)}") from None
    counts = counts_of(lines[0]) if lines else None
    if counts is None:
        raise DataError(
            f"velocity grid {path}: the first line must have the numbers of nodes along x, y and z"
        )
    rest = lines[1:]
    axes = []
    for name, count in zip("xyz", counts, strict=True):
        held: list[float] = []
        while rest and len(held) < count:
            held += _numbers(path, rest.pop(0))
        if len(held) != count:
            raise DataError(f"velocity grid {path}: {len(held)} nodes along {name}, {count} needed")
        axes.append(np.array(held))
    while rest and len(rest[0].split()) == 3 and all(map(_WHOLE.match, rest[0].split())):
        rest.pop(0)
    values = np.array([number for line in rest for number in _numbers(path, line)])
    size = int(np.prod(counts))
    if len(values) not in (size, 2 * size):
        raise DataError(
            f"velocity grid {path}: {len(values)} values; {counts[0]} x {counts[1]} x {counts[2]}"
            f" nodes need {size}, or {2 * size} with S"
        )
    blocks = values.reshape(-1, *counts[::-1])
    return (axes[0], axes[1], axes[2]), [block.transpose(2, 1, 0) for block in blocks]


def _numbers(path: Path, line: str) -> list[float]:
    try:
        return [float(word) for word in line.replace("D", "E").split()]
    except ValueError:
        raise DataError(f"velocity grid {path}: {line.strip()[:60]!r} are no numbers") from None
