"""Velocity models of other programs: NonLinLoc, hypoDD, VELEST, GaMMA, HASH and SKHASH."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from quakeline.core.errors import DataError
from quakeline.earth.velocity.raw import Form, Raw, Row, Slope, with_bases

_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eEdD][-+]?\d+)?$")


def nonlinloc(path: Path, text: str) -> Raw:
    """LAYER depth VpTop VpGrad VsTop VsGrad [rhoTop rhoGrad]; other lines mean other things.

    Gradients are kept as they are (Lomax, A. et al., 2000); the last one holds for 100 km.
    """
    layers: list[list[float]] = []
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if words and words[0].upper() == "LAYER":
            layers.append(_numbers(path, number, words[1:], 5)[:5])
    why = "LAYER lines of NonLinLoc state their own gradients"
    rows = [Row(top, vp, vs) for top, vp, _, vs, _ in layers]
    if not any(layer[2] or layer[4] for layer in layers):
        return Raw("NonLinLoc", rows, "layers", "LAYER lines of NonLinLoc without gradients")
    rows = with_bases(rows, [Slope(p, s) for _, _, p, _, s in layers])
    return Raw("NonLinLoc", rows, "own gradients", why)


def hypodd(path: Path, text: str) -> Raw:
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
    rows = [Row(top, vp, vp / ratio) for top, vp in zip(tops, speeds, strict=True)]
    return Raw("hypoDD", rows, "layers", "hypoDD's models are constant layers")


def velest(path: Path, text: str) -> Raw:
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
    rows = [Row(*row) for row in zip(tops, p, s, strict=True)]
    return Raw("VELEST", rows, "layers", "VELEST's models are constant layers")


def gamma(path: Path, text: str) -> Raw:
    """The velocities of GaMMA's configuration as JSON: lists z, p and s, wherever they stand."""
    try:
        found = _lists(json.loads(text))
    except ValueError as error:
        raise DataError(f"velocity model {path}: no JSON: {error}") from None
    sizes = {len(found[name]) for name in found}
    if not {"z", "p"} <= set(found) or len(sizes) != 1:
        raise DataError(
            f"velocity model {path}: lists of one length named z (km), p and s (km/s) are needed,"
            " as in GaMMA's eikonal configuration"
        )
    try:
        columns = [[float(value) for value in found[name]] for name in ("z", "p")]
        s = [float(value) for value in found["s"]] if "s" in found else [None] * sizes.pop()
    except (TypeError, ValueError):
        raise DataError(f"velocity model {path}: z, p and s must be lists of numbers") from None
    rows = [Row(*row) for row in zip(*columns, s, strict=True)]
    return Raw("GaMMA", rows, "linear", "GaMMA joins its z, p and s by straight lines")


def hash_model(path: Path, text: str) -> Raw:
    """Lines of depth and vp, with a comma between them or without one; no S velocities.

    HASH and SKHASH join them by straight lines (Hardebeck & Shearer 2002).
    """
    rows = []
    for number, line in enumerate(text.splitlines(), 1):
        if words := _hash_words(line):
            depth, vp = _numbers(path, number, words, 2)[:2]
            rows.append(Row(depth, vp, None))
    return Raw("HASH", rows, "linear", "HASH joins its depths by straight lines")


def _hash_words(line: str) -> list[str]:
    return line.partition("#")[0].replace(",", " ").split()


def _is_hash(path: Path, lines: list[str]) -> bool:
    """Whether the first line that is no comment is two numbers, with no names of columns above."""
    first = next((words for line in lines if (words := _hash_words(line))), [])
    return len(first) == 2 and all(_NUMBER.match(word) for word in first)


def _lists(content: Any) -> dict[str, list[Any]]:
    """The lists z, p, s of the first mapping that has z, at any level."""
    if not isinstance(content, dict):
        return {}
    if isinstance(content.get("z"), list):
        return {name: content[name] for name in "zps" if isinstance(content.get(name), list)}
    return next((found for value in content.values() if (found := _lists(value))), {})


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


FORMS = (
    Form(lambda path, lines: any(s.split()[0].upper() == "LAYER" for s in lines), nonlinloc),
    Form(
        lambda path, lines: (
            path.suffix.lower() == ".inp" or any(re.match(r"\*.*NLAY", s, re.I) for s in lines)
        ),
        hypodd,
    ),
    Form(lambda path, lines: path.suffix.lower() == ".mod", velest),
    Form(lambda path, lines: path.suffix.lower() == ".json", gamma),
    Form(_is_hash, hash_model),
)
