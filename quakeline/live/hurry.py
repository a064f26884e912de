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

    A row is a mapping with the columns of PICKS and `time_ns`. `kept` is what an earlier session
    left (`kept` of its own): what it announced goes on under the same id.

    Raises
    ------
    KeyError, TypeError, ValueError
        `kept` is nothing that a session leaves.
    """

    def __init__(self, kept: Iterable[Mapping[str, Any]] = ()) -> None:
        self._open: dict[str, dict[str, list[_Open]]] = {}
        for one in kept:
            row = dict(one["row"])
            self._known(row).append(_Open(row, str(one["id"]), int(one["version"])))

    def kept(self) -> list[dict[str, Any]]:
        """What is neither final nor withdrawn, as JSON has it."""
        return [
            {"id": one.id, "version": one.version, "row": one.row}
            for phases in self._open.values()
            for known in phases.values()
            for one in known
        ]

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

    def preliminary(
        self, label: str, rows: Iterable[Mapping[str, Any]], until_ns: int
    ) -> list[dict[str, Any]]:
        """What is to be said when these are all picks of an instrument that are not final.

        New ones and revisions, and what was announced before and is neither final nor there any
        more. `label` is NET.STA.LOC.BI; of picks from `until_ns` on nothing is known yet.
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
            gone = [one for one in known if one.id not in seen and one.time_ns < until_ns]
            said += [_withdrawn(known, one) for one in gone]
        return said

    def withdraw_all(self) -> list[dict[str, Any]]:
        """What is to be said of all that is left when no more picks will come."""
        every = [known for phases in self._open.values() for known in phases.values()]
        return [_withdrawn(known, one) for known in every for one in list(known)]


def _withdrawn(known: list[_Open], one: _Open) -> dict[str, Any]:
    known.remove(one)
    return {"id": one.id, "version": one.version + 1, "status": WITHDRAWN, **one.row}


def _nearest(known: list[_Open], time_ns: int) -> _Open | None:
    near = [one for one in known if abs(one.time_ns - time_ns) <= _SAME_NS]
    return min(near, key=lambda one: abs(one.time_ns - time_ns), default=None)


def _differs(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    shift = abs(int(one["time_ns"]) - int(other["time_ns"]))
    change = abs(float(one["probability"]) - float(other["probability"]))
    return shift >= _SHIFT_NS or change >= _CHANGE
