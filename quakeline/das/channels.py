"""Where the channels of a fibre lie, and which of them are used."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.das.description import Channels, Line
from quakeline.errors import DataError
from quakeline.geometry import shifted
from quakeline.reasons import Code, Reason, cells

_REQUIRED = ("channel", "latitude", "longitude", "elevation_m")
_LIMITS = {"channel": 1e9, "latitude": 90.0, "longitude": 180.0, "elevation_m": 12_000.0}


def describe(fibre: str, wanted: Channels, distances: np.ndarray) -> pd.DataFrame:
    """The channels of a fibre, one row each (FIBRE_CHANNELS).

    `distances` are those of the files, in m. Raises DataError for a table that cannot be read, or
    that names channels which the files do not have.
    """
    n = len(distances)
    number = np.arange(n)
    frame = pd.DataFrame(
        {
            "fibre": fibre,
            "channel_index": number,
            "distance_m": distances.astype(float),
            "latitude": np.nan,
            "longitude": np.nan,
            "elevation_m": np.nan,
            "used": True,
            **cells("reason", []),
        }
    )
    _leave_out(frame, wanted)
    if wanted.table:
        _place_by_table(frame, Path(wanted.table))
    elif wanted.line:
        _place_on_line(frame, wanted.line)
    return frame


def _leave_out(frame: pd.DataFrame, wanted: Channels) -> None:
    number = frame["channel_index"]
    last = len(frame) - 1 if wanted.last is None else wanted.last
    _refuse(frame, (number < wanted.first) | (number > last), Code.NOT_FIRST_TO_LAST)
    _refuse(frame, number.isin(wanted.exclude), Code.EXCLUDED)
    if wanted.loop:
        inside = number[frame["used"]]
        turn = (int(inside.min()) + int(inside.max())) / 2 if len(inside) else 0
        _refuse(frame, frame["used"] & (number > turn), Code.LOOP_BACK)
    if not frame["used"].any():
        raise DataError(
            f"channels: no channel is left; the files have {len(frame)}, counted from 0"
        )


def _refuse(frame: pd.DataFrame, which: pd.Series, code: Code) -> None:
    new = which & frame["used"]
    for name, text in cells("reason", [Reason.of(code)]).items():
        frame.loc[new, name] = text
    frame.loc[new, "used"] = False


def _place_on_line(frame: pd.DataFrame, line: Line) -> None:
    along = frame["distance_m"].to_numpy()
    if line.spacing_m:
        along = frame["channel_index"].to_numpy() * line.spacing_m
        frame["distance_m"] = along
    latitude, longitude = shifted(line.latitude, line.longitude, line.azimuth_deg, along)
    frame["latitude"], frame["longitude"] = latitude, longitude
    frame["elevation_m"] = line.elevation_m


def _place_by_table(frame: pd.DataFrame, path: Path) -> None:
    table = read_table(path)
    beyond = table.index[table.index >= len(frame)]
    if len(beyond):
        raise DataError(
            f"channel table {path}: channel {beyond[0]} given; the files have {len(frame)}"
            " channels, counted from 0"
        )
    for name in table.columns:
        frame.loc[table.index, name] = table[name]


def read_table(path: Path) -> pd.DataFrame:
    """Positions by channel. Raises DataError with the line of what is wrong."""
    try:
        table = pd.read_csv(path, comment="#", skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise DataError(f"channel table {path}: {' '.join(str(error).split())}") from None
    missing = [name for name in _REQUIRED if name not in table]
    if missing:
        raise DataError(
            f"channel table {path}: missing columns: {', '.join(missing)}; required:"
            f" {', '.join(_REQUIRED)}; optional: distance_m"
        )
    names = [*_REQUIRED, *(["distance_m"] if "distance_m" in table else [])]
    for name in names:
        values = pd.to_numeric(table[name], errors="coerce")
        low = 0.0 if name == "channel" else -_LIMITS.get(name, np.inf)
        bad = ~np.isfinite(values) | (values < low) | (values > _LIMITS.get(name, np.inf))
        if bad.any():
            line = int(np.flatnonzero(bad)[0])
            raise DataError(
                f"channel table {path}, row {line + 1}: {name} is {str(table[name].iloc[line])!r}"
            )
        table[name] = values
    if table["channel"].duplicated().any():
        twice = table["channel"][table["channel"].duplicated()].iloc[0]
        raise DataError(f"channel table {path}: channel {twice:g} is listed twice")
    return table[names].astype({"channel": int}).set_index("channel")
