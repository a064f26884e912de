"""What the picks of an event, its location and its neighbours say of its source.

Levels are measured right after the picks, in bands, and stand in ratios alone: they need no
response, but the components of an instrument must have one gain.
Sources of the ideas: Taylor, S. R. et al. (1989), Bull. Seism. Soc. Am. 79, 1874-1892 (spectral
ratios); Kim, W.-Y. et al. (1993), Bull. Seism. Soc. Am. 83, 567-588 (high-frequency P/S);
Wiemer, S. and Baer, M. (2000), Bull. Seism. Soc. Am. 90, 523-530 (time of day).
"""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pandas as pd

from quakeline.core.geometry import LocalFrame
from quakeline.core.timeline import SECOND
from quakeline.io.formats.pick_tables import NO_WEIGHTS

#: Depths with larger errors tell nothing of a source: the rule weighs from 1 to 7 km.
UNRESOLVED_KM = 4.0
#: Local solar hours at which quarries work.
WORKING_H = (7.0, 19.0)
#: Sources this near, in km, are taken as one place, to the size of cells; it needs events on so
#: many days and nights to have a habit.
_PLACE_KM, _CELL_KM = 5.0, 1.0
_FEWEST_SPELLS = 6
#: A level counts when it is so many times that before the onset.
_ABOVE_NOISE = 1.5
_CODA_ABOVE = 2.0
_CODES = ["network", "station", "location", "instrument"]
_DAY_S = 86_400

NAMES = (
    "p_over_s",
    "low_over_high",
    "depth_km",
    "working_hours",
    "coda_s",
    "snr_db",
    "pairs",
    "rms_s",
    "pick_probability",
)


def features_of(
    events: pd.DataFrame, arrivals: pd.DataFrame, picks: pd.DataFrame, measurements: pd.DataFrame
) -> pd.DataFrame:
    """Features of EVENTS from their ARRIVALS, PICKS and MEASUREMENTS; NaN where unknown.

    Returns
    -------
    One row for each event, in their order, with the columns NAMES:

    p_over_s
        log10 of the high-band level after P (vertical) over that after S (horizontals, else
        vertical), median of the instruments with both picks.
    low_over_high
        log10 of the low-band over the high-band level after the onsets, median of the components.
    depth_km
        Depth below sea level; NaN where its stated error is more than `UNRESOLVED_KM`.
    working_hours
        How far the days and nights with events at one place are days, in standard deviations of
        chance; -2 at most for an event outside of working hours.
    coda_s
        Seconds after the last pick until the motion falls below twice the noise, median.
    snr_db, pick_probability
        Medians of the picks; probabilities of networks alone, since those of other programs have
        other scales.
    pairs
        Share of the instruments that have both P and S; NaN where no event has one of the two.
    rms_s
        Of the residuals.
    """
    columns = ["pick_id", *_CODES, "time", "snr_db", "probability", "weights_id"]
    joined = arrivals[["event_id", "pick_id", "phase"]].merge(picks[columns], on="pick_id")
    levels = measurements[measurements["pick_id"].isin(set(joined["pick_id"]))]
    table = events.set_index("event_id")
    result = pd.DataFrame(index=table.index)
    result["p_over_s"] = _p_over_s(joined, levels)
    result["low_over_high"] = _low_over_high(joined, levels)
    result["depth_km"] = _resolved(table)
    result["working_hours"] = working_hours(events)
    result["coda_s"] = _codas(joined, levels)
    by_event = joined.groupby("event_id")
    result["snr_db"] = by_event["snr_db"].median()
    result["pairs"] = _pairs(joined)
    result["rms_s"] = table["rms_s"].astype(float)
    of_networks = joined[joined["weights_id"] != NO_WEIGHTS]
    result["pick_probability"] = of_networks.groupby("event_id")["probability"].median()
    return result[list(NAMES)].astype(float)


def _resolved(events: pd.DataFrame) -> pd.Series:
    """Depths in km that are known well enough to tell anything; without a stated error as well."""
    depth: pd.Series = events["depth_km"].astype(float)
    return depth.mask(events["depth_sigma_km"].astype(float) > UNRESOLVED_KM)


def working_hours(events: pd.DataFrame) -> np.ndarray:
    """The feature `working_hours` of EVENTS, NaN where a place has too few days to tell.

    Days and nights count, not events: all aftershocks of an hour say as much as one of them.
    """
    if events.empty:
        return np.zeros(0)
    frame = LocalFrame.around(events["latitude"].to_numpy(), events["longitude"].to_numpy())
    x, y = frame.to_xy(events["latitude"].to_numpy(), events["longitude"].to_numpy())
    seconds = (events["time"].dt.as_unit("ns").astype("int64") // SECOND).to_numpy()
    days = seconds / _DAY_S + events["longitude"].to_numpy() / 360
    hours = days % 1 * 24
    at_work = (hours >= WORKING_H[0]) & (hours < WORKING_H[1])
    # Days are odd, nights even; a night belongs to the day on which it begins.
    spells = 2 * np.floor(days - WORKING_H[0] / 24).astype(np.int64) + at_work
    return _habits(np.column_stack([x, y]), spells)


def _habits(places: np.ndarray, spells: np.ndarray) -> np.ndarray:
    """How far places, (n, 2) in km, keep to days, from their days and nights (`spells`), (n,)."""
    corners = np.floor(places / _CELL_KM)
    cells, cell = np.unique(corners, axis=0, return_inverse=True)
    nights, days = _spells_near(cells * _CELL_KM, cell, spells)[:, cell]
    chance = (WORKING_H[1] - WORKING_H[0]) / 24
    near = nights + days
    excess = (days - chance * near) / np.sqrt(chance * (1 - chance) * near)
    told = np.where(spells % 2, excess, np.minimum(excess, -2.0))
    return np.where(near >= _FEWEST_SPELLS, told, np.nan)


def _spells_near(cells: np.ndarray, cell: np.ndarray, spells: np.ndarray) -> np.ndarray:
    """How many nights and days have events near each of some cells, (2, k); `cell` is of events."""
    from scipy.spatial import cKDTree

    tree = cKDTree(cells)
    count = np.zeros((2, len(cells)), dtype=np.int64)
    order = np.argsort(spells, kind="stable")
    for own in np.split(order, np.flatnonzero(np.diff(spells[order])) + 1):
        near = tree.query_ball_point(cells[np.unique(cell[own])], _PLACE_KM)
        count[spells[own[0]] % 2, np.unique(np.concatenate(near))] += 1
    return count


def _level(levels: pd.DataFrame, band: str) -> pd.Series:
    """Levels of a band where they stand out of the noise, else NaN."""
    level = levels[f"{band}_rms"].astype(float)
    return level.where(level > _ABOVE_NOISE * levels[f"{band}_noise"].astype(float))


def _p_over_s(joined: pd.DataFrame, levels: pd.DataFrame) -> pd.Series:
    high = levels.assign(high=_level(levels, "high"))[["pick_id", "component", "high"]]
    rows = joined.merge(high.dropna(), on="pick_id")
    vertical = rows["component"] == "Z"
    keys = ["event_id", *_CODES]
    p = rows[vertical & (rows["phase"] == "P")].groupby(keys)["high"].max()
    of_s = rows[rows["phase"] == "S"]
    horizontal = of_s[of_s["component"] != "Z"].groupby(keys)["high"].max()
    s = horizontal.combine_first(of_s[of_s["component"] == "Z"].groupby(keys)["high"].max())
    return (p / s).transform(np.log10).groupby("event_id").median()


def _low_over_high(joined: pd.DataFrame, levels: pd.DataFrame) -> pd.Series:
    ratio = np.log10(_level(levels, "low") / _level(levels, "high"))
    rows = joined.merge(levels[["pick_id"]].assign(ratio=ratio), on="pick_id")
    return rows.groupby("event_id")["ratio"].median()


def _pairs(joined: pd.DataFrame) -> pd.Series:
    phases = joined.groupby(["event_id", *_CODES])["phase"].nunique()
    both = (phases > 1).groupby("event_id").mean()
    return both if joined["phase"].nunique() > 1 else both * np.nan


def _codas(joined: pd.DataFrame, levels: pd.DataFrame) -> pd.Series:
    last = joined.sort_values(["time", "pick_id"]).groupby(["event_id", *_CODES]).tail(1)
    first = joined.sort_values(["time", "pick_id"]).groupby(["event_id", *_CODES]).head(1)
    noise = _noise(first.merge(levels, on="pick_id"))
    rows = last.merge(levels, on="pick_id")
    keys = ["event_id", *_CODES, "component"]
    rows["coda"] = [
        _coda(row, noise.get(tuple(getattr(row, key) for key in keys))) for row in rows.itertuples()
    ]
    return rows.groupby("event_id")["coda"].median()


def _noise(rows: pd.DataFrame) -> dict[Any, float]:
    """Level before the first pick of each instrument and component."""
    result: dict[Any, float] = {}
    row: Any  # mypy does not end on arithmetic of what pandas-stubs take a cell for
    for row in rows.itertuples():
        bins = np.asarray(row.rms, dtype=float)
        ends = row.first_bin_s + row.bin_s * (np.arange(len(bins)) + 1)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", RuntimeWarning)  # all bins are NaN: so is their median
            level = float(np.nanmedian(np.where(ends <= -row.bin_s, bins, np.nan)))
        key = tuple(getattr(row, name) for name in ["event_id", *_CODES, "component"])
        result[key] = level
    return result


def _coda(row: Any, noise: float | None) -> float:
    """Seconds after the onset until the first bin below twice the noise; NaN where unknown."""
    if noise is None or not noise > 0:
        return float("nan")
    bins = np.asarray(row.rms, dtype=float)
    starts = row.first_bin_s + row.bin_s * np.arange(len(bins))
    after = starts >= 0
    quiet = np.flatnonzero(~(bins[after] > _CODA_ABOVE * noise))
    at = int(quiet[0]) if len(quiet) else int(after.sum())
    cut = at < int(after.sum()) and np.isnan(bins[after][at])
    return float("nan") if cut else at * float(row.bin_s)
