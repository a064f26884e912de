"""Tables of picks from anybody: CSV or Parquet, with the column names of common programs."""

from __future__ import annotations

import logging
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError
from quakeline.core.reasons import Code, Reason, packed
from quakeline.core.schemas import PICKS
from quakeline.core.timeline import SECOND
from quakeline.io.formats.codes import clash, normal
from quakeline.io.formats.csv_cells import read_cells
from quakeline.io.formats.parquet_cells import is_parquet, own_name, read_frame
from quakeline.io.formats.phasenet_lists import lengthened
from quakeline.io.formats.pick_errors import require_errors
from quakeline.io.formats.probabilities import as_shares, percent_column
from quakeline.io.products import tables

logger = logging.getLogger("quakeline")

#: Id of the weights of picks whose table does not say what made them.
NO_WEIGHTS = "none"
#: What stands as the network of picks that a person made.
MANUAL = "manual"
#: Seconds since 1970 that int64 nanoseconds hold.
_LATEST_S = 2**63 / SECOND
#: Times of a table are apart by this at most, in seconds, where picks are not to collapse.
_PRECISION_S = 0.001
#: Names under which programs write a column, the first one found counts: ours, PyOcto, SeisBench,
#: PhaseNet, GaMMA, QuakeFlow, EQTransformer.
_NAMES = {
    "station": ("station", "station_id", "id", "trace_id", "sta", "station_code"),
    "network": ("network", "net", "network_code"),
    "location": ("location", "loc", "location_code"),
    "channel": ("channel", "chan", "cha", "channel_code"),
    "phase": ("phase", "phase_type", "type", "phase_hint", "label"),
    "time": ("time", "phase_time", "peak_time", "pick_time", "timestamp", "begin_time"),
    "probability": ("probability", "phase_score", "prob", "peak_value", "score", "phase_prob"),
    "time_sigma_s": ("time_sigma_s", "time_error", "uncertainty"),
    "amplitude_m_s": ("amplitude_m_s", "phase_amplitude", "amplitude", "amp"),
    "pick_id": ("pick_id",),
}
#: Columns of PICKS that a table may have as well, and their types. To which event a pick belonged
#: is forgotten: that is what shall be found.
_FURTHER = {c.name: c.type for c in PICKS.columns if c.name not in {*_NAMES, "event_id"}}
_REQUIRED = ("station", "phase", "time")
#: Depth phases, those of the core and along it, reflections, conversions: no model here predicts
#: their times.
_NOT_DIRECT = r"[ps][PS]|[PS](?:[PSKI'\u2032]|[ci]P|[cim]S|mP|dif|\d+P|\d+S)"
#: Names of phases that a line has at most.
_MOST_NAMED = 6
#: Under this name `DataFrame.attrs` of a table says why rows of it are left out (`reasons.packed`).
LEFT_OUT = "left_out"
#: Offsets of PhaseNet's older tables: `begin_time` and samples or seconds after it.
_OFFSETS = ("phase_index", "phase_time_s")


def read(
    path: Path, *, sampling_rate_hz: float = 100.0, fibres: frozenset[str] = frozenset()
) -> pd.DataFrame:
    """Read a CSV file, or a Parquet file of quakeline or anybody, as the table PICKS.

    See `of_frame`. Raises DataError also where the file cannot be read.
    """
    if own_name(path, "picks") == PICKS.name:
        return _of_ours(tables.read(path, PICKS), fibres, path)
    cells = read_frame if is_parquet(path) else read_cells
    return of_frame(cells(path, "picks"), path, sampling_rate_hz=sampling_rate_hz, fibres=fibres)


def of_frame(
    frame: pd.DataFrame,
    path: Path | str,
    *,
    sampling_rate_hz: float = 100.0,
    fibres: frozenset[str] = frozenset(),
) -> pd.DataFrame:
    """Anybody's table of picks as the table PICKS.

    A station is a code, NET.STA, NET.STA.LOC or NET.STA.LOC.CHAN, or has its other codes in columns
    of their own; a phase begins with P or S; a
    time is ISO 8601 in UTC or seconds since 1970. Rows of other phases are left out, with a
    warning: depth phases (pP, sP), those of the core and reflections (PKP, ScS, PmP), surface
    waves, amplitudes; `attrs[LEFT_OUT]` of what is returned says why. Probability, error and
    amplitude may lack. `phase_index` counts samples after `begin_time`; a row may hold lists of
    picks, see `phasenet_lists`. Further columns of PICKS
    are kept, so that what `quakeline pick` writes is the same as CSV and as Parquet.

    Parameters
    ----------
    frame, path
        The table, its columns in lower case, and what messages call it.
    sampling_rate_hz
        Rate that `phase_index` counts in.
    fibres
        Names of fibres, which are no codes and stay as they are written.

    Raises
    ------
    DataError
        The table lacks a column, a row of it makes no sense, no row is of P or S, or only capital
        letters tell two stations apart.
    """
    if list(frame.columns) == PICKS.names and _is_typed(frame):
        return _of_ours(frame, fibres, path)
    frame = lengthened(frame, path)
    found = {name: _first(frame, words) for name, words in _NAMES.items()}
    percent = percent_column(frame.columns) if found["probability"] is None else None
    found["probability"] = found["probability"] or percent
    missing = [name for name in _REQUIRED if found[name] is None]
    if missing:
        allowed = "; ".join(f"{name}: {', '.join(_NAMES[name])}" for name in missing)
        raise DataError(
            f"picks {path}: columns {', '.join(map(str, frame.columns))} given; missing: {allowed}"
        )
    frame, left_out = _of_direct_phases(frame, str(found["phase"]), path)
    values = {name: frame[column] for name, column in found.items() if column is not None}
    picks = pd.DataFrame(_codes(values), index=frame.index)
    picks["phase"] = _direct(values["phase"])
    _require(picks["station"] != "", "station", values["station"], path)
    picks["time"] = _times(values["time"], _offset(frame, sampling_rate_hz), path)
    picks["probability"] = _probabilities(values, path, percent=percent is not None)
    for name in ("time_sigma_s", "amplitude_m_s"):
        picks[name] = _number(values, name, np.nan, path)
    require_errors(picks["time_sigma_s"], path)
    picks = picks.assign(source="waveform", model="table", weights_id=NO_WEIGHTS)
    picks = picks.assign(**_further(frame, picks, path))
    finished = _finished(_with_normal_codes(picks, fibres, path), values)
    finished.attrs[LEFT_OUT] = left_out
    return finished


def _direct(names: pd.Series) -> pd.Series:
    """P or S for each name of a phase, "" where it is neither of a local earthquake."""
    text = names.fillna("").astype(str).str.strip()
    letters = text.str[:1].str.upper()
    return letters.where(letters.isin(["P", "S"]) & ~text.str.match(_NOT_DIRECT), "")


def _of_direct_phases(
    frame: pd.DataFrame, column: str, path: Path | str
) -> tuple[pd.DataFrame, str]:
    """The rows of P and S, and why others are left out. Raises DataError where none is left."""
    good = _direct(frame[column]) != ""
    if good.all():
        return frame, ""
    if not good.any():
        _require(good, "phase", frame[column], path)
    counts = frame.loc[~good, column].fillna("").astype(str).str.strip().value_counts()
    named = [f"{name or 'none given'} ({n})" for name, n in counts.items()]
    more = f" and {len(named) - _MOST_NAMED} more" if len(named) > _MOST_NAMED else ""
    phases = ", ".join(named[:_MOST_NAMED]) + more
    reason = Reason.of(Code.PICKS_OTHER_PHASES, (~good).sum(), of=len(frame), phases=phases)
    logger.warning("picks %s: %s", path, reason)
    return frame[good], packed([reason])


def _of_ours(picks: pd.DataFrame, fibres: frozenset[str], path: Path | str) -> pd.DataFrame:
    """PICKS as they enter, with normal codes and of no event."""
    picks, left_out = _of_direct_phases(picks, "phase", path)
    picks = picks.assign(probability=as_shares(picks["probability"], path))
    ours = _conformed(_with_normal_codes(picks.drop(columns="event_id"), fibres, path))
    ours.attrs[LEFT_OUT] = left_out
    return ours


def _is_typed(frame: pd.DataFrame) -> bool:
    """Whether a table with the columns of PICKS has its times as times, and is no table of text."""
    return isinstance(frame["time"].dtype, pd.DatetimeTZDtype)


def _with_normal_codes(
    picks: pd.DataFrame, fibres: frozenset[str], path: Path | str
) -> pd.DataFrame:
    """Picks with the codes of seismometers in their normal form."""
    of_fibres = (picks["source"] == "das") | picks["network"].isin(fibres)
    found = clash((picks["network"] + "." + picks["station"])[~of_fibres].unique())
    if found:
        raise DataError(
            f"picks {path}: only capital letters tell {found[0]} and {found[1]} apart, and codes"
            " are read as capitals: give one of them another code"
        )
    codes = {
        name: picks[name].where(of_fibres, picks[name].map(normal))
        for name in ("network", "station", "location", "instrument")
    }
    return picks.assign(**codes)


def _first(frame: pd.DataFrame, words: tuple[str, ...]) -> str | None:
    return next((word for word in words if word in frame.columns), None)


def _codes(values: dict[str, pd.Series]) -> dict[str, pd.Series]:
    """Network, station, location and instrument from a station's name in any of its forms."""
    names = values["station"].astype(str).str.strip()
    words = [(name.split(".") + [""] * 4) for name in names]
    dotted = names.str.contains(".", regex=False)

    def part(place: int) -> pd.Series:
        return pd.Series([word[place] for word in words], index=names.index, dtype=object)

    words_of = {"network": _text, "location": _location}
    given = {name: text(values[name]) for name, text in words_of.items() if name in values}
    blank = pd.Series("", index=names.index)
    network = part(0).where(dotted, given.get("network", blank))
    station = part(1).where(dotted, part(0))
    location = part(2).where(names.str.count(r"\.") > 1, given.get("location", blank))
    return {
        "network": network,
        "station": station,
        "location": location,
        "instrument": part(3).where(part(3) != "", _channel(values, blank)).str[:2],
    }


def _text(codes: pd.Series) -> pd.Series:
    return codes.fillna("").astype(str).str.strip()


def _channel(values: dict[str, pd.Series], blank: pd.Series) -> pd.Series:
    """Codes of channels or instruments, HHZ or HH; of anything else, as a component Z, none."""
    codes = _text(values["channel"]) if "channel" in values else blank
    return codes.where(codes.str.fullmatch(r"[A-Za-z][A-Za-z][A-Za-z0-9?*]?"), "")


def _location(codes: pd.Series) -> pd.Series:
    """Locations; those that became numbers on the way get their two digits back."""
    if pd.api.types.is_numeric_dtype(codes):
        return codes.map(lambda code: "" if pd.isna(code) else f"{int(code):02d}")
    return _text(codes)


def _offset(frame: pd.DataFrame, rate_hz: float) -> pd.Series | None:
    """Seconds after `begin_time`, where that is the only time of a table."""
    times = [name for name in _NAMES["time"] if name in frame.columns]
    if times[0] != "begin_time":
        return None
    for name, unit in zip(_OFFSETS, (rate_hz, 1.0), strict=True):
        if name in frame.columns:
            return pd.to_numeric(frame[name], errors="coerce") / unit
    return None


def _times(given: pd.Series, offset: pd.Series | None, path: Path | str) -> pd.Series:
    numbers = pd.to_numeric(given.astype(str), errors="coerce")
    if isinstance(given.dtype, pd.DatetimeTZDtype) or given.dtype.kind == "M":
        times = pd.to_datetime(given, utc=True)
    elif numbers.notna().all():
        _require(numbers.abs() < _LATEST_S, "time", given, path)
        _require_precision(given, numbers, path)
        whole = np.floor(numbers)
        rest = ((numbers - whole) * SECOND).round().astype("int64")
        times = pd.to_datetime(whole.astype("int64") * SECOND + rest, unit="ns", utc=True)
    else:
        text = given.astype(str).str.replace(",", ".", regex=False)  # ISO 8601 has both
        times = pd.to_datetime(text, utc=True, format="ISO8601", errors="coerce")
        _refuse_mixture(numbers, times, given, path)
    if offset is not None:
        times = times + pd.to_timedelta(offset, unit="s")
    _require(times.notna(), "time", given, path)
    reached = (times >= pd.Timestamp.min.tz_localize("UTC")) & (
        times <= pd.Timestamp.max.tz_localize("UTC")
    )
    _require(reached, "time", given, path)
    return times.astype("datetime64[ns, UTC]")


def _refuse_mixture(
    numbers: pd.Series, times: pd.Series, given: pd.Series, path: Path | str
) -> None:
    """Refuse a column where some times are seconds since 1970, and others ISO 8601."""
    seconds, dates = numbers.notna() & times.isna(), times.notna()
    if seconds.any() and dates.any():
        one, other = seconds.index[seconds][0], dates.index[dates][0]
        raise DataError(
            f"picks {path}: time is {given[other]!r} in row {other}, {given[one]!r} in row {one};"
            " allowed: ISO 8601, or seconds since 1970, the same in all rows"
        )


def _require_precision(given: pd.Series, seconds: pd.Series, path: Path | str) -> None:
    """Refuse seconds since 1970 that have gone through 32-bit floats: these are 128 s apart."""
    largest = float(seconds.abs().max()) if len(seconds) else 0.0
    narrow = given.dtype in (np.float32, np.float16)
    coarse = largest > 2**30 and len(seconds) > 3 and bool((seconds % 64 == 0).all())
    if coarse or (narrow and np.spacing(np.float32(largest)) > _PRECISION_S):
        raise DataError(
            f"picks {path}: time: seconds since 1970 in 32-bit floats given, which are"
            f" {np.spacing(np.float32(largest)):g} s apart; allowed: 64-bit floats, or ISO 8601"
        )


def _probabilities(values: dict[str, pd.Series], path: Path | str, *, percent: bool) -> pd.Series:
    """Probabilities of a table as shares; 1 where there is none."""
    if "probability" in values:
        text = values["probability"].astype(str).str.strip()
        signed = text.str.endswith("%")
        if len(text) and signed.all():
            percent = True
            values = {**values, "probability": text.str.removesuffix("%")}
    numbers = _number(values, "probability", np.nan, path)
    return as_shares(numbers, path, percent=percent).fillna(1.0)


def _number(values: dict[str, pd.Series], name: str, default: float, path: Path | str) -> pd.Series:
    if name not in values:
        return pd.Series(default, index=values["time"].index)
    given = values[name]
    numbers = pd.to_numeric(given, errors="coerce")
    empty = given.isna() | (given.astype(str).str.strip() == "")
    _require(numbers.notna() | empty, name, given, path)
    return numbers.fillna(default).astype(float)


def _further(frame: pd.DataFrame, picks: pd.DataFrame, path: Path | str) -> dict[str, pd.Series]:
    """The columns of PICKS that a table has beside those of a bare pick."""
    columns: dict[str, pd.Series] = {}
    for name, kind in _FURTHER.items():
        if name not in frame:
            continue
        given = frame[name]
        if kind == "string":
            text = given.fillna("").astype(str).str.strip()
            columns[name] = text.where(text != "", picks.get(name))
        else:
            numbers: pd.Series = _number({"time": given, name: given}, name, np.nan, path)
            columns[name] = numbers.astype("Int64") if kind == "int" else numbers
    if "source" in columns:  # other programs may mean something else by it
        columns["source"] = columns["source"].where(columns["source"] == "das", "waveform")
    return columns


def _require(good: pd.Series, name: str, given: pd.Series, path: Path | str) -> None:
    if not good.all():
        row = good.index[~good][0]
        kinds = {
            "phase": "P or S, or a name that begins so; no depth or core phases, no reflections",
            "time": "ISO 8601, or seconds since 1970",
            "station": "a code",
        }
        raise DataError(
            f"picks {path}, row {row}: {name} is {given[row]!r}; allowed:"
            f" {kinds.get(name, 'a number or nothing')}"
        )


def _finished(picks: pd.DataFrame, values: dict[str, pd.Series]) -> pd.DataFrame:
    """Ids from codes, phase and time, unless the table has its own; repeats are dropped."""
    codes = picks["network"] + "." + picks["station"] + "." + picks["location"]
    own = codes + "/" + picks["phase"] + "/" + picks["time"].astype("int64").astype(str)
    picks["pick_id"] = values["pick_id"].astype(str) if "pick_id" in values else own
    picks = picks.sort_values(["time", "pick_id"])
    repeated = picks["pick_id"].duplicated()
    if repeated.any():
        logger.warning("picks: %d repeated rows are left out", repeated.sum())
    picks = picks[~repeated]
    return _conformed(picks.reset_index(drop=True))


def _conformed(picks: pd.DataFrame) -> pd.DataFrame:
    frame: pd.DataFrame = tables.conform(picks, PICKS).to_pandas()
    return frame


def with_networks(picks: pd.DataFrame, stations: pd.DataFrame) -> pd.DataFrame:
    """Give picks without a network code that of the one station of their name."""
    blank = picks["network"] == ""
    known = stations[["network", "station"]].drop_duplicates()
    twice = sorted(set(known.loc[known["station"].duplicated(), "station"]))
    unclear = sorted(set(picks.loc[blank, "station"]) & set(twice))
    if unclear:
        raise DataError(
            f"picks: station {unclear[0]} is in several networks; write NETWORK.STATION"
        )
    networks = known.drop_duplicates("station").set_index("station")["network"]
    found = picks["station"].map(networks).fillna("")
    return picks.assign(network=picks["network"].where(~blank, found))
