"""Which instruments of a station are used, and in which order they are tried."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Preference:
    """Ordered band and instrument codes, and ordered location codes; what is not named comes last.

    Without instruments and locations every instrument of a station is used.
    """

    instruments: Sequence[str] = ()
    locations: Sequence[str] = ()

    def groups(self, labels: Iterable[str]) -> list[list[str]]:
        """Instruments (NET.STA.LOC.BI) of which one is used, the preferred one first.

        A group for each station; without a preference for each instrument.
        """
        if not self.instruments and not self.locations:
            return [[label] for label in labels]
        stations: dict[tuple[str, ...], list[str]] = {}
        for label in labels:
            stations.setdefault(tuple(label.split(".")[:2]), []).append(label)
        return [sorted(group, key=self._rank) for group in stations.values()]

    def _rank(self, label: str) -> tuple[int, int, str]:
        _, _, location, instrument = label.split(".")
        return _place(instrument, self.instruments), _place(location, self.locations), label


def _place(code: str, order: Sequence[str]) -> int:
    return list(order).index(code) if code in order else len(order)
