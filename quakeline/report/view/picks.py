"""Picks that somebody revises: added, moved and deleted ones, kept in a table of their own."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from threading import Lock
from typing import Any

import pandas as pd

from quakeline.core.errors import ConfigError, DataError
from quakeline.core.schemas import PICKS
from quakeline.core.timeline import iso
from quakeline.io.formats.pick_tables import NO_WEIGHTS
from quakeline.io.products.atomic import write_text

#: Columns beside those of PICKS: who changed a pick and when (UTC); empty where nobody did.
AUTHOR, EDITED = "author", "edited"
#: What stands as the network of picks that a person made, and how sure they are.
MANUAL, SURE = "manual", 1.0
PHASES = ("P", "S")


class RevisedPicks:
    """The picks of a run and what was changed in them.

    Every change is written at once, as CSV with the columns of PICKS but for the event, and
    `author` and `edited`; `import_picks` takes it. Without a file nothing can be changed.

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
        kept = file is not None and file.is_file()
        rows = _read(file) if kept and file else picks.assign(**{AUTHOR: "", EDITED: ""})
        rows = rows.sort_values("time_ns", kind="stable")
        self._rows = {str(row["pick_id"]): row for row in _plain(rows)}

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def edited(self) -> int:
        """How many of the picks somebody added or moved."""
        return sum(bool(row[AUTHOR]) for row in self._rows.values())

    def within(self, start_ns: int, end_ns: int) -> list[dict[str, Any]]:
        """The picks in [start_ns, end_ns)."""
        with self._lock:
            rows = list(self._rows.values())
        return [row for row in rows if start_ns <= row["time_ns"] < end_ns]

    def add(self, label: str, phase: str, time_ns: int) -> dict[str, Any]:
        """Add a pick of an instrument, NET.STA.LOC.BI. Raises DataError for what is no pick."""
        codes = label.split(".")
        if len(codes) != 4 or not codes[1] or phase not in PHASES:
            raise DataError(f"{label!r}, {phase!r} given; an instrument and P or S are allowed")
        row: dict[str, Any] = dict.fromkeys((*_columns(), AUTHOR, EDITED))
        row.update(zip(("network", "station", "location", "instrument"), codes, strict=True))
        row.update(source="waveform", phase=phase, probability=SURE)
        row.update(model=MANUAL, weights_id=NO_WEIGHTS, label=label)
        return self._put(row, time_ns, "")

    def move(self, pick_id: str, time_ns: int) -> dict[str, Any]:
        """Give a pick another time. What was measured of it at the old one is forgotten."""
        row = dict(self._known(pick_id))
        row.update(dict.fromkeys(_MEASURED), probability=SURE, model=MANUAL, weights_id=NO_WEIGHTS)
        return self._put(row, time_ns, pick_id)

    def delete(self, pick_id: str) -> None:
        """Leave a pick out."""
        self._known(pick_id)
        with self._lock:
            rows = {key: row for key, row in self._rows.items() if key != pick_id}
            self._save(rows)

    def _known(self, pick_id: str) -> dict[str, Any]:
        if pick_id not in self._rows:
            raise DataError(f"no pick has the id {pick_id!r}")
        return self._rows[pick_id]

    def _put(self, row: dict[str, Any], time_ns: int, instead: str) -> dict[str, Any]:
        pick_id = f"{row['label']}/{row['phase']}/{iso(time_ns, 6)}/{MANUAL}"
        now = iso(round(datetime.now(UTC).timestamp()) * 10**9, 0)
        row.update({"pick_id": pick_id, "time_ns": time_ns, AUTHOR: self._author, EDITED: now})
        with self._lock:
            rows = {key: one for key, one in self._rows.items() if key != instead}
            if pick_id in rows:
                raise DataError(f"there is a pick at this instrument and time: {pick_id}")
            self._save(rows | {pick_id: row})
        return row

    def _save(self, rows: dict[str, dict[str, Any]]) -> None:
        """Write, then keep: what could not be written did not happen."""
        if self.file is None:
            raise ConfigError("no table is named to write to; --picks FILE names one")
        ordered = sorted(rows.values(), key=lambda row: (row["time_ns"], row["pick_id"]))
        frame = pd.DataFrame(ordered, columns=[*_columns(), "time_ns", AUTHOR, EDITED])
        frame["time"] = [iso(int(time), 9) for time in frame.pop("time_ns")]
        write_text(self.file, frame.to_csv(index=False))
        self._rows = rows


#: Columns of PICKS that were measured at the time of a pick.
_MEASURED = (
    "time_sigma_s",
    "snr_db",
    "amplitude_m_s",
    "wood_anderson_mm",
    "gap_distance_s",
    "event_class",
    "event_class_probability",
)


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
