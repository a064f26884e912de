"""Phases and stations as NonLinLoc reads them (LOCFILES ... NLLOC_OBS, GTSRCE).

The phase file format is the one of http://alomax.free.fr/nlloc/soft7.00/formats.html#_phase_.
"""

from __future__ import annotations

import logging
from pathlib import Path

import pandas as pd

from quakeline.core.timeline import SECOND, to_datetime
from quakeline.io.export_files import FOLDER
from quakeline.io.exports.base import Format, Tables, write_files
from quakeline.io.exports.names import positions, short_names, sites_of
from quakeline.io.formats.channel_codes import channel_of, components_of, rows
from quakeline.io.formats.quakeml import Labels
from quakeline.io.formats.used_errors import used_error_s

logger = logging.getLogger("quakeline")

#: Names of the files of `files`.
FILES = FOLDER["nonlinloc"]
#: Characters of a station's name in the phase file.
_WIDTH = 6
#: Begins the line of a pick without an error, which NonLinLoc passes over.
_UNUSED = "# no error known: "
#: Times are written to 0.1 ms.
_STEP = SECOND // 10_000


def files(
    events: pd.DataFrame, pairs: pd.DataFrame, stations: pd.DataFrame | None
) -> dict[str, str]:
    """The files `catalog.obs` and `stations.in` as text.

    Events are blocks with blank lines between them, each with its id. A component is the whole
    channel code; the instrument column holds the location code, since NonLinLoc has none. Picks
    that the location gave no weight have prior weight 0. Errors are those that the location used;
    a pick of which none is known is written as a comment, since NonLinLoc takes every number for
    one, and is counted in the log.
    """
    known = positions(stations) if stations is not None else pd.DataFrame()
    both = [*sites_of(pairs), *(sites_of(known) if len(known) else [])]
    names = short_names(both, _WIDTH)
    components = components_of(stations)
    of_event = dict(iter(pairs.groupby("event_id", sort=False)))
    blocks = []
    for event in rows(events):
        own = of_event.get(event["event_id"])
        lines = [f"PUBLIC_ID {event['event_id']}"]
        for row in rows(own) if own is not None else []:
            name = names[row["network"], row["station"]]
            lines.append(_line(row, name, channel_of(row, components)))
        blocks.append("\n".join(lines) + "\n\n")
    text = "".join(blocks)
    if unused := text.count(_UNUSED):
        logger.warning(
            "nonlinloc: %d of %d picks state no error, nor does the catalog tell one that a"
            " location used: they are comments in %s",
            unused,
            len(pairs),
            FILES[0],
        )
    return dict(zip(FILES, (text, _stations(known, names)), strict=True))


def _line(row: dict[str, object], name: str, channel: str) -> str:
    time_ns = int(row["time"].as_unit("ns").value)  # type: ignore[attr-defined]
    rounded = (time_ns + _STEP // 2) // _STEP * _STEP
    second = to_datetime(rounded)
    fraction = rounded % (60 * SECOND) / SECOND
    error_s, weight = used_error_s(row, row), row["weight"]
    mark, error = (_UNUSED, -1.0) if error_s is None else ("", error_s)
    prior = 1.0 if pd.isna(weight) else float(weight > 0)  # type: ignore[call-overload,operator]
    location = str(row["location"]) or "?"
    return (
        f"{mark}{name:<6} {location:<4} {channel or '?':<4} ? {row['phase']!s:<6} ?"
        f" {second:%Y%m%d %H%M} {fraction:7.4f} GAU {error:9.2e} -1.00e+00 -1.00e+00 -1.00e+00"
        f" {prior:.4f}"
    )


def _stations(known: pd.DataFrame, names: dict[tuple[str, str], str]) -> str:
    """GTSRCE lines: name, LATLON, degrees, depth in km below the given height, height in km."""
    lines = [
        f"# {row['network']}.{row['station']}\n"
        f"GTSRCE {names[row['network'], row['station']]} LATLON"
        f" {row['latitude']:.6f} {row['longitude']:.6f} 0.0 {row['height_m'] / 1000:.4f}\n"
        for row in rows(known)
    ]
    return "".join(lines)


def _write(catalog: Tables, path: Path, labels: Labels) -> None:
    write_files(files(catalog.events, catalog.pairs, catalog.stations), path)


FORMAT = Format("NonLinLoc phases and stations", "nonlinloc", True, _write, FILES)
