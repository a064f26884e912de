"""What a session has to say of its data: each kind once when it first happens, then counted."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

from quakeline.core.reasons import Code, Kind, Reason

#: Said of every stretch in which nothing is there, and no news.
_USUAL = {Code.CHUNK_EMPTY, Code.NO_USABLE_SAMPLES, Code.NO_RESPONSE, Code.COMPONENTS_MISSING}


@dataclass
class Remarks:
    """Collects reasons by what they are about; `say` hears a line when a kind first happens."""

    say: Callable[[str], None] = lambda line: None
    _counts: dict[tuple[str, Any], tuple[Reason, int]] = field(default_factory=dict)

    def add(self, where: str, reason: Reason, n: int | None = None) -> None:
        """Note that a reason holds of something, `n` times (None: as often as it says, or once)."""
        more = n if n is not None else (reason.count or 1)
        key = (where, reason.alike)
        first, count = self._counts.get(key, (reason, 0))
        self._counts[key] = (first, count + more)
        if not count:
            self.say(_line(where, reason))

    def found(self, where: str, reasons: Iterable[Reason]) -> None:
        """Note what preparation found, of which single stretches are no news."""
        for reason in reasons:
            if reason.kind is not Kind.USUAL and reason.code not in _USUAL:
                self.add(where, reason)

    def all(self) -> list[tuple[str, Reason]]:
        """What was noted: about what, and the reason with how often it happened."""
        return [(where, one.counted(n)) for (where, _), (one, n) in self._counts.items()]

    def lines(self) -> list[str]:
        """A line for each kind that happened more often than was said, with how often that is."""
        return [
            f"in all: {where}: {one.counted(n)}"
            for (where, _), (one, n) in self._counts.items()
            if n > (one.count or 1)
        ]


def _line(where: str, reason: Reason) -> str:
    kind = "unused" if reason.kind is Kind.UNUSED else "remark"
    return f"{kind}: {where}: {reason}"
