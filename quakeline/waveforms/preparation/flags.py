"""What the digitizer itself said: flags and timing quality in the records of miniSEED files.

Records of miniSEED 2 are looked at all at once (`quakeline.io.formats.quality_flags`), others one
by one.
"""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pymseed

from quakeline.core.reasons import Code, Reason
from quakeline.io.formats import codes as seed_codes
from quakeline.io.formats.quality_flags import Records, records_of

#: Quality of the clock in percent below which it is noted.
GOOD_TIMING = 50
_TIME_QUESTIONABLE = 0b010
#: Bits of the data quality flags of miniSEED 2 from the lowest on, as miniSEED 3 calls them.
_FLAGS = {
    "AmplifierSaturation": "saturation of the amplifier",
    "DigitizerClipping": "clipping of the digitizer",
    "Spikes": "spikes",
    "Glitches": "glitches",
    "MissingData": "missing data, filled",
    "TelemetrySyncError": "errors of the telemetry",
    "FilterCharging": "filters that were charging",
}
_QUESTIONABLE = "time questionable"


@dataclass(frozen=True)
class _Tally:
    """Records of a channel in a file, how many of them say what, lowest and highest quality."""

    records: int
    said: Counter[str]
    timing: tuple[int, int] | None


class Flags:
    """Reads the flags of files, each once."""

    def __init__(self) -> None:
        self._held: dict[str, dict[tuple[str, ...], _Tally]] = {}

    def notes(self, paths: list[str], codes: tuple[str, ...]) -> list[Reason]:
        """Notes on a channel (codes from network to channel) in some files of any format."""
        found = [flags for path in paths if (flags := self._of(path).get(codes)) is not None]
        said: Counter[str] = sum((flags.said for flags in found), Counter())
        records = sum(flags.records for flags in found)
        notes = [
            Reason.of(Code.RECORDS_SAY, n, what=what, records=records)
            for what, n in sorted(said.items())
        ]
        timing = [flags.timing for flags in found if flags.timing is not None]
        worst = min((low for low, _ in timing), default=GOOD_TIMING)
        # libraries that write blockette 1001 for its microseconds alone leave its quality at 0
        if worst < GOOD_TIMING and any(high for _, high in timing):
            notes.append(Reason.of(Code.TIMING_POOR, percent=worst))
        return notes

    def _of(self, path: str) -> dict[tuple[str, ...], _Tally]:
        if path not in self._held:
            self._held[path] = _read(Path(path))
        return self._held[path]


def _read(path: Path) -> dict[tuple[str, ...], _Tally]:
    """Tallies of each channel; none for a file that is no miniSEED, or as far as it can be read."""
    known = records_of(path)
    if known:
        return {tuple(codes.split(".")): _tally_of(one) for codes, one in known.items()}
    with path.open("rb") as file:
        start = file.read(8)
    if not (start[:2] == b"MS" or (start[:6].strip(b" \0").isdigit() and start[6:7] in b"DRQM")):
        return {}
    kinds: Counter[tuple[str, int, str]] = Counter()
    try:
        for record in pymseed.MS3Record.from_file(str(path)):
            kinds[record.sourceid, record.flags, record.extra] += 1
    except pymseed.MiniSEEDError:
        pass  # the reader of the samples says what is wrong with the file
    by_channel: dict[tuple[str, ...], list[tuple[int, list[str], int | None]]] = {}
    for (source, flags, extra), n in kinds.items():
        said, timing = _said(flags, json.loads(extra) if extra else {})
        channel = tuple(map(seed_codes.normal, pymseed.sourceid2nslc(source)))
        by_channel.setdefault(channel, []).append((n, said, timing))
    return {channel: _tally(rows) for channel, rows in by_channel.items()}


def _tally_of(records: Records) -> _Tally:
    texts = (*_FLAGS.values(), _QUESTIONABLE)
    said = {text: int(n) for text, n in zip(texts, records.flags, strict=True) if n}
    timing = np.flatnonzero(records.timing)
    span = (int(timing[0]), int(timing[-1])) if len(timing) else None
    return _Tally(records.count, Counter(said), span)


def _said(flags: int, extra: dict[str, Any]) -> tuple[list[str], int | None]:
    about = extra.get("FDSN", {})
    said = [text for name, text in _FLAGS.items() if about.get("Flags", {}).get(name)]
    if flags & _TIME_QUESTIONABLE:
        said.append(_QUESTIONABLE)
    timing = about.get("Time", {}).get("Quality")
    return said, None if timing is None else int(timing)


def _tally(rows: list[tuple[int, list[str], int | None]]) -> _Tally:
    said: Counter[str] = Counter()
    for n, texts, _ in rows:
        said.update(dict.fromkeys(texts, n))
    timing = [one for _, _, one in rows if one is not None]
    span = (min(timing), max(timing)) if timing else None
    return _Tally(sum(n for n, _, _ in rows), said, span)
