"""Velocity models of TauP: named discontinuities (.nd) and .tvel files."""

from __future__ import annotations

from pathlib import Path

from quakeline.core.errors import DataError
from quakeline.earth.velocity.raw import Form, Raw, Row

#: Lines of a .tvel file that are comments.
_COMMENTS = 2


def named_discontinuities(path: Path, text: str) -> Raw:
    """Depth, vp, vs and density, and lines with the names of discontinuities.

    TauP joins the rows by straight lines; a depth given twice is a discontinuity (Crotwell, H. P.
    et al., 1999). What lies below the first fluid, the outer core, is not read.
    """
    lines = enumerate(text.splitlines(), 1)
    return _solid(path, [(n, words) for n, line in lines if len(words := _words(line)) > 1])


def tvel(path: Path, text: str) -> Raw:
    """Two comments, then depth, vp, vs and density; otherwise as `named_discontinuities`."""
    lines = list(enumerate(text.splitlines(), 1))[_COMMENTS:]
    return _solid(path, [(n, words) for n, line in lines if (words := _words(line))])


def _words(line: str) -> list[str]:
    return line.partition("#")[0].partition("//")[0].split()


def _solid(path: Path, lines: list[tuple[int, list[str]]]) -> Raw:
    rows: list[Row] = []
    for number, words in lines:
        try:
            depth, vp, vs = (float(word) for word in words[:3])
        except ValueError:
            raise DataError(
                f"velocity model {path}, line {number}: {' '.join(words)} given; depth, vp and vs"
                " are needed, as in TauP's models"
            ) from None
        if rows and vs == 0:
            break
        rows.append(Row(depth, vp, vs))
    return Raw("TauP", rows, "linear", "TauP joins depths by straight lines")


FORMS = (
    Form(lambda path, lines: path.suffix.lower() == ".nd", named_discontinuities),
    Form(lambda path, lines: path.suffix.lower() == ".tvel", tvel),
)
