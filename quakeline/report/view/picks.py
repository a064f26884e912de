"""Picks that somebody revises: added, moved and deleted ones, kept in a table of their own."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import pandas as pd

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import PICKS
from quakeline.core.timeline import iso
from quakeline.io.formats.pick_tables import MANUAL, NO_WEIGHTS
from quakeline.io.products.atomic import write_text
from quakeline.io.products.provenance import digest_file

#: Columns beside those of PICKS: who changed a pick and when (UTC); empty where nobody did.
AUTHOR, EDITED = "author", "edited"
#: Probability of picks that a person made.
SURE = 1.0
PHASES = ("P", "S")


@dataclass(frozen=True)
class _Change:
    """A pick that went, and one that came; None for neither."""

    taken: dict[str, Any] | None
    made: dict[str, Any] | None


class RevisedPicks:
    """The picks of a run and what was changed in them.

    Every change is written at once, as CSV with the columns of PICKS but for the event, and
    `author` and `edited`; `import_picks` takes it. What another process wrote into the table
    meanwhile is read before. Changes can be undone, the last one first. Without a file nothing can
    be changed.

    Parameters
    ----------
    picks
        PICKS with `label` and `time_ns`, as `quakeline.report.catalog.load` gives them.
    file
        The table to write; one that exists takes the place of `picks`.
    author
        Who revises.

    Raises
    ------
    ConfigError
        The file is there and is not such a table.
    """

    def __init__(self, picks: pd.DataFrame, file: Path | None, author: str) -> None:
        self.file, self._author, self._lock = file, author, Lock()
        self._done: list[_Change] = []
        kept = file is not None and file.is_file()
        rows = _read(file) if kept and file else picks.assign(**{AUTHOR: "", EDITED: ""})
        rows = rows.sort_values("time_ns", kind="stable")
        self._rows = {str(row["pick_id"]): row for row in _plain(rows)}
        self._known_as = _digest(file)

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def edited(self) -> int:
        """How many of the picks somebody added or moved."""
        return sum(bool(row[AUTHOR]) for row in self._rows.values())

    @property
    def undoable(self) -> int:
        """How many changes can be undone."""
        return len(self._done)

    def rows(self) -> list[dict[str, Any]]:
        """All picks."""
        with self._lock:
            return list(self._rows.values())

    def within(self, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
        """The picks in [start_ns, end_ns)."""
        return [row for row in self.rows() if start_ns <= row["time_ns"] < end_ns]

    def add(self, label: str, phase: str, time_ns: int) -> dict[str, Any]:
        """Add a pick of an instrument, NET.STA.LOC.BI. Raises DataError for what is no pick."""
        codes = label.split(".")
        if len(codes) != 4 or not codes[1] or phase not in PHASES:
            raise DataError(f"{label!r}, {phase!r} given; an instrument and P or S are allowed")
        row: dict[str, Any] = dict.fromkeys((*_columns(), AUTHOR, EDITED))
        row.update(zip(("network", "station", "location", "instrument"), codes, strict=True))
        row.update(source="waveform", phase=phase, probability=SURE)
        row.update(model=MANUAL, weights_id=NO_WEIGHTS, label=label)
        with self._alone():
            return self._put(row, time_ns, "")

    def move(self, pick_id: str, time_ns: int) -> dict[str, Any]:
        """Give a pick another time. What was measured of it at the old one is forgotten."""
        with self._alone():
            row = dict(self._known(pick_id))
            row.update(dict.fromkeys(_MEASURED))
            row.update(probability=SURE, model=MANUAL, weights_id=NO_WEIGHTS)
            return self._put(row, time_ns, pick_id)

    def delete(self, pick_id: str) -> None:
        """Leave a pick out."""
        with self._alone():
            self._do(_Change(self._known(pick_id), None))

    def undo(self) -> None:
        """Take the last change back. Raises DataError where there is none, or it is overtaken."""
        with self._alone():
            if not self._done:
                raise DataError("there is no change to undo")
            last = self._done[-1]
            if last.made and self._rows.get(last.made["pick_id"]) != last.made:
                raise DataError("another process has changed this pick since")
            self._save(self._with(_Change(last.made, last.taken)))
            self._done.pop()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Let nobody else write the table; begin with what others wrote since it was read."""
        if self.file is None:
            raise ConfigError("no table is named to write to; --picks FILE names one")
        with self._lock, _held(self.file.parent):
            digest = _digest(self.file)
            if digest and digest != self._known_as:
                rows = _plain(_read(self.file))
                self._rows = {str(row["pick_id"]): row for row in rows}
                self._known_as = digest
            yield

    def _known(self, pick_id: str) -> dict[str, Any]:
        if pick_id not in self._rows:
            raise DataError(f"no pick has the id {pick_id!r}")
        return self._rows[pick_id]

    def _put(self, row: dict[str, Any], time_ns: int, instead: str) -> dict[str, Any]:
        pick_id = f"{row['label']}/{row['phase']}/{iso(time_ns, 6)}/{MANUAL}"
        now = iso(round(datetime.now(UTC).timestamp()) * 10**9, 0)
        row.update({"pick_id": pick_id, "time_ns": time_ns, AUTHOR: self._author, EDITED: now})
        if pick_id in self._rows.keys() - {instead}:
            raise DataError(f"there is a pick at this instrument and time: {pick_id}")
        self._do(_Change(self._rows.get(instead), row))
        return row

    def _do(self, change: _Change) -> None:
        self._save(self._with(change))
        self._done.append(change)

    def _with(self, change: _Change) -> dict[str, dict[str, Any]]:
        """The picks after a change."""
        taken = change.taken["pick_id"] if change.taken else None
        rows = {key: row for key, row in self._rows.items() if key != taken}
        return rows | ({change.made["pick_id"]: change.made} if change.made else {})

    def _save(self, rows: dict[str, dict[str, Any]]) -> None:
        """Write, then keep: what could not be written did not happen."""
        assert self.file is not None
        ordered = sorted(rows.values(), key=lambda row: (row["time_ns"], row["pick_id"]))
        frame = pd.DataFrame(ordered, columns=[*_columns(), "time_ns", AUTHOR, EDITED])
        frame["time"] = [iso(int(time), 9) for time in frame.pop("time_ns")]
        write_text(self.file, frame.to_csv(index=False))
        self._rows, self._known_as = rows, _digest(self.file)


#: Columns of PICKS that were measured at the time of a pick.
_MEASURED = (
    "time_sigma_s",
    "fit_offset_s",
    "fit_height",
    "fit_residual",
    "snr_db",
    "amplitude_m_s",
    "wood_anderson_mm",
    "gap_distance_s",
    "event_class",
    "event_class_probability",
)


def _digest(file: Path | None) -> str:
    """What tells a table from what it was before; empty where there is none."""
    return digest_file(file) if file and file.is_file() else ""


@contextmanager
def _held(folder: Path) -> Iterator[None]:
    """Hold a folder for a moment; file systems that know no such locks do without."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        with suppress(OSError):
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _columns() -> list[str]:
    """Columns of the table: an event is found again from the picks."""
    return [column.name for column in PICKS.columns if column.name != "event_id"]


def _plain(frame: pd.DataFrame) -> list[dict[str, Any]]:
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    return [{str(key): value for key, value in row.items()} for row in rows]


def _read(file: Path) -> pd.DataFrame:
    """The table of an earlier look at a run."""
    from quakeline.io.formats import pick_tables
    from quakeline.report.catalog import with_labels

    head = file.read_bytes()[:4096].decode("utf-8", "replace").partition("\n")[0].split(",")
    if not {"pick_id", AUTHOR, EDITED} <= {name.strip() for name in head}:
        raise ConfigError(
            f"--picks {file} given; a new file or one that `quakeline view` wrote is allowed"
        )
    made = with_labels(pick_tables.read(file))
    notes = pd.read_csv(file, usecols=["pick_id", AUTHOR, EDITED], dtype=str, keep_default_na=False)
    return made.merge(notes, on="pick_id", how="left").fillna({AUTHOR: "", EDITED: ""})
