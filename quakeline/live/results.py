"""What a session gives: picks with how long they took, and counts of what it took."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Picks:
    """Picks of an instrument (rows of PICKS) and how long each of them took.

    `data_ns` is when the packet came that was the last one a pick had to wait for, as the feed says
    (ns since 1970); `computing_s` passed on this machine since then. Both have shape (m,).
    """

    frame: pd.DataFrame
    data_ns: np.ndarray
    computing_s: np.ndarray

    def only(self, chosen: list[bool]) -> Picks:
        """Some of them, given as m booleans."""
        mask = np.array(chosen, dtype=bool)
        return Picks(self.frame[mask], self.data_ns[mask], self.computing_s[mask])


@dataclass
class Counts:
    """Packets and samples so far."""

    packets: int = 0
    samples: int = 0
    repeated: int = 0
    late: int = 0
    unused: int = 0
    windows: int = 0
