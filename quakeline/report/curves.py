"""Sampled curves as short SVG paths, decimated to what a page can show."""

from __future__ import annotations

import numpy as np

#: Width of the coordinate system of every curve; the page stretches it to the room there is.
WIDTH = 2000
#: Most columns of a curve; a column with several samples shows their smallest and largest value.
COLUMNS = 700
#: Probabilities that are not drawn.
LEAST = 0.01


def envelope(values: np.ndarray, valid: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Reduce a curve to at most `COLUMNS` columns.

    Parameters
    ----------
    values, valid
        Samples and whether each counts, both of shape (n,).

    Returns
    -------
    low, high, rising
        Of shape (columns,): smallest and largest valid value of each column (NaN where it has
        none), and whether the smallest comes first.
    """
    step = -(-len(values) // COLUMNS)
    columns = -(-len(values) // step)
    padded = np.full(columns * step, np.nan)
    padded[: len(values)] = np.where(valid, values, np.nan)
    block = padded.reshape(columns, step)
    some = ~np.isnan(block).all(axis=1)
    low, high = np.full(columns, np.nan), np.full(columns, np.nan)
    rising = np.zeros(columns, dtype=bool)
    low[some], high[some] = np.nanmin(block[some], axis=1), np.nanmax(block[some], axis=1)
    rising[some] = np.nanargmin(block[some], axis=1) <= np.nanargmax(block[some], axis=1)
    return low, high, rising


def trace_path(values: np.ndarray, valid: np.ndarray, peak: float, half: int) -> str:
    """An SVG path of a trace around the level `half`, with `peak` drawn `half` units high."""
    if not len(values):
        return ""
    low, high, rising = envelope(values, valid)
    scale = half / peak if peak > 0 else 0.0
    first, second = np.where(rising, low, high), np.where(rising, high, low)
    step = -(-len(values) // COLUMNS)
    if step == 1:
        return _path(half - scale * first, _positions(len(first)))
    y = np.stack([half - scale * first, half - scale * second], axis=1).ravel()
    return _path(y, _positions(len(y)))


def area_path(values: np.ndarray, valid: np.ndarray, height: int) -> str:
    """An SVG path of a curve of probabilities; 0 lies at `height` and 1 at level 0.

    Columns keep their largest value, so that no peak is lost; stretches next to 0 are left out.
    """
    if not len(values):
        return ""
    _, high, _ = envelope(values, valid & (values > LEAST))
    return _path(height * (1 - high), _positions(len(high)))


def _positions(n: int) -> np.ndarray:
    return np.rint(np.linspace(0, WIDTH, n)).astype(int)


def _path(y: np.ndarray, x: np.ndarray) -> str:
    """Relative line segments in whole units; NaN breaks the line."""
    usable = np.isfinite(y)
    level = np.rint(np.where(usable, y, 0)).astype(int)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], usable.view(np.int8), [0]])))
    parts = []
    for start, stop in edges.reshape(-1, 2):
        xs, ys = x[start:stop], level[start:stop]
        steps = np.stack([np.diff(xs), np.diff(ys)], axis=1)
        keep = _corners(steps)
        points = np.stack([xs, ys], axis=1)[keep]
        moves = np.diff(points, axis=0).ravel()
        parts.append(f"M{xs[0]} {ys[0]}" + ("l" + _joined(moves) if len(moves) else "h1"))
    return "".join(parts)


def _corners(steps: np.ndarray) -> np.ndarray:
    """Which points a line of steps needs: the ends, and where a level stretch begins or ends."""
    level = steps[:, 1] == 0
    inner = ~(level[:-1] & level[1:]) if len(level) else np.zeros(0, dtype=bool)
    return np.concatenate([[True], inner, [True]]) if len(steps) else np.array([True])


def _joined(numbers: np.ndarray) -> str:
    return " ".join(str(n) for n in numbers.tolist()).replace(" -", "-")


def blanks(valid: np.ndarray, least: float = 0.0005) -> list[tuple[float, float]]:
    """Stretches without data as shares of the width: begin and length, none below `least`."""
    n = len(valid)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], (~valid).view(np.int8), [0]])))
    pairs = [(start / n, (stop - start) / n) for start, stop in edges.reshape(-1, 2).tolist()]
    return [pair for pair in pairs if pair[1] >= least]
