"""Where the channels of a fibre lie, and which of them are used."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError, why_unread
from quakeline.core.geometry import shifted
from quakeline.core.reasons import Code, Reason, cells
from quakeline.fibres.recordings.description import Channels, Line
from quakeline.io.formats.epochs import ALWAYS_NS, NEVER_NS, holding, overlap
from quakeline.io.formats.projected import with_degrees
from quakeline.io.formats.station_list import absurd
from quakeline.io.formats.swapped import off_the_globe
from quakeline.io.products.remarks import some

logger = logging.getLogger("quakeline")

#: So many columns of a table that lacks others are named.
_NAMED = 6

_REQUIRED = ("channel", "latitude", "longitude", "elevation_m")
_LIMITS = {"channel": 1e9, "latitude": 90.0, "longitude": 180.0, "elevation_m": 12_000.0}


def describe(fibre: str, wanted: Channels, distances: np.ndarray, time_ns: int = 0) -> pd.DataFrame:
    """The channels of a fibre, one row each (FIBRE_CHANNELS).

    `distances` are those of the files, in m; `time_ns` says of which time, where a table tells
    epochs. A channel whose place cannot be true beside the others has none, which the log says.
    Raises DataError for a table that cannot be read, or that names channels which the files do not
    have.
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
        _place_by_table(frame, Path(wanted.table), time_ns)
        _leave_unplaced(frame)
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


def _leave_unplaced(frame: pd.DataFrame) -> None:
    """Take away places that cannot be true, as 0 N 0 E of a channel that nobody placed."""
    placed = frame[frame["latitude"].notna()]
    if len(placed) < 2:
        return
    named = placed[["latitude", "longitude"]].assign(
        network=placed["fibre"], station=placed["channel_index"].astype(str)
    )
    far = absurd(named)
    for doubt in list(far.values())[:4]:
        logger.warning("channels: %s", doubt)
    names = named["network"] + "." + named["station"]
    frame.loc[names.index[names.isin(list(far))], ["latitude", "longitude", "elevation_m"]] = np.nan


def _place_by_table(frame: pd.DataFrame, path: Path, time_ns: int) -> None:
    table = _at(read_table(path), time_ns, path)
    beyond = table.index[table.index >= len(frame)]
    if len(beyond):
        raise DataError(
            f"channel table {path}: channel {beyond[0]} given; the files have {len(frame)}"
            " channels, counted from 0"
        )
    for name in table.columns:
        frame.loc[table.index, name] = table[name]


def read_table(path: Path) -> pd.DataFrame:
    """Positions by channel, with `start` and `end` of epochs where the table has them.

    Raises DataError with the line of what is wrong.
    """
    try:
        table = pd.read_csv(path, comment="#", skipinitialspace=True)
    except (OSError, ValueError) as error:
        raise DataError(f"channel table {path}: {why_unread(error, path)}") from None
    if "latitude" not in table:
        named = table.rename(columns=lambda name: str(name).strip().lower())
        named = named.set_axis(range(1, len(named) + 1))
        placed = with_degrees(named, f"channel table {path}")
        table = table if placed is named else placed.reset_index(drop=True)
    missing = [name for name in _REQUIRED if name not in table]
    if missing:
        raise DataError(
            f"channel table {path}: missing columns: {', '.join(missing)}; it has"
            f" {some(map(str, table.columns), _NAMED)}; required: {', '.join(_REQUIRED)}, in"
            " degrees and metres (or easting, northing, epsg); optional: distance_m, start, end"
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
                + (off_the_globe(table[name], table["longitude"]) if name == "latitude" else "")
            )
        table[name] = values
    epochs = [name for name in ("start", "end") if name in table]
    for name in epochs:
        table[name] = _times(table[name], name, path)
    again = table.duplicated(["channel", *epochs])
    if again.any():
        twice = table["channel"][again].iloc[0]
        raise DataError(f"channel table {path}: channel {twice:g} is listed twice")
    return table[[*names, *epochs]].astype({"channel": int}).set_index("channel")


def _times(given: pd.Series, name: str, path: Path) -> pd.Series:
    times = pd.to_datetime(given, errors="coerce", utc=True, format="ISO8601")
    bad = times.isna() & given.notna()
    if bad.any():
        line = int(np.flatnonzero(bad)[0])
        raise DataError(
            f"channel table {path}, row {line + 1}: {name} is {str(given.iloc[line])!r}; allowed:"
            " an ISO 8601 time or nothing"
        )
    return times.astype("datetime64[ns, UTC]")


def _at(table: pd.DataFrame, time_ns: int, path: Path) -> pd.DataFrame:
    """One row for each channel: the newest epoch at a time (see `quakeline.io.formats.epochs`)."""
    if not {"start", "end"} & set(table.columns):
        return table
    start, end = (
        np.asarray(table[name].astype("int64").where(table[name].notna(), open_ns))
        if name in table
        else np.full(len(table), open_ns)
        for name, open_ns in (("start", NEVER_NS), ("end", ALWAYS_NS))
    )
    chosen, odd = [], []
    for channel, rows in pd.Series(range(len(table))).groupby(table.index.to_numpy()):
        own = rows.to_numpy()
        number = int(holding(start[own], end[own], np.array([time_ns]))[0])
        chosen.append(own[number])
        if overlap(list(zip(start[own].tolist(), end[own].tolist(), strict=True))):
            odd.append(channel)
    if odd:
        logger.warning(
            "channel table %s: epochs overlap, an older one is not closed: channel %s, %d in all:"
            " the newest counts",
            path,
            odd[0],
            len(odd),
        )
    return table.iloc[chosen].drop(columns=["start", "end"], errors="ignore")
