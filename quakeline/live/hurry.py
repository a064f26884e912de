"""Preliminary picks and what becomes of them: announced, revised, made final or withdrawn.

An announcement keeps the id of its first version, whatever the final time of the pick. Final picks
are those of a patient session; only what is said of them has an id and a version more.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from quakeline.core.timeline import SECOND

PRELIMINARY, FINAL, WITHDRAWN = "preliminary", "final", "withdrawn"
#: A pick of the same phase within this is the one that was announced, in ns.
_SAME_NS = SECOND
#: Smaller changes of time (ns) and probability are no revision.
_SHIFT_NS, _CHANGE = SECOND // 50, 0.05


@dataclass
class _Open:
    """An announcement that is not final."""

    row: dict[str, Any]
    id: str
    version: int

    @property
    def time_ns(self) -> int:
        return int(self.row["time_ns"])


class Announcements:
    """Says of rows of picks which announcement they belong to.

    A row is a mapping with the columns of PICKS and `time_ns`.
    """

    def __init__(self) -> None:
        self._open: dict[str, dict[str, list[_Open]]] = {}

    def _known(self, row: Mapping[str, Any]) -> list[_Open]:
        """The announcements of the instrument and phase of a row."""
        codes = (row["network"], row["station"], row["location"], row["instrument"])
        own = self._open.setdefault(".".join(map(str, codes)), {})
        return own.setdefault(str(row["phase"]), [])

    def final(self, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """Final picks with the id of what was announced of them, or their own."""
        said = []
        for row in rows:
            known = self._known(row)
            one = _nearest(known, int(row["time_ns"]))
            if one is not None:
                known.remove(one)
            found, version = (one.id, one.version + 1) if one else (str(row["pick_id"]), 1)
            said.append({"id": found, "version": version, "status": FINAL, **row})
        return said

    def preliminary(self, label: str, rows: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """What is to be said when these are all picks of an instrument that are not final.

        New ones and revisions, and what was announced before and is neither final nor there any
        more. `label` is NET.STA.LOC.BI.
        """
        said, seen = [], set()
        for row in rows:
            known = self._known(row)
            one = _nearest([open_ for open_ in known if open_.id not in seen], int(row["time_ns"]))
            if one is None:
                one = _Open(dict(row), str(row["pick_id"]), 0)
                known.append(one)
            elif not _differs(one.row, row):
                seen.add(one.id)
                continue
            one.row, one.version = dict(row), one.version + 1
            seen.add(one.id)
            said.append({"id": one.id, "version": one.version, "status": PRELIMINARY, **row})
        for known in self._open.get(label, {}).values():
            for one in [open_ for open_ in known if open_.id not in seen]:
                known.remove(one)
                version = one.version + 1
                said.append({"id": one.id, "version": version, "status": WITHDRAWN, **one.row})
        return said


def _nearest(known: list[_Open], time_ns: int) -> _Open | None:
    near = [one for one in known if abs(one.time_ns - time_ns) <= _SAME_NS]
    return min(near, key=lambda one: abs(one.time_ns - time_ns), default=None)


def _differs(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    shift = abs(int(one["time_ns"]) - int(other["time_ns"]))
    change = abs(float(one["probability"]) - float(other["probability"]))
    return shift >= _SHIFT_NS or change >= _CHANGE
