"""What a file of velocities says, before it is decided what lies between its depths."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, NamedTuple


class Row(NamedTuple):
    """Velocities in km/s at a depth in km; none where a file has no S.

    A file that states gradients gives the velocities at the base of the layer below the depth too.
    """

    depth: float
    vp: float
    vs: float | None
    vp_base: float | None = None
    vs_base: float | None = None


@dataclass(frozen=True)
class Raw:
    """Rows of a file of a `form`, what its maker takes to lie between them, and how we know.

    The habit is None where a form leaves it open. `unused` are columns that are not read.
    """

    form: str
    rows: list[Row]
    habit: Literal["layers", "linear", "own gradients"] | None
    why: str
    unused: tuple[str, ...] = ()


@dataclass(frozen=True)
class Form:
    """A form of files: `recognises` one by its path and its lines that are not blank, and `read`.

    `read` gives the content of a path and its text. Raises DataError for a line that is none.
    """

    recognises: Callable[[Path, list[str]], bool]
    read: Callable[[Path, str], Raw]
