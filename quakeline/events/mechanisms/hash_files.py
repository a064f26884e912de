"""Files of HASH 1.2: phases with polarities, stations and reversals.

Formats are those of its second driver (hash_driver2), which computes take-off angles itself, and
of the first one, whose phase files state them. Columns are fixed; see Hardebeck, J. L. & Shearer,
P. M., HASH: A FORTRAN Program for Computing Earthquake First-Motion Focal Mechanisms, v1.2 (USGS,
2008).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pandas as pd

from quakeline.core.errors import DataError, why_unread
from quakeline.events.mechanisms.polarities import PolarityEvent

logger = logging.getLogger("quakeline")

_POLARITIES = {"U": 1, "u": 1, "+": 1, "D": -1, "d": -1, "-": -1}
#: Weight codes of polarities that HASH uses: good ones, and those of lower quality.
_USED = "01"
#: Errors of azimuths and take-off angles where a file leaves them blank, in degrees.
_AZIMUTH_DEG, _TAKEOFF_DEG = 1.0, 10.0


def phases(path: Path) -> list[PolarityEvent]:
    """Read a phase file of HASH's first or second driver.

    The log says how many lines have no polarity that HASH uses. Raises DataError that names the
    line which cannot be read.
    """
    found, lines = [], 0
    for block in _blocks(path):
        number, head = block[0]
        try:
            if head[:4].strip().isdecimal() and len(head[:4].strip()) == 4:
                found.append(_second(block))
            else:
                found.append(_first(block))
            lines += sum(1 for _, row in block[1:] if row[:4].strip())
        except ValueError as error:
            raise DataError(
                f"{path} line {number}: no event of a HASH phase file ({error}); needed are files"
                " of hash_driver1 or hash_driver2"
            ) from None
    used = sum(len(event.polarities) for event in found)
    if used < lines:
        logger.warning(
            "%s: %d of %d lines of stations have no polarity that HASH uses",
            path,
            lines - used,
            lines,
        )
    return found


def _blocks(path: Path) -> Iterator[list[tuple[int, str]]]:
    """Lines of each event with their numbers: a header, then stations, then a line without one."""
    try:
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {path}: {why_unread(error, path)}") from None
    block: list[tuple[int, str]] = []
    for number, line in enumerate(lines, start=1):
        if block and not line[:4].strip():
            yield [*block, (number, line)]
            block = []
        elif line.strip():
            block.append((number, line))
    if len(block) > 1:
        yield block


def _second(block: list[tuple[int, str]]) -> PolarityEvent:
    """An event as hash_driver2 reads it."""
    line = block[0][1].ljust(165)
    year, month, day, hour, minute = (
        _whole(line[a:b]) for a, b in ((0, 4), (4, 6), (6, 8), (8, 10), (10, 12))
    )
    time = datetime(year, month, day, hour, minute, tzinfo=UTC)
    rows = []
    for _, row in block[1:]:
        text = row.ljust(16)
        sign = _POLARITIES.get(text[15])
        if text[:4].strip() and sign is not None:
            weight = 1.0 if text[13] in "Ii" else 0.5
            rows.append((text[5:7].strip(), text[:4].strip(), sign, weight))
    table = pd.DataFrame(rows, columns=["network", "station", "polarity", "weight"])
    table["impulsive"] = table["weight"] == 1.0
    return PolarityEvent(
        block[-1][1].strip() or line[149:165].strip(),
        time + timedelta(seconds=float(line[12:17])),
        _degrees(line[17:19], line[20:25], line[19], "S"),
        _degrees(line[25:28], line[29:34], line[28], " W", east="E"),
        float(line[34:39]),
        _number(line[88:93], 0.5),
        _number(line[94:99], 1.0),
        table,
    )


def _first(block: list[tuple[int, str]]) -> PolarityEvent:
    """An event as hash_driver1 reads it, with azimuths and take-off angles (FPFIT's form)."""
    line = block[0][1].ljust(150)
    year, month, day, hour, minute = (_whole(line[a : a + 2]) for a in range(0, 10, 2))
    time = datetime(year + (1900 if year > 50 else 2000), month, day, hour, minute, tzinfo=UTC)
    rows = []
    for _, row in block[1:]:
        text = row.ljust(90)
        sign = _POLARITIES.get(text[6])
        if text[:4].strip() and sign is not None and text[7] in _USED:
            weight = 1.0 if text[7] == "0" else 0.5
            angles = [float(text[a:b]) for a, b in ((75, 78), (62, 65))]
            sigmas = [_number(text[83:86], _AZIMUTH_DEG), _number(text[79:82], _TAKEOFF_DEG)]
            distance = _number(text[58:62], 0.0) / 10
            rows.append(("", text[:4].strip(), sign, weight, *angles, *sigmas, distance))
    names = ["network", "station", "polarity", "weight", "azimuth", "takeoff"]
    table = pd.DataFrame(rows, columns=[*names, "azimuth_sigma", "takeoff_sigma", "distance_km"])
    table["impulsive"] = table["weight"] == 1.0
    return PolarityEvent(
        line[128:146].split()[0] if line[128:146].split() else f"{time:%Y%m%d%H%M%S}",
        time + timedelta(seconds=_hundredths(line[10:14])),
        _degrees(line[14:16], _of_hundredths(line[17:21]), line[16], "S"),
        _degrees(line[21:24], _of_hundredths(line[25:29]), line[24], " W", east="E"),
        _hundredths(line[29:34]),
        0.0,
        0.0,
        table,
    )


def _whole(text: str) -> int:
    """A number of Fortran, where blanks are 0."""
    return int(text) if text.strip() else 0


def _hundredths(text: str) -> float:
    return float(text) if "." in text else float(text) / 100


def _of_hundredths(text: str) -> str:
    return text if "." in text else str(float(text) / 100)


def _degrees(whole: str, minutes: str, side: str, negative: str, east: str = "") -> float:
    value = float(whole) + float(minutes) / 60
    return -value if side in negative and side != east else value


def _number(text: str, otherwise: float) -> float:
    try:
        return float(text) or otherwise
    except ValueError:
        return otherwise


def stations(path: Path) -> pd.DataFrame:
    """Stations of HASH, with codes of four or five characters.

    Columns network, station, latitude, longitude, depth_km (below sea level), a row for each code.
    Raises DataError.
    """
    rows, unread = [], 0
    for line in _lines(path):
        five = line[:2].strip().isalpha() and line[2:4] == "  " and len(line) > 72
        try:
            if five:
                words = (line[:2].strip(), line[4:9].strip())
                place = line[50:].split()
            else:
                words = (line[90:92].strip(), line[:4].strip())
                place = line[41:].split()
            values = [float(word) for word in place[:3]]
        except (ValueError, IndexError):
            values = []
        unread += bool(line.strip()) and len(values) < 3
        if len(values) == 3 and abs(values[0]) <= 90 and abs(values[1]) <= 180:
            rows.append((*words, values[0], values[1], -values[2] / 1000))
    if not rows:
        raise DataError(f"{path}: no line is a station of HASH (hash_driver2)")
    if unread:
        logger.warning("%s: %d lines are no stations of HASH and were left out", path, unread)
    table = pd.DataFrame(rows, columns=["network", "station", "latitude", "longitude", "depth_km"])
    return table.drop_duplicates(["network", "station"], ignore_index=True)


@dataclass(frozen=True)
class Reversals:
    """First and last days, as yyyymmdd, on which stations were reversed; 0 is without end."""

    spans: dict[str, list[tuple[int, int]]]

    def sign(self, station: str, time: datetime | None) -> int:
        """-1 where the station's polarity was reversed at a time, else 1.

        Where no time is known, any reversal counts.
        """
        if time is None:
            return -1 if station in self.spans else 1
        day = int(f"{time:%Y%m%d}")
        inside = any(a <= day and (b == 0 or day <= b) for a, b in self.spans.get(station, []))
        return -1 if inside else 1


def reversals(path: Path) -> Reversals:
    """Read a file of reversals (station, first and last day). Raises DataError."""
    spans: dict[str, list[tuple[int, int]]] = {}
    for number, line in enumerate(_lines(path), start=1):
        words = line.split()
        if not words:
            continue
        try:
            first, last = (int(word) for word in (*words[1:3], "0", "0")[:2])
        except ValueError:
            raise DataError(
                f"{path} line {number}: {line.strip()!r} given; needed are a station and two days,"
                " yyyymmdd or 0"
            ) from None
        spans.setdefault(words[0], []).append((first, last))
    return Reversals(spans)


def _lines(path: Path) -> list[str]:
    try:
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError as error:
        raise DataError(f"cannot read {path}: {why_unread(error, path)}") from None
