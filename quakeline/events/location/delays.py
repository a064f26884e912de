"""What the delays of stations, which were found with the hypocentres, say about the velocities.

Delays take up what the model does not know of the ground near stations. Where they are large, the
residuals are small all the same, and would not tell that the ground is not the model's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

#: Arrivals of a station that tell of its delay, and stations that tell of all.
_ARRIVALS, _STATIONS = 5, 6
#: Spreads in s, 1 sigma, from which on they are said.
_LARGE_S = 0.15


@dataclass(frozen=True)
class Delays:
    """Delays of the stations of one phase: spread (1 sigma), the latest and the earliest, in s."""

    spread_s: float
    latest: str
    latest_s: float
    earliest: str
    earliest_s: float
    stations: int


def delays_of(rows: pd.DataFrame) -> dict[str, Delays]:
    """By phase, of arrivals with network, station, phase and perhaps correction_s."""
    found: dict[str, Delays] = {}
    if "correction_s" not in rows:
        return found
    known = rows.dropna(subset=["correction_s"])
    for phase in "PS":
        own = known[known["phase"] == phase]
        groups = own.groupby(own["network"] + "." + own["station"])["correction_s"]
        each = groups.median()[groups.size() >= _ARRIVALS].astype(float)
        if len(each) >= _STATIONS:
            found[phase] = Delays(
                float(np.std(each)),
                str(each.idxmax()),
                float(each.max()),
                str(each.idxmin()),
                float(each.min()),
                len(each),
            )
    return found


def sentences(found: dict[str, Any]) -> list[str]:
    """A sentence where delays are large; `found` has `Delays` by phase."""
    large = {phase: one for phase, one in found.items() if one.spread_s >= _LARGE_S}
    if not large:
        return []
    phase, most = max(large.items(), key=lambda item: item[1].spread_s)
    sizes = " and ".join(f"{one.spread_s:.2f} s for {name}" for name, one in large.items())
    said = (
        f"Delays of stations differ by {sizes} (1 sigma), {phase} from {most.earliest_s:+.2f} s"
        f" ({most.earliest}) to {most.latest_s:+.2f} s ({most.latest}): the ground below them is"
        " not the model's, slower where arrivals are late. Stated errors hold this; `quakeline tune"
        " velocity` makes a model with delays."
    )
    return [said]
