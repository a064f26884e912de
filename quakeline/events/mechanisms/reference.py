"""Mechanisms of others, and how far those of a catalog are turned from them.

The angle is Kagan's: the smallest rotation that takes one double couple into the other, 0 to 120
degrees (Kagan, Y. Y., 1991, 3-D rotation of double-couple earthquake sources, Geophys. J. Int. 106,
709-716).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError, why_unread
from quakeline.core.schemas import MECHANISMS
from quakeline.events.comparison.reference import parsed
from quakeline.events.mechanisms import rotations
from quakeline.io.formats.csv_cells import read_cells
from quakeline.io.products import tables

logger = logging.getLogger("quakeline")

COLUMNS = ("event_id", "time", "strike", "dip", "rake")
#: Other names of the columns in CSV files.
_NAMES = {
    "event_id": ("id", "eventid", "evid"),
    "time": ("origin_time", "datetime", "event_time"),
    "strike": ("strike_1_deg", "strike1", "strike_deg", "np1_strike"),
    "dip": ("dip_1_deg", "dip1", "dip_deg", "np1_dip"),
    "rake": ("rake_1_deg", "rake1", "rake_deg", "np1_rake"),
}
_ANGLES = ["strike", "dip", "rake"]
_LIMITS = {"strike": (-360.0, 360.0), "dip": (0.0, 90.0), "rake": (-360.0, 360.0)}
#: Words of a line of HASH's first output file, at least, and where its times and planes stand.
_HASH_WORDS, _HASH_BACK = 24, 7


@dataclass(frozen=True)
class Compared:
    """Pairs of mechanisms of one event.

    `pairs` has event_id, reference_id, quality_class, kagan_deg and sigma_deg, both planes'
    stated errors together. `missed` are of the reference without one here, `new` the reverse;
    `without` are events of the reference that have no mechanism, and are left out.
    """

    pairs: pd.DataFrame
    missed: int
    new: int
    without: int = 0

    def summary(self) -> dict[str, Any]:
        """Numbers and angles, of all and of each quality, as JSON-like builtins."""
        classes = {
            str(letter): _spread(rows) for letter, rows in self.pairs.groupby("quality_class")
        }
        return {
            "matched": len(self.pairs),
            "missed": self.missed,
            "new": self.new,
            "without": self.without,
            **_spread(self.pairs),
            "by_quality": classes,
        }


def _spread(pairs: pd.DataFrame) -> dict[str, Any]:
    if pairs.empty:
        return {"n": 0, "median_deg": None, "p90_deg": None, "within_sigma": None}
    angles = pairs["kagan_deg"].to_numpy(float)
    inside = angles <= pairs["sigma_deg"].to_numpy(float)
    return {
        "n": len(pairs),
        "median_deg": float(np.median(angles)),
        "p90_deg": float(np.quantile(angles, 0.9)),
        "within_sigma": float(inside.mean()),
    }


def table_in(folder: Path) -> Path | None:
    """The `mechanisms.parquet` of a folder or of the `catalog` in it; None: there is none."""
    inside = folder / "catalog" / "mechanisms.parquet", folder / "mechanisms.parquet"
    return next((path for path in inside if path.is_file()), None)


def read(path: Path) -> pd.DataFrame:
    """Mechanisms of a file: MECHANISMS, CSV, the first output file of HASH, or QuakeML.

    A folder is taken for the `mechanisms.parquet` in it. CSV files name strike, dip, rake and
    event_id or time.

    Returns
    -------
    COLUMNS; angles in degrees of one nodal plane, all NaN where an event has no mechanism; times
    may be null. Of several mechanisms of an event the first, which the log says.

    Raises
    ------
    DataError
        The file cannot be read, or a line holds a part of a plane or an impossible one.
    """
    inside = table_in(path)
    if inside is None and path.is_dir():
        raise DataError(f"{path} is a folder without mechanisms.parquet; allowed: one with it")
    path = inside or path
    if path.suffix == ".parquet":
        own = tables.read(path, MECHANISMS)
        renamed = own.rename(columns={f"{name}_1_deg": name for name in _ANGLES})
        return pd.DataFrame(renamed[list(COLUMNS)])
    try:
        with path.open("rb") as file:
            head = file.read(2000)
    except OSError as error:
        raise DataError(f"cannot read mechanisms {path}: {why_unread(error, path)}") from None
    first = head.partition(b"\n")[0]
    if head.lstrip()[:1] == b"<":
        found = _of_quakeml(path)
    elif b"," in first:
        found = _of_csv(path)
    elif len(first.split()) >= _HASH_WORDS:
        found = _of_hash(path)
    else:
        raise DataError(
            f"{path} holds no mechanisms that are known; allowed: QuakeML, CSV with strike, dip,"
            " rake and event_id or time, an output file of HASH, mechanisms.parquet"
        )
    return _one_each(path, found)


def _one_each(path: Path, found: pd.DataFrame) -> pd.DataFrame:
    """The first mechanism of each event; the log says how many others there are."""
    planes_first = found.sort_values("strike", key=pd.isna, kind="stable")
    again = planes_first["event_id"].duplicated()
    if more := int((again & planes_first["strike"].notna()).sum()):
        logger.warning(
            "%s: %d further mechanisms of events that have one were left out, the first counts",
            path,
            more,
        )
    return planes_first[~again].sort_index().reset_index(drop=True)


def _of_quakeml(path: Path) -> pd.DataFrame:
    rows = []
    for number, event in enumerate(parsed(path, None)):
        focal = event.preferred_focal_mechanism() or next(iter(event.focal_mechanisms), None)
        planes = focal.nodal_planes if focal else None
        plane = (planes.nodal_plane_1 or planes.nodal_plane_2) if planes else None
        angles = [getattr(plane, angle, None) for angle in _ANGLES]
        if None in angles:
            angles = [None] * len(_ANGLES)
        origin = event.preferred_origin() or next(iter(event.origins), None)
        time = pd.Timestamp(origin.time.ns, unit="ns", tz="UTC") if origin else pd.NaT
        name = str(event.resource_id) if event.resource_id else str(number)
        rows.append((name.rpartition("/")[2], time, *angles))
    return _made(path, pd.DataFrame(rows, columns=list(COLUMNS)), "event")


def _of_csv(path: Path) -> pd.DataFrame:
    cells = read_cells(path, "mechanisms")
    known: dict[str, Any] = {}
    for name, others in _NAMES.items():
        column = next((one for one in (name, *others) if one in cells.columns), None)
        if column is not None:
            known[name] = cells[column]
    absent = [name for name in _ANGLES if name not in known]
    if not {"event_id", "time"} & set(known):
        absent.append("event_id (or time)")
    if absent:
        raise DataError(f"{path}: no column {', '.join(absent)}, which mechanisms need")
    table = pd.DataFrame(known)
    if "event_id" not in table:
        table["event_id"] = ""
    lines = pd.Series([f"line {number}" for number in table.index], index=table.index)
    table["event_id"] = table["event_id"].where(table["event_id"] != "", lines)
    if "time" not in table:
        table["time"] = None
    given = table["time"].notna() & (table["time"].astype(str).str.strip() != "")
    times = pd.to_datetime(table["time"].where(given), utc=True, format="ISO8601", errors="coerce")
    bad = given & times.isna()
    if bad.any():
        place = int(bad.to_numpy().argmax())
        raise DataError(
            f"{path} line {table.index[place]}: time {table['time'].iloc[place]!r} is no ISO 8601"
            " time"
        )
    return _made(path, table.assign(time=times)[list(COLUMNS)])


def _of_hash(path: Path) -> pd.DataFrame:
    """The planes stand before the quality, the last letter of A to F of a line."""
    rows = {}
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    for number, line in enumerate(lines, start=1):
        words = line.split()
        if not words:
            continue
        quality = next((k for k in range(len(words) - 1, 0, -1) if words[k] in "ABCDEF"), 0)
        try:
            year, month, day, hour, minute = (int(word) for word in words[1:6])
            seconds = pd.Timedelta(seconds=float(words[6]))
            time = pd.Timestamp(year, month, day, hour, minute, tz="UTC") + seconds
            begin = quality - _HASH_BACK
            strike, dip, rake = (float(word) for word in words[begin : begin + 3])
        except (ValueError, IndexError, OverflowError):
            raise DataError(
                f"{path} line {number}: no mechanism of an output file of HASH"
            ) from None
        rows[number] = (words[0], time, strike, dip, rake)
    return _made(path, pd.DataFrame.from_dict(rows, orient="index", columns=list(COLUMNS)))


def _made(path: Path, table: pd.DataFrame, row: str = "line") -> pd.DataFrame:
    """The table with numbers in place of text; refuses angles that are none.

    Its index numbers the lines of the file, which errors name. A line with all angles empty is an
    event without a mechanism.
    """
    empty = table[_ANGLES].isna() | table[_ANGLES].astype(str).isin(["", "nan", "NaN"])
    without = empty.all(axis=1)
    for name, (least, most) in _LIMITS.items():
        values = pd.to_numeric(table[name], errors="coerce")
        bad = ~values.between(least, most) & ~without
        if bad.any():
            place = int(bad.to_numpy().argmax())
            given = str(table[name].iloc[place])
            raise DataError(
                f"{path} {row} {table.index[place]}: {name} {given!r}; it must be in {least:g} to"
                f" {most:g}"
            )
        table = table.assign(**{name: values.astype(float)})
    return table.assign(
        event_id=table["event_id"].astype(str).str.strip(),
        time=pd.to_datetime(table["time"], utc=True),
    )


def compared(mechanisms: pd.DataFrame, reference: pd.DataFrame, tolerance_s: float) -> Compared:
    """Mechanisms (MECHANISMS) beside a reference (COLUMNS).

    Events without a mechanism are left out of both. Events are one where their ids are, else where
    their origin times are no more than `tolerance_s` seconds apart, the nearest first, one to one.
    """
    own = mechanisms.dropna(subset=["strike_1_deg"]).reset_index(drop=True)
    every = len(reference)
    reference = reference.dropna(subset=_ANGLES).reset_index(drop=True)
    here, there = _matched(own, reference, tolerance_s)
    mine, theirs = own.iloc[here], reference.iloc[there]
    first = rotations.frames(*(mine[f"{name}_1_deg"].to_numpy(float) for name in _ANGLES))
    second = rotations.frames(*(theirs[name].to_numpy(float) for name in _ANGLES))
    pairs = pd.DataFrame(
        {
            "event_id": mine["event_id"].to_numpy(),
            "reference_id": theirs["event_id"].to_numpy(),
            "quality_class": mine["quality_class"].to_numpy(),
            "kagan_deg": rotations.angles(first, second) if len(here) else [],
            "sigma_deg": np.hypot(
                mine["plane_1_sigma_deg"].to_numpy(float),
                mine["plane_2_sigma_deg"].to_numpy(float),
            ),
        }
    )
    missed, new = len(reference) - len(there), len(own) - len(here)
    return Compared(pairs, missed, new, every - len(reference))


def _matched(
    own: pd.DataFrame, reference: pd.DataFrame, tolerance_s: float
) -> tuple[list[int], list[int]]:
    """Positions of events of both tables that are one."""
    place = {str(name): number for number, name in enumerate(reference["event_id"])}
    pairs = [(n, place[str(name)]) for n, name in enumerate(own["event_id"]) if str(name) in place]
    ours, theirs = {n for n, _ in pairs}, {k for _, k in pairs}
    for _, n, k in sorted(_near_in_time(own["time"], reference["time"], tolerance_s)):
        if n not in ours and k not in theirs:
            pairs.append((n, k))
            ours.add(n)
            theirs.add(k)
    pairs.sort()
    return [n for n, _ in pairs], [k for _, k in pairs]


def _near_in_time(
    own: pd.Series, others: pd.Series, tolerance_s: float
) -> Iterator[tuple[float, int, int]]:
    """Seconds between times of two tables, and their positions, where they are near."""
    known = pd.to_datetime(others.dropna(), utc=True).sort_values(kind="stable")
    positions = known.index.to_numpy()
    seconds = known.astype("datetime64[ns, UTC]").astype("int64").to_numpy() / 1e9
    for n, time in enumerate(own):
        if pd.notna(time):
            at = pd.Timestamp(time).value / 1e9
            first, last = np.searchsorted(seconds, [at - tolerance_s, at + tolerance_s])
            for one in range(int(first), int(last)):
                yield abs(float(seconds[one]) - at), n, int(positions[one])
