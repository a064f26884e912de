"""How late picks are, by station."""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

#: Spreads are those of so many last picks of a station.
_LATEST = 1000


@dataclass
class _Latest:
    """The last values of a station, in seconds, in as little memory as they take."""

    values: array[float] = field(default_factory=lambda: array("d"))
    _next: int = 0
    _spread: dict[str, float] | None = None

    def add(self, value: float) -> None:
        if len(self.values) < _LATEST:
            self.values.append(value)
        else:
            self.values[self._next] = value
            self._next = (self._next + 1) % _LATEST
        self._spread = None

    def spread(self) -> dict[str, float] | None:
        """Median, 99 % and largest value; computed once for as long as nothing is added."""
        if self._spread is None and self.values:
            self._spread = _spread(np.frombuffer(self.values))
        return self._spread


@dataclass
class Latencies:
    """Latencies of picks by station, in seconds, and what they are made of."""

    _waited: dict[str, _Latest] = field(default_factory=dict)
    _computing: dict[str, _Latest] = field(default_factory=dict)
    _counts: dict[str, int] = field(default_factory=dict)

    def add(self, station: str, waited_s: float, computing_s: float) -> None:
        """Note a pick."""
        self._counts[station] = self._counts.get(station, 0) + 1
        for kept, value in ((self._waited, waited_s), (self._computing, computing_s)):
            if value == value:  # NaN is not known
                kept.setdefault(station, _Latest()).add(value)

    def plain(self) -> dict[str, Any]:
        """Median and 99 % of both, for each station and for all; null where nothing is known."""
        if not self._counts:
            return {}
        every = {
            "all": {
                "picks": sum(self._counts.values()),
                "data_s": _of_all(self._waited.values()),
                "computing_s": _of_all(self._computing.values()),
            }
        }
        for station, count in sorted(self._counts.items()):
            waited, own = self._waited.get(station), self._computing.get(station)
            every[station] = {
                "picks": count,
                "data_s": waited.spread() if waited else None,
                "computing_s": own.spread() if own else None,
            }
        return every


def _of_all(kept: Iterable[_Latest]) -> dict[str, float] | None:
    some = [np.frombuffer(one.values) for one in kept if one.values]
    return _spread(np.concatenate(some)) if some else None


def _spread(values: np.ndarray) -> dict[str, float]:
    median, p99 = np.percentile(values, (50, 99))
    return {
        "median": round(float(median), 4),
        "p99": round(float(p99), 4),
        "largest": round(float(values.max()), 4),
    }
