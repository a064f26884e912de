"""What feeds and publishers say beside their work, counted until somebody asks."""

from __future__ import annotations

from collections import Counter
from threading import Lock

from quakeline.core.reasons import Reason


class Notes:
    """Reasons with how often each was given; threads may share it."""

    #: Different reasons that are kept between two calls of `taken`.
    MOST = 200

    def __init__(self) -> None:
        self._lock = Lock()
        self._counts: Counter[tuple[object, ...]] = Counter()
        self._first: dict[tuple[object, ...], Reason] = {}

    def add(self, reason: Reason) -> None:
        """Note a reason; those that differ in numbers alone are one, worded as the last of them."""
        key = (*reason.alike, reason.detail("where"))
        with self._lock:
            if key in self._first or len(self._first) < self.MOST:
                self._first[key] = reason
                self._counts[key] += reason.count or 1

    def taken(self) -> list[Reason]:
        """The reasons since the last call, each once with its count."""
        if not self._first:
            return []
        with self._lock:
            told = [one.counted(self._counts[key]) for key, one in self._first.items()]
            self._counts.clear()
            self._first.clear()
        return told
