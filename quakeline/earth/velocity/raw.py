"""What a file of velocities says, before it is decided what lies between its depths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Literal, NamedTuple

#: How far below its top a last layer with a gradient goes on growing.
GRADIENT_END_KM = 100.0


class Row(NamedTuple):
    """Velocities in km/s at a depth in km; none where a file has no S.

    A file that states gradients gives the velocities at the base of the layer below the depth too.
    """

    depth: float
    vp: float
    vs: float | None
    vp_base: float | None = None
    vs_base: float | None = None


class Slope(NamedTuple):
    """Growth of the velocities with depth below a row, in km/s per km."""

    vp: float
    vs: float


def with_bases(rows: list[Row], slopes: list[Slope]) -> list[Row]:
    """Rows with the velocities at the bases of their layers, by the gradients below each.

    The last gradient holds for 100 km; what lies deeper is one more row, of constant velocities.
    """
    if any(slopes[-1]):
        deep = max(rows[-1].depth, 0.0) + GRADIENT_END_KM
        rows = [*rows, Row(deep, *_at(rows[-1], slopes[-1], deep))]
        slopes = [*slopes, Slope(0.0, 0.0)]
    below = [after.depth for _, after in pairwise([*rows, rows[-1]])]
    return [
        Row(*row[:3], *_at(row, slope, depth))
        for row, slope, depth in zip(rows, slopes, below, strict=True)
    ]


def _at(row: Row, slope: Slope, depth: float) -> tuple[float, float | None]:
    """Velocities of P and S at a depth in the layer below a row."""
    height = depth - row.depth
    return row.vp + slope.vp * height, None if row.vs is None else row.vs + slope.vs * height


@dataclass(frozen=True)
class Raw:
    """Rows of a file of a `form`, what its maker takes to lie between them, and how we know.

    The habit is None where a form leaves it open. `unused` are columns that are not read; `errors`
    are those of vp and vs in km/s, a pair for each row, where a file states them.
    """

    form: str
    rows: list[Row]
    habit: Literal["layers", "linear", "own gradients"] | None
    why: str
    unused: tuple[str, ...] = ()
    errors: tuple[tuple[float, float], ...] = ()


@dataclass(frozen=True)
class Form:
    """A form of files: `recognises` one by its path and its lines that are not blank, and `read`.

    `read` gives the content of a path and its text. Raises DataError for a line that is none.
    """

    recognises: Callable[[Path, list[str]], bool]
    read: Callable[[Path, str], Raw]
