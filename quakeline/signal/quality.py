"""Channels that carry no ground motion."""

from __future__ import annotations

import numpy as np


def dead(data: np.ndarray, valid: np.ndarray) -> bool:
    """Whether all valid samples have one and the same value, as float32 (as they are stored)."""
    values = data[valid].astype(np.float32)
    return bool(len(values)) and bool(np.all(values == values[0]))
