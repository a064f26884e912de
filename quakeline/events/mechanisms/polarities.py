"""Events with the polarities of their first motions, and tables of anybody's polarities."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError, why_unread

#: What tables write for up, down and undecided, in capitals.
_UP, _DOWN = (
    {"U", "UP", "+", "C", "1", "1.0", "POSITIVE"},
    {"D", "DOWN", "-", "-1", "-1.0", "NEGATIVE"},
)
_UNKNOWN = {"", "N", "X", "?", "0", "0.0", "UNKNOWN", "UNDECIDABLE", "NAN"}
#: Origin times of one event differ by no more, in seconds.
_SAME_EVENT_S = 3.0
#: Events are of these years; nanoseconds reach little farther.
_YEARS = (1700, 2200)


@dataclass(frozen=True)
class PolarityEvent:
    """An event with its polarities.

    `polarities` has network, station, polarity (1: up, -1: down), weight above 0 to 1, and where
    they are known azimuth, takeoff (from down), azimuth_sigma, takeoff_sigma in degrees and
    distance_km, log_ratio of S/P amplitudes (polarity 0 where only that is known), and impulsive
    where analysts told such onsets from others. `covariance` of the hypocentre (east, north, down)
    is in km2 where it is known, else its standard deviations count.
    `time` is that of the origin, or None where a file has none. `own_id` is the event's own id
    where `event_id` is that of a composite.
    """

    event_id: str
    time: datetime | None
    latitude: float
    longitude: float
    depth_km: float
    horizontal_sigma_km: float
    depth_sigma_km: float
    polarities: pd.DataFrame = field(repr=False)
    covariance: np.ndarray | None = field(default=None, repr=False)
    own_id: str | None = None

    @property
    def covariance_km2(self) -> np.ndarray:
        """Covariance of the hypocentre, (3, 3)."""
        if self.covariance is not None:
            return self.covariance
        return np.diag(np.square([self.horizontal_sigma_km] * 2 + [self.depth_sigma_km]))


@dataclass(frozen=True)
class Matched:
    """Events of a catalog with polarities.

    `undecided` and `strange` are counts of rows without a polarity, and of events not there.
    """

    events: list[PolarityEvent]
    undecided: int
    strange: int


def of_catalog(path: Path, events: pd.DataFrame) -> Matched:
    """The polarities of a CSV table, with the events of a catalog (EVENTS) that they belong to.

    Columns are event_id or time (that of the origin, within 3 s), network, station, polarity (U or
    D, + or -, 1 or -1; anything undecided as N, X, ? or 0), and if there are any location,
    probability, which is that of the polarity being right, and sp_ratio, that of the amplitudes of
    S and P. Raises DataError.
    """
    table = _table(path)
    own = _events_of(path, table, events)
    sign = _signs(path, table["polarity"])
    probability = _probabilities(path, table)
    ratio = _ratios(path, table)
    usable = ((sign != 0) & (probability > 0.5)) | np.isfinite(ratio)
    sign = np.where(probability > 0.5, sign, 0)
    rows = pd.DataFrame(
        {
            "network": table["network"].fillna("").str.strip(),
            "station": table["station"].str.strip(),
            "location": table["location"].fillna("").str.strip() if "location" in table else "",
            "polarity": sign,
            "weight": np.where(sign != 0, 2 * probability - 1, 0.0),
            "log_ratio": ratio,
            "event_id": own,
        }
    )
    known = rows[usable & rows["event_id"].notna().to_numpy()]
    grouped = grouped_events(known, events)
    return Matched(grouped, int((~usable).sum()), int((usable & rows["event_id"].isna()).sum()))


def grouped_events(known: pd.DataFrame, events: pd.DataFrame) -> list[PolarityEvent]:
    """Events of EVENTS with their polarities, rows with event_id, in order of time."""
    place = {str(key): n for n, key in enumerate(events["event_id"])}
    grouped = [
        event_of(str(key), events.iloc[place[str(key)]], group.drop(columns="event_id"))
        for key, group in known.groupby("event_id", sort=False)
    ]
    return sorted(grouped, key=lambda event: str(event.time))


def event_of(event_id: str, row: pd.Series, polarities: pd.DataFrame) -> PolarityEvent:
    """An event of a catalog with its polarities, and its ellipsoid where there is one."""
    names = ["ee", "en", "ed", "nn", "nd", "dd"]
    ee, en, ed, nn, nd, dd = (float(row.get(f"cov_{name}_km2", np.nan)) for name in names)
    full = np.array([[ee, en, ed], [en, nn, nd], [ed, nd, dd]])
    wide, deep = (
        float(np.nan_to_num(float(row.get(name, np.nan))))
        for name in ("horizontal_sigma_km", "depth_sigma_km")
    )
    return PolarityEvent(
        event_id,
        pd.Timestamp(row["time"]),
        float(row["latitude"]),
        float(row["longitude"]),
        float(row["depth_km"]),
        wide,
        deep,
        polarities.reset_index(drop=True),
        full if np.isfinite(full).all() else None,
    )


def _table(path: Path) -> pd.DataFrame:
    try:
        table = pd.read_csv(path, dtype=str, skipinitialspace=True, comment="#")
    except (OSError, ValueError) as error:
        raise DataError(f"{path} is no table of polarities: {why_unread(error, path)}") from None
    table.columns = [str(name).strip().lower() for name in table.columns]
    absent = [name for name in ("network", "station", "polarity") if name not in table]
    if not {"event_id", "time"} & set(table.columns):
        absent.insert(0, "event_id (or time)")
    if absent:
        raise DataError(
            f"{path}: no column {', '.join(absent)}; needed are event_id or time, network, station"
            " and polarity"
        )
    if table["station"].isna().any():
        raise DataError(f"{path} line {_line(table['station'].isna())}: no station")
    return table


def _events_of(path: Path, table: pd.DataFrame, events: pd.DataFrame) -> pd.Series:
    """The id of each row's event in the catalog; null where it has none."""
    if "event_id" in table:
        ids = table["event_id"].str.strip()
        return ids.where(ids.isin(set(events["event_id"])))
    times = pd.to_datetime(table["time"], utc=True, format="ISO8601", errors="coerce")
    times = times.where(times.dt.year.between(*_YEARS))
    if times.isna().any():
        value = table["time"][times.isna()].iloc[0]
        raise DataError(f"{path} line {_line(times.isna())}: time {value!r} is no ISO 8601 time")
    known = events.sort_values("time")
    origin = known["time"].astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    given = times.astype("datetime64[ns, UTC]").astype("int64").to_numpy()
    if not len(origin):
        return pd.Series([None] * len(table), index=table.index, dtype=object)
    after = np.clip(np.searchsorted(origin, given), 1, max(len(origin) - 1, 1))
    both = np.stack([after - 1, np.minimum(after, len(origin) - 1)])
    apart = np.abs(origin[both] - given)
    nearest = both[apart.argmin(axis=0), np.arange(len(given))]
    ids = pd.Series(known["event_id"].to_numpy()[nearest], index=table.index, dtype=object)
    return ids.where(apart.min(axis=0) <= _SAME_EVENT_S * 1e9)


def _signs(path: Path, given: pd.Series) -> np.ndarray:
    words = given.fillna("").str.strip().str.upper()
    bad = ~words.isin(_UP | _DOWN | _UNKNOWN)
    if bad.any():
        raise DataError(
            f"{path} line {_line(bad)}: polarity {given[bad].iloc[0]!r}; allowed: U or D, + or -,"
            " 1 or -1, and N, X, ? or 0 for none"
        )
    return np.asarray(words.isin(_UP).astype(int) - words.isin(_DOWN).astype(int))


def _probabilities(path: Path, table: pd.DataFrame) -> np.ndarray:
    if "probability" not in table:
        return np.ones(len(table))
    values = pd.to_numeric(table["probability"], errors="coerce")
    given = table["probability"].notna() & (table["probability"].str.strip() != "")
    bad = given & ~values.between(0, 1)
    if bad.any():
        value = table["probability"][bad].iloc[0]
        raise DataError(f"{path} line {_line(bad)}: probability {value!r}; it must be in 0 to 1")
    return np.asarray(values.where(given, 1.0), dtype=float)


def _ratios(path: Path, table: pd.DataFrame) -> np.ndarray:
    """Logarithms (base 10) of the column sp_ratio; NaN where there is none."""
    if "sp_ratio" not in table:
        return np.full(len(table), np.nan)
    given = table["sp_ratio"].notna() & (table["sp_ratio"].str.strip() != "")
    values = pd.to_numeric(table["sp_ratio"], errors="coerce")
    bad = given & ~((values > 0) & np.isfinite(values))
    if bad.any():
        value = table["sp_ratio"][bad].iloc[0]
        raise DataError(f"{path} line {_line(bad)}: sp_ratio {value!r}; it must be above 0")
    return np.asarray(np.log10(values.where(given)), dtype=float)


def _line(bad: pd.Series) -> int:
    """The line of the first row that is meant, after a header of one line."""
    return int(bad.to_numpy().argmax()) + 2
