"""Double couples as frames of axes, and rotations between them.

A double couple is its normal n of one nodal plane and its slip vector d; the other plane has them
exchanged. Its frame has the axes T = (n + d) / sqrt 2, P = (n - d) / sqrt 2 and B = T x P as rows,
in a system of north, east and down. Turning a frame by 180 degrees about any of its axes gives the
same double couple, so that there are four rotations from one to another; the smallest angle of
them counts (Kagan, Y. Y., 1991, 3-D rotation of double-couple earthquake sources, Geophys. J. Int.
106, 709-716).
"""

from __future__ import annotations

import numpy as np

#: Signs of the rows of a frame under the four rotations that leave a double couple as it is.
_SAME = np.array([(1, 1, 1), (1, -1, -1), (-1, 1, -1), (-1, -1, 1)], dtype=float)
_ROUNDS = 20


def frames(strike: np.ndarray, dip: np.ndarray, rake: np.ndarray) -> np.ndarray:
    """Frames, shape (n, 3, 3), of nodal planes in degrees (Aki & Richards' convention)."""
    s, d, r = (np.radians(np.asarray(angle, dtype=float)) for angle in (strike, dip, rake))
    normal = np.stack([-np.sin(d) * np.sin(s), np.sin(d) * np.cos(s), -np.cos(d)], axis=-1)
    slip = np.stack(
        [
            np.cos(r) * np.cos(s) + np.cos(d) * np.sin(r) * np.sin(s),
            np.cos(r) * np.sin(s) - np.cos(d) * np.sin(r) * np.cos(s),
            -np.sin(d) * np.sin(r),
        ],
        axis=-1,
    )
    tension, pressure = (normal + slip) / np.sqrt(2), (normal - slip) / np.sqrt(2)
    return np.stack([tension, pressure, np.cross(tension, pressure)], axis=-2)


def moments(axes: np.ndarray) -> np.ndarray:
    """Moment tensors, shape (n, 6): nn, ee, dd, ne, nd, ed, of unit scalar moment."""
    tension, pressure = axes[..., 0, :], axes[..., 1, :]
    pairs = ((0, 0), (1, 1), (2, 2), (0, 1), (0, 2), (1, 2))
    return np.stack(
        [tension[..., i] * tension[..., j] - pressure[..., i] * pressure[..., j] for i, j in pairs],
        axis=-1,
    )


def angles(axes: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Smallest rotations in degrees between frames (n, 3, 3) and one frame, or as many."""
    along = (axes * other).sum(axis=-1)
    cosine = ((along @ _SAME.T).max(axis=-1) - 1) / 2
    return np.asarray(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def aligned(axes: np.ndarray, middle: np.ndarray) -> np.ndarray:
    """Frames (n, 3, 3) with the signs of their rows that are nearest to those of one frame."""
    along = (axes * middle).sum(axis=-1)
    return np.asarray(_SAME[(along @ _SAME.T).argmax(axis=-1)][:, :, None] * axes)


def mean(axes: np.ndarray) -> np.ndarray:
    """The frame from which frames (n, 3, 3) are turned least: that of their mean as matrices."""
    middle = axes[0]
    for _ in range(_ROUNDS):
        left, _, right = np.linalg.svd(aligned(axes, middle).sum(axis=0))
        turned = left @ np.diag([1, 1, np.linalg.det(left @ right)]) @ right
        if np.allclose(turned, middle, atol=1e-9):
            break
        middle = turned
    return np.asarray(middle)


def planes(axes: np.ndarray) -> tuple[tuple[float, float, float], tuple[float, float, float]]:
    """Strike, dip and rake in degrees of both nodal planes of one frame."""
    normal, slip = (axes[0] + axes[1]) / np.sqrt(2), (axes[0] - axes[1]) / np.sqrt(2)
    return _plane(normal, slip), _plane(slip, normal)


def _plane(normal: np.ndarray, slip: np.ndarray) -> tuple[float, float, float]:
    if normal[2] > 0:
        normal, slip = -normal, -slip
    dip = np.arccos(np.clip(-normal[2], -1, 1))
    strike = np.arctan2(-normal[0], normal[1]) if np.sin(dip) > 1e-9 else 0.0
    along = slip[0] * np.cos(strike) + slip[1] * np.sin(strike)
    up = -slip[2] / max(float(np.sin(dip)), 1e-9)
    if np.sin(dip) <= 1e-9:
        up = slip[0] * np.sin(strike) - slip[1] * np.cos(strike)
    rake = np.arctan2(up, along)
    return (
        float(np.degrees(strike) % 360),
        float(np.degrees(dip)),
        float((np.degrees(rake) + 180) % 360 - 180),
    )
