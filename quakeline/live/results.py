"""What a session gives: picks with how long they took, and counts of what it took."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd


@dataclass(frozen=True)
class Picks:
    """Picks of an instrument (rows of PICKS) and how long each of them took.

    `data_ns` is when the packet came that was the last one a pick had to wait for, as the feed says
    (ns since 1970); `computing_s` passed on this machine since then. Both have shape (m,).

    If `preliminary`, they are all picks of the instrument `label` before `until_ns` that are not
    final now; there may be none.
    """

    frame: pd.DataFrame
    data_ns: np.ndarray
    computing_s: np.ndarray
    label: str = ""
    preliminary: bool = False
    until_ns: int = 0

    def only(self, chosen: list[bool]) -> Picks:
        """Some of them, given as m booleans."""
        mask = np.array(chosen, dtype=bool)
        return replace(
            self,
            frame=self.frame[mask],
            data_ns=self.data_ns[mask],
            computing_s=self.computing_s[mask],
        )


@dataclass
class Counts:
    """Packets and samples so far."""

    packets: int = 0
    samples: int = 0
    repeated: int = 0
    late: int = 0
    unused: int = 0
    windows: int = 0
