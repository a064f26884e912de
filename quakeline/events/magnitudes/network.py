"""Magnitudes of stations to magnitudes of events, and corrections of stations."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason, cells, counts_of, reasons_in
from quakeline.core.schemas import MAGNITUDE_CORRECTIONS
from quakeline.events.magnitudes.formulas import Formula
from quakeline.io.formats.codes import normal
from quakeline.io.formats.csv_cells import read_cells
from quakeline.io.products import tables

#: Median absolute deviation of a normal distribution to its standard deviation.
MAD_TO_SIGMA = 1.4826
#: Columns of reasons in tables of stations: in words, and as codes.
REASON = tuple(cells("reason", []))
_STATION = ["network", "station"]
_ROUNDS = 20
#: Residuals say something of a station only in events with this many.
_FEWEST_STATIONS = 3


@dataclass(frozen=True)
class Corrections:
    """Added to a station's magnitudes, by (network, station), and where they are from."""

    values: dict[tuple[str, str], float]
    sources: dict[tuple[str, str], str]

    @classmethod
    def none(cls) -> Corrections:
        """No corrections."""
        return cls({}, {})

    @classmethod
    def read(cls, path: Path) -> Corrections:
        """Corrections of a table with columns network, station, correction.

        CSV, or the corrections.parquet of a run. Raises DataError for a file that is none.
        """
        if path.suffix == ".parquet":
            frame = tables.read(path, MAGNITUDE_CORRECTIONS).query("source != 'none'")
        else:
            frame = read_cells(path, "table of magnitude corrections")
        missing = sorted({*_STATION, "correction"} - set(frame.columns))
        if missing:
            raise DataError(f"magnitude.corrections: {path} has no column {', '.join(missing)}")
        numbers = pd.to_numeric(frame["correction"], errors="coerce")
        if not np.isfinite(numbers).all():
            line = frame.index[~np.isfinite(numbers)][0]
            given = frame.loc[line, "correction"]
            raise DataError(
                f"magnitude.corrections: {path} line {line}: correction {given!r} is no number"
            )
        keys = list(zip(*(frame[name].map(normal) for name in _STATION), strict=True))
        values = dict(zip(keys, numbers.astype(float), strict=True))
        return cls(values, dict.fromkeys(values, "table"))

    def of(self, rows: pd.DataFrame) -> np.ndarray:
        """The correction of each row's station; zero where none is known."""
        keys = zip(rows["network"], rows["station"], strict=True)
        return np.array([self.values.get(key, 0.0) for key in keys])


def with_magnitudes(
    stations: pd.DataFrame, formula: Formula, range_km: tuple[float, float]
) -> pd.DataFrame:
    """Add uncorrected magnitudes to rows of `amplitudes.stations_of`, one for each station.

    A distance outside the range, or a second instrument of a station, is a reason for none.
    """
    rows = stations.copy()
    distance = rows["epicentral_km" if formula.epicentral else "distance_km"].astype(float)
    low, high = range_km
    outside = rows["reason"].isna() & ~distance.between(low, high)
    _refuse(rows, outside, Reason.of(Code.OUTSIDE_SCALE, low_km=low, high_km=high))
    best = rows[rows["reason"].isna()].sort_values("snr", ascending=False, kind="stable")
    again = best.index[best.duplicated(["event_id", *_STATION])]
    _refuse(rows, rows.index.isin(again), Reason.of(Code.OTHER_INSTRUMENT))
    good = rows["reason"].isna()
    amplitude = rows["wood_anderson_mm"].astype(float).where(good)
    rows["magnitude"] = formula.magnitude(amplitude.to_numpy(), distance.where(good).to_numpy())
    return rows


def _refuse(rows: pd.DataFrame, which: pd.Series | np.ndarray, reason: Reason) -> None:
    for name, text in cells("reason", [reason]).items():
        rows.loc[which, name] = text


def estimated(rows: pd.DataFrame, given: Corrections, min_events: int) -> Corrections:
    """Corrections that make the residuals of each station zero in the median.

    Medians of events and of stations are taken in turns; the estimated corrections have zero mean,
    so that the level of the scale stays. Stations that `given` has keep theirs.
    Source: median polish, Tukey, J. W. (1977), Exploratory Data Analysis, Addison-Wesley.
    """
    good = rows[rows["magnitude"].notna()]
    sizes = good.groupby("event_id")["magnitude"].transform("size")
    good = good[sizes >= _FEWEST_STATIONS]
    counts = good.groupby(_STATION).size()
    enough = [(str(key[0]), str(key[1])) for key in counts.index[counts >= min_events]]
    free = [key for key in enough if key not in given.values]
    if not free:
        return given
    values: dict[tuple[str, str], float] = {**given.values, **dict.fromkeys(free, 0.0)}
    for _ in range(_ROUNDS):
        values = _polished(good, values, free)
    return Corrections(values, {**given.sources, **dict.fromkeys(free, "estimated")})


def _polished(
    good: pd.DataFrame, values: dict[tuple[str, str], float], free: list[tuple[str, str]]
) -> dict[tuple[str, str], float]:
    """One turn of the median polish: corrections after it."""
    now = good.assign(magnitude=good["magnitude"].to_numpy() + Corrections(values, {}).of(good))
    residuals = _residuals(now).groupby([now[name] for name in _STATION]).median().to_dict()
    turned = {key: values[key] - float(residuals[key]) for key in free}
    level = float(np.mean(list(turned.values())))
    return {**values, **{key: value - level for key, value in turned.items()}}


def corrected(rows: pd.DataFrame, corrections: Corrections) -> pd.DataFrame:
    """Station magnitudes with corrections added."""
    added = corrections.of(rows)
    has = rows["magnitude"].notna()
    return rows.assign(correction=np.where(has, added, np.nan), magnitude=rows["magnitude"] + added)


def of_events(
    events: pd.DataFrame, rows: pd.DataFrame, kind: str, min_stations: int
) -> pd.DataFrame:
    """Fill the magnitudes of EVENTS: median of the stations, MAD as a sigma, or why none."""
    by_event = dict(iter(rows.groupby("event_id")))
    found = [of_event(by_event.get(event), min_stations) for event in events["event_id"]]
    names = {name: f"magnitude_{name}" for name in ("sigma", "stations", "note", "note_codes")}
    names["value"] = "magnitude"
    columns = pd.DataFrame(found, index=events.index, columns=list(names)).rename(columns=names)
    columns["magnitude_type"] = pd.Series(kind, index=events.index).where(
        columns["magnitude"].notna(), None
    )
    kept = events.drop(columns=list(columns), errors="ignore")
    return pd.concat([kept, columns], axis=1)


def of_event(rows: pd.DataFrame | None, min_stations: int) -> dict[str, object]:
    """Median, MAD as a sigma, number of stations, or in `note` why there is none.

    `rows` has the columns magnitude and REASON, a row for each station.
    """
    empty: dict[str, object] = {"value": np.nan, "sigma": np.nan, "stations": None}
    if rows is None or rows.empty:
        return {**empty, **cells("note", [Reason.of(Code.NO_ARRIVALS)])}
    values = rows["magnitude"].dropna().to_numpy(dtype=float)
    if len(values) < min_stations:
        why = counts_of(reasons_of(rows[rows["magnitude"].isna()]))
        if len(values):
            few = Reason.of(Code.FEW_STATIONS, stations=len(values), needed=min_stations)
            why = [few, *why]
        return {**empty, **cells("note", why)}
    median = float(np.median(values))
    spread = MAD_TO_SIGMA * float(np.median(np.abs(values - median)))
    return {
        "value": median,
        "sigma": spread if len(values) > 1 else np.nan,
        "stations": len(values),
        **cells("note", []),
    }


def reasons_of(rows: pd.DataFrame) -> list[Reason]:
    """The reasons in the columns REASON, those of each row."""
    pairs = zip(*(rows[name] for name in REASON), strict=True)
    return [reason for text, codes in pairs for reason in reasons_in(text, codes)]


def table_of(rows: pd.DataFrame, corrections: Corrections) -> pd.DataFrame:
    """MAGNITUDE_CORRECTIONS: every station with magnitudes or a correction, and its residuals."""
    good = rows[rows["magnitude"].notna()].copy()
    good["residual"] = _residuals(good)
    groups = {(str(a), str(b)): part["residual"] for (a, b), part in good.groupby(_STATION)}
    result = []
    for key in sorted({*groups, *corrections.values}):
        residual = groups.get(key, pd.Series(dtype=float))
        median = residual.median()
        result.append(
            {
                "network": key[0],
                "station": key[1],
                "correction": corrections.values.get(key, 0.0),
                "n_events": len(residual),
                "median_residual": median,
                "mad": MAD_TO_SIGMA * (residual - median).abs().median(),
                "source": corrections.sources.get(key, "none"),
            }
        )
    return pd.DataFrame(result)


def _residuals(rows: pd.DataFrame) -> pd.Series:
    """Station magnitudes minus the median of their event."""
    return rows["magnitude"] - rows.groupby("event_id")["magnitude"].transform("median")
