"""Catalogs as they are on disk: of runs, of commands, and of live sessions, which have days."""

from __future__ import annotations

import re
from pathlib import Path

import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.schemas import ARRIVALS, EVENTS, MECHANISMS, PICKS, POLARITIES, STATIONS
from quakeline.io.export_files import FOCAL_FILES
from quakeline.io.exports.base import Tables
from quakeline.io.formats.focal_mechanisms import Focal
from quakeline.io.products import tables
from quakeline.io.products.runs import absolute

_EVENTS, _PICKS, _SESSION = "events.parquet", "picks.parquet", "session.json"
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")


def read_tables(folder: Path, stations: Path | None = None) -> Tables:
    """Read a catalog that a run, a command or a live session wrote.

    `folder` holds the three tables, or a run's `catalog/` that does, or days of a session that do;
    stations are found. A day of a session has picks of the days beside it where its events do.

    Raises
    ------
    DataError
        A table is missing or of another kind.
    """
    places = event_folders(folder)
    if not places:
        raise DataError(_nothing_in(folder))
    place = places[0]
    # Its own before those of the run or session around it.
    beside = [one / "stations.parquet" for one in (place, absolute(place).parent)]
    found = stations or next((path for path in beside if path.is_file()), None)
    events = tables.read_many([one / _EVENTS for one in places], EVENTS)
    arrivals = tables.read_many([one / "arrivals.parquet" for one in places], ARRIVALS)
    return Tables(
        events,
        arrivals,
        _picks(folder, place, arrivals),
        tables.read(found, STATIONS) if found else None,
        read_focal(place),
    )


def event_folders(folder: Path) -> list[Path]:
    """The folders that hold the tables of a catalog: one, or the days of a live session."""
    for place in (folder / "catalog", folder):
        if (place / _EVENTS).is_file():
            return [place]
    return [day for day in _days(folder) if (day / _EVENTS).is_file()]


def pick_files(folder: Path) -> list[Path]:
    """The tables of picks of a catalog, or of a live session without events, too."""
    for place in (folder / "catalog", folder):
        if (place / _PICKS).is_file():
            return [place / _PICKS]
    return [day / _PICKS for day in _days(folder) if (day / _PICKS).is_file()]


def session_of(folder: Path) -> Path | None:
    """The folder of the live session to which a folder or a day belongs; None: to none."""
    whole = absolute(folder)  # of "."
    found = whole.parent if _DAY.fullmatch(whole.name) else folder
    return found if (found / _SESSION).is_file() else None


def read_focal(folder: Path) -> Focal | None:
    """Mechanisms and polarities in a folder; None where there are none."""
    if not all((folder / name).is_file() for name in FOCAL_FILES):
        return None
    mechanisms, polarities = (folder / name for name in FOCAL_FILES)
    return Focal(tables.read(mechanisms, MECHANISMS), tables.read(polarities, POLARITIES))


def _picks(folder: Path, place: Path, arrivals: pd.DataFrame) -> pd.DataFrame:
    """PICKS of a catalog; those of a session say which event they belong to, as others do."""
    session = session_of(folder)
    if session is None:
        return tables.read(place / _PICKS, PICKS)
    picks = tables.read_many(pick_files(folder), PICKS)
    if not arrivals["pick_id"].isin(picks["pick_id"]).all():
        others = tables.read_many(pick_files(session), PICKS)
        lacking = arrivals.loc[~arrivals["pick_id"].isin(picks["pick_id"]), "pick_id"]
        picks = pd.concat([picks, others[others["pick_id"].isin(lacking)]], ignore_index=True)
    events = dict(zip(arrivals["pick_id"], arrivals["event_id"], strict=True))
    return tables.typed(picks.assign(event_id=picks["pick_id"].map(events)), PICKS)


def _days(folder: Path) -> list[Path]:
    """The days of a live session, in order."""
    if not (folder / _SESSION).is_file():
        return []
    return sorted(one for one in folder.iterdir() if _DAY.fullmatch(one.name) and one.is_dir())


def _nothing_in(folder: Path) -> str:
    if session_of(folder) is not None:
        return (
            f"{folder} is of a live session without events: it makes them where stations are given;"
            f" quakeline catalog takes its picks.parquet and a table of stations"
        )
    return f"{folder} holds no events.parquet, nor does {folder / 'catalog'}"
