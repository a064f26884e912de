"""PhaseNet's tables with a row for each window of data, whose cells are lists of picks.

PhaseNet wrote them until 2022: `fname, t0, p_idx, p_prob, s_idx, s_prob`, before that `fname, itp,
tp_prob, its, ts_prob` without times (Zhu & Beroza, 2019, doi:10.1093/gji/ggy423).
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from quakeline.core.errors import DataError

#: Sample and probability of each phase, by the names of both forms.
_LISTS = (
    {"P": ("p_idx", "p_prob"), "S": ("s_idx", "s_prob")},
    {"P": ("itp", "tp_prob"), "S": ("its", "ts_prob")},
)
_STATIONS = ("station_id", "station", "id")
#: How names of files begin that tell the station: NET.STA, and perhaps LOC.CHA behind it.
_FILE = re.compile(
    r"[A-Z0-9]{1,2}\.[A-Z0-9]{1,5}(?=[._]|$)(?:\.(?:[A-Z0-9]{2})?\.[A-Z][A-Z0-9]{1,2}(?=[._]|$))?"
)


def lengthened(frame: pd.DataFrame, path: Path | str) -> pd.DataFrame:
    """A table of lists with a row for each pick; any other table as it is.

    Its columns are those of PhaseNet's present form: station_id, begin_time, phase_index (samples
    after it), phase_score, phase_type. Where no column names the station the name of the file does.
    Columns of `frame` are in lower case; `path` is what messages call it.

    Raises
    ------
    DataError
        The table has no `t0`, a name of a file tells no station, or a cell holds no list of numbers
        or as many samples as probabilities.
    """
    names = next((one for one in _LISTS if _columns(one) <= set(frame.columns)), None)
    if names is None:
        return frame
    if "t0" not in frame.columns:
        raise DataError(
            f"picks {path}: samples in {names['P'][0]} given without t0, the time of the first one;"
            " allowed: PhaseNet's tables with t0 or begin_time"
        )
    rows, numbers = [], []
    stations = _stations(frame, path)
    for number, station, row in zip(frame.index, stations, frame.to_dict("records"), strict=True):
        for phase, (samples, shares) in names.items():
            at, probable = (_numbers(row[name], name, number, path) for name in (samples, shares))
            if len(at) != len(probable):
                raise DataError(
                    f"picks {path}: row {number}: {len(at)} values in {samples},"
                    f" {len(probable)} in {shares}"
                )
            rows += [
                (station, row["t0"], one, share, phase)
                for one, share in zip(at, probable, strict=True)
            ]
            numbers += [number] * len(at)
    columns = ["station_id", "begin_time", "phase_index", "phase_score", "phase_type"]
    return pd.DataFrame(rows, index=numbers, columns=columns)


def _columns(names: dict[str, tuple[str, str]]) -> set[str]:
    return {column for pair in names.values() for column in pair}


def _stations(frame: pd.DataFrame, path: Path | str) -> list[str]:
    """The station of each row: of its column, or as the name of its file begins."""
    named = next((name for name in _STATIONS if name in frame.columns), None)
    if named:
        return frame[named].fillna("").astype(str).tolist()
    if "fname" not in frame.columns:
        raise DataError(f"picks {path}: missing: station: {', '.join(_STATIONS)}, fname")
    return [_of_file(str(name), path) for name in frame["fname"]]


def _of_file(name: str, path: Path | str) -> str:
    match = _FILE.match(name.rsplit("/", 1)[-1])
    if match is None:
        raise DataError(
            f"picks {path}: fname {name!r} given; allowed: names that begin with NET.STA, or a"
            " column station"
        )
    return match[0]


def _numbers(cell: object, name: str, row: int, path: Path | str) -> list[float]:
    """The numbers of a cell, as in "[12 345]" or "[0.9, 0.8]"."""
    text = (
        ""
        if cell is None or cell != cell
        else str(cell).strip().removeprefix("[").removesuffix("]")
    )
    try:
        found = [float(word) for word in text.replace(",", " ").split()]
    except ValueError:
        found = [-1.0]
    if not all(0 <= one < np.inf for one in found):
        raise DataError(
            f"picks {path}: row {row}: {name} {str(cell)!r} given; allowed: numbers from 0 on in"
            " brackets, [12 345]"
        )
    return found
