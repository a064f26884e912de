"""Which channel a pick of an instrument is named after, and what SEED calls it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from typing import Any

import pandas as pd

Row = Mapping[str, Any]
Codes = tuple[str, str, str, str]

#: Components in order of preference as the one that a pick of a phase is named after.
_COMPONENTS = {"P": "Z369N1Y47RE2X58T", "S": "N1Y47RE2X58TZ369"}


def codes_of(row: Row) -> Codes:
    """Network, station, location and instrument of a pick."""
    return row["network"], row["station"], row["location"], row["instrument"]


def components_of(stations: pd.DataFrame | None) -> dict[Codes, str]:
    """Collect the last letters of the channels that each instrument of STATIONS has."""
    found: dict[Codes, str] = defaultdict(str)
    for row in rows(stations) if stations is not None else []:
        channel = row["channel"]
        if isinstance(channel, str) and channel:
            found[row["network"], row["station"], row["location"], channel[:-1]] += channel[-1]
    return dict(found)


def channel_of(row: Row, components: Mapping[Codes, str]) -> str:
    """Channel code of a pick: the vertical for P, the first horizontal for S.

    Where no components of the instrument are known, P takes "Z" and S the letters of the instrument
    alone; a channel of a fibre has no component.
    """
    instrument = str(row["instrument"])
    if row["source"] == "das" or not instrument:
        return instrument
    known = components.get(codes_of(row), "")
    wanted = _COMPONENTS.get(row["phase"][:1], "")
    found = next((component for component in wanted if component in known), "")
    if not found and not known and row["phase"][:1] == "P":
        found = "Z"
    return instrument + found


def rows(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a frame as mappings from column to value."""
    records: list[dict[str, Any]] = frame.to_dict("records")  # type: ignore[assignment]
    return records
