"""What a session leaves of its events: a line for each update, tables, and QuakeML files.

`events.jsonl` grows by a line for each update, with all columns. `events.parquet` (EVENTS) and
`arrivals.parquet` (ARRIVALS) hold the last version of each event that is not withdrawn; they are
replaced as a whole. `events/ID.v0003.qml` is the third version of an event as QuakeML.
`stations.parquet` (STATIONS) and `config.yaml` say where stations are and with which settings and
velocities events were made, for whatever reads the events again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import pandas as pd

from quakeline.core.schemas import EVENTS, STATIONS
from quakeline.events.chain.merge import text_of
from quakeline.io.formats.quakeml import Labels, write_quakeml
from quakeline.io.products import tables
from quakeline.io.products.atomic import write_text
from quakeline.live.events.kept import Day
from quakeline.live.events.updates import FINAL, PRELIMINARY, REVIEWED, WITHDRAWN, Update

#: What was measured around picks of the last minutes: magnitudes follow from it after a stop.
MEASUREMENTS_TABLE = "measurements.parquet"
EVENTS_TABLE, ARRIVALS_TABLE, LINES, FOLDER = (
    *("events.parquet", "arrivals.parquet", "events.jsonl"),
    "events",
)
STATIONS_TABLE, SETTINGS = "stations.parquet", "config.yaml"
#: Files of events in the folder of a session, beside those in `events/`.
NAMES = (EVENTS_TABLE, ARRIVALS_TABLE, LINES, MEASUREMENTS_TABLE, STATIONS_TABLE, SETTINGS)
_OWN = re.compile(r"ql\d{8}T\d{6}(?:[b-z]|z\d+)?\.v\d{4,}\.qml")
_STATUS: dict[str, Literal["preliminary", "final", "rejected"]] = {
    PRELIMINARY: "preliminary",
    FINAL: "final",
    REVIEWED: "final",
    WITHDRAWN: "rejected",
}


def write_tables(folder: Path, day: Day) -> None:
    """Write the last versions of events, but for those that were withdrawn."""
    events, arrivals = day.tables()
    tables.write_arrow(events, folder / EVENTS_TABLE, points=True)
    tables.write_arrow(arrivals, folder / ARRIVALS_TABLE)


def write_setup(folder: Path, stations: pd.DataFrame, settings: Mapping[str, Any]) -> None:
    """Write what events are made with: STATIONS, and the sections of a configuration."""
    tables.write(stations, STATIONS, folder / STATIONS_TABLE)
    write_text(folder / SETTINGS, text_of(settings))


def write_version(
    folder: Path, update: Update, picks: pd.DataFrame, stations: pd.DataFrame, labels: Labels
) -> Path:
    """Write an update as QuakeML into `events/` of a folder; `picks` (PICKS) hold its picks.

    An event that was withdrawn is `not existing` there, its origin is rejected.
    """
    gone = update.status == WITHDRAWN
    event = {**update.event, "event_class": "noise"} if gone else update.event
    own = picks[picks["pick_id"].isin(update.arrivals["pick_id"])]
    arrivals = update.arrivals[update.arrivals["pick_id"].isin(own["pick_id"])]
    path = folder / FOLDER / f"{update.event_id}.v{update.version:04d}.qml"
    signed = Labels(
        labels.agency_id,
        labels.author,
        labels.earth_model,
        labels.pickers,
        str(update.version),
        _STATUS[update.status],
    )
    events = tables.typed(pd.DataFrame([event]), EVENTS)
    write_quakeml(events, arrivals.reset_index(drop=True), own, path, stations, signed)
    return path


def clear(folder: Path) -> None:
    """Remove the QuakeML files that an earlier session left."""
    for path in (folder / FOLDER).glob("*.qml"):
        if _OWN.fullmatch(path.name):
            path.unlink()
