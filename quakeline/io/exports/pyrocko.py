"""Files of Pyrocko: events, stations, and markers that its Snuffler shows over waveforms.

Events are Pyrocko's YAML of `pyrocko.model.Event`, stations its plain table ("basic"), markers the
text of Snuffler's version 0.2, which `snuffler --markers` opens.
"""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd

from quakeline.core.timeline import iso
from quakeline.io.export_files import FOLDER
from quakeline.io.exports.base import Format, Tables, write_files
from quakeline.io.exports.names import latest
from quakeline.io.formats.channel_codes import Row, rows
from quakeline.io.formats.quakeml import Labels
from quakeline.io.formats.quakeml_values import nanoseconds, present

#: Names of the files of `files`.
FILES = FOLDER["pyrocko"]
#: Snuffler's colours of groups of markers: red for P, green for S.
_KINDS = {"P": 1, "S": 2}


def files(
    events: pd.DataFrame, pairs: pd.DataFrame, stations: pd.DataFrame | None
) -> dict[str, str]:
    """The files events.yaml, markers.txt and stations.txt as text.

    A marker of a phase names its event by the event's id, and all channels of its instrument by
    `*`. Depths of events are those below sea level, in m. Without stations their file is empty.
    """
    origins = {row["event_id"]: _time(row["time"]) for row in rows(events)}
    markers = ["# Snuffler Markers File Version 0.2"]
    markers += [_event_marker(row) for row in rows(events)]
    markers += [_phase_marker(row, origins[row["event_id"]]) for row in rows(pairs)]
    places = [] if stations is None else _places(stations)
    texts = ["".join(map(_event, rows(events))), _joined(markers), _joined(places)]
    return dict(zip(FILES, texts, strict=True))


def _event(row: Row) -> str:
    """One event in Pyrocko's YAML; what is not known is left out."""
    lines = [
        "--- !pf.Event",
        f"lat: {row['latitude']:.6f}",
        f"lon: {row['longitude']:.6f}",
        f"time: {_time(row['time'])}",
        f"name: {_quoted(row['event_id'])}",
        f"depth: {_depth_m(row)}",
    ]
    if present(row["magnitude"]) is not None:
        lines.append(f"magnitude: {row['magnitude']:.2f}")
        if isinstance(row["magnitude_type"], str):
            lines.append(f"magnitude_type: {_quoted(row['magnitude_type'])}")
    return _joined(lines)


def _event_marker(row: Row) -> str:
    known = present(row["magnitude"])
    magnitude = "None" if known is None else f"{known:.2f}"
    place = f"{row['latitude']:.6f} {row['longitude']:.6f} {_depth_m(row)}"
    name = shlex.quote(str(row["event_id"]))
    return f"event: {_time(row['time'])} 0 {name} {place} {magnitude} None {name} None"


def _phase_marker(row: Row, origin: str) -> str:
    codes = ".".join(str(row[name] or "") for name in ("network", "station", "location"))
    channels = shlex.quote(f"{codes}.{row['instrument'] or ''}*")
    phase = str(row["phase"])
    event = shlex.quote(str(row["event_id"]))
    kind = _KINDS.get(phase, 0)
    return f"phase: {_time(row['time'])} {kind} {channels} {event} {origin} {phase} None True"


def _places(stations: pd.DataFrame) -> Iterator[str]:
    """A line for each position: codes, latitude, longitude, elevation and depth in m."""
    columns = ["network", "station", "location"]
    for row in rows(latest(stations, columns)):
        codes = ".".join(str(row[name] or "") for name in columns)
        depth = present(row["depth_m"]) or 0.0
        place = f"{row['latitude']:.6f} {row['longitude']:.6f}"
        yield f"{codes} {place} {row['elevation_m']:.1f} {depth:.1f}"


def _time(time: pd.Timestamp) -> str:
    """A time as Pyrocko writes it, to the microsecond."""
    return iso(nanoseconds(time), digits=6).rstrip("Z").replace("T", " ")


def _depth_m(row: Row) -> str:
    return f"{1000 * row['depth_km']:.1f}"


def _quoted(value: object) -> str:
    """A text in YAML's single quotes."""
    return "'" + str(value).replace("'", "''") + "'"


def _joined(lines: Iterable[str]) -> str:
    return "".join(f"{line}\n" for line in lines)


def _write(catalog: Tables, path: Path, labels: Labels) -> None:
    write_files(files(catalog.events, catalog.pairs, catalog.stations), path)


FORMAT = Format("Pyrocko's events and Snuffler's markers", "pyrocko", False, _write, FILES)
