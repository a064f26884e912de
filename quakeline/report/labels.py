"""Names beside points, placed so that they do not cover each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

#: Average width of a character as a share of the font size.
_CHARACTER = 0.62
#: Pixels from a point to its label.
_OFFSET = 9.0


@dataclass(frozen=True)
class Placed:
    """A label: text, anchor in pixels, horizontal alignment."""

    text: str
    x: float
    y: float
    align: str


def place(
    texts: list[str],
    points: np.ndarray,
    obstacles: np.ndarray,
    limits: tuple[float, float],
    size: float,
    *,
    strict: bool,
) -> list[Placed]:
    """Put each text beside its point, where it covers the fewest obstacles.

    Parameters
    ----------
    texts, points
        Labels and the pixels (n, 2) they belong to, y upwards.
    obstacles
        Pixels (m, 2) to keep free where possible.
    limits
        Width and height of the drawing in pixels.
    size
        Font size in pixels.
    strict
        Leave out labels that would cover an obstacle everywhere.

    Returns
    -------
    list of Placed
        Labels that would lie on another label or outside the drawing everywhere are left out.
    """
    boxes: list[tuple[float, float, float, float]] = []
    result = []
    for text, (x, y) in zip(texts, points, strict=True):
        best = None
        for candidate in _candidates(text, float(x), float(y), size):
            box = _box(candidate, size)
            if not _inside(box, limits) or any(_overlap(box, other) for other in boxes):
                continue
            cost = int(_covered(box, obstacles).sum())
            if (best is None or cost < best[0]) and not (strict and cost):
                best = (cost, candidate, box)
        if best is not None:
            boxes.append(best[2])
            result.append(best[1])
    return result


def _candidates(text: str, x: float, y: float, size: float) -> list[Placed]:
    low, offset = y - size * 0.35, _OFFSET
    return [
        Placed(text, x, y + offset, "center"),
        Placed(text, x, y - offset - size * 0.75, "center"),
        Placed(text, x + offset, low, "left"),
        Placed(text, x - offset, low, "right"),
        Placed(text, x + offset * 0.8, y + offset * 0.6, "left"),
        Placed(text, x - offset * 0.8, y + offset * 0.6, "right"),
        Placed(text, x + 2.8 * offset, low, "left"),
        Placed(text, x - 2.8 * offset, low, "right"),
    ]


def _box(label: Placed, size: float) -> tuple[float, float, float, float]:
    width = len(label.text) * size * _CHARACTER
    left = label.x - {"left": 0.0, "center": 0.5, "right": 1.0}[label.align] * width
    return left, label.y - 0.2 * size, left + width, label.y + 0.9 * size


def _inside(box: tuple[float, float, float, float], limits: tuple[float, float]) -> bool:
    return box[0] >= 0 and box[1] >= 0 and box[2] <= limits[0] and box[3] <= limits[1]


def _overlap(a: tuple[float, float, float, float], b: tuple[float, float, float, float]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


def _covered(box: tuple[float, float, float, float], points: np.ndarray) -> np.ndarray:
    x, y = points[:, 0], points[:, 1]
    margin = 4
    return np.asarray(
        (x > box[0] - margin)
        & (x < box[2] + margin)
        & (y > box[1] - margin)
        & (y < box[3] + margin)
    )


def clusters(points: np.ndarray, texts: list[str], reach: float) -> tuple[list[str], np.ndarray]:
    """Join the labels of points closer than `reach` pixels: texts "1, 4" and their first points."""
    groups: list[list[int]] = []
    for i, point in enumerate(points):
        near = (g for g in groups if np.hypot(*(points[g[0]] - point)) < reach)
        group = next(near, None)
        if group is None:
            groups.append([i])
        else:
            group.append(i)
    joined = [", ".join(texts[i] for i in group) for group in groups]
    return joined, np.array([points[g[0]] for g in groups]).reshape(-1, 2)
