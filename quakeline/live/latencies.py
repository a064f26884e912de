"""How late picks are, by station."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Latencies are those of so many last picks of a station.
_LATEST = 10_000


@dataclass
class Latencies:
    """Latencies of picks by station, in seconds, and what they are made of."""

    waited: dict[str, deque[float]] = field(default_factory=dict)
    computing: dict[str, deque[float]] = field(default_factory=dict)

    def add(self, station: str, waited_s: float, computing_s: float) -> None:
        """Note a pick."""
        for kept, value in ((self.waited, waited_s), (self.computing, computing_s)):
            if value == value:  # NaN is not known
                kept.setdefault(station, deque(maxlen=_LATEST)).append(value)

    def plain(self) -> dict[str, Any]:
        """Median and 99 % of both, for each station and for all; null where nothing is known."""
        every: dict[str, Sequence[float]] = {"all": _all(self.waited), **self.waited}
        computing: dict[str, Sequence[float]] = {"all": _all(self.computing), **self.computing}
        return {
            name: {
                "picks": len(values),
                "data_s": _spread(every[name]) if every.get(name) else None,
                "computing_s": _spread(values),
            }
            for name, values in sorted(computing.items())
            if values
        }


def _all(kept: Mapping[str, Sequence[float]]) -> list[float]:
    return [value for some in kept.values() for value in some]


def _spread(values: Sequence[float]) -> dict[str, float]:
    return {
        "median": round(float(np.median(values)), 4),
        "p99": round(float(np.percentile(values, 99)), 4),
        "largest": round(float(np.max(values)), 4),
    }
